"""The tab Over time: what the player is given holds what the frames hold, and what is special is said in a sentence."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import TrainConfig
from cifar_core.data import Splits, image_set
from cifar_core.data.image_set import ImageSet
from cifar_core.errors import RunError
from cifar_core.runs.records import Frame, Moment, Run
from cifar_core.runs.service import Service
from demo.tabs.over_time.view import (
    NO_PICTURES,
    about_html,
    history_json,
    history_of,
    news_of,
    pointer_to,
    run_choices,
    version_of,
)
from demo.widgets.pointer import Pointer, read_pointer
from tests.helpers.tiny_data import tiny_splits

ANN = "ann" * 8
CONFIG = TrainConfig(epochs=2)
ROOT = Path(__file__).parents[4]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests do what workers write."""
    return Service(tmp_path / "runs")


def frame_at(step: int, *, images: int = 120, pictures: int = 4, classes: int = 10) -> Frame:
    """A frame of numbers that look like those of a Net; the same for the same step."""
    rng = np.random.default_rng(step)
    confusion = rng.multinomial(images // classes, np.ones(classes) / classes, classes).astype(np.int64)
    answers = rng.dirichlet(np.ones(classes), pictures).astype(np.float32)
    return Frame(step, 4 * step, confusion, answers, rng.normal(0, 0.3, (6, 3, 5, 5)).astype(np.float32))


def keep(service: Service, run: Run, *steps: int, **row: Any) -> tuple[Frame, ...]:
    """Write frames of these steps as a worker does; all that are kept."""
    values = {"state": "running", "step": steps[-1], "seen": 4 * steps[-1], "checkpoint": steps[-1]} | row
    service.store.update(run.id, frames=[frame_at(step) for step in steps], **values)
    return service.frames(run.id)


def two_classes(splits: Splits) -> tuple[ImageSet, ...]:
    """The same pictures, of apples and pears."""
    return tuple(ImageSet(part.images, part.labels % 2, ("apple", "pear"), part.split) for part in splits)


def text_of(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup)).strip()


# --------------------------------------------------------------------------------------------- what the player is given


def test_the_player_is_given_what_the_frames_hold(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    frames = keep(service, run, 0, 8, 200)
    told = json.loads(history_json(service.find(run.id), frames, tiny))
    assert (told["run"], told["going"], told["epochs"], told["perEpoch"]) == (run.id, True, 2, 400)
    assert (told["classes"], told["tested"]) == (list(tiny.test.classes), 120)
    assert [(one["step"], one["images"]) for one in told["frames"]] == [(0, 0), (8, 32), (200, 800)]
    for one, frame in zip(told["frames"], frames, strict=True):
        assert one["confusion"] == frame.confusion.tolist()
        assert np.sum(one["confusion"]) == 120
        assert np.allclose(one["answers"], frame.answers, atol=0.00005)
        assert np.allclose(np.reshape(one["filters"], (6, 3, 5, 5)), frame.filters, atol=0.0005)


def test_the_pictures_are_the_first_test_images_exact_to_the_pixel(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    told = json.loads(history_json(run, keep(service, run, 0), tiny))
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))) for url in told["pictures"]]
    assert np.array_equal(pictures, tiny.test.images[:4])
    assert told["truths"] == tiny.test.labels[:4].tolist()


def test_of_two_classes_and_two_test_images_the_history_has_that_shape(service: Service, tmp_path: Path) -> None:
    small = tiny_splits(tmp_path / "small", 40, 2, seed=1)
    small = image_set.Splits(*two_classes(small), small.info, small.folder)
    told = json.loads(history_json(service.start(ANN, CONFIG, small), [frame_at(3, pictures=2, classes=2)], small))
    assert (told["classes"], len(told["pictures"]), len(told["truths"])) == (["apple", "pear"], 2, 2)
    assert np.shape(told["frames"][0]["confusion"]) == np.shape(told["frames"][0]["answers"]) == (2, 2)


def test_the_longest_history_is_small_enough_to_be_sent_at_once(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    assert len(history_json(run, [frame_at(step, images=1000) for step in range(48)], tiny)) < 250_000


def test_another_history_has_another_version(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    versions = [version_of(run, [])]
    for step in (0, 8, 32):
        keep(service, run, step)
        versions.append(version_of(service.find(run.id), service.moments(run.id)))
    moments = service.moments(run.id)
    versions += [version_of(run, [moments[0], moments[2]]), version_of(replace(run, state="done"), moments)]
    assert len(set(versions)) == len(versions)
    told = json.loads(history_json(service.find(run.id), service.frames(run.id), tiny))
    assert told["version"] == versions[3]


def test_the_player_is_described_without_torch() -> None:
    code = "import sys, demo.tabs.over_time.tab, "
    code += "demo.tabs.train.run_view, cifar_core.inspect.filters; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("False", 0), done.stderr


# ------------------------------------------------------------------------------------------------------- the sentences


def test_only_a_history_with_something_special_is_commented(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    moments = [Moment(0, 0), Moment(1200, 4800)]
    for state in ("running", "paused", "testing", "done", "stopped"):
        assert text_of(about_html(replace(run, state=state), moments)) == ""  # type: ignore[arg-type]
    assert "has only just been started" in about_html(run, [])
    assert "No moments of this run were kept" in about_html(replace(run, state="stopped"), [])
    diverged = text_of(about_html(replace(run, state="diverged"), moments))
    assert "This run diverged" in diverged and diverged.endswith("up to mini-batch 1,200.")
    assert "The &lt;disk&gt;." in about_html(replace(run, state="failed", message="The <disk>."), moments)


def test_the_runs_are_named_with_state_and_accuracy(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    ended = replace(run, state="done", accuracy=0.5461)
    assert run_choices([run, ended]) == [
        (f"{run.name} · starting", run.id),
        (f"{run.name} · finished · 54.6\N{NO-BREAK SPACE}%", run.id),
    ]


# ------------------------------------------------------------------------------------------------- what the tab answers


def test_news_are_told_once_and_until_the_run_has_ended(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    sentence, value = history_of(service, run.id)
    nothing = json.loads(value)
    assert "has only just been started" in sentence
    assert (nothing["frames"], nothing["going"]) == ([], True)
    assert news_of(service, run.id, nothing["version"]) is None

    keep(service, run, 0)
    news = news_of(service, run.id, nothing["version"])
    assert news is not None and news == history_of(service, run.id)
    now = json.loads(news[1])
    assert text_of(news[0]) == "" and [frame["step"] for frame in now["frames"]] == [0]
    assert news_of(service, run.id, now["version"]) is None

    keep(service, run, 8, state="done")
    news = news_of(service, run.id, now["version"])
    assert news is not None
    last = json.loads(news[1])
    assert ([frame["step"] for frame in last["frames"]], last["going"]) == ([0, 8], False)


def test_a_run_that_diverged_is_shown_up_to_there(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    keep(service, run, 0, 8, state="diverged", step=20)
    sentence, value = history_of(service, run.id)
    assert text_of(sentence).endswith("up to mini-batch 8.")
    assert len(json.loads(value)["frames"]) == 2


def test_a_run_that_is_gone_is_told_in_a_sentence(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    keep(service, run, 0, state="done")
    version = json.loads(history_of(service, run.id)[1])["version"]
    service.delete(ANN, run.id)
    answers = [history_of(service, gone) for gone in (run.id, "\ud800", None)]
    for answer in (*answers, news_of(service, run.id, version)):
        assert answer is not None
        sentence, value = answer
        assert text_of(sentence).startswith("There is no such run") and 'role="alert"' in sentence
        assert value == ""


def test_a_run_whose_pictures_are_gone_or_are_others_is_told_in_a_sentence(service: Service, tmp_path: Path) -> None:
    splits = tiny_splits(tmp_path / "pictures", 40, 20, seed=1)
    run = service.start(ANN, CONFIG, splits)
    keep(service, run, 0, state="done")
    assert json.loads(history_of(service, run.id)[1])["frames"]
    image_set.save(Path(run.data), *two_classes(splits), splits.info)
    assert (NO_PICTURES in history_of(service, run.id)[0], history_of(service, run.id)[1]) == (True, "")
    shutil.rmtree(run.data)
    assert (NO_PICTURES in history_of(service, run.id)[0], history_of(service, run.id)[1]) == (True, "")


def test_a_picture_is_opened_before_the_net_of_the_moment_shown(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    keep(service, run, 0, 8)
    assert read_pointer(pointer_to(service, run.id, 8, 3)) == Pointer(run.id, "test 3", 8)
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
        with pytest.raises(RunError, match="no longer kept|no such run"):
            pointer_to(service, run_id, step, index)
