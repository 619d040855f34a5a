"""Runs with real worker processes: each is what its settings give alone, and no death of a process changes that."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data import Splits, image_set
from cifar_core.errors import RunError, StoreError
from cifar_core.evaluate import evaluate
from cifar_core.net import Net, load_net, new_net
from cifar_core.runs import job as job_module
from cifar_core.runs.job import MAX_ATTEMPTS
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Point, Run, Snapshot, TestResult, WorkerInfo, new_run
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from cifar_core.runs.timeline import moments_of
from cifar_core.runs.worker import Worker
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Progress, Reported, Started, TrainEvent
from cifar_core.training.loop import train
from tests.helpers.tiny_data import tiny_splits

ANN, BOB, EVE = (name * 8 for name in ("ann", "bob", "eve"))
"""the secret keys of three visitors"""
SHORT = TrainConfig(epochs=2, report_every=30, seed=3)
"""200 mini-batches"""
LONG = TrainConfig(epochs=8, report_every=70, seed=4)
"""800 mini-batches: long enough to be interrupted"""
ENDLESS = TrainConfig(epochs=200, report_every=100, seed=5)
DIVERGING = TrainConfig(epochs=2, lr=1, momentum=0.999)
ROOT = Path(__file__).parents[3]


def until(true: Callable[[], object]) -> None:
    """Return when `true` is."""
    deadline = time.monotonic() + 100
    while not true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.01)


# ------------------------------------------------------------------------------------------- what a run should be


@dataclass(frozen=True)
class Alone:
    """What a training gives in a process of its own, without runs, slices or checkpoints."""

    points: tuple[Point, ...]
    reports: tuple[Reported, ...]
    result: TestResult
    weights: dict[str, Tensor]


@cache
def alone(config: TrainConfig, splits: Splits, steps: int | None = None, changes: tuple[Change, ...] = ()) -> Alone:
    """The training `config` with `changes`, as far as the point at step `steps` where that is given."""
    net, points, reports = new_net(config.seed), [Point(0, 0, 0.0)], []
    for event in train(net, splits.train, config, control=Control(changes=list(changes))):
        if isinstance(event, Reported):
            reports.append(event)
        if isinstance(event, Progress):
            points.append(Point(event.step, event.images, event.loss))
        if points[-1].step == steps:
            break
    weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    return Alone(tuple(points[1:]), tuple(reports), result_of(net, splits, points[-1].step), weights)


def result_of(net: Net, splits: Splits, step: int) -> TestResult:
    found = evaluate(net, splits.test)
    first = tuple(found.predictions[:4].tolist())
    return TestResult(step, found.correct, found.total, tuple(found.class_accuracy().tolist()), first)


def assert_same(store: Store, run: Run, expected: Alone) -> None:
    """Curve, log, test result and weights of the run, as all its readers find them, are the expected ones."""
    snapshot = store.snapshot(run.id)
    assert snapshot is not None
    assert (snapshot.points, snapshot.reports) == (expected.points, expected.reports)
    assert snapshot.result == expected.result
    weights = load_net(store.weights_of(snapshot.run)).state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.weights.items())


# ------------------------------------------------------------------------------------------ two workers for many


@pytest.fixture(scope="module")
def closed_half_way(tiny: Splits, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A runs folder whose service was closed while this run was going."""
    folder = tmp_path_factory.mktemp("service") / "runs"
    with Service(folder, workers=1, device="cpu") as service:
        run = service.start(BOB, LONG, tiny)
        until(lambda: service.find(run.id).step)
    now = service.find(run.id)
    assert (now.state, now.step < now.steps) == ("running", True)
    return folder, now


@pytest.fixture(scope="module")
def service(closed_half_way: tuple[Path, Run]) -> Iterator[Service]:
    """A service with two workers that are up."""
    with Service(closed_half_way[0], workers=2, device="cpu", limits=Limits(starts_a_minute=1000)) as service:
        until(lambda: len(service.workers()) == 2)
        yield service


def ended(service: Service, run: Run) -> Snapshot:
    """The run when it has ended."""
    until(lambda: not service.find(run.id).active)
    return service.snapshot(run.id)


@contextmanager
def endless(service: Service, splits: Splits, owner: str = ANN) -> Iterator[Run]:
    """A run that goes on and on."""
    run = service.start(owner, ENDLESS, splits)
    try:
        until(lambda: service.find(run.id).checkpoint >= 0)
        yield run
    finally:
        service.stop(owner, run.id)
        ended(service, run)


def test_a_run_goes_on_where_the_last_server_left_it(
    service: Service, closed_half_way: tuple[Path, Run], tiny: Splits
) -> None:
    _, run = closed_half_way
    assert ended(service, run).run.state == "done"
    assert_same(service.store, run, alone(LONG, tiny))


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


def test_a_run_at_its_end_tells_how_it_went(service: Service, tiny: Splits) -> None:
    begun = time.time()
    run = service.start(ANN, SHORT, tiny)
    assert (run.state, run.step, run.steps, run.config, run.images) == ("waiting", 0, 200, SHORT, 400)
    now = ended(service, run).run
    assert (now.step, now.steps, now.epoch, now.seen, now.tested, now.checkpoint) == (200, 200, 2, 800, 120, 200)
    assert now.ended is not None and begun <= now.created <= now.ended <= time.time()
    assert now.speed > 0
    assert (now.message, now.attempts) == ("", 0)


def test_the_weights_of_a_run_can_be_had_while_it_trains(service: Service, tiny: Splits) -> None:
    with endless(service, tiny) as run:
        read = load_net(service.weights(run.id))
        assert service.find(run.id).active
        assert not any(torch.isnan(weight).any() for weight in read.state_dict().values())
    content = service.weights(run.id)
    path = service.store.weights_of(service.find(run.id))
    assert content == path.read_bytes()
    plain = torch.load(path)  # as the tutorial does
    Net().load_state_dict(plain)
    assert all(type(tensor) is Tensor for tensor in plain.values())


def test_a_stopped_run_ends_where_it_is_and_is_tested_there(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, ENDLESS, tiny)
    until(lambda: service.find(run.id).step >= 150)
    assert service.stop(ANN, run.id).id == run.id
    last = ended(service, run).run
    assert (last.state, last.ending, last.message) == ("stopped", "", "")
    assert 150 <= last.step == last.checkpoint < last.steps
    assert_same(service.store, run, alone(ENDLESS, tiny, last.step))
    assert service.stop(ANN, run.id) == last  # once more changes nothing


def test_only_the_owner_may_stop_a_run_and_everybody_may_watch(service: Service, tiny: Splits) -> None:
    with endless(service, tiny) as run:
        for stranger in (BOB, "", "\ud800" * 16, run.id):
            with pytest.raises(RunError, match=r"^Only the one who started this run may command it; you may watch\.$"):
                service.stop(stranger, run.id)
            assert not service.is_own(stranger, run.id)
        assert service.is_own(ANN, run.id)
        step = service.find(run.id).step
        until(lambda: service.snapshot(run.id).points[-1].step > step)  # it goes on
        assert ANN not in repr(service.snapshot(run.id))


def test_a_diverging_run_ends_with_a_sentence_and_disturbs_no_other(service: Service, tiny: Splits) -> None:
    runs = [service.start(ANN, config, tiny) for config in (SHORT, DIVERGING, SHORT, DIVERGING)]
    for run in runs[1::2]:
        snapshot = ended(service, run)
        assert (snapshot.run.state, snapshot.run.ending, snapshot.result) == ("diverged", "", None)
        assert snapshot.run.message.startswith("The loss is no longer a finite number")
        assert snapshot.run.message.endswith("Try a smaller learning rate.")
        assert snapshot.run.ended is not None
        assert 0 < snapshot.points[-1].step < snapshot.run.step < 200
    expected = alone(SHORT, tiny)
    for run in runs[::2]:
        assert ended(service, run).run.state == "done"
        assert_same(service.store, run, expected)


def test_a_run_whose_data_has_vanished_fails_with_a_sentence_and_disturbs_no_other(
    service: Service, tiny: Splits, tmp_path: Path
) -> None:
    gone = tiny_splits(tmp_path / "gone")
    shutil.rmtree(gone.folder)
    runs = [service.start(ANN, SHORT, splits) for splits in (tiny, gone, tiny, gone)]
    for run in runs[1::2]:
        snapshot = ended(service, run)
        assert snapshot.run.state == "failed"
        assert snapshot.run.message == "The decoded images are incomplete or missing."
        assert snapshot.run.ended is not None
    for run in runs[::2]:
        assert ended(service, run).run.state == "done"
    with pytest.raises(RunError, match="This run has no weights yet"):
        service.weights(runs[1].id)


def test_a_run_in_which_the_worker_died_again_and_again_is_given_up(service: Service, tiny: Splits) -> None:
    for attempts, state in ((MAX_ATTEMPTS - 1, "done"), (MAX_ATTEMPTS, "failed")):
        run = replace(new_run(f"attempt {attempts}", SHORT, tiny.folder, 400, 0), attempts=attempts)
        service.store.add(run, ANN)
        assert ended(service, run).run.state == state
    message = service.find(run.id).message
    assert message == f"The worker died {MAX_ATTEMPTS} times in this run, so it was given up."


def test_a_second_server_on_the_same_runs_is_refused(service: Service) -> None:
    with pytest.raises(RunError) as caught, Service(service.store.folder, workers=1):
        pass
    assert str(service.store.folder) in str(caught.value)
    assert str(caught.value).endswith("stop it, or name another --runs folder.")
    assert len(service.workers()) == 2


def test_a_killed_worker_is_replaced_and_its_runs_end_as_if_nothing_had_happened(
    service: Service, tiny: Splits
) -> None:
    runs = {config: service.start(ANN, config, tiny) for config in (LONG, replace(SHORT, seed=44))}
    run, before = runs[LONG], service.workers()

    def has_something_to_lose() -> bool:
        now = service.find(run.id)
        assert now.active
        return 0 <= now.checkpoint < now.step - 20

    until(has_something_to_lose)
    os.kill(before[run.worker].pid, signal.SIGKILL)
    for config in runs:
        assert ended(service, runs[config]).run.state == "done"
        assert_same(service.store, runs[config], alone(config, tiny))
    after = service.workers()
    assert [new.pid == old.pid for new, old in zip(after, before, strict=True)] == [run.worker == 1, run.worker == 0]


# ------------------------------------------------------------------------------------------- a server that is killed


SERVER = """
import sys
import time
from pathlib import Path
from cifar_core.config import TrainConfig
from cifar_core.data import image_set
from cifar_core.runs.service import Service
with Service(Path(sys.argv[1]), workers=1, device="cpu") as service:
    service.start("ann" * 8, TrainConfig(epochs=200), image_set.load(Path(sys.argv[2])))
    time.sleep(1000)
"""


def is_held(lock: Path) -> bool:
    """Whether a living process holds this lock."""
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def test_a_worker_whose_server_was_killed_ends_by_itself(tiny: Splits, tmp_path: Path) -> None:
    store = Store(tmp_path)
    with subprocess.Popen([sys.executable, "-c", SERVER, tmp_path, tiny.folder], cwd=ROOT) as server:
        try:
            until(lambda: any(run.step for run in store.active()))
            assert is_held(tmp_path / "worker-0.lock") and is_held(tmp_path / "server.lock")
        finally:
            server.kill()
    until(lambda: not is_held(tmp_path / "worker-0.lock"))
    assert not is_held(tmp_path / "server.lock")
    (run,) = store.active()
    assert run.state == "running"  # for the next server


# ------------------------------------------------------------------------------------------- what is not allowed


@pytest.fixture
def closed(tmp_path: Path) -> Service:
    """A service without workers, so that its runs wait."""
    return Service(tmp_path / "runs", workers=2, limits=Limits(steps=1000, active_per_owner=2, active=3))


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(RunError) as caught:
        work()
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_a_run_of_too_many_steps_is_refused(closed: Service, tiny: Splits) -> None:
    assert closed.start(ANN, TrainConfig(epochs=10), tiny).steps == 1000
    assert refusal(lambda: closed.start(ANN, TrainConfig(epochs=11), tiny)) == (
        "These settings need 1,100 mini-batches and this server allows 1,000: take fewer epochs or a larger batch."
    )
    assert closed.start(ANN, TrainConfig(epochs=11, batch_size=5), tiny).steps == 880


def test_a_visitor_may_have_only_some_runs_going(closed: Service, tiny: Splits) -> None:
    first, _ = (closed.start(ANN, SHORT, tiny) for _ in range(2))
    sentence = refusal(lambda: closed.start(ANN, SHORT, tiny))
    assert sentence == "You have 2 runs going, the most that one visitor may; stop one before starting another."
    assert closed.start(BOB, SHORT, tiny).active
    closed.store.update(first.id, state="stopped")
    assert closed.start(ANN, SHORT, tiny).active


def test_all_visitors_together_may_have_only_some_runs_going(closed: Service, tiny: Splits) -> None:
    first, *_ = (closed.start(owner, SHORT, tiny) for owner in (ANN, ANN, BOB))
    assert closed.active_count() == 3
    sentence = refusal(lambda: closed.start(EVE, SHORT, tiny))
    assert sentence == "This server trains 3 runs at once at most; try again in a while."
    closed.store.update(first.id, state="done")
    assert closed.start(EVE, SHORT, tiny).active


def test_new_runs_go_to_the_worker_with_the_fewest(closed: Service, tiny: Splits) -> None:
    first, second = (closed.start(ANN, SHORT, tiny) for _ in range(2))
    assert (first.worker, second.worker) == (0, 1)
    closed.store.update(first.id, state="done")
    assert closed.start(ANN, SHORT, tiny).worker == 0


def test_a_device_that_the_server_has_not_is_refused(closed: Service, tiny: Splits) -> None:
    closed.store.sign_in(0, WorkerInfo(1, "cuda", "A GPU", "", ("cpu", "cuda")))
    assert refusal(lambda: closed.start(ANN, replace(SHORT, device="mps"), tiny)) == (
        "This server has no mps device; it has cpu, cuda. Choose auto."
    )
    for device in ("cpu", "cuda"):
        assert closed.start(ANN, replace(SHORT, device=device), tiny).config.device == device


@pytest.mark.parametrize("key", ["", "short", "x" * 15, "x" * 101, "k\u00e9y" * 8, "\ud800" * 16, None, 7, ["x"] * 20])
def test_a_bad_owner_key_is_refused(closed: Service, tiny: Splits, key: Any) -> None:
    assert "16 to 100" in refusal(lambda: closed.start(key, SHORT, tiny))
    assert closed.active_count() == 0


@pytest.mark.parametrize("run", ["", "x", "../runs", "\ud800", "'; drop table runs; --"])
def test_a_run_that_does_not_exist_is_told_in_a_sentence(closed: Service, run: str) -> None:
    for command in (closed.find, closed.snapshot, closed.weights, partial(closed.stop, ANN)):
        assert refusal(partial(command, run)).startswith("There is no such run")
    assert not closed.is_own("", run)
    assert not closed.is_own(ANN, run)


def test_weights_that_do_not_exist_yet_are_told_in_a_sentence(closed: Service, tiny: Splits) -> None:
    run = closed.start(ANN, SHORT, tiny)
    assert refusal(lambda: closed.weights(run.id)) == "This run has no weights yet; try again in a moment."


def test_a_run_knows_its_data_also_from_another_current_folder(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.folder.parent)
    run = closed.start(ANN, SHORT, image_set.load(Path(tiny.folder.name)))
    monkeypatch.chdir("/")
    assert len(image_set.load(Path(run.data)).train) == run.images


# ----------------------------------------------------------------------------- deaths at chosen moments, in-process


def a_store_with(tmp_path: Path, splits: Splits, *configs: TrainConfig) -> tuple[Store, list[Run]]:
    store = Store(tmp_path)
    runs = [new_run(str(number), config, splits.folder, 400, 0) for number, config in enumerate(configs)]
    for run in runs:
        store.add(run, ANN)
    return store, runs


def work(store: Store) -> None:
    """A worker's life until there is nothing to do."""
    worker = Worker(store, 0, "cpu")
    while worker.turn():
        pass


class Death(BaseException):
    """Ends a worker at once, as kill -9 does."""


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
    monkeypatch.setattr(job_module, "SLICE", 0.0)
    with pytest.raises(Death):
        work(store)
    work(store)
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


@pytest.mark.parametrize("seconds", [0.1, 0.0])
def test_a_run_that_kills_its_workers_is_given_up_and_its_neighbours_are_not(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(job_module, "SLICE", seconds)  # with 0, a neighbour gets no further than its first frame
    store, (before, killer, after) = a_store_with(tmp_path, tiny, SHORT, DIVERGING, SHORT)

    def killing(net: Net, images: Any, config: TrainConfig, **options: Any) -> Iterator[TrainEvent]:
        if config == DIVERGING:
            raise Death
        yield from train(net, images, config, **options)

    monkeypatch.setattr(job_module, "train", killing)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(Death):
            work(store)
    work(store)
    given_up = store.run(killer.id)
    assert given_up is not None and given_up.state == "failed"
    assert "given up" in given_up.message
    for run in (before, after):
        assert_same(store, run, alone(SHORT, tiny))


def test_of_the_checkpoints_only_the_newest_stays_and_of_each_frame_the_weights(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "SLICE", 0.0)
    monkeypatch.setattr(job_module, "CHECKPOINT_EVERY", 0.0)
    store, (run,) = a_store_with(tmp_path, tiny, replace(SHORT, batch_size=40))
    worker, checkpoints = Worker(store, 0, "cpu"), set()
    while worker.turn():
        now = store.run(run.id)
        assert now is not None
        there = {path.name for path in store.folder_of(run.id).iterdir()}
        weights = {
            f"{step}.pth" for step in (now.checkpoint, *(m.step for m in moments_of(store, run.id))) if step >= 0
        }
        assert there == weights | ({f"{now.checkpoint}.resume"} if now.checkpoint >= 0 else set())
        checkpoints.add(now.checkpoint)
    assert {1, 20} < checkpoints


def test_weights_that_newer_ones_replace_at_that_moment_are_read_again(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = closed.start(ANN, SHORT, tiny)
    closed.store.update(run.id, checkpoint=5)  # whose file has just been removed
    closed.store.folder_of(run.id).mkdir()
    (closed.store.folder_of(run.id) / "9.pth").write_bytes(b"weights")
    find = closed.find

    def find_just_before(run_id: str) -> Run:
        found = find(run_id)
        closed.store.update(run.id, checkpoint=9)
        return found

    monkeypatch.setattr(closed, "find", find_just_before)
    assert closed.weights(run.id) == b"weights"


def test_a_stop_that_comes_before_the_first_step_is_obeyed(tiny: Splits, tmp_path: Path) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    store.ask(run, "stop")
    work(store)
    now = store.run(run.id)
    assert now is not None and (now.state, now.step) == ("stopped", 0)
    net = new_net(SHORT.seed)
    assert_same(store, run, Alone((), (), result_of(net, tiny, 0), net.state_dict()))


def test_a_stop_of_a_run_that_is_just_being_added_is_not_lost(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = Store(tmp_path), new_run("a", SHORT, tiny.folder, 400, 0)
    look = store.active

    def look_just_before(worker: int | None = None) -> list[Run]:
        found = look(worker)
        if store.run(run.id) is None:
            store.add(run, ANN)
            store.ask(run, "stop")
        return found

    monkeypatch.setattr(store, "active", look_just_before)
    worker = Worker(store, 0, "cpu")
    until(lambda: not worker.turn() and not look())
    now = store.run(run.id)
    assert now is not None and (now.state, now.step) == ("stopped", 0)


def test_trouble_with_the_store_ends_no_run(tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    worker = Worker(store, 0, "cpu")
    assert worker.turn()
    update = store.update

    def full_once(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(store, "update", update)
        raise StoreError("The disk is full.")

    monkeypatch.setattr(store, "update", full_once)
    with pytest.raises(StoreError):
        worker.turn()
    assert [run.state for run in store.active()] == ["running"]
    work(store)
    assert_same(store, run, alone(SHORT, tiny))
