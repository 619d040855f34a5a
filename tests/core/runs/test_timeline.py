"""The history of a run: the same frames whatever happens to its workers, and nothing about its training changed."""

import io
import math
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.data import Splits, image_set
from cifar_core.data.folder import open_splits
from cifar_core.evaluate import evaluate
from cifar_core.net import Net, load_net, new_net
from cifar_core.pixels import normalize
from cifar_core.runs import frame_recorder as recorder_module
from cifar_core.runs.frame_recorder import FrameRecorder, record_frame
from cifar_core.runs.images import images_of
from cifar_core.runs.limits import Limits, enforce_retention
from cifar_core.runs.records import Ending, Frame, FrameTime, Run, new_run
from cifar_core.runs.service import Service
from cifar_core.runs.timeline import COST, FEWEST, MAX_FRAMES, MOST, TEST_COST, planned, thinned
from cifar_core.runs.worker import Worker
from cifar_core.training.events import Progress
from cifar_core.training.loop import train
from cifar_core.training.progress import VALIDATION_IMAGES
from cifar_core.training.state import Position
from tests.helpers.runs import (
    ANN,
    BRIEF,
    DIVERGING,
    EACH_CHECKPOINT,
    EACH_EVENT,
    FAST,
    NO_LIMITS,
    SHORT,
    alone,
    assert_same,
    live_and_die,
    refusal,
    work,
    write_rows,
)
from tests.helpers.tiny_data import tiny_splits, write_folders


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests work in their place."""
    return Service(tmp_path / "runs", workers=1, limits=NO_LIMITS)


def worked(service: Service, config: TrainConfig, splits: Splits) -> Run:
    """A run at its end."""
    run = service.start(ANN, config, splits)
    work(service.store)
    return service.find(run.id)


def same(one: Frame, other: Frame) -> bool:
    return (one.step, one.images) == (other.step, other.images) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("confusion", "answers", "filters")
    )


def assert_same_history(service: Service, run: Run, expected: Run) -> None:
    """Both runs have the same frames, with the same weights."""
    frames, others = service.frames(run.id), service.frames(expected.id)
    assert [frame.step for frame in frames] == [frame.step for frame in others]
    assert all(map(same, frames, others))
    for frame in frames:
        mine, wanted = (load_net(service.weights(one.id, frame.step)).state_dict() for one in (run, expected))
        assert all(torch.equal(mine[name], wanted[name]) for name in wanted)


# --------------------------------------------------------------------------------------------------- when one is due


def test_frames_are_due_from_the_untrained_net_to_the_end_and_closest_at_the_start() -> None:
    assert planned(1, 50_000, 1000) == [0, 1389, 5556, 12_500, 22_222, 34_722, 50_000]
    assert planned(2, 400, 120) == [0, 32, 128, 288, 512, 800]
    for times in (planned(2, 50_000, 1000), planned(200, 400, 120), planned(200, 10**6, 1000)):
        distances = [later - earlier for earlier, later in pairwise(times)]
        assert all(later > earlier for earlier, later in pairwise(distances))


def test_frames_are_few_and_cost_little() -> None:
    assert [len(planned(epochs, 50_000, 1000)) for epochs in (1, 2, 3, 10, 200)] == [7, 14, 21, MOST, MOST]
    for epochs, images, tested in (
        (1, 20_000, 1000),
        (2, 10_000, 1000),
        (1, 400, 120),
        (7, 9999, 500),
        (30, 3000, 300),
    ):
        frames = planned(epochs, images, tested)
        half = 0.5  # one frame more or less
        assert FEWEST <= len(frames) <= MOST
        assert len(frames) == FEWEST or (len(frames) - half) * TEST_COST * tested <= COST * epochs * images


def test_no_moment_is_due_twice_however_small_the_data() -> None:
    assert planned(1, 3, 1) == [0, 1, 2, 3]
    assert planned(1, 1, 1) == [0, 1]


def test_a_history_is_thinned_evenly_and_keeps_its_ends() -> None:
    times = [FrameTime(images // 4, images) for images in planned(20, 400, 120)]
    assert len(times) == 9
    assert thinned(times, 9) == thinned(times, 20) == times
    assert thinned(times, 2) == [times[0], times[-1]]
    five = thinned(times, 5)
    assert (five[0], five[-1], len(five)) == (times[0], times[-1], 5)
    widths = [math.sqrt(later.images) - math.sqrt(earlier.images) for earlier, later in pairwise(five)]
    assert max(widths) <= 3 * min(widths)


# ------------------------------------------------------------------------------------------------- what a frame holds


def expected_frames(config: TrainConfig, splits: Splits, times: tuple[FrameTime, ...]) -> list[Frame]:
    """The frames of a training of one's own, each computed with a Net beside it."""
    net, beside, frames = new_net(config.seed), Net(), []
    probe = splits.test.sample(VALIDATION_IMAGES)

    def look(at: FrameTime) -> None:
        if at in times:
            beside.load_state_dict(net.state_dict())
            logits = beside(normalize(torch.from_numpy(splits.test.images[:4]))).detach()
            answers = torch.softmax(logits[:, : len(splits.test.classes)].double(), 1).float().numpy()
            filters = beside.conv1.weight.detach().numpy().copy()
            frames.append(Frame(at.step, at.images, evaluate(beside, probe).confusion, answers, filters))

    look(FrameTime(0, 0))
    for event in train(net, splits.train, config):
        if isinstance(event, Progress):
            look(FrameTime(event.step, event.images))
    return frames


def test_the_frames_of_a_run_are_what_the_net_was_and_change_nothing_about_its_training(
    service: Service, tiny: Splits
) -> None:
    run = worked(service, SHORT, tiny)
    times = service.frame_times(run.id)
    assert times == tuple(FrameTime(images // 4, images) for images in (0, 32, 128, 288, 512, 800))
    frames = service.frames(run.id)
    assert all(map(same, frames, expected_frames(SHORT, tiny, times)))
    assert len(frames) == len(times)
    first, last = frames[0], frames[-1]
    assert [str(part.dtype) for part in (first.confusion, first.answers, first.filters)] == [
        "int64",
        "float32",
        "float32",
    ]
    assert (first.confusion.shape, first.answers.shape, first.filters.shape) == ((10, 10), (4, 10), (6, 3, 5, 5))
    assert np.allclose(first.answers.sum(axis=1), 1)
    result = service.snapshot(run.id).result
    assert result is not None  # of the same 120 test images, for there are no more
    assert (last.confusion.sum(), last.accuracy, last.per_class) == (120, result.accuracy, result.per_class)
    assert tuple(last.answers.argmax(axis=1).tolist()) == result.first_predictions
    assert_same(service.store, run, alone(SHORT, tiny))  # which takes no frames


@pytest.mark.parametrize("config", [replace(SHORT, augment="flip_shift", schedule="one_cycle"), BRIEF])
def test_a_run_without_frames_has_the_same_losses_and_weights(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch, config: TrainConfig
) -> None:
    run = worked(service, config, tiny)
    with monkeypatch.context() as patch:
        for name in ("planned_frames", "frames_now"):
            patch.setattr(FrameRecorder, name, lambda recorder: ())
        without = worked(service, config, tiny)
    assert (len(service.frame_times(run.id)) >= 5, service.frame_times(without.id)) == (True, ())
    assert service.snapshot(run.id).points == service.snapshot(without.id).points
    one, other = (load_net(service.weights(each.id)).state_dict() for each in (run, without))
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_after_a_frame_the_net_trains_on() -> None:
    splits_net = new_net(1).train()
    images = image_set.ImageSet(np.zeros((4, 32, 32, 3), np.uint8), np.arange(4), tuple("abcd"), "test")
    frame = record_frame(splits_net, FrameTime(3, 12), images, images, "cpu")
    assert splits_net.training
    assert frame is not None and (frame.step, frame.images, frame.answers.shape) == (3, 12, (4, 4))


def test_a_data_set_of_two_classes_and_two_test_images_has_frames_of_that_shape(
    service: Service, tmp_path: Path
) -> None:
    splits = open_splits(write_folders(tmp_path / "pictures", ("apple", "pear"), train_each=20, test_each=1))
    run = worked(service, replace(SHORT, epochs=1), splits)
    for frame in service.frames(run.id):
        assert (frame.confusion.shape, frame.answers.shape) == ((2, 2), (2, 2))
        assert (frame.confusion.sum(), frame.confusion.sum(axis=1).tolist()) == (2, [1, 1])
        assert np.allclose(frame.answers.sum(axis=1), 1)
        assert frame.per_class == tuple(frame.confusion.diagonal().tolist())


def test_a_class_without_probe_images_has_no_share() -> None:
    frame = Frame(0, 0, np.array([[3, 1], [0, 0]]), np.zeros((4, 2)), np.zeros((6, 3, 5, 5)))
    assert (frame.accuracy, frame.per_class) == (0.75, (0.75, None))


def test_the_weights_of_each_frame_are_kept_as_a_plain_state_dict(service: Service, tiny: Splits) -> None:
    run = worked(service, SHORT, tiny)
    for frame in service.frames(run.id):
        content = service.weights(run.id, frame.step)
        plain = torch.load(io.BytesIO(content), weights_only=True)
        assert np.array_equal(plain["conv1.weight"].numpy(), frame.filters)
        assert evaluate(load_net(content), tiny.test).accuracy == frame.accuracy
    assert service.weights(run.id, run.step) == service.weights(run.id)
    assert service.weights(run.id, float(run.step)) == service.weights(run.id)  # a slider's number


# ------------------------------------------------------------------------------------------------ while a run trains


def test_frames_appear_while_the_run_trains_each_with_its_weights(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, taken = service.start(ANN, BRIEF, tiny), []

    def counted(net: Net, at: FrameTime, *rest: Any) -> Frame | None:
        taken.append(at)
        return record_frame(net, at, *rest)

    monkeypatch.setattr(recorder_module, "record_frame", counted)
    worker, counts = Worker(service.store, 0, "cpu", EACH_CHECKPOINT), []
    while worker.turn():
        times = service.frame_times(run.id)
        counts.append(len(times))
        assert [(frame.step, frame.images) for frame in service.frames(run.id)] == [(m.step, m.images) for m in times]
        for time in times:
            load_net(service.weights(run.id, time.step))
        assert all(time.step <= service.find(run.id).step for time in times)
    assert sorted(set(counts)) == [1, 2, 3, 4, 5]
    assert counts == sorted(counts)
    assert service.frame_times(run.id) == tuple(taken) == tuple(FrameTime(step, 80 * step) for step in (0, 1, 2, 4, 5))


def test_a_run_whose_worker_died_at_any_moment_has_the_same_frames_as_one_never_stopped(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = worked(service, BRIEF, tiny)
    for timings in (EACH_CHECKPOINT, replace(EACH_EVENT, checkpoint_every=1000.0)):
        for dies_at in range(0, 100, 2):
            run = service.start(ANN, BRIEF, tiny)
            died = live_and_die(service.store, monkeypatch, dies_at, lambda: None, timings)
            assert_same_history(service, run, whole)
            named = {f"{time.step}.pth" for time in service.frame_times(run.id)} | {"5.resume"}
            assert {path.name for path in service.store.folder_of(run.id).iterdir()} == named
            if not died:
                break
        assert dies_at > 3


def test_a_stopped_run_ends_with_a_frame_of_its_last_state(service: Service, tiny: Splits) -> None:
    runs = [service.start(ANN, SHORT, tiny) for _ in range(2)]
    service.stop(ANN, runs[0].id)  # before its first step
    worker = Worker(service.store, 0, "cpu", EACH_EVENT)
    while service.find(runs[1].id).step < 45:
        worker.turn()
    service.stop(ANN, runs[1].id)
    while worker.turn():
        pass
    assert service.frame_times(runs[0].id) == (FrameTime(0, 0),)
    last = service.find(runs[1].id).step
    assert [time.step for time in service.frame_times(runs[1].id)] == [0, 8, 32, last]
    assert np.array_equal(
        service.frames(runs[1].id)[-1].filters, load_net(service.weights(runs[1].id)).conv1.weight.detach().numpy()
    )


def test_a_run_ended_by_its_stop_rule_ends_with_a_frame_too(service: Service, tiny: Splits) -> None:
    calm = replace(SHORT, epochs=9, lr=1e-6, momentum=0.0, report_every=10, stop_rule="patience", patience=3)
    run = worked(service, calm, tiny)
    assert run.step < run.steps
    assert service.frame_times(run.id)[-1] == FrameTime(run.step, run.seen)


# ------------------------------------------------------------------------------------------------- training on and on


def test_a_run_that_trains_on_gets_further_frames_and_keeps_a_bounded_number(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_FRAMES", 9)
    run = worked(service, replace(SHORT, epochs=1), tiny)
    before = service.frame_times(run.id)
    assert [time.images for time in before] == [0, 16, 64, 144, 256, 400]
    counts = []
    for epochs in range(2, 8):
        service.train_on(ANN, run.id, 1)
        work(service.store)
        times = service.frame_times(run.id)
        counts.append(len(times))
        assert (times[0], times[-1]) == (FrameTime(0, 0), FrameTime(100 * epochs, 400 * epochs))
        assert len(service.frames(run.id)) == len(times)
        files = {path.name for path in service.store.folder_of(run.id).iterdir() if path.suffix == ".pth"}
        assert files == {f"{time.step}.pth" for time in times}
        if epochs == 2:
            assert times == (*before, FrameTime(128, 512), FrameTime(200, 800))
    assert max(counts) == 9
    assert_same(service.store, service.find(run.id), alone(replace(SHORT, epochs=7), tiny))


def test_a_death_at_any_moment_while_training_on_changes_no_frame(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_FRAMES", 6)

    def trained_on(then: Callable[[], object]) -> tuple[Run, bool]:
        run = worked(service, BRIEF, tiny)
        service.train_on(ANN, run.id, 2)
        return run, bool(then())

    whole, _ = trained_on(partial(work, service.store, EACH_CHECKPOINT))
    assert len(service.frame_times(whole.id)) == 6
    for dies_at in range(0, 100, 2):
        run, died = trained_on(
            partial(live_and_die, service.store, monkeypatch, dies_at, lambda: None, EACH_CHECKPOINT)
        )
        assert_same_history(service, run, whole)
        if not died:
            break
    assert dies_at > 5


def test_a_stopped_run_that_is_taken_up_for_its_test_makes_no_room_for_frames_it_will_never_get(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_FRAMES", 6)
    run = worked(service, BRIEF, tiny)
    there = service.frame_times(run.id)
    cases: list[tuple[Ending, tuple[FrameTime, ...]]] = [("stopped", there), ("", (there[0], there[-1]))]
    for ending, kept in cases:
        recorder = FrameRecorder(
            service.store, replace(run, config=replace(BRIEF, epochs=2), ending=ending), Net(), tiny.test, "cpu", FAST
        )
        recorder.resume_from(Position(step=1, seen=80))
        assert service.frame_times(run.id) == kept
        assert recorder.steps == {time.step for time in kept}


def test_no_run_keeps_more_frames_than_a_slider_can_show() -> None:
    kept = [FrameTime(images, images) for images in planned(1, 50_000, 1000)]
    for epochs in range(2, 201):
        seen = kept[-1].images
        ahead = [images for images in planned(epochs, 50_000, 1000) if images > seen]
        kept = thinned(kept, MAX_FRAMES - len(ahead)) + [FrameTime(images, images) for images in ahead]
        assert len(kept) <= 48
    assert len(kept) == 48
    widths = [math.sqrt(later.images) - math.sqrt(earlier.images) for earlier, later in pairwise(kept)]
    assert max(widths) < 4 * np.mean(widths)


# ------------------------------------------------------------------------------------------------------ NaN


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
def test_the_frames_before_a_divergence_stay_and_every_number_in_them_is_finite(
    service: Service, tiny: Splits, seconds: float
) -> None:
    run = service.start(ANN, DIVERGING, tiny)  # with an event in each slice, and with the whole run in one
    work(service.store, replace(FAST, slice=seconds, filters_every=seconds))
    run = service.find(run.id)
    assert run.state == "diverged"
    frames = service.frames(run.id)
    assert frames[0].step == 0
    assert all(np.isfinite(part).all() for frame in frames for part in (frame.answers, frame.filters))
    assert all(frame.step <= run.step for frame in frames)
    filters = service.filters(run.id)
    assert filters is not None and np.isfinite(filters.weights).all()
    for frame in frames:
        load_net(service.weights(run.id, frame.step))


@pytest.mark.parametrize("layer", ["conv1", "conv2", "fc3"])
def test_a_net_that_has_become_nan_gives_no_frame_and_disturbs_nothing(
    service: Service, tiny: Splits, layer: str
) -> None:
    run = service.start(ANN, SHORT, tiny)
    net = new_net(1)
    recorder = FrameRecorder(service.store, run, net, tiny.test, "cpu", FAST)
    recorder.at = FrameTime(7, 28)
    with torch.no_grad():
        getattr(net, layer).weight.fill_(float("nan"))
    assert recorder.frames_now() == ()
    assert not service.store.folder_of(run.id).exists()
    assert (recorder.filters_now() is None) == (layer == "conv1")


# ------------------------------------------------------------------------------------------- the first layer, moving


def test_the_first_layer_is_told_about_once_a_second_and_at_the_end(service: Service, tiny: Splits) -> None:
    for every, seldom in ((0.0, False), (1000.0, True)):
        run = service.start(ANN, BRIEF, tiny)
        assert service.filters(run.id) is None
        worker, steps = Worker(service.store, 0, "cpu", replace(EACH_EVENT, filters_every=every)), []
        while worker.turn():
            now = service.filters(run.id)
            assert now is not None
            steps.append(now.step)
            expected = alone(BRIEF, tiny, now.step).weights if now.step else new_net(BRIEF.seed).state_dict()
            assert np.array_equal(now.weights, expected["conv1.weight"].numpy())
            assert seldom or now.step == service.find(run.id).step
        assert sorted(set(steps)) == ([0, 5] if seldom else [0, 1, 2, 3, 4, 5])


def test_the_first_layer_told_is_a_copy(service: Service, tiny: Splits) -> None:
    net = new_net(1)
    recorder = FrameRecorder(service.store, service.start(ANN, SHORT, tiny), net, tiny.test, "cpu", FAST)
    told = recorder.filters_now()
    service.store.folder_of(recorder.run.id).mkdir()
    (frame,) = recorder.frames_now()
    with torch.no_grad():
        net.conv1.weight.zero_()
    assert told is not None and told.weights.any() and frame.filters.any()


# ------------------------------------------------------------------------------------------------- what is not there


def test_a_run_that_waits_has_no_timeline_and_says_so(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, SHORT, tiny)
    assert (service.frame_times(run.id), service.frames(run.id), service.filters(run.id)) == ((), (), None)
    assert refusal(lambda: service.weights(run.id, 0)) == "This run has no weights yet; try again in a moment."
    write_rows(service.store, run.id, state="done")  # by a program that kept no frames
    assert refusal(lambda: service.weights(run.id, 0)) == "This run saved no earlier weights."


def test_a_step_that_is_not_kept_is_told_with_the_nearest_that_is(service: Service, tiny: Splits) -> None:
    run = worked(service, SHORT, tiny)
    assert refusal(lambda: service.weights(run.id, 31)) == (
        "This run saved no weights of step 31; the nearest are those of step 32."
    )
    assert "of step 10000; the nearest are those of step 200." in refusal(lambda: service.weights(run.id, 10_000))
    assert "of step 7.5; the nearest are those of step 8" in refusal(lambda: service.weights(run.id, 7.5))
    for step in (-1, float("nan"), float("inf"), 10**400):
        assert refusal(partial(service.weights, run.id, step)).startswith("This run saved no weights of step ")
    bad: list[Any] = [True, "8", "../8", [8]]
    for step in bad:
        assert refusal(partial(service.weights, run.id, step)).startswith("A step must be a whole number; ")
    (service.store.folder_of(run.id) / "8.pth").unlink()
    assert refusal(lambda: service.weights(run.id, 8)) == (
        "The weights of step 8 have just been removed; choose another step."
    )


def test_a_removed_run_leaves_no_history_behind(service: Service, tiny: Splits) -> None:
    run, other = worked(service, BRIEF, tiny), worked(service, BRIEF, tiny)
    service.delete(ANN, run.id)
    for ask in (service.frame_times, service.frames, service.filters, lambda name: service.weights(name, 5)):
        assert refusal(partial(ask, run.id)).startswith("There is no such run")
        assert refusal(partial(ask, "\ud800")).startswith("There is no such run")
    with service.store.reading() as tx:
        for table in ("frames", "filters"):
            assert {name for (name,) in tx.execute(f"select run from {table}")} == {other.id}
    assert not service.store.folder_of(run.id).exists()


def test_the_weights_of_frames_count_for_the_disk_and_are_not_in_the_zip(service: Service, tiny: Splits) -> None:
    runs = [worked(service, BRIEF, tiny) for _ in range(2)]
    with zipfile.ZipFile(io.BytesIO(service.bundle(ANN, runs[0].id))) as archive:
        assert [name for name in archive.namelist() if name.endswith(".pth")] == ["net.pth"]
    enforce_retention(service.store, Limits(disk_mb=3), ())  # 5 frames and a checkpoint: 1.75 MB each
    assert service.runs_of(ANN) == [runs[1]]


# --------------------------------------------------------------------------------------------------- data of another


def test_data_rewritten_in_place_is_read_anew_and_else_shared(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    run = new_run("a", SHORT, folder, 40, 0)
    tiny_splits(folder, 40, 20, seed=1)
    old = images_of(run)
    assert images_of(run) is old
    before = old.train.images.copy()
    tiny_splits(folder, 60, 20, seed=2)
    new = images_of(run)
    assert (len(old.train), len(new.train)) == (40, 60)
    assert np.array_equal(old.train.images, before)  # a run that has it in hand goes on with it
