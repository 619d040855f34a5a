"""A worker that dies at any moment: nothing is lost, done twice or moved."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.net import Net
from cifar_core.runs import job as job_module
from cifar_core.runs.job import MAX_ATTEMPTS, Job
from cifar_core.runs.service import Service
from cifar_core.runs.timings import USUAL, Timings
from cifar_core.runs.worker import Worker
from cifar_core.training.events import Progress, Started, TrainEvent
from cifar_core.training.loop import train
from tests.helpers.runs import (
    ANN,
    BRIEF,
    DIVERGING,
    EACH_CHECKPOINT,
    EACH_EVENT,
    FAST,
    NO_LIMITS,
    SHORT,
    Death,
    a_store_with,
    alone,
    assert_same,
    changes_of,
    live_and_die,
    work,
)

SELDOM = replace(EACH_EVENT, checkpoint_every=1000.0)
CHANGES: dict[str, float] = {"batch_size": 50, "lr": 0.002, "momentum": 0.5}


@pytest.fixture
def closed(tmp_path: Path) -> Service:
    """A service without workers."""
    return Service(tmp_path / "runs", workers=1, limits=NO_LIMITS)


@pytest.mark.parametrize("timings", [EACH_CHECKPOINT, SELDOM], ids=["often", "seldom"])
def test_a_death_at_any_moment_neither_loses_nor_doubles_nor_moves_a_change(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch, timings: Timings
) -> None:
    for dies_at in range(100):
        run = closed.start(ANN, BRIEF, tiny)
        change = partial(closed.change, ANN, run.id, **CHANGES)
        died = live_and_die(closed.store, monkeypatch, dies_at, change, timings)
        snapshot = closed.snapshot(run.id)
        assert {change.name: change.value for change in snapshot.changes} == CHANGES
        assert len(snapshot.changes) == 3
        assert_same(closed.store, run, alone(BRIEF, tiny, None, changes_of(snapshot)))
        assert closed.store.requests(0) == []
        if not died:
            break
    assert dies_at > 8


def test_a_death_at_any_moment_does_not_lose_a_stop(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dies_at in range(100):
        run = closed.start(ANN, BRIEF, tiny)
        died = live_and_die(closed.store, monkeypatch, dies_at, partial(closed.stop, ANN, run.id), EACH_EVENT)
        last = closed.find(run.id)
        assert (last.state, last.step < last.steps) == ("stopped", True)
        assert_same(closed.store, run, alone(BRIEF, tiny, last.step))
        assert closed.store.requests(0) == []
        if not died:
            break
    assert dies_at > 2


@pytest.mark.parametrize(("rule", "timings"), [("patience", EACH_CHECKPOINT), ("accuracy", SELDOM)])
def test_a_death_at_any_moment_lets_no_run_train_past_its_stop_rule(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch, rule: str, timings: Timings
) -> None:
    calm = replace(BRIEF, epochs=3, lr=1e-6, momentum=0.0, report_every=1)
    config = replace(calm, stop_rule=rule, patience=1, target_accuracy=1.0)
    step = None
    for dies_at in range(0, 100, 2):
        run = closed.start(ANN, config, tiny)
        died = live_and_die(closed.store, monkeypatch, dies_at, lambda: None, timings)
        last = closed.snapshot(run.id)
        step = step or last.run.step
        assert (last.run.state, last.run.step, last.run.checkpoint) == ("done", step, step)
        assert last.run.message.startswith("Ended by its stop rule")
        assert last.result is not None and last.result.step == step < 15
        if not died:
            break
    assert dies_at > 0


def test_a_pause_asked_for_twice_and_ended_once_does_not_come_back_with_the_next_worker(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = closed.start(ANN, SHORT, tiny)
    worker = Worker(closed.store, 0, "cpu", FAST)
    for command in (closed.pause, closed.pause):
        command(ANN, run.id)
        assert not worker.turn()
    assert closed.find(run.id).state == "paused"

    def die(*_: Any) -> bool:
        raise Death

    closed.resume(ANN, run.id)
    with monkeypatch.context() as patch, pytest.raises(Death):
        patch.setattr(Job, "advance", die)
        worker.turn()
    assert Worker(closed.store, 0, "cpu", FAST).turn()
    work(closed.store)
    assert_same(closed.store, run, alone(SHORT, tiny))


def test_the_checkpoint_of_a_run_never_gets_older_than_its_time_and_two_rounds(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    class Clock:
        time = staticmethod(time.time)

        @staticmethod
        def monotonic() -> float:
            nonlocal now
            now += 0.02
            return now

    monkeypatch.setattr(job_module, "time", Clock)
    store, runs = a_store_with(tmp_path, tiny, SHORT, replace(SHORT, seed=5))
    worker, saved, oldest = Worker(store, 0, "cpu"), {run.id: (-1, 0.0) for run in runs}, 0.0
    while worker.turn():
        for run in store.active():
            if run.state == "running" and run.checkpoint != saved[run.id][0]:
                saved[run.id] = (run.checkpoint, now)
            elif run.state == "running":
                oldest = max(oldest, now - saved[run.id][1])
    assert 2 < oldest < USUAL.checkpoint_every + 4 * 2 * USUAL.slice


def test_a_death_right_behind_a_checkpoint_loses_no_point(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    begun_at = []

    def dying_train(*args: Any, **options: Any) -> Iterator[TrainEvent]:
        for event in train(*args, **options):
            if isinstance(event, Started):
                begun_at.append(event.step)
            if isinstance(event, Progress) and event.step == 61:
                options["control"].checkpoint = True
            if isinstance(event, Progress) and event.step == 63 and begun_at == [0]:
                raise Death
            yield event

    monkeypatch.setattr(job_module, "train", dying_train)
    with pytest.raises(Death):
        work(store, EACH_EVENT)
    work(store, EACH_EVENT)
    assert begun_at == [0, 61]
    assert_same(store, run, alone(SHORT, tiny))


def test_a_death_between_training_and_test_changes_nothing(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, (done, diverged) = a_store_with(tmp_path, tiny, SHORT, DIVERGING)

    def dying(*args: Any, **options: Any) -> Iterator[TrainEvent]:
        raise Death
        yield

    with monkeypatch.context() as patch:
        patch.setattr(job_module, "evaluating", dying)
        with pytest.raises(Death):
            work(store)
    assert store.active()[0].state == "testing"
    work(store)
    assert_same(store, done, alone(SHORT, tiny))
    snapshot = store.snapshot(diverged.id)
    assert snapshot is not None and snapshot.run.state == "diverged"


@pytest.mark.parametrize("timings", [USUAL, EACH_EVENT], ids=["usual", "each event"])
def test_a_run_that_kills_its_workers_is_given_up_and_its_neighbours_are_not(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timings: Timings
) -> None:  # with a slice for each event, a neighbour gets no further than its first frame
    store, (before, killer, after) = a_store_with(tmp_path, tiny, SHORT, DIVERGING, SHORT)

    def killing(net: Net, images: Any, config: TrainConfig, **options: Any) -> Iterator[TrainEvent]:
        if config == DIVERGING:
            raise Death
        yield from train(net, images, config, **options)

    monkeypatch.setattr(job_module, "train", killing)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(Death):
            work(store, timings)
    work(store, timings)
    given_up = store.run(killer.id)
    assert given_up is not None and given_up.state == "failed"
    assert "given up" in given_up.message
    for run in (before, after):
        assert_same(store, run, alone(SHORT, tiny))


def test_of_the_checkpoints_the_newest_two_stay_until_the_end_and_of_each_frame_the_weights(
    tiny: Splits, tmp_path: Path
) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, replace(SHORT, batch_size=40))
    worker, checkpoints = Worker(store, 0, "cpu", EACH_CHECKPOINT), list[int]()
    while worker.turn():
        now = store.run(run.id)
        assert now is not None
        if now.checkpoint >= 0 and now.checkpoint not in checkpoints:
            checkpoints.append(now.checkpoint)
        kept = checkpoints[-2:] if now.active else checkpoints[-1:]
        weights = {f"{step}.pth" for step in (*kept, *(frame.step for frame in store.frame_times(run.id)))}
        there = {path.name for path in store.folder_of(run.id).iterdir()}
        assert there == weights | {f"{step}.resume" for step in kept}
    assert {1, 20} < {*checkpoints}
    assert not store.active()
