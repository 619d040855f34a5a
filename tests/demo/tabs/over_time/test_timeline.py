"""Over time: what the player is given agrees with the frames, and what is special is said in a sentence."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits, image_set
from cifar_core.data.image_set import ImageSet
from cifar_core.data.source import DataSource
from cifar_core.errors import RunError
from cifar_core.runs.records import Frame, FrameTime, Run
from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.tabs.over_time.timeline import (
    about_html,
    frame_title,
    image_inside,
    most_predicted,
    news_of,
    run_choices,
    timeline_json,
    timeline_of,
    version_of,
)
from demo.widgets.look_at import LookAt
from tests.helpers.markup import images_in, text_of
from tests.helpers.runs import write_rows
from tests.helpers.tiny_data import tiny_splits

ANN = "ann" * 8
CONFIG = TrainConfig(epochs=2)
ROOT = Path(__file__).parents[4]


@pytest.fixture
def nets(tmp_path: Path, tiny: Splits) -> NetRegistry:
    """Nets of a service without workers: the tests do what workers write."""
    return NetRegistry(Service(tmp_path / "runs"), DataSource(tiny))


def frame_at(step: int, *, images: int = 120, shown: int = 4, classes: int = 10) -> Frame:
    """Return a frame of numbers that look like those of a Net; the same for the same step."""
    rng = np.random.default_rng(step)
    confusion = rng.multinomial(images // classes, np.ones(classes) / classes, classes).astype(np.int64)
    probabilities = rng.dirichlet(np.ones(classes), shown).astype(np.float32)
    return Frame(step, 4 * step, confusion, probabilities, rng.normal(0, 0.3, (6, 3, 5, 5)).astype(np.float32))


def save_frames(nets: NetRegistry, run: Run, *steps: int, **row: Any) -> tuple[Frame, ...]:
    """Write frames of these steps as a worker does; return all that are stored."""
    values: dict[str, Any] = {
        "state": "running",
        "step": steps[-1],
        "seen": 4 * steps[-1],
        "checkpoint": steps[-1],
    } | row
    write_rows(nets.service.store, run.id, frames=[frame_at(step) for step in steps], **values)
    return nets.service.frames(run.id)


def two_classes(splits: Splits) -> tuple[ImageSet, ImageSet]:
    """Return the same images, of apples and pears."""
    train, test = (
        ImageSet(part.images, part.labels % 2, ("apple", "pear"), part.split) for part in (splits.train, splits.test)
    )
    return train, test


def started(nets: NetRegistry) -> Run:
    return nets.service.start(ANN, CONFIG, nets.source.splits)


# --------------------------------------------------------------------------------------------- what the player is given


def test_the_player_is_given_what_the_frames_hold(nets: NetRegistry, tiny: Splits) -> None:
    run = started(nets)
    frames = save_frames(nets, run, 0, 8, 200)
    given = json.loads(timeline_json(nets.service.find(run.id), frames, tiny))
    assert (given["run"], given["going"]) == (run.id, True)
    assert [one["step"] for one in given["frames"]] == [0, 8, 200]
    for one, frame in zip(given["frames"], frames, strict=True):
        assert one["counts"] == frame.confusion.ravel().tolist() and sum(one["counts"]) == 120
        assert one["totals"] == frame.confusion.sum(axis=0).tolist()
        assert np.allclose(one["accuracies"], frame.confusion.diagonal() / frame.confusion.sum(axis=1), atol=0.00005)
        shares = [image["shares"] for image in one["images"]]
        assert np.allclose(shares, frame.answers, atol=0.00005)
        assert len(one["shades"]) == 100 and set(one["shades"]) <= set("01234567")


def test_the_same_colour_of_a_filter_is_the_same_weight_in_all_frames(nets: NetRegistry, tiny: Splits) -> None:
    run = started(nets)
    frames = save_frames(nets, run, 0, 8, 200)
    largest = max(np.abs(frame.filters).max() for frame in frames)
    given = json.loads(timeline_json(run, frames, tiny))["frames"]
    for one, frame in zip(given, frames, strict=True):
        tiles = np.array([next(images_in(src)) for src, _ in one["filters"]])  # (6, 5, 5, 3)
        expected = 128 + 127 * frame.filters.transpose(0, 2, 3, 1) / largest
        assert np.abs(tiles - expected).max() <= 0.51
        assert len({label for _, label in one["filters"]}) == 6


def test_the_view_holds_the_first_test_images_exact_to_the_pixel(nets: NetRegistry, tiny: Splits) -> None:
    run = started(nets)
    view = json.loads(timeline_json(run, save_frames(nets, run, 0), tiny))["view"]
    shown = [image for image in images_in(view) if image.shape[0] == 32]
    assert np.array_equal(shown, tiny.test.images[:4])
    for place in range(4):
        truth = tiny.test.classes[tiny.test.labels[place]]
        assert f"Look inside the Net of this frame for test image {place}, a {truth}" in view
    assert view.count('class="count shade-0"') == 100 and "A finished run is tested" not in text_of(view)


def test_the_view_is_the_same_in_all_frames_and_has_room_for_their_numbers(nets: NetRegistry, tiny: Splits) -> None:
    run = started(nets)
    first = json.loads(timeline_json(run, save_frames(nets, run, 0), tiny))
    then = json.loads(timeline_json(run, save_frames(nets, run, 8, 32), tiny))
    assert first["view"] == then["view"]
    frame = then["frames"][1]
    assert first["view"].count("<img ") == len(frame["filters"]) + len(frame["images"])
    assert first["view"].count('class="bar"') == len(frame["accuracies"]) + sum(
        len(image["shares"]) for image in frame["images"]
    )


def test_two_classes_and_two_test_images_have_that_shape(nets: NetRegistry, tmp_path: Path) -> None:
    small = tiny_splits(tmp_path / "small", 40, 2, seed=1)
    small = image_set.Splits(*two_classes(small), small.info, small.folder)
    run = nets.service.start(ANN, CONFIG, small)
    given = json.loads(timeline_json(run, [frame_at(3, shown=2, classes=2)], small))
    assert "apple" in given["view"] and "Two test images" in given["view"]
    assert (len(given["frames"][0]["counts"]), len(given["frames"][0]["images"])) == (4, 2)


def test_the_longest_timeline_is_small_enough_to_be_sent_at_once(nets: NetRegistry, tiny: Splits) -> None:
    assert len(timeline_json(started(nets), [frame_at(step, images=1000) for step in range(48)], tiny)) < 250_000


def test_another_timeline_has_another_version(nets: NetRegistry, tiny: Splits) -> None:
    run = started(nets)
    versions = [version_of(run, [])]
    for step in (0, 8, 32):
        save_frames(nets, run, step)
        versions.append(version_of(nets.service.find(run.id), nets.service.frame_times(run.id)))
    times = nets.service.frame_times(run.id)
    versions += [version_of(run, [times[0], times[2]]), version_of(replace(run, state="done"), times)]
    assert len(set(versions)) == len(versions)
    given = json.loads(timeline_json(nets.service.find(run.id), nets.service.frames(run.id), tiny))
    assert given["version"] == versions[3]


def test_the_player_is_described_without_torch() -> None:
    code = "import sys, demo.tabs.over_time.tab, demo.tabs.judge.tab; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("False", 0), done.stderr


# ------------------------------------------------------------------------------------------------------- the sentences


def test_each_frame_says_when_it_was_taken_and_how_good_the_net_was(nets: NetRegistry) -> None:
    run, classes = started(nets), ("cat", "dog")
    frame = replace(frame_at(0, classes=2), confusion=np.array([[6, 0], [2, 2]]))
    seen = "accuracy 80.0\u00a0% on 10 test images"
    assert frame_title(frame, run) == f"Before training: random weights, {seen}"
    assert frame_title(replace(frame, step=1, images=4), run) == f"After 1 mini-batch, 4 images (epoch 1 of 2): {seen}"
    last = replace(frame, step=1200, images=800)
    assert frame_title(last, run) == f"After 1,200 mini-batches, 800 images (epoch 2 of 2): {seen}"
    often = "Most often it predicts cat: for 8 of 10 images."
    assert most_predicted(frame.confusion, classes) == f"{often} It predicts every class at least once."
    never = most_predicted(np.array([[6, 0], [4, 0]]), classes)
    assert never == "Most often it predicts cat: for 10 of 10 images. It never predicts 1 of the 2 classes."


def test_only_a_timeline_with_something_special_is_commented(nets: NetRegistry) -> None:
    run = started(nets)
    times = [FrameTime(0, 0), FrameTime(1200, 4800)]
    for state in ("running", "paused", "testing", "done", "stopped"):
        assert text_of(about_html(replace(run, state=state), times)) == ""
    assert "has only just been started" in about_html(run, [])
    assert "No frames of this run were saved" in about_html(replace(run, state="stopped"), [])
    diverged = text_of(about_html(replace(run, state="diverged"), times))
    assert "This run diverged" in diverged and diverged.endswith("up to mini-batch 1,200.")
    assert "The &lt;disk&gt;." in about_html(replace(run, state="failed", message="The <disk>."), times)


def test_the_runs_are_named_with_state_and_accuracy(nets: NetRegistry) -> None:
    run = started(nets)
    ended = replace(run, state="done", accuracy=0.5461)
    assert run_choices([run, ended]) == [
        (f"{run.name} · starting", run.id),
        (f"{run.name} · finished · 54.6\N{NO-BREAK SPACE}%", run.id),
    ]


# --------------------------------------------------------------------------------------- what is shown, and what is new


def test_news_come_once_and_until_the_run_has_ended(nets: NetRegistry) -> None:
    run = started(nets)
    sentence, value = timeline_of(nets, run.id)
    nothing = json.loads(value)
    assert "has only just been started" in sentence
    assert (nothing["frames"], nothing["going"]) == ([], True)
    assert news_of(nets, run.id, nothing["version"]) is None

    save_frames(nets, run, 0)
    news = news_of(nets, run.id, nothing["version"])
    assert news is not None and news == timeline_of(nets, run.id)
    now = json.loads(news[1])
    assert text_of(news[0]) == "" and [frame["step"] for frame in now["frames"]] == [0]
    assert news_of(nets, run.id, now["version"]) is None

    save_frames(nets, run, 8, state="done")
    news = news_of(nets, run.id, now["version"])
    assert news is not None
    last = json.loads(news[1])
    assert ([frame["step"] for frame in last["frames"]], last["going"]) == ([0, 8], False)


def test_a_run_that_diverged_is_shown_up_to_there(nets: NetRegistry) -> None:
    run = started(nets)
    save_frames(nets, run, 0, 8, state="diverged", step=20)
    sentence, value = timeline_of(nets, run.id)
    assert text_of(sentence).endswith("up to mini-batch 8.")
    assert len(json.loads(value)["frames"]) == 2


def test_a_run_that_is_gone_is_refused_with_a_sentence(nets: NetRegistry) -> None:
    run = started(nets)
    save_frames(nets, run, 0, state="done")
    version = json.loads(timeline_of(nets, run.id)[1])["version"]
    nets.service.delete(ANN, run.id)
    for given in (*(timeline_of(nets, gone) for gone in (run.id, "\ud800", None)), news_of(nets, run.id, version)):
        assert given is not None
        sentence, value = given
        assert text_of(sentence).startswith("There is no such run") and 'role="alert"' in sentence
        assert value == ""


def test_a_run_whose_images_are_gone_or_are_others_is_refused_with_a_sentence(
    nets: NetRegistry, tmp_path: Path
) -> None:
    splits = tiny_splits(tmp_path / "images", 40, 20, seed=1)
    run = nets.service.start(ANN, CONFIG, splits)
    save_frames(nets, run, 0, state="done")
    assert json.loads(timeline_of(nets, run.id)[1])["frames"]
    image_set.save(Path(run.data), *two_classes(splits), splits.info)
    assert ("replaced by others" in timeline_of(nets, run.id)[0], timeline_of(nets, run.id)[1]) == (True, "")
    shutil.rmtree(run.data)
    assert ("no longer on this server" in timeline_of(nets, run.id)[0], timeline_of(nets, run.id)[1]) == (True, "")


def test_an_image_is_opened_before_the_net_of_the_frame_shown(nets: NetRegistry) -> None:
    run = started(nets)
    save_frames(nets, run, 0, 8)
    assert image_inside(nets, run.id, 8, 3) == LookAt(NetRef(run.id, 8), ImageRef("test", 3))
    wrong: list[tuple[object, object, object]] = [
        (run.id, 7, 3),
        (run.id, False, 3),
        (run.id, "8", 3),
        (run.id, 8, -1),
        (run.id, 8, "3"),
        (run.id, None, None),
        (["x"], 8, 3),
    ]
    for run_id, step, index in wrong:
        with pytest.raises(RunError, match="no longer stored|no such run"):
            image_inside(nets, run_id, step, index)
