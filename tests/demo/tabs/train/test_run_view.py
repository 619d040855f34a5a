"""What the page shows: of a run, always the same whoever looks and since when; and its words, pictures and figures."""

import base64
import io
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import CHANGEABLE, CLASSES, TrainConfig
from cifar_core.data import Splits
from cifar_core.data.browse import image_facts, page_of
from cifar_core.data.image_set import ImageSet, load, save
from cifar_core.data.source import DataSource
from cifar_core.errors import ConfigError, StoreError
from cifar_core.prediction import ClassScore, Prediction
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import ACTIVE, Filters, Point, Run, State, TestResult, WorkerInfo
from cifar_core.runs.service import Service
from cifar_core.training.events import Changed, Reported, Validated
from demo.setup.settings import NAMES, limits_sentence, page_config, plan_sentence
from demo.tabs.browse.view import detail_html, page_html
from demo.tabs.classify.view import prediction_html, upload_prediction_html
from demo.tabs.train import run_view
from demo.tabs.train.run_view import RunWatch, View, result_html, status_html
from demo.tabs.train.tab import buttons_for, owner_key_of, told_of
from demo.widgets.chart import chart_head, chart_marks, chart_points, chart_validations
from demo.widgets.enlarged import enlarged
from demo.widgets.figures import class_counts
from demo.widgets.format import STATES, duration, percent
from demo.widgets.image_grid import grid_html
from demo.widgets.templates import data_url, message_box
from tests.helpers.tiny_data import tiny_splits

ANN, BOB = "ann" * 8, "bob" * 8
CONFIG = TrainConfig(epochs=2, report_every=25)
"""200 mini-batches of 4 from 400 images, a line every 25"""
SHOWN = {name: getattr(TrainConfig(), name) for name in NAMES}
"""the settings as the page first shows them"""
EVIL = ("<b>", "a&b", '"q"', "$x$", "<script>alert(1)</script>", "'", "six", "seven", "eight", "\u0147\u0119t")


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests do what workers write."""
    return Service(tmp_path / "runs", limits=Limits(steps=1000))


@pytest.fixture
def evil(tmp_path: Path, tiny: Splits) -> Splits:
    """Splits whose class names would break a page that trusted them."""
    train, test = (ImageSet(part.images, part.labels, EVIL, part.split) for part in tiny)
    return save(tmp_path / "evil", train, test, tiny.info)


def go_to(service: Service, run: Run, step: int) -> None:
    """Write what a worker writes when it comes to `step`."""
    done = service.find(run.id).step
    points = [Point(at, 4 * at, 2.3 - at / 123) for at in range(done + 1, step + 1)]
    reports = [Reported(p.step, 1 + p.step // 101, (p.step - 1) % 100 + 1, p.loss) for p in points if not p.step % 25]
    probes = [Validated(p.step, p.images, min(p.step // 4, 60), 60) for p in points if not p.step % 25]
    at: dict[str, Any] = {"step": step, "epoch": 1 + step // 101, "seen": 4 * step, "speed": 4000.0, "checkpoint": step}
    service.store.update(run.id, points=points, reports=reports, probes=probes, state="running", **at)


def result_of(run: Run, splits: Splits, correct: int = 31) -> TestResult:
    """A test in which the first four predictions are right, wrong, right, wrong."""
    first = [int(label + place % 2) % 10 for place, label in enumerate(splits.test.labels[:4])]
    return TestResult(run.step, correct, 120, (None, 1.0, *(0.125,) * 8), tuple(first))


def end(service: Service, run: Run, splits: Splits, state: str = "done") -> None:
    """Write what a worker writes behind the last step: the test and the end."""
    run = service.find(run.id)
    service.store.update(run.id, state="testing", ending=state, tested=100)
    service.store.add_result(run.id, result_of(run, splits))
    service.store.update(run.id, state=state, tested=120, ended=run.created + 125)


def shown(service: Service, owner: str = ANN, asked: str = "") -> View:
    """What a page that has just been opened shows."""
    return RunWatch(service, owner, asked).look()


def drawn(chart: str) -> tuple[str, list[str], list[str], list[str]]:
    """What a browser draws of a chart's value: head, points, probes and marks. How they are mixed tells it nothing."""
    assert chart.endswith(";")
    head, *rows = chart.split(";")[:-1]
    probes, marks = ([row for row in rows if row.startswith(kind)] for kind in ("a,", "c,"))
    return head, [row for row in rows if row not in (*probes, *marks)], probes, marks


def same(view: View, other: View) -> bool:
    """Whether two pages show the same."""
    return drawn(view.chart) == drawn(other.chart) and replace(view, chart="") == replace(other, chart="")


def text_of(markup: str) -> str:
    """What is to be read of some HTML."""
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", " ", markup)).strip()


# ------------------------------------------------------------------------------------------------ which run is shown


def test_before_the_first_run_the_page_says_what_to_do(service: Service) -> None:
    view = shown(service)
    assert view == View(status=view.status)
    assert view.commands == frozenset()
    assert "No training yet" in view.status


def test_the_newest_run_of_ones_own_is_followed(service: Service, tiny: Splits) -> None:
    for owner in (ANN, ANN, BOB):
        service.start(owner, CONFIG, tiny)
    newest = service.runs_of(ANN)[0]
    view = shown(service)
    assert view.run == newest
    assert view.mine and "stop" in view.commands


def test_anyone_may_watch_a_run_by_its_address_and_nobody_else_command_it(service: Service, tiny: Splits) -> None:
    own, foreign = service.start(ANN, CONFIG, tiny), service.start(BOB, CONFIG, tiny)
    go_to(service, foreign, 30)
    watched, commanded = shown(service, ANN, foreign.id), shown(service, BOB, foreign.id)
    assert watched.run is not None and watched.run.id == foreign.id
    assert not watched.mine and not watched.commands
    assert commanded.mine and commanded.commands == {"stop", "pause", "change"}
    assert (watched.chart, watched.log) == (commanded.chart, commanded.log)
    assert BOB not in repr(watched)
    assert "stop" in shown(service, ANN, own.id).commands
    end(service, foreign, tiny)
    assert not shown(service, ANN, foreign.id).commands
    assert shown(service, BOB, foreign.id).commands == {"train_on"}


def test_a_newly_started_run_takes_the_page_over(service: Service, tiny: Splits) -> None:
    foreign = service.start(BOB, CONFIG, tiny)
    go_to(service, foreign, 60)
    end(service, foreign, tiny)
    watch = RunWatch(service, ANN, foreign.id)
    assert watch.look().result
    for step in (70, 10):  # whether it is further than the one before or not
        run = service.start(ANN, replace(CONFIG, epochs=4), tiny)
        go_to(service, run, step)
        view = watch.look()
        assert view == shown(service, ANN)
        assert view.run is not None and view.run.id == run.id
        assert view.mine and view.result == "" and len(drawn(view.chart)[1]) == step
    service.start(BOB, CONFIG, tiny)  # somebody else's does not
    assert watch.look() == view


def test_an_unknown_run_is_told_in_a_sentence(service: Service, tiny: Splits) -> None:
    watch = RunWatch(service, ANN, "<b>no such run</b>")
    view = watch.look()
    assert text_of(view.status) == "There is no such run; check its id, or it may have been removed."
    assert (view.run, view.commands) == (None, frozenset())
    run = service.start(ANN, CONFIG, tiny)
    assert watch.look().run == run


# ------------------------------------------------------------------------------------------------ how it is followed


def test_the_chart_only_grows_while_a_run_goes_on(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    charts = [watch.look().chart]
    assert charts == [chart_head(run)] == ["2,400;"]
    for step in (1, 2, 2, 50, 51, 200):
        go_to(service, run, step)
        if step == 50:
            service.store.update(run.id, changes=[Changed(50, 200, "lr", 0.01, 200)])
        charts.append(watch.look().chart)
    end(service, run, tiny)
    charts += [watch.look().chart, watch.look().chart]
    for before, after in zip(charts, charts[1:], strict=False):
        assert after.startswith(before)
    head, points, probes, marks = drawn(charts[-1])
    rows = [row.split(",") for row in points]
    assert head == "2,400"
    assert [(int(step), int(images)) for step, images, *_ in rows] == [(step, 4 * step) for step in range(1, 201)]
    assert [float(loss) for _, _, loss, _ in rows] == pytest.approx(
        [2.3 - step / 123 for step in range(1, 201)], abs=1e-3
    )
    assert probes == [f"a,{4 * step},{step // 4 / 60:.4g}" for step in range(25, 201, 25)]
    assert marks == ["c,200,learning rate 0.01"]


def test_a_view_stays_equal_while_nothing_happens(service: Service, tiny: Splits) -> None:
    watch = RunWatch(service, ANN)
    assert watch.look() == watch.look()
    run = service.start(ANN, CONFIG, tiny)
    first = watch.look()
    assert watch.look() == first
    go_to(service, run, 30)
    second = watch.look()
    assert watch.look() == second != first
    end(service, run, tiny)
    third = watch.look()
    assert watch.look() == third != second


def test_who_comes_in_the_middle_sees_what_the_others_see(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    from_the_start = RunWatch(service, ANN)
    watches = [from_the_start]

    def all_see_the_same() -> View:
        watches.append(RunWatch(service, ANN, run.id))  # a refreshed page
        view = from_the_start.look()
        assert all(same(watch.look(), view) for watch in watches)
        return view

    for changed, step in enumerate((0, 1, 30, 100, 101, 200), 1):
        go_to(service, run, step)
        view = all_see_the_same()
        service.store.update(run.id, changes=[Changed(step, 4 * step, "momentum", 0.9 - step / 400, 200)])
        assert len(drawn(all_see_the_same().chart)[3]) == changed
    assert view.log.splitlines()[::7] == ["[1,    25] loss: 2.097", "[2,   100] loss: 0.674"]
    end(service, run, tiny)
    view = all_see_the_same()
    assert view.result and view.log.count("Finished Training") == 1


def test_steps_that_are_done_again_are_shown_once(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 90)
    watch.look()
    service.store.forget_after(run.id, 40)  # the worker was killed, its successor takes the run up
    assert watch.look().run is not None
    service.store.update(run.id, step=40)
    go_to(service, run, 60)
    view = watch.look()
    assert same(view, shown(service))
    assert view.log.count("\n") == 2
    assert len(drawn(view.chart)[2]) == 2
    go_to(service, run, 200)
    assert same(watch.look(), shown(service))


def test_probes_and_marks_are_shown_once_even_if_the_steps_are_done_again_between_two_looks(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 90)
    change = Changed(60, 240, "lr", 0.01, 200)
    service.store.update(run.id, changes=[change])
    watch.look()
    service.store.forget_after(run.id, 40)
    watch.look()
    service.store.update(run.id, step=40, changes=[change])
    go_to(service, run, 120)
    view = watch.look()
    assert drawn(view.chart)[2] == drawn(shown(service).chart)[2]
    assert len(drawn(view.chart)[3]) == 1


def test_several_changes_at_one_step_are_all_marked_in_whatever_order_they_are_told(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 50)
    for name, value in (("lr", 0.01), ("batch_size", 16.0), ("momentum", 0.5)):  # the store gives them by name
        service.store.update(run.id, changes=[Changed(50, 200, name, value, 88)])
        view = watch.look()
    assert sorted(drawn(view.chart)[3]) == ["c,200,batch 16", "c,200,learning rate 0.01", "c,200,momentum 0.5"]
    assert watch.look() is view


def test_a_run_that_trains_on_is_told_anew_and_its_result_waits_for_the_end(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 200)
    end(service, run, tiny)
    ended = watch.look()
    service.train_on(ANN, run.id, 2)
    view = watch.look()
    assert same(view, shown(service))
    assert (view.result, view.weights, *view.commands) == ("", None, "stop")
    assert view.log == ended.log[: ended.log.index("Finished")]
    head, points, probes, marks = drawn(view.chart)
    assert (head, marks) == ("4,400", ["c,800,epochs 4"])
    without_mean = [row.rsplit(",", 1)[0] for row in points]  # a longer run is smoothed over more images
    assert without_mean == [row.rsplit(",", 1)[0] for row in drawn(ended.chart)[1]]
    assert probes == drawn(ended.chart)[2]
    assert "step 200 of 400" in view.status
    go_to(service, run, 400)
    assert same(watch.look(), shown(service))
    end(service, run, tiny)
    view = watch.look()
    assert same(view, shown(service))
    assert view.log.count("Finished Training") == 1 and view.log.startswith(ended.log.splitlines()[0])
    assert view.result and view.weights == service.store.folder / run.id / "400.pth"
    assert view.commands == {"train_on"}


def test_a_stopped_run_that_trains_on_to_its_first_goal_is_told_anew_too(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 50)
    end(service, run, tiny, "stopped")
    watch.look()
    service.train_on(ANN, run.id, 2)
    assert service.find(run.id).config == run.config
    view = watch.look()
    assert same(view, shown(service))
    assert "Stopped" not in view.log


def test_a_page_that_missed_the_end_between_two_looks_has_the_longer_axis_all_the_same(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 200)
    watch.look()
    end(service, run, tiny)
    service.train_on(ANN, run.id, 3)
    go_to(service, run, 201)
    view = watch.look()
    assert drawn(view.chart)[0] == "5,400"
    assert same(view, shown(service))


def test_a_run_that_trained_on_and_failed_does_not_boast_with_its_earlier_result(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 200)
    end(service, run, tiny)
    service.train_on(ANN, run.id, 2)
    go_to(service, run, 230)
    service.store.update(run.id, state="diverged", message="Too large.", ended=1.0)
    view = shown(service)
    assert view.result == ""
    assert view.log.endswith("\nToo large.\n") and "Accuracy" not in view.log


def test_what_the_owner_may_command_follows_from_the_state(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    expected = {"waiting": {"stop"}, "running": {"stop", "pause", "change"}, "paused": {"stop", "resume", "change"}}
    ended: tuple[State, ...] = ("done", "stopped", "diverged", "failed")
    for state in (*ACTIVE, *ended):
        service.store.update(run.id, state=state, checkpoint=-1)
        assert shown(service).commands == expected.get(state, set())
        service.store.update(run.id, checkpoint=0)
        assert shown(service).commands == expected.get(state, {"train_on"} if state in ended else set())
    assert set(STATES) == {*ACTIVE, *ended}


def test_the_weights_are_offered_when_the_run_has_ended(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 50)
    assert shown(service).weights is None
    end(service, run, tiny, "stopped")
    assert shown(service).weights == service.store.folder / run.id / "50.pth"
    service.store.update(run.id, checkpoint=-1)
    assert shown(service).weights is None


# ------------------------------------------------------------------------------------------------ the end of a run


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
    service.store.update(run.id, state=state, message="Too <i>bad</i>.", ended=1.0)
    view = shown(service)
    assert view.log.splitlines() == ["[1,    25] loss: 2.097", "Too <i>bad</i>."]  # in a text box
    assert "Too &lt;i&gt;bad&lt;/i&gt;." in view.status
    assert view.result == "" and view.commands == {"train_on"}  # from its last checkpoint
    service.store.update(run.id, checkpoint=-1)
    assert shown(service).commands == frozenset()


def test_a_run_whose_images_are_gone_is_still_shown(service: Service, tmp_path: Path) -> None:
    splits = tiny_splits(tmp_path / "data", 400, 120)
    failed, done = (service.start(ANN, CONFIG, splits) for _ in range(2))
    go_to(service, done, 200)
    end(service, done, splits)
    whole = shown(service, ANN, done.id)
    shutil.rmtree(splits.folder)
    service.store.update(failed.id, state="failed", message="The data is gone.", ended=1.0)
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
    assert "Accuracy on 120 test images: 25.8\N{NO-BREAK SPACE}%" in text
    assert "31 of them are answered right" in text and "Guessing would give 10 %." in text
    rows = [text_of(row) for row in re.findall(r"<tr>(.*?)</tr>", markup)]
    assert rows == [f"{name} {percent(share)}" for name, share in zip(CLASSES, (None, 1.0, *(0.125,) * 8), strict=True)]
    assert re.findall(r'class="caption">(.)', markup) == ["✓", "✗", "✓", "✗"]
    assert np.array_equal(pictures_in(markup), tiny.test.images[:4])
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
    assert text_of(status_html(stopped)).endswith("5 s of work · Stopped: too &lt;long&gt;.")
    assert text_of(status_html(replace(run, state="done", ended=9.0, busy=125.0))).endswith("2 min 05 s of work")


# ------------------------------------------------------------------------------------------------ what a page is sent


PARTS = ("following", "commands", "status", "chart", "filters", "story", "log", "result")


def test_a_page_is_told_texts_of_which_only_the_new_ones_differ(service: Service, tiny: Splits) -> None:
    run, watch, before = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN), [""] * len(PARTS)

    def new() -> dict[str, str]:
        nonlocal before
        told = told_of(watch.look())
        differing = {name: text for name, text, old in zip(PARTS, told, before, strict=True) if text != old}
        assert all(text.startswith(before[PARTS.index("chart")]) for name, text in differing.items() if name == "chart")
        before = told
        return differing

    assert new() | {"status": "", "chart": "", "story": ""} == {
        "following": run.id,
        "commands": "start stop",
        "status": "",
        "chart": "",
        "story": "",
    }
    assert new() == {}
    go_to(service, run, 10)
    running = new()
    assert set(running) == {"commands", "status", "chart"} and running["commands"] == "start change pause stop"
    go_to(service, run, 20)
    assert set(new()) == {"status", "chart"}
    service.store.update(run.id, state="paused", paused=1.0)
    resting = new()
    assert set(resting) == {"commands", "status"} and resting["commands"] == "start change resume stop"
    service.store.update(run.id, changes=[Changed(20, 80, "lr", 0.01, 200)])
    assert set(new()) == {"chart"}
    service.store.update(run.id, state="testing", ending="done", paused=None)
    assert new()["commands"] == "start"
    end(service, run, tiny)
    assert new()["commands"] == "start train_on weights"


# ------------------------------------------------------------------------------------------------ the first layer


def first_layer(service: Service, run: Run, step: int, weight: float) -> None:
    """Write the first layer as a worker does: all zero but one weight, the green of filter 2 in the upper left."""
    weights = np.zeros((6, 3, 5, 5), np.float32)
    weights[1, 1, 0, 0] = weight
    service.store.update(run.id, filters=Filters(step, weights))


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
    monkeypatch.setattr(run_view, "FILTERS_EVERY", 1000.0)
    run, watch = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN)
    steps = []
    for step in (10, 20, 30):
        first_layer(service, run, step, 0.5)
        go_to(service, run, step)
        steps.append(watch.look().filters)
    assert "step 10: " in text_of(steps[0]) and steps[0] == steps[1] == steps[2]
    assert "step 30: " in text_of(shown(service).filters)
    monkeypatch.setattr(run_view, "FILTERS_EVERY", 0.0)
    go_to(service, run, 35)
    assert "step 30: " in text_of(watch.look().filters)
    monkeypatch.setattr(run_view, "FILTERS_EVERY", 1000.0)
    first_layer(service, run, 40, 0.5)
    service.store.update(run.id, state="testing", ending="done", paused=None)
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


def test_the_buttons_follow_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    names = ("start", "pause", "stop", "apply", "train_on", "weights")

    def buttons(commands: str, weights: Path | None = None) -> dict[str, Any]:
        return dict(zip(names, buttons_for(commands, weights), strict=True))

    def pressable(commands: str) -> set[str]:
        return {name for name, button in buttons(commands).items() if button.interactive}

    assert pressable("") == set()
    assert pressable("start stop") == {"start", "stop"}
    assert pressable("start change pause stop") == {"start", "apply", "pause", "stop"}
    assert pressable("start train_on") == {"start", "train_on"}
    assert buttons("start pause")["pause"].value == "Pause"
    assert buttons("start resume")["pause"].value == "Resume" and buttons("start resume")["pause"].interactive
    file = tmp_path / "20.pth"
    file.write_bytes(b"weights")
    offered = buttons("start weights", file)["weights"]
    assert offered.interactive and Path(offered.value["path"]).read_bytes() == b"weights"


def test_trouble_with_the_store_is_told_and_what_was_shown_stays(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, watch = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN)
    go_to(service, run, 20)
    shown = watch.look()

    def locked(*_: object, **__: object) -> None:
        raise StoreError("The runs are held by another program just now; try again in a moment.")

    with monkeypatch.context() as patch:
        patch.setattr(service.store, "snapshot", locked)
        during = watch.look()
    assert "held by another program" in during.status and (during.chart, during.run) == (shown.chart, shown.run)
    assert watch.look().status == shown.status


def test_the_pages_settings_make_a_recipe_with_a_line_every_8000_images() -> None:
    assert page_config(SHOWN, 50_000) == TrainConfig()
    as_a_browser_sends = SHOWN | {"epochs": 3.0, "batch_size": 32.0, "lr": 1, "seed": 7.0}
    expected = TrainConfig(epochs=3, batch_size=32, lr=1.0, seed=7, report_every=250)
    assert page_config(as_a_browser_sends, 50_000) == expected
    assert page_config(SHOWN | {"batch_size": 1024}, 50_000).report_every == 7


def test_on_small_data_the_log_has_lines_too() -> None:
    assert page_config(SHOWN, 400).report_every == 20
    assert page_config(SHOWN | {"batch_size": 100}, 400).report_every == 1
    assert page_config(SHOWN, 2).report_every == 1


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("epochs", None, "Epochs"),
        ("epochs", "2", "Epochs"),
        ("lr", float("nan"), "Learning rate"),
        ("batch_size", 2.5, "Batch size"),
        ("augment", ["none"], "Augmentation"),
        ("device", "tpu", "Device"),
        ("stop_rule", "never", "Stop rule"),
        ("patience", 0, "Patience"),
        ("target_accuracy", 101, "Target accuracy"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: Any, label: str) -> None:
    with pytest.raises(ConfigError, match=f"^{label} must be "):
        page_config(SHOWN | {name: value}, 400)


def test_the_plan_tells_what_the_settings_mean_on_this_data(service: Service, tiny: Splits) -> None:
    source = DataSource(tiny)
    assert plan_sentence(service, source, TrainConfig()) == (
        "2 × 400 images in mini-batches of 4: 200 updates of the weights, a line in the log every 2,000."
    )
    words = plan_sentence(service, source, TrainConfig(epochs=11))
    assert words.endswith("That is more than the 1,000 updates that one run may have here.")


def test_the_plan_tells_ones_share_and_the_time_it_takes_now(service: Service, tiny: Splits) -> None:
    source, config = DataSource(tiny), TrainConfig(epochs=4, batch_size=8)
    assert "yours would get" not in plan_sentence(service, source, config)
    service.store.sign_in(0, WorkerInfo(11, "cpu", "A processor", "", ("cpu",), 0.1, 0.01))
    work = 200 * 0.1 + 4 * 400 * 0.01  # seconds of mini-batches and of images
    workers = service._pool.count
    for going in range(4):
        words = plan_sentence(service, source, config)
        runs = ("No run is going", "1 run is active", "2 runs are going", "3 runs are going")[going]
        others = going // workers  # on the worker that has the fewest
        share = ("a whole core", "half a core", "a third of a core", "a quarter of a core")[others]
        assert words.endswith(f" {runs}: yours would get {share} and take about {duration(work * (1 + others))}.")
        service.start(ANN, CONFIG, tiny)
    for run in service.runs_of(ANN)[:3]:
        service.store.update(run.id, state="paused")
    assert "1 run is active" in plan_sentence(service, source, config)  # those that rest take no part


def test_the_plan_tells_that_the_run_would_be_stopped(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, limits=Limits(minutes=10))
    service.store.sign_in(0, WorkerInfo(11, "cpu", "A processor", "", ("cpu",), 1.0, 0.0))
    source, told = DataSource(tiny), " A run is stopped after 10 minutes of work."
    assert not plan_sentence(service, source, TrainConfig(epochs=6)).endswith(told)
    service.start(ANN, CONFIG, tiny)  # its turns are not counted
    assert not plan_sentence(service, source, TrainConfig(epochs=6)).endswith(told)
    assert plan_sentence(service, source, TrainConfig(epochs=7)).endswith(told)


def test_the_page_tells_the_limits_that_a_visitor_can_meet() -> None:
    limits = Limits(steps=1_234, minutes=56, paused_minutes=78, active_per_owner=3, kept_per_owner=21, days=9)
    words = limits_sentence(limits)
    for said in ("1,234 updates", "56 minutes of work", "rest for 78", "3 runs going", "newest 21 ended", "9 days"):
        assert said in words


def test_a_browser_keeps_its_owner_key_and_a_new_one_is_unguessable(service: Service, tiny: Splits) -> None:
    assert owner_key_of(ANN) == ANN
    useless: tuple[Any, ...] = (None, "", "short", "x" * 101, 7, ["x"] * 20, "\ud800" * 20, "\u00e9" * 20)
    new = {owner_key_of(stored) for stored in useless}
    assert len(new) == 8 and all(len(key) >= 32 for key in new)
    for key in new:
        assert service.start(key, CONFIG, tiny).active


# ------------------------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (7.6, "8 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (4200, "1 h 10 min"),
        (90_000, "25 h 00 min"),
    ],
)
def test_a_duration_is_said_as_a_person_says_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_share_is_said_in_percent() -> None:
    assert [percent(share) for share in (0, 0.5494, 1, None)] == [
        "0.0\N{NO-BREAK SPACE}%",
        "54.9\N{NO-BREAK SPACE}%",
        "100.0\N{NO-BREAK SPACE}%",
        "–",
    ]


def test_a_note_is_text_in_a_box() -> None:
    assert message_box("a <b> & c", "error") == '<div class="note error" role="alert">a &lt;b&gt; &amp; c</div>'
    assert 'role="status"' in message_box("all is well")
    assert text_of(message_box("")) == ""


def test_parts_of_the_chart_are_short_and_end_with_a_semicolon() -> None:
    assert chart_points([], []) == chart_validations([]) == chart_marks([]) == ""
    points = [Point(2, 8, 2.302585), Point(2000, 8000, 1e-5), Point(2001, 8004, 3e26)]
    means = [(0.1, 2.302585), (0.2, 1.25), (0.3, 1e26)]
    assert chart_points(points, means) == "2,8,2.303,2.303;2000,8000,1e-05,1.25;2001,8004,3e+26,1e+26;"
    assert (
        chart_validations([Validated(2000, 8000, 541, 1000), Validated(4000, 16000, 2, 3)])
        == "a,8000,0.541;a,16000,0.6667;"
    )
    values = (("lr", 0.00001), ("momentum", 0.99), ("batch_size", 1024.0), ("epochs", 12.0))
    changes = [Changed(2000, 8000, name, value, 9000) for name, value in values]
    assert chart_marks(changes) == (
        "c,8000,learning rate 1e-05;c,8000,momentum 0.99;c,8000,batch 1024;c,8000,epochs 12;"
    )


def test_every_setting_that_may_change_has_a_name_on_the_curve() -> None:
    for name in (*CHANGEABLE, "epochs"):
        mark = chart_marks([Changed(1, 4, name, 1, 9)])
        assert mark.count(",") == 2 and mark.count(";") == 1 and "_" not in mark


# ------------------------------------------------------------------------------------------------ pictures


def decoded(url: str) -> np.ndarray:
    """The picture in a data link: uint8 (H, W, 3)."""
    head, content = url.split(",", 1)
    assert head == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(content, validate=True)))
    assert (picture.format, picture.mode) == ("PNG", "RGB")
    return np.asarray(picture)


def pictures_in(markup: str) -> np.ndarray:
    """The pictures of a grid, cut from its sheet as a browser does: uint8 (N, 32, 32, 3)."""
    (url,) = re.findall(r"--sheet:url\((.*?)\)", markup)
    ((across, down),) = re.findall(r"--size:(\d+)% (\d+)%", markup)
    image_grid, across, down = decoded(url), int(across) // 100, int(down) // 100
    assert image_grid.shape == (32 * down, 32 * across, 3)
    pictures = []
    for x, y in re.findall(r"background-position:([\d.]+)% ([\d.]+)%", markup):
        # p percent puts the point at p percent of the sheet onto the point at p percent of the cell
        left, top = (float(p) / 100 * 32 * (cells - 1) for p, cells in ((x, across), (y, down)))
        assert abs(left - round(left)) < 0.01 and abs(top - round(top)) < 0.01
        pictures.append(image_grid[round(top) : round(top) + 32, round(left) : round(left) + 32])
    return np.stack(pictures)


@pytest.mark.parametrize(("count", "columns"), [(1, 4), (3, 4), (4, 4), (7, 3), (36, 6), (100, 10), (99, 10), (5, 1)])
def test_each_cell_of_a_grid_shows_exactly_its_image(tiny: Splits, count: int, columns: int) -> None:
    images, captions = tiny.train.images[:count], [f"caption {place}" for place in range(count)]
    markup = grid_html(images, captions, range(300, 300 + count), columns=columns)
    assert np.array_equal(pictures_in(markup), images)
    assert re.findall(r'data-index="(\d+)"', markup) == [str(300 + place) for place in range(count)]
    assert re.findall(r'class="caption">(.*?)<', markup) == captions == re.findall(r'aria-label="(.*?)"', markup)


def test_an_empty_grid_says_so(tiny: Splits) -> None:
    assert text_of(grid_html(tiny.train.images[:0], [], [], columns=4)) == "There is nothing to show."


def test_an_enlarged_picture_has_the_very_pixels(tiny: Splits) -> None:
    image = tiny.train.images[5]
    assert np.array_equal(decoded(data_url(image)), image)
    (url,) = re.findall(r'src="(.*?)"', enlarged(image, "alt"))
    assert np.array_equal(decoded(url), image)


def test_a_page_of_pictures_shows_those_of_the_page(tiny: Splits) -> None:
    page = page_of(tiny.train, number=3, per_page=16, classes=("cat", "ship"), seed=5)
    markup = page_html(tiny.train, page)
    assert np.array_equal(pictures_in(markup), tiny.train.images[list(page.indices)])
    assert set(re.findall(r'class="caption">(.*?)<', markup)) == {"cat", "ship"}
    assert f'aria-label="{CLASSES[tiny.train.labels[page.indices[0]]]}, image {page.indices[0]}"' in markup


def test_the_detail_tells_what_becomes_of_a_picture(tiny: Splits) -> None:
    facts = image_facts(tiny.train, 7)
    markup = detail_html(tiny.train, facts)
    for word in ("torch.Size([3, 32, 32])", "torch.float32", f"{facts.label} = {facts.name}", "uint8"):
        assert word in text_of(markup)
    (url,) = re.findall(r'src="(.*?)"', markup)
    assert np.array_equal(decoded(url), tiny.train.images[7])


# ------------------------------------------------------------------------------------------------ figures and names


def test_the_figure_tells_every_classs_count_and_brings_no_rules_for_the_page() -> None:
    counts = [5000 + 7 * place for place in range(10)]
    figure = class_counts(CLASSES, counts)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", figure)
    label = re.findall(r'aria-label="([^"]*)"', figure)[0]
    for name, count in zip(CLASSES, counts, strict=True):
        assert name in texts and f"{count:,}" in texts
        assert f"{name} {count:,}" in label
    for tag in ("<style", "<metadata", "<?xml", "<!DOCTYPE", "#010203"):
        assert tag not in figure
    assert "currentColor" in figure
    assert class_counts(CLASSES, counts) == figure


@pytest.mark.parametrize("part", ["result", "page", "detail", "answer", "figure"])
def test_no_class_name_is_taken_for_markup(service: Service, evil: Splits, part: str) -> None:
    train, test = evil.train, evil.test
    if part == "result":
        run = service.start(ANN, CONFIG, evil)
        markup = result_html(run, result_of(run, evil), evil)
    elif part == "page":
        markup = page_html(train, page_of(train))
    elif part == "detail":
        markup = "".join(detail_html(train, image_facts(train, index)) for index in range(36))
    elif part == "answer":
        answer = Prediction(tuple(ClassScore(name, float(place), 0.1) for place, name in enumerate(EVIL)))
        markup = "".join(prediction_html(answer, test.images[0], index=0, truth=name) for name in EVIL)
        markup += upload_prediction_html(answer, test.images[0], None)
    else:
        markup = class_counts(EVIL, train.counts().tolist())
    reader = Reader()
    reader.feed(markup)
    assert "script" not in reader.tags
    assert all(re.fullmatch(r"[a-z:]+[a-z1-9-]*", name) for name in reader.attributes)
    texts = {re.sub(r"^([✓✗]|\d =) ", "", text) for text in reader.texts}
    assert {"<b>", "a&b", '"q"', "$x$", "<script>alert(1)</script>", "'"} <= texts


class Reader(HTMLParser):
    """What a browser makes of some HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data: str) -> None:
        self.texts.add(data.strip())
