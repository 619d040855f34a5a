"""What the page says of a run: status, log, result, and the filters of its first layer."""

import base64
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.data.image_set import load
from cifar_core.runs.records import Filters, Run
from cifar_core.runs.service import Service
from demo.tabs.train import run_watch
from demo.tabs.train.run_view import result_html, status_html
from demo.tabs.train.run_watch import RunWatch
from tests.helpers.markup import grid_images, text_of
from tests.helpers.run_steps import ANN, CONFIG, end, go_to, result_of
from tests.helpers.run_views import shown
from tests.helpers.runs import write_rows
from tests.helpers.tiny_data import tiny_splits


def test_the_log_ends_as_the_notebook_does(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 200)
    end(service, run, tiny)
    truths = [CLASSES[label] for label in tiny.test.labels[:4]]
    predicted = [CLASSES[(label + place % 2) % 10] for place, label in enumerate(tiny.test.labels[:4])]
    assert shown(service).log.splitlines()[-4:] == [
        "Finished Training",
        "GroundTruth:  " + " ".join(f"{name:>5s}" for name in truths),
        "Predicted:    " + " ".join(f"{name:>5s}" for name in predicted),
        "Accuracy of the network on the 120 test images: 25 %",  # 31 of 120, cut and not rounded
    ]


def test_a_stopped_run_says_where_and_how_good_it_is(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 120)
    end(service, run, tiny, "stopped")
    log = shown(service).log.splitlines()
    assert log[4] == "Stopped after 120 mini-batches"
    assert log[-1].endswith("25 %")


@pytest.mark.parametrize("state", ["diverged", "failed"])
def test_a_run_that_could_not_go_on_says_why(service: Service, tiny: Splits, state: str) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 30)
    write_rows(service.store, run.id, state=state, message="Too <i>bad</i>.", ended=1.0)
    view = shown(service)
    assert view.log.splitlines() == ["[1,    25] loss: 2.097", "Too <i>bad</i>."]  # in a text box
    assert "Too &lt;i&gt;bad&lt;/i&gt;." in view.status
    assert view.result == "" and view.state.commands == ("start", "train_on", "download")  # from its last checkpoint
    write_rows(service.store, run.id, checkpoint=-1)
    assert shown(service).state.commands == ("start",)


def test_a_run_whose_images_are_gone_is_still_shown(service: Service, tmp_path: Path) -> None:
    splits = tiny_splits(tmp_path / "data", 400, 120)
    failed, done = (service.start(ANN, CONFIG, splits) for _ in range(2))
    go_to(service, done, 200)
    end(service, done, splits)
    whole = shown(service, ANN, done.id)
    shutil.rmtree(splits.folder)
    write_rows(service.store, failed.id, state="failed", message="The data is gone.", ended=1.0)
    view = shown(service, ANN, failed.id)
    assert "The data is gone." in view.status and view.log == "The data is gone.\n"
    view = shown(service, ANN, done.id)
    assert (view.chart, view.status, view.weights) == (whole.chart, whole.status, whole.weights)
    assert view.log.endswith("Finished Training\nAccuracy of the network on the 120 test images: 25 %\n")
    assert "25.8\N{NO-BREAK SPACE}%" in view.result and "no longer" in view.result
    other = tiny_splits(splits.folder, 50, 20)  # another data set in the same place is not taken for it
    assert len(load(other.folder).train) == 50
    assert shown(service, ANN, done.id) == view


def test_the_result_shows_accuracy_each_class_and_the_first_four_images(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    markup = result_html(run, result_of(run, tiny), tiny)
    text = text_of(markup)
    assert "Accuracy on 120 test images: 25.8 %" in text
    assert "31 of them are predicted right" in text and "Guessing would give 10 %." in text
    rows = [text_of(row) for row in re.findall(r"<tr>(.*?)</tr>", markup, re.DOTALL)]
    shares = ["–", "100.0 %", *["12.5 %"] * 8]
    assert rows == [f"{name} {share}" for name, share in zip(CLASSES, shares, strict=True)]
    assert re.findall(r'class="caption">(.)', markup) == ["✓", "✗", "✓", "✗"]
    assert np.array_equal(grid_images(markup), tiny.test.images[:4])
    assert result_html(run, None, tiny) == ""


def test_the_status_tells_state_progress_and_pace(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    assert "Starting" in status_html(run) and "step 0 of 200" in status_html(run)
    go_to(service, run, 150)
    run = service.find(run.id)
    assert text_of(status_html(run)) == "Training epoch 2 of 2 · step 150 of 200 · 4,000 images/s · 0 s left"
    assert 'aria-valuenow="75"' in status_html(run)
    slow = text_of(status_html(replace(run, speed=0.5)))
    assert slow.endswith("0 images/s · 6 min 40 s left")
    assert "left" not in status_html(replace(run, speed=0.0))
    paused = text_of(status_html(replace(run, state="paused", paused=1.0, speed=0.0)))
    assert paused == "Paused epoch 2 of 2 · step 150 of 200"
    assert "120 test images" in status_html(replace(run, state="testing", tested=120))
    stopped = replace(run, state="stopped", ended=9.0, busy=5.0, message="Stopped: too <long>.")
    assert text_of(status_html(stopped)).endswith("5 s of work · Stopped: too <long>.")
    assert text_of(status_html(replace(run, state="done", ended=9.0, busy=125.0))).endswith("2 min 05 s of work")


def first_layer(service: Service, run: Run, step: int, weight: float) -> None:
    """Write the first layer as a worker does: all zero but one weight, the green of filter 2 in the upper left."""
    weights = np.zeros((6, 3, 5, 5), np.float32)
    weights[1, 1, 0, 0] = weight
    write_rows(service.store, run.id, filters=Filters(step, weights))


def test_the_six_filters_are_shown_in_their_colours_with_their_step(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 10)
    assert shown(service).filters == ""
    first_layer(service, run, 1200, -0.5)
    markup = shown(service).filters
    tiles = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(url)))) for url in re.findall(r"base64,([^\"]+)", markup)
    ]
    assert [tile.shape for tile in tiles] == [(5, 5, 3)] * 6
    assert tiles[1][0, 0].tolist() == [128, 1, 128]
    assert {colour for tile in tiles for colour in tile.reshape(-1).tolist()} == {128, 1}
    assert 'aria-label="The six filters of the first layer at step 1,200"' in markup
    assert len(markup) < 3000


def test_the_filters_are_read_once_a_second_and_at_each_turn_of_the_run(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_watch, "FILTERS_EVERY", 1000.0)
    run, watch = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN)
    steps = []
    for step in (10, 20, 30):
        first_layer(service, run, step, 0.5)
        go_to(service, run, step)
        steps.append(watch.look().filters)
    assert "step 10: " in text_of(steps[0]) and steps[0] == steps[1] == steps[2]
    assert "step 30: " in text_of(shown(service).filters)
    monkeypatch.setattr(run_watch, "FILTERS_EVERY", 0.0)
    go_to(service, run, 35)
    assert "step 30: " in text_of(watch.look().filters)
    monkeypatch.setattr(run_watch, "FILTERS_EVERY", 1000.0)
    first_layer(service, run, 40, 0.5)
    write_rows(service.store, run.id, state="testing", ending="done", paused=None)
    assert "step 40: " in text_of(watch.look().filters)
    end(service, run, tiny)
    assert "step 40: " in text_of(watch.look().filters)


def test_another_run_brings_its_own_filters(service: Service, tiny: Splits) -> None:
    run, watch = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN)
    first_layer(service, run, 10, 0.5)
    go_to(service, run, 10)
    assert watch.look().filters
    service.start(ANN, CONFIG, tiny)
    assert watch.look().filters == ""
