"""Runs that are commanded while they train: no wish is lost or obeyed twice, whatever dies and whenever it dies."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import ConfigError, StoreError, WeightsError
from cifar_core.runs import database as database_module
from cifar_core.runs import job as job_module
from cifar_core.runs.job import Job
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Run, Snapshot
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from cifar_core.runs.worker import Worker
from cifar_core.training.control import Change
from cifar_core.training.events import Changed
from tests.core.runs.test_service import (
    ANN,
    BOB,
    ROOT,
    SHORT,
    Death,
    a_store_with,
    alone,
    assert_same,
    ended,
    refusal,
    until,
    work,
)

ENDLESS = TrainConfig(epochs=200, report_every=100, seed=5)
"""20,000 mini-batches: it is always stopped"""
RESTING = TrainConfig(epochs=20, report_every=70, seed=6)
NO_LIMITS = Limits(starts_a_minute=1000, active_per_owner=1000, active=1000)


def changes_of(snapshot: Snapshot) -> tuple[Change, ...]:
    """What was changed, as a training of one's own would be told."""
    return tuple(Change(change.name, change.value, change.step) for change in snapshot.changes)


# --------------------------------------------------------------------------------------------- a server that is killed

SERVER = """
import json
import sys
import time
from pathlib import Path
from cifar_core.config import TrainConfig
from cifar_core.data import image_set
from cifar_core.runs.service import Service
owner, data = "ann" * 8, image_set.load(Path(sys.argv[2]))
with Service(Path(sys.argv[1]), workers=1, device="cpu") as service:
    resting, going = (service.start(owner, TrainConfig(**json.loads(config)), data) for config in sys.argv[3:])
    while service.find(resting.id).step < 100:
        time.sleep(0.01)
    service.pause(owner, resting.id)
    time.sleep(1000)
"""


@dataclass(frozen=True)
class Killed:
    """What a killed server left behind."""

    folder: Path
    going: Run
    resting: Run
    age: float
    """seconds: how old the newest checkpoint of the going run became at most"""


@pytest.fixture(scope="module")
def killed(tiny: Splits, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """A runs folder whose server was killed while one run was going and one rested."""
    folder, ages = tmp_path_factory.mktemp("killed") / "runs", []
    store = Store(folder)
    configs = [json.dumps(asdict(config)) for config in (RESTING, ENDLESS)]
    with subprocess.Popen([sys.executable, "-c", SERVER, folder, tiny.folder, *configs], cwd=ROOT) as server:
        try:
            until(lambda: {run.state for run in store.runs_of(ANN)} == {"running", "paused"})
            until(lambda: store.runs_of(ANN)[0].checkpoint >= 0)
            first = store.runs_of(ANN)[0].checkpoint

            def is_behind_the_next_checkpoint() -> bool:
                now = store.runs_of(ANN)[0]
                with suppress(FileNotFoundError):  # a newer one has just taken its place
                    written = (store.folder_of(now.id) / f"{now.checkpoint}.resume").stat().st_mtime
                    ages.append(time.time() - written)
                return first < now.checkpoint < now.step - 20 and ages[-1] > 1

            until(is_behind_the_next_checkpoint)
        finally:
            server.kill()
    going, resting = store.runs_of(ANN)
    assert going.checkpoint < going.step - 20
    return Killed(folder, going, resting, max(ages))


@pytest.fixture(scope="module")
def service(killed: Killed) -> Iterator[Service]:
    """A service with one worker, on the folder of the killed server."""
    with Service(killed.folder, workers=1, device="cpu", limits=NO_LIMITS) as service:
        until(service.workers)
        yield service


def wait_for_the_spare(service: Service) -> None:
    """Return when the spare worker has loaded, that is, when it has worked and now sleeps for good."""
    slept, before = 0, -1

    def sleeps() -> bool:
        nonlocal slept, before
        spare = service._pool._spare
        if spare is None:
            return False
        values = Path(f"/proc/{spare.pid}/stat").read_text().rpartition(")")[2].split()
        state, ticks = values[0], int(values[11]) + int(values[12])
        slept = slept + 1 if (state, ticks) == ("S", before) and ticks > 50 else 0
        before = ticks
        time.sleep(0.02)
        return slept >= 25

    until(sleeps)


def kill_worker(service: Service) -> None:
    """End the worker as a crash would, and return when its successor is up."""
    (old,) = service.workers()
    os.kill(old.pid, signal.SIGKILL)
    until(lambda: [worker.pid for worker in service.workers()] not in ([], [old.pid]))


@contextmanager
def going(service: Service, splits: Splits, config: TrainConfig = ENDLESS, step: int = 100) -> Iterator[Run]:
    """A run of ann's that has done more than `step` steps, and that is stopped in the end."""
    run = service.start(ANN, config, splits)
    try:
        until(lambda: service.find(run.id).step > step)
        yield run
    finally:
        service.stop(ANN, run.id)
        ended(service, run)


def test_a_killed_servers_runs_go_on_and_the_resting_one_rests(service: Service, killed: Killed, tiny: Splits) -> None:
    assert killed.age <= 5  # so much work is done twice at most
    until(lambda: service.find(killed.going.id).step > killed.going.step + 100)
    assert service.find(killed.resting.id) == replace(killed.resting, attempts=0)
    service.stop(ANN, killed.going.id)
    last = ended(service, killed.going).run
    assert last.state == "stopped"
    assert_same(service.store, last, alone(ENDLESS, tiny, last.step))


def test_a_resting_run_outlives_its_worker_too_and_ends_as_if_it_had_never_rested(
    service: Service, killed: Killed, tiny: Splits
) -> None:
    kill_worker(service)
    service.pause(ANN, killed.resting.id)  # once more changes nothing
    until(lambda: not service.store.requests(0))
    rested = service.find(killed.resting.id)
    assert (rested.state, rested.step, rested.paused) == ("paused", killed.resting.step, killed.resting.paused)
    assert 100 <= rested.step < rested.steps
    service.resume(ANN, rested.id)
    last = ended(service, rested).run
    assert (last.state, last.paused) == ("done", None)
    assert_same(service.store, last, alone(RESTING, tiny))


def test_a_resting_run_does_no_step_and_a_change_asked_for_meanwhile_acts_when_it_goes_on(
    service: Service, tiny: Splits
) -> None:
    with going(service, tiny) as run:
        service.pause(ANN, run.id)
        until(lambda: service.find(run.id).state == "paused")
        rested = service.find(run.id)
        service.change(ANN, run.id, lr=0.05, momentum=0.8)
        service.change(ANN, run.id, lr=ENDLESS.lr)  # back again, before it was ever in force
        time.sleep(0.5)  # several rounds of the worker
        assert service.find(run.id) == rested
        assert service.snapshot(run.id).changes == ()
        service.resume(ANN, run.id)
        until(lambda: service.find(run.id).step > rested.step + 100)
    snapshot = service.snapshot(run.id)
    assert {(change.step, change.name, change.value) for change in snapshot.changes} == {
        (rested.step, "lr", ENDLESS.lr),
        (rested.step, "momentum", 0.8),
    }
    assert_same(service.store, run, alone(ENDLESS, tiny, snapshot.run.step, changes_of(snapshot)))


def test_changes_outlive_killed_workers_to_the_very_step_and_the_spare_takes_over_within_three_seconds(
    service: Service, tiny: Splits
) -> None:
    wait_for_the_spare(service)
    config = replace(ENDLESS, seed=8)
    with going(service, tiny, config, step=200) as run:
        service.change(ANN, run.id, lr=0.002, momentum=0.8, batch_size=16)
        until(lambda: len(service.snapshot(run.id).changes) == 3)
        until(lambda: service.find(run.id).step > service.snapshot(run.id).changes[0].step + 40)
        now = service.find(run.id)
        assert now.checkpoint < service.snapshot(run.id).changes[0].step  # so it must be made again
        spare, begun = service._pool._spare.pid, time.monotonic()
        kill_worker(service)
        assert time.monotonic() - begun <= 3
        assert [worker.pid for worker in service.workers()] == [spare]

        until(lambda: service.find(run.id).checkpoint > now.step)
        service.change(ANN, run.id, lr=0.001)
        until(lambda: len(service.snapshot(run.id).changes) == 4)
        last = service.snapshot(run.id).changes[-1]
        until(lambda: service.find(run.id).checkpoint > last.step)
        kill_worker(service)  # behind the next checkpoint, so the changes must be in force from the start
        step = service.find(run.id).step
        until(lambda: service.find(run.id).step > step + 40)
    snapshot = service.snapshot(run.id)
    first, *_ = snapshot.changes
    assert [(change.step, change.name, change.value) for change in snapshot.changes] == [
        (first.step, "batch_size", 16),
        (first.step, "lr", 0.002),
        (first.step, "momentum", 0.8),
        (last.step, "lr", 0.001),
    ]
    assert snapshot.run.steps == last.steps < 20_000
    assert_same(service.store, run, alone(config, tiny, snapshot.run.step, changes_of(snapshot)))


def test_an_ended_run_trains_on_to_what_more_epochs_from_the_start_would_have_given(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, SHORT, tiny)
    first = ended(service, run)
    again = service.train_on(ANN, run.id, 2)
    assert (again.state, again.ended, again.steps, again.step) == ("waiting", None, 400, 200)
    last = ended(service, run)
    assert (last.run.state, last.run.step, last.run.epoch) == ("done", 400, 4)
    assert last.changes == (Changed(200, 800, "epochs", 4, 400),)
    assert first.result and last.result and (first.result.step, last.result.step) == (200, 400)
    assert last.points[:200] == first.points
    assert_same(service.store, run, alone(replace(SHORT, epochs=4), tiny))


def test_a_stopped_run_trains_on_from_where_it_stands(service: Service, tiny: Splits) -> None:
    config = replace(SHORT, epochs=19)
    with going(service, tiny, config) as run:
        pass
    stopped = service.find(run.id)
    assert stopped.state == "stopped" and stopped.step < stopped.steps
    service.train_on(ANN, run.id, 1)
    last = ended(service, run)
    epochs = stopped.seen // 400 + 1
    assert (last.run.state, last.run.step, last.run.ending) == ("done", 100 * epochs, "")
    assert [(change.step, change.name, change.value) for change in last.changes] == [(stopped.step, "epochs", epochs)]
    assert_same(service.store, run, alone(replace(config, epochs=epochs), tiny))


def test_stop_rules_end_runs_which_can_still_train_on(service: Service, tiny: Splits) -> None:
    calm = replace(SHORT, epochs=9, lr=1e-6, momentum=0.0, report_every=10, stop_rule="patience", patience=3)
    good = replace(SHORT, epochs=9, lr=0.01, batch_size=8, stop_rule="accuracy", target_accuracy=40)
    wild = replace(SHORT, lr=1.0, momentum=0.999)
    runs = [service.start(ANN, config, tiny) for config in (calm, good, wild)]
    ends = [ended(service, run) for run in runs]
    assert [snapshot.run.state for snapshot in ends] == ["done", "done", "diverged"]
    assert [snapshot.run.message for snapshot in ends] == [
        "Ended by its stop rule: the loss had not become better for a while.",
        "Ended by its stop rule: the accuracy was reached.",
        "The loss is no longer a finite number: the steps were too large. Try a smaller learning rate.",
    ]
    assert all(snapshot.run.step < snapshot.run.steps for snapshot in ends)
    reached = ends[1].probes[-1]
    assert reached.step == ends[1].run.step and reached.correct >= 0.4 * reached.total
    for run, config in zip(runs, (calm, good), strict=False):
        epochs = service.find(run.id).seen // 400 + 1
        service.train_on(ANN, run.id, 1)
        last = ended(service, run).run
        assert (last.state, last.message, last.step) == ("done", "", last.steps)
        assert_same(service.store, run, alone(replace(config, epochs=epochs, stop_rule="none"), tiny))


def test_three_runs_on_one_worker_go_equally_fast(service: Service, tiny: Splits) -> None:
    runs = [service.start(ANN, replace(ENDLESS, seed=seed), tiny) for seed in range(3)]

    def steps() -> list[int]:
        return [service.find(run.id).step for run in runs]

    until(lambda: all(steps()))
    begun = steps()

    def done() -> list[int]:
        return [now - before for now, before in zip(steps(), begun, strict=True)]

    until(lambda: min(done()) > 1500)
    in_between = done()
    for run in runs:
        service.stop(ANN, run.id)
    assert max(in_between) <= 1.3 * min(in_between)
    for run in runs:
        ended(service, run)


# -------------------------------------------------------------------------------- trouble with the store or the disk


@contextmanager
def held(store: Store) -> Iterator[None]:
    """The store, locked by another program."""
    with closing(sqlite3.connect(store.folder / "store.sqlite3", isolation_level=None)) as other:
        other.execute("begin exclusive")
        yield
        other.execute("rollback")


@contextmanager
def full(store: Store) -> Iterator[None]:
    """The disk without room for any further page."""
    with store.reading() as database:
        pages = database.execute("pragma max_page_count = 1").fetchone()[0]  # the least possible is what there is
        assert pages == database.execute("pragma page_count").fetchone()[0]
        yield
        database.execute("pragma max_page_count = 1000000")


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    with store.reading() as database:
        database.execute("pragma query_only = 1")
        yield
        database.execute("pragma query_only = 0")


TROUBLES = pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (held, "The runs are held by another program just now; try again in a moment."),
        (full, "The disk with the runs is full: make room on it, then try again; what is there is kept."),
        (read_only, "The runs may only be read: let the server write their folder, then try again."),
    ],
)
Trouble = Callable[[Store], Any]


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service without workers, that does not wait for others."""
    monkeypatch.setattr(database_module, "PATIENCE", 0.05)
    return Service(tmp_path / "runs", workers=1, limits=NO_LIMITS)


def test_a_store_locked_for_longer_than_anybody_waits_costs_no_run(service: Service, tiny: Splits) -> None:
    with going(service, tiny) as run:
        before, workers = service.runs_of(ANN), service.workers()
        with service.store.reading() as database:
            database.execute("pragma busy_timeout = 200")  # of this thread; the worker waits for PATIENCE
        until(lambda: service.find(run.id).checkpoint >= 0)
        with held(service.store):
            step, until_then = service.find(run.id).step, time.monotonic() + database_module.PATIENCE + 1.5
            for command in (lambda: service.start(ANN, SHORT, tiny), lambda: service.stop(ANN, run.id)):
                assert refusal(command).startswith("The runs are held by another program")
            assert service.find(run.id).step == step  # one may still look
            until(lambda: time.monotonic() > until_then)
        assert [(other.id, other.ended) for other in service.runs_of(ANN)] == [(run.id, run.ended) for run in before]
        until(lambda: service.find(run.id).step > step + 100)
        assert service.workers() == workers
    last = service.find(run.id)
    assert (last.state, last.attempts) == ("stopped", 0)
    assert_same(service.store, run, alone(ENDLESS, tiny, last.step))


@TROUBLES
def test_a_command_that_cannot_be_written_is_refused_with_a_sentence_and_leaves_all_as_it_was(
    closed: Service, tiny: Splits, trouble: Trouble, sentence: str
) -> None:
    run = closed.start(ANN, SHORT, tiny)
    said = []
    with trouble(closed.store):
        for command in (
            lambda: closed.start(ANN, SHORT, tiny),
            lambda: [closed.change(ANN, run.id, lr=lr / 1e4) for lr in range(20, 1000)],  # the last page has some room
            lambda: [closed.pause(ANN, run.id) for _ in range(1000)],
        ):
            with pytest.raises(StoreError) as caught:
                for _ in range(100):
                    command()
            said.append(str(caught.value))
        kept = closed.runs_of(ANN)
        assert closed.snapshot(run.id).run == run
    assert said == [sentence] * 3
    assert closed.runs_of(ANN) == kept
    assert closed.start(ANN, SHORT, tiny).active


@TROUBLES
def test_trouble_with_the_store_in_a_workers_hands_ends_no_run(
    closed: Service, tiny: Splits, trouble: Trouble, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "SLICE", 0.01)
    run = closed.start(ANN, SHORT, tiny)
    worker = Worker(closed.store, 0, "cpu")
    assert worker.turn()
    with trouble(closed.store), pytest.raises(StoreError) as caught:
        while worker.turn():
            pass
    assert str(caught.value) == sentence
    left = closed.find(run.id)
    assert (left.state, left.message, left.step < left.steps) == ("running", "", True)
    work(closed.store)
    assert_same(closed.store, run, alone(SHORT, tiny))


def test_a_bug_in_a_statement_is_not_told_as_trouble_with_the_disk(closed: Service) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such column"), closed.store.reading() as database:
        database.execute("select no_such_column from runs")


def test_a_run_whose_folder_cannot_be_made_fails_with_a_sentence_and_disturbs_no_other(
    tiny: Splits, tmp_path: Path
) -> None:
    store, (blocked, other) = a_store_with(tmp_path, tiny, SHORT, SHORT)
    store.folder_of(blocked.id).write_text("in the way")
    work(store)
    now = store.run(blocked.id)
    assert now is not None and now.state == "failed"
    assert (
        now.message == "The files of this run cannot be read or written (File exists); the server's disk needs a look."
    )
    assert store.folder_of(blocked.id).read_text() == "in the way"
    assert_same(store, other, alone(SHORT, tiny))


def test_a_run_whose_weights_cannot_be_written_keeps_what_it_has_and_can_train_on(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, save = closed.start(ANN, SHORT, tiny), job_module.save_weights
    monkeypatch.setattr(job_module, "SLICE", 0.0)
    monkeypatch.setattr(job_module, "CHECKPOINT_EVERY", 0.0)

    def full_later(weights: Any, path: Path) -> None:
        if int(path.stem) >= 30:
            raise WeightsError("There is no room on the disk.")
        save(weights, path)

    with monkeypatch.context() as patch:
        patch.setattr(job_module, "save_weights", full_later)
        work(closed.store)
    failed = closed.find(run.id)
    assert (failed.state, failed.message) == ("failed", "There is no room on the disk.")
    assert failed.checkpoint == 29 and failed.step >= 29
    expected = alone(SHORT, tiny)
    assert closed.snapshot(run.id).points == expected.points[: failed.step]
    assert closed.weights(run.id)
    closed.train_on(ANN, run.id, 2)
    work(closed.store)
    assert_same(closed.store, run, expected)


# ------------------------------------------------------------------------------------------- a death at every moment


def live_and_die(store: Store, monkeypatch: pytest.MonkeyPatch, dies_at: int, wish: Callable[[], object]) -> bool:
    """Work with one event a slice until nothing is active; false where there was no moment `dies_at`.

    `wish` is made after three slices, and the first worker dies just before the writing `dies_at` behind that.
    """
    writings, turns, write = -1, 0, store.update

    def update(*args: Any, **options: Any) -> None:
        nonlocal writings
        writings += turns >= 3
        if writings == dies_at:
            writings += 1
            raise Death
        write(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(store, "update", update)
        patch.setattr(job_module, "SLICE", 0.0)
        while store.active():
            worker = Worker(store, 0, "cpu")
            try:
                while worker.turn():
                    turns += 1
                    if turns == 3:
                        wish()
            except Death:
                continue
    return writings > dies_at


BRIEF = TrainConfig(epochs=1, batch_size=80, report_every=2, seed=9)
"""5 mini-batches"""
WISHES: dict[str, float] = {"batch_size": 50, "lr": 0.002, "momentum": 0.5}


@pytest.mark.parametrize("checkpoint_every", [0.0, 1000.0])
def test_a_death_at_any_moment_neither_loses_nor_doubles_nor_moves_a_change(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch, checkpoint_every: float
) -> None:
    monkeypatch.setattr(job_module, "CHECKPOINT_EVERY", checkpoint_every)
    for dies_at in range(100):
        run = closed.start(ANN, BRIEF, tiny)
        died = live_and_die(closed.store, monkeypatch, dies_at, partial(closed.change, ANN, run.id, **WISHES))
        snapshot = closed.snapshot(run.id)
        assert {change.name: change.value for change in snapshot.changes} == WISHES
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
        died = live_and_die(closed.store, monkeypatch, dies_at, partial(closed.stop, ANN, run.id))
        last = closed.find(run.id)
        assert (last.state, last.step < last.steps) == ("stopped", True)
        assert_same(closed.store, run, alone(BRIEF, tiny, last.step))
        assert closed.store.requests(0) == []
        if not died:
            break
    assert dies_at > 2


@pytest.mark.parametrize("checkpoint_every", [0.0, 1000.0])
@pytest.mark.parametrize("rule", ["patience", "accuracy"])
def test_a_death_at_any_moment_lets_no_run_train_past_its_stop_rule(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch, rule: str, checkpoint_every: float
) -> None:
    monkeypatch.setattr(job_module, "CHECKPOINT_EVERY", checkpoint_every)
    calm = replace(BRIEF, epochs=3, lr=1e-6, momentum=0.0, report_every=1)
    config = replace(calm, stop_rule=rule, patience=1, target_accuracy=1.0)
    step = None
    for dies_at in range(100):
        run = closed.start(ANN, config, tiny)
        died = live_and_die(closed.store, monkeypatch, dies_at, lambda: None)
        last = closed.snapshot(run.id)
        step = step or last.run.step
        assert (last.run.state, last.run.step, last.run.checkpoint) == ("done", step, step)
        assert last.run.message.startswith("Ended by its stop rule")
        assert last.result is not None and last.result.step == step < 15
        if not died:
            break
    assert dies_at > 0


def test_a_rest_ordered_twice_and_ended_once_does_not_come_back_with_the_next_worker(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = closed.start(ANN, SHORT, tiny)
    worker = Worker(closed.store, 0, "cpu")
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
    assert Worker(closed.store, 0, "cpu").turn()
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
    assert 2 < oldest < job_module.CHECKPOINT_EVERY + 4 * 2 * job_module.SLICE


# ---------------------------------------------------------------------------------------------------- what is refused


def test_a_change_out_of_bounds_of_another_setting_or_by_another_is_refused(closed: Service, tiny: Splits) -> None:
    run = closed.start(ANN, SHORT, tiny)
    for settings in ({"lr": 2.0}, {"lr": float("nan")}, {"momentum": -0.1}, {"batch_size": 2.5}, {"batch_size": 0}):
        with pytest.raises(ConfigError, match=r"must be a (whole )?number from .*\.$"):
            closed.change(ANN, run.id, **settings)
    assert refusal(lambda: closed.change(ANN, run.id, epochs=3)) == (
        "Only lr, momentum, batch_size can change while a run is going."
    )
    for command in (closed.pause, closed.resume, closed.stop, lambda *who: closed.change(*who, lr=0.1)):
        assert refusal(partial(command, BOB, run.id)).startswith("Only the one who started this run")
    closed.change(ANN, run.id, lr=SHORT.lr)  # as it is
    assert closed.store.requests(0) == []
    closed.limits = replace(NO_LIMITS, steps=200)
    assert "200 mini-batches" in refusal(lambda: closed.change(ANN, run.id, batch_size=1))


@pytest.mark.parametrize("state", ["done", "stopped", "diverged", "failed", "testing"])
def test_a_change_of_an_ended_run_is_refused(closed: Service, tiny: Splits, state: str) -> None:
    run = closed.start(ANN, SHORT, tiny)
    closed.store.update(run.id, state=state)
    sentence = refusal(lambda: closed.change(ANN, run.id, lr=0.1))
    assert sentence == "This run has ended; let it train on first, or start another."
    assert closed.store.requests(0) == []


def test_a_run_trains_on_only_when_it_has_ended_and_by_its_owner_and_within_the_bounds(
    closed: Service, tiny: Splits
) -> None:
    run = closed.start(ANN, SHORT, tiny)
    assert refusal(lambda: closed.train_on(ANN, run.id, 1)).startswith("Only a run that has ended")
    work(closed.store)
    assert refusal(lambda: closed.train_on(BOB, run.id, 1)).startswith("Only the one who started this run")
    bad: list[Any] = [0, -1, 1.5, float("nan"), True, "2", None]
    for epochs in bad:
        assert refusal(partial(closed.train_on, ANN, run.id, epochs)).startswith("More epochs must be")
    with pytest.raises(ConfigError):
        closed.train_on(ANN, run.id, 199)  # 201 in all
    closed.limits = replace(NO_LIMITS, steps=500)
    assert "500 mini-batches" in refusal(lambda: closed.train_on(ANN, run.id, 4))
    closed.train_on(ANN, run.id, 3)
    assert refusal(lambda: closed.train_on(ANN, run.id, 3)).startswith("Only a run that has ended")
