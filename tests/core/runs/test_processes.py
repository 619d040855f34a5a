"""Runs with real worker processes: each is what its settings give alone, and no death of a process changes that.

A service is closed half way, then a server is killed on the same folder; what follows happens on what they left.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.net import load_net
from cifar_core.runs.records import Run
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from tests.core.runs.test_trouble import held
from tests.helpers.runs import (
    ANN,
    BOB,
    ENDLESS,
    EVE,
    FAST,
    LONG,
    NO_LIMITS,
    ROOT,
    SHORT,
    alone,
    assert_same,
    changes_of,
    ended,
    refusal,
    until,
)

PAUSED = TrainConfig(epochs=8, report_every=70, seed=6)

SERVER = """
import json
import sys
import time
from pathlib import Path
from cifar_core.config import TrainConfig
from cifar_core.data import image_set
from cifar_core.runs.service import Service
from cifar_core.runs.timings import Timings
owner, data = "ann" * 8, image_set.load(Path(sys.argv[2]))
timings = Timings.from_text(sys.argv[3])
with Service(Path(sys.argv[1]), workers=1, device="cpu", timings=timings, spare=False) as service:
    resting, going = (service.start(owner, TrainConfig(**json.loads(config)), data) for config in sys.argv[4:])
    while service.find(resting.id).step < 30:
        time.sleep(0.01)
    service.pause(owner, resting.id)
    time.sleep(1000)
"""


@dataclass(frozen=True)
class Left:
    """What a closed service and a killed server left behind."""

    folder: Path
    half_way: Run
    """was active when its service was closed"""
    active: Run
    """was active when its server was killed"""
    paused: Run


@pytest.fixture(scope="module")
def left(tiny: Splits, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A runs folder with a history."""
    folder = tmp_path_factory.mktemp("processes") / "runs"
    with Service(folder, workers=1, device="cpu", timings=FAST, spare=False) as service:
        half_way = service.start(BOB, LONG, tiny)
        until(lambda: service.find(half_way.id).step)
    now = service.find(half_way.id)
    assert (now.state, now.step < now.steps) == ("running", True)

    store = Store(folder)
    configs = [json.dumps(asdict(config)) for config in (PAUSED, ENDLESS)]
    arguments = [folder, tiny.folder, FAST.text(), *configs]
    with subprocess.Popen([sys.executable, "-c", SERVER, *map(str, arguments)], cwd=ROOT) as server:
        try:
            until(lambda: {run.state for run in store.runs_of(ANN)} == {"running", "paused"})
            until(lambda: 0 <= store.runs_of(ANN)[0].checkpoint < store.runs_of(ANN)[0].step - 5)
            assert is_held(folder / "worker-0.lock") and is_held(folder / "server.lock")
        finally:
            server.kill()
    until(lambda: not is_held(folder / "worker-0.lock"))  # a worker whose server was killed ends by itself
    assert not is_held(folder / "server.lock")
    active, paused = store.runs_of(ANN)
    assert active.state == "running"  # for the next server
    return Left(folder, half_way, active, paused)


def is_held(lock: Path) -> bool:
    """Return whether a living process holds this lock."""
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@pytest.fixture(scope="module")
def service(left: Left) -> Iterator[Service]:
    """A service with two workers and a spare, on the folder of the killed server."""
    with Service(left.folder, workers=2, device="cpu", limits=NO_LIMITS, timings=FAST) as service:
        until(lambda: len(service.workers()) == 2)
        yield service


@contextmanager
def going(service: Service, splits: Splits, config: TrainConfig = ENDLESS, step: int = 30) -> Iterator[Run]:
    """Give a run of Ann's that has done more than `step` steps; stop it in the end."""
    run = service.start(ANN, config, splits)
    try:
        until(lambda: service.find(run.id).step > step)
        yield service.find(run.id)
    finally:
        service.stop(ANN, run.id)
        ended(service, run)


def kill_worker(service: Service, index: int) -> None:
    """End a worker as a crash would; return when its successor is up."""
    old = service.workers()[index].pid
    os.kill(old, signal.SIGKILL)
    until(lambda: len(service.workers()) == 2 and service.workers()[index].pid != old)


def wait_for_the_spare(service: Service) -> int:
    """Return the spare worker's process id when it has loaded: when it has worked and now sleeps for good."""
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
    spare = service._pool._spare
    assert spare is not None
    return spare.pid


def test_a_killed_servers_runs_go_on_and_the_paused_one_stays_paused(
    service: Service, left: Left, tiny: Splits
) -> None:
    until(lambda: service.find(left.active.id).step > left.active.step + 30)
    paused = service.find(left.paused.id)
    assert paused == replace(left.paused, attempts=0, worker=paused.worker)
    service.stop(ANN, left.active.id)
    last = ended(service, left.active).run
    assert last.state == "stopped"
    assert_same(service.store, last, alone(ENDLESS, tiny, last.step))


def test_a_run_goes_on_where_a_closed_service_left_it(service: Service, left: Left, tiny: Splits) -> None:
    assert ended(service, left.half_way).run.state == "done"
    assert_same(service.store, left.half_way, alone(LONG, tiny))


def test_runs_of_several_visitors_at_once_each_equal_their_training_alone(service: Service, tiny: Splits) -> None:
    configs = {
        ANN: [SHORT, replace(SHORT, seed=11)],
        BOB: [replace(SHORT, augment="flip_shift", schedule="one_cycle", lr=0.01, weight_decay=1e-3)],
        EVE: [replace(SHORT, batch_size=7, momentum=0.0, lr=0.05)],
    }
    runs = [(config, service.start(owner, config, tiny)) for owner in configs for config in configs[owner]]
    assert {run.worker for _, run in runs} == {0, 1}
    for config, run in runs:
        assert ended(service, run).run.state == "done"
        assert_same(service.store, run, alone(config, tiny))
    assert service.runs_of(EVE) == [service.find(runs[3][1].id)]


def test_the_weights_can_be_had_while_a_run_trains_and_only_its_owner_may_stop_it(
    service: Service, tiny: Splits
) -> None:
    with going(service, tiny) as run:
        until(lambda: service.find(run.id).checkpoint >= 0)
        load_net(service.weights(run.id))
        assert service.find(run.id).active
        for other in (BOB, "", "\ud800" * 16, run.id):
            with pytest.raises(RunError, match=r"^Only the one who started this run may command it; you may watch\.$"):
                service.stop(other, run.id)
            assert not service.is_own(other, run.id)
        assert service.is_own(ANN, run.id)
        step = service.find(run.id).step
        until(lambda: service.snapshot(run.id).points[-1].step > step)  # it goes on
        assert ANN not in repr(service.snapshot(run.id))
    last = service.find(run.id)
    assert (last.state, last.ending, last.message) == ("stopped", "", "")
    assert last.step == last.checkpoint < last.steps
    assert_same(service.store, run, alone(ENDLESS, tiny, last.step))
    assert service.stop(ANN, run.id) == last  # once more changes nothing


def test_workers_measure_themselves_in_idle_moments(service: Service) -> None:
    until(lambda: all(worker.step_seconds > 0 for worker in service.workers()))
    seconds = service.estimate(SHORT, 400).seconds
    assert seconds is not None and 0 < seconds < 100


def test_a_second_server_on_the_same_runs_is_refused(service: Service) -> None:
    with pytest.raises(RunError) as caught, Service(service.store.folder, workers=1):
        pass
    assert str(caught.value) == f"Another server already uses the runs in {service.store.folder}."
    assert len(service.workers()) == 2


def test_a_paused_run_outlives_its_worker_and_ends_as_if_it_had_never_been_paused(
    service: Service, left: Left, tiny: Splits
) -> None:
    worker = service.find(left.paused.id).worker
    kill_worker(service, worker)
    service.pause(ANN, left.paused.id)  # once more changes nothing
    until(lambda: not service.store.requests(worker))
    paused = service.find(left.paused.id)
    assert (paused.state, paused.step, paused.paused) == ("paused", left.paused.step, left.paused.paused)
    assert 30 <= paused.step < paused.steps
    service.resume(ANN, paused.id)
    last = ended(service, paused).run
    assert (last.state, last.paused) == ("done", None)
    assert_same(service.store, last, alone(PAUSED, tiny))


def test_changes_outlive_killed_workers_to_the_very_step_and_the_spare_takes_over(
    service: Service, tiny: Splits
) -> None:
    spare = wait_for_the_spare(service)
    config = replace(ENDLESS, seed=8)
    with going(service, tiny, config) as run, going(service, tiny, replace(SHORT, seed=44, epochs=4), step=0) as other:
        others = [worker.pid for worker in service.workers()]
        service.change(ANN, run.id, lr=0.002, momentum=0.8, batch_size=16)
        until(lambda: len(service.snapshot(run.id).changes) == 3)
        now = service.find(run.id)
        kill_worker(service, run.worker)  # perhaps before the next checkpoint: the changes must be made again
        others[run.worker] = spare
        assert [worker.pid for worker in service.workers()] == others  # the other worker is left alone

        until(lambda: service.find(run.id).checkpoint > now.step)
        service.change(ANN, run.id, lr=0.001)
        until(lambda: len(service.snapshot(run.id).changes) == 4)
        last = service.snapshot(run.id).changes[-1]
        until(lambda: service.find(run.id).checkpoint > last.step)
        kill_worker(service, run.worker)  # behind the next checkpoint, so the changes must be in force from the start
        step = service.find(run.id).step
        until(lambda: service.find(run.id).step > step + 20)
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
    stopped = service.find(other.id)
    assert_same(service.store, other, alone(replace(SHORT, seed=44, epochs=4), tiny, stopped.step))


def test_a_store_locked_for_longer_than_anybody_waits_costs_no_run(service: Service, tiny: Splits) -> None:
    with going(service, tiny) as run:
        before, workers = service.runs_of(ANN), [worker.pid for worker in service.workers()]
        until(lambda: service.find(run.id).checkpoint >= 0)
        with held(service.store):
            step, until_then = service.find(run.id).step, time.monotonic() + FAST.patience + 0.5
            for command in (lambda: service.start(ANN, SHORT, tiny), lambda: service.stop(ANN, run.id)):
                assert refusal(command).startswith("The runs are locked by another program")
            assert service.find(run.id).step == step  # one may still look
            until(lambda: time.monotonic() > until_then)
        assert [(other.id, other.ended) for other in service.runs_of(ANN)] == [(run.id, run.ended) for run in before]
        until(lambda: service.find(run.id).step > step + 30)
        assert [worker.pid for worker in service.workers()] == workers
    last = service.find(run.id)
    assert (last.state, last.attempts) == ("stopped", 0)
    assert_same(service.store, run, alone(ENDLESS, tiny, last.step))
