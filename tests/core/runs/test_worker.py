"""A worker in the test's own process: how runs begin, are paused and changed, end, fail and train on."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import RunError, StoreError
from cifar_core.net import Net, new_net
from cifar_core.runs.job import MAX_ATTEMPTS
from cifar_core.runs.records import Run, new_run
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from cifar_core.runs.worker import Worker
from cifar_core.training.events import Changed
from cifar_core.training.learner import Learner
from tests.helpers.runs import (
    ANN,
    DIVERGING,
    EACH_EVENT,
    ENDLESS,
    FAST,
    NO_LIMITS,
    SHORT,
    a_store_with,
    alone,
    assert_same,
    changes_of,
    until,
    untrained,
    work,
)
from tests.helpers.tiny_data import tiny_splits


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests work in their place."""
    return Service(tmp_path / "runs", workers=1, limits=NO_LIMITS, timings=FAST)


@contextmanager
def working(service: Service, splits: Splits, config: TrainConfig = ENDLESS) -> Iterator[tuple[Run, Worker]]:
    """Give a run of Ann's that has begun, and its worker; stop it in the end."""
    run, worker = service.start(ANN, config, splits), Worker(service.store, 0, "cpu", FAST)
    turn_until(worker, lambda: service.find(run.id).step > 0)
    yield run, worker
    service.stop(ANN, run.id)
    turn_until(worker, lambda: not service.find(run.id).active)


def turn_until(worker: Worker, true: Callable[[], object]) -> None:
    for _ in range(10_000):
        if true():
            return
        worker.turn()
    raise AssertionError("turned for too long")


def test_a_run_at_its_end_tells_how_it_went(service: Service, tiny: Splits) -> None:
    started = time.time()
    run = service.start(ANN, SHORT, tiny)
    assert (run.state, run.step, run.steps, run.config, run.images) == ("waiting", 0, 200, SHORT, 400)
    work(service.store)
    now = service.find(run.id)
    assert (now.step, now.steps, now.epoch, now.seen, now.tested, now.checkpoint) == (200, 200, 2, 800, 120, 200)
    assert now.ended is not None and started <= now.created <= now.ended <= time.time()
    assert now.speed > 0 and now.busy > 0
    assert (now.state, now.message, now.attempts) == ("done", "", 0)
    content = service.weights(run.id)
    path = service.store.weights_of(now)
    assert content == path.read_bytes()
    plain = torch.load(path)  # as the tutorial does
    Net().load_state_dict(plain)
    assert all(type(tensor) is Tensor for tensor in plain.values())
    assert_same(service.store, run, alone(SHORT, tiny))


def test_a_diverging_run_ends_with_a_sentence_and_disturbs_no_other(service: Service, tiny: Splits) -> None:
    runs = [service.start(ANN, config, tiny) for config in (SHORT, DIVERGING)]
    work(service.store)
    snapshot = service.snapshot(runs[1].id)
    assert (snapshot.run.state, snapshot.run.ending, snapshot.result) == ("diverged", "", None)
    assert snapshot.run.message.startswith("The loss is no longer a finite number")
    assert snapshot.run.message.endswith("Try a smaller learning rate.")
    assert snapshot.run.ended is not None
    assert 0 < snapshot.points[-1].step < snapshot.run.step < 200
    assert_same(service.store, runs[0], alone(SHORT, tiny))


def test_a_run_whose_images_are_gone_fails_with_a_sentence_and_disturbs_no_other(
    service: Service, tiny: Splits, tmp_path: Path
) -> None:
    gone, other = tiny_splits(tmp_path / "gone"), tiny_splits(tmp_path / "damaged")
    shutil.rmtree(gone.folder)
    (other.folder / "train_images.npy").unlink()
    runs = [service.start(ANN, SHORT, splits) for splits in (gone, tiny, other)]
    work(service.store)
    for run in (runs[0], runs[2]):
        now = service.find(run.id)
        assert (now.state, now.ended is None) == ("failed", False)
        assert now.message == "The images of this run are no longer on this server."  # and no path of it
    assert service.find(runs[1].id).state == "done"
    with pytest.raises(RunError, match="This run has no weights yet"):
        service.weights(runs[0].id)


def test_a_run_in_which_the_worker_died_again_and_again_is_given_up(service: Service, tiny: Splits) -> None:
    for attempts, state in ((MAX_ATTEMPTS - 1, "done"), (MAX_ATTEMPTS, "failed")):
        run = replace(new_run(f"attempt {attempts}", SHORT, tiny.folder, 400, 0), attempts=attempts)
        service.store.add(run, ANN)
        work(service.store)
        assert service.find(run.id).state == state
    assert service.find(run.id).message == f"The worker died {MAX_ATTEMPTS} times in this run, so it was given up."


def test_a_paused_run_does_no_step_and_a_change_asked_for_meanwhile_acts_when_it_goes_on(
    service: Service, tiny: Splits
) -> None:
    with working(service, tiny) as (run, worker):
        service.pause(ANN, run.id)
        turn_until(worker, lambda: service.find(run.id).state == "paused")
        paused = service.find(run.id)
        service.change(ANN, run.id, lr=0.05, momentum=0.8)
        service.change(ANN, run.id, lr=ENDLESS.lr)  # back again, before it was ever in force
        for _ in range(10):
            assert not worker.turn()
        assert service.find(run.id) == paused
        assert service.snapshot(run.id).changes == ()
        service.resume(ANN, run.id)
        turn_until(worker, lambda: service.find(run.id).step > paused.step + 20)
    snapshot = service.snapshot(run.id)
    (step,) = {change.step for change in snapshot.changes}
    assert paused.step <= step < paused.step + 20  # it may have paused between two points of its curve
    assert {(change.name, change.value) for change in snapshot.changes} == {("lr", ENDLESS.lr), ("momentum", 0.8)}
    assert_same(service.store, run, alone(ENDLESS, tiny, snapshot.run.step, changes_of(snapshot)))


def test_three_runs_on_one_worker_take_turns(service: Service, tiny: Splits) -> None:
    runs = [service.start(ANN, replace(ENDLESS, seed=seed), tiny) for seed in range(3)]
    worker = Worker(service.store, 0, "cpu", EACH_EVENT)
    points = []
    for _ in range(60):
        worker.turn()
        points.append([service.find(run.id).step for run in runs])
    assert all(max(steps) - min(steps) <= 1 for steps in points)  # each gets one event a round, whichever it is
    assert min(points[-1]) > 10


def test_a_slice_is_over_after_the_mini_batch_in_which_its_time_is_up(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, made, step = service.start(ANN, ENDLESS, tiny), [0], Learner.step  # a point every 20 mini-batches

    def counted(self: Learner, inputs: Tensor, labels: Tensor) -> Tensor:
        made[-1] += 1
        return step(self, inputs, labels)

    monkeypatch.setattr(Learner, "step", counted)
    worker = Worker(service.store, 0, "cpu", EACH_EVENT)
    for _ in range(50):
        worker.turn()
        made.append(0)
    assert set(made) == {0, 1}
    service.stop(ANN, run.id)
    worker.timings = FAST
    while worker.turn():
        pass
    ended = service.find(run.id)
    assert ended.state == "stopped" and ended.step == sum(made)
    assert_same(service.store, run, alone(ENDLESS, tiny, ended.step))


def test_an_ended_run_trains_on_to_what_more_epochs_from_the_start_would_have_given(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, SHORT, tiny)
    work(service.store)
    first = service.snapshot(run.id)
    again = service.train_on(ANN, run.id, 2)
    assert (again.state, again.ended, again.steps, again.step) == ("waiting", None, 400, 200)
    work(service.store)
    last = service.snapshot(run.id)
    assert (last.run.state, last.run.step, last.run.epoch) == ("done", 400, 4)
    assert last.changes == (Changed(200, 800, "epochs", 4, 400),)
    assert first.result and last.result and (first.result.step, last.result.step) == (200, 400)
    assert last.points[:200] == first.points
    assert_same(service.store, run, alone(replace(SHORT, epochs=4), tiny))


def test_a_stopped_run_trains_on_from_where_it_stands(service: Service, tiny: Splits) -> None:
    config = replace(SHORT, epochs=19)
    with working(service, tiny, config) as (run, _):
        pass
    stopped = service.find(run.id)
    assert stopped.state == "stopped" and stopped.step < stopped.steps
    service.train_on(ANN, run.id, 1)
    work(service.store)
    last = service.snapshot(run.id)
    epochs = stopped.seen // 400 + 1
    assert (last.run.state, last.run.step, last.run.ending) == ("done", 100 * epochs, "")
    assert [(change.step, change.name, change.value) for change in last.changes] == [(stopped.step, "epochs", epochs)]
    assert_same(service.store, run, alone(replace(config, epochs=epochs), tiny))


def test_stop_rules_end_runs_which_can_still_train_on(service: Service, tiny: Splits) -> None:
    calm = replace(SHORT, epochs=9, lr=1e-6, momentum=0.0, report_every=10, stop_rule="patience", patience=3)
    good = replace(SHORT, epochs=9, lr=0.01, batch_size=8, stop_rule="accuracy", target_accuracy=40)
    runs = [service.start(ANN, config, tiny) for config in (calm, good)]
    work(service.store)
    ends = [service.snapshot(run.id) for run in runs]
    assert [snapshot.run.state for snapshot in ends] == ["done", "done"]
    assert [snapshot.run.message for snapshot in ends] == [
        "Ended by its stop rule: the loss had not become better for a while.",
        "Ended by its stop rule: the accuracy was reached.",
    ]
    assert all(snapshot.run.step < snapshot.run.steps for snapshot in ends)
    reached = ends[1].validations[-1]
    assert reached.step == ends[1].run.step and reached.correct >= 0.4 * reached.total
    for run, config in zip(runs, (calm, good), strict=True):
        epochs = service.find(run.id).seen // 400 + 1
        service.train_on(ANN, run.id, 1)
        work(service.store)
        last = service.find(run.id)
        assert (last.state, last.message, last.step) == ("done", "", last.steps)
        assert_same(service.store, run, alone(replace(config, epochs=epochs, stop_rule="none"), tiny))


def test_a_stop_that_comes_before_the_first_step_is_handled(tiny: Splits, tmp_path: Path) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    store.ask(run, "stop")
    work(store)
    now = store.run(run.id)
    assert now is not None and (now.state, now.step) == ("stopped", 0)
    assert_same(store, run, untrained(new_net(SHORT.seed), tiny))


def test_a_stop_of_a_run_that_is_just_being_added_is_not_lost(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = Store(tmp_path), new_run("a", SHORT, tiny.folder, 400, 0)
    look = store.active

    def look_just_before(worker: int | None = None) -> list[Run]:
        active = look(worker)
        if store.run(run.id) is None:
            store.add(run, ANN)
            store.ask(run, "stop")
        return active

    monkeypatch.setattr(store, "active", look_just_before)
    worker = Worker(store, 0, "cpu", FAST)
    until(lambda: not worker.turn() and not look())
    now = store.run(run.id)
    assert now is not None and (now.state, now.step) == ("stopped", 0)


def test_trouble_with_the_store_ends_no_run(tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    worker = Worker(store, 0, "cpu", FAST)
    assert worker.turn()
    apply = store.apply

    def full_once(*_: Any) -> None:
        monkeypatch.setattr(store, "apply", apply)
        raise StoreError("The disk is full.")

    monkeypatch.setattr(store, "apply", full_once)
    with pytest.raises(StoreError):
        worker.turn()
    assert [run.state for run in store.active()] == ["running"]
    work(store)
    assert_same(store, run, alone(SHORT, tiny))
