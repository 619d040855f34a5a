"""A power cut: what was not on the disk for good is gone, torn or as it was before, and yet no run is lost."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from cifar_core.data import Splits
from cifar_core.runs import frame_recorder
from cifar_core.runs import job as job_module
from cifar_core.runs.db import Database
from cifar_core.runs.job import Job
from cifar_core.runs.records import Run, new_run
from cifar_core.runs.store import Store
from cifar_core.runs.worker import Worker
from tests.helpers.runs import ANN, EACH_CHECKPOINT, FAST, SHORT, a_store_with, alone, assert_same, work

MOMENTS = 200
LOST_AT_MOST = 5.0
"""seconds of a run"""
FULL = 2
"""SQLite's number for a commit that waits for the disk"""


# --------------------------------------------------------------------------------------------- files that are damaged


def stopped_half_way(store: Store, run: Run) -> list[Path]:
    """Let a worker bring the run to a few checkpoints; return them, the newest last."""
    worker = Worker(store, 0, "cpu", EACH_CHECKPOINT)
    while now(store, run).checkpoint < 30:
        worker.turn()
    return sorted(store.folder_of(run.id).glob("*.resume"), key=lambda path: int(path.stem))


def now(store: Store, run: Run) -> Run:
    there = store.run(run.id)
    assert there is not None
    return there


def damage(path: Path, how: str) -> None:
    match how:
        case "gone":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "torn":
            path.write_bytes(path.read_bytes()[:-20_000])


DAMAGES = pytest.mark.parametrize("how", ["gone", "empty", "torn"])


@DAMAGES
def test_a_run_whose_newest_checkpoint_is_damaged_continues_from_the_one_before(
    tiny: Splits, tmp_path: Path, how: str
) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    before, newest = stopped_half_way(store, run)
    damage(newest, how)
    assert Worker(store, 0, "cpu", FAST).turn()
    snapshot = store.snapshot(run.id)
    assert snapshot is not None and snapshot.points[int(before.stem)].step > int(before.stem)
    work(store)
    assert_same(store, run, alone(SHORT, tiny))


@DAMAGES
def test_a_run_without_any_readable_checkpoint_begins_anew(tiny: Splits, tmp_path: Path, how: str) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    for path in stopped_half_way(store, run):
        damage(path, how)
    work(store)
    assert now(store, run).state == "done"
    assert_same(store, run, alone(SHORT, tiny))


def test_a_checkpoint_newer_than_the_store_is_not_continued_from(tiny: Splits, tmp_path: Path) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    before, _ = stopped_half_way(store, run)
    store.forget_after(run.id, int(before.stem))  # as a store that is older than the files
    work(store)
    assert_same(store, run, alone(SHORT, tiny))


def test_a_run_that_was_stopped_stays_stopped_if_its_last_checkpoint_is_lost(tiny: Splits, tmp_path: Path) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    stopped_half_way(store, run)
    store.ask(run, "stop")
    worker = Worker(store, 0, "cpu", EACH_CHECKPOINT)
    while now(store, run).ending != "stopped":
        worker.turn()
    last = now(store, run).checkpoint
    damage(store.folder_of(run.id) / f"{last}.resume", "empty")
    work(store)
    assert now(store, run).state == "stopped" and 0 < now(store, run).step < last
    assert_same(store, run, alone(SHORT, tiny, now(store, run).step))


def test_a_disk_that_does_not_respond_does_not_make_a_run_begin_anew(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, (run,) = a_store_with(tmp_path, tiny, SHORT)
    newest = int(stopped_half_way(store, run)[-1].stem)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("cifar_core.training.checkpoint.torch.load", fail)
        worker = Worker(store, 0, "cpu", FAST)
        assert not worker.turn()
    assert (now(store, run).state, now(store, run).checkpoint) == ("running", newest)
    work(store)
    assert_same(store, run, alone(SHORT, tiny))


# -------------------------------------------------------------------------------------------------- a disk that recalls


@dataclass(frozen=True)
class Write:
    """A name in the run's folder is given to a file; `synced` says whether its content was on the disk by then."""

    name: str
    content: bytes
    synced: bool


@dataclass(frozen=True)
class Remove:
    """A name is taken away."""

    name: str


@dataclass(frozen=True)
class SyncNames:
    """The names so far are on the disk."""


@dataclass(frozen=True)
class Commit:
    """The store is as in `database`; with `durable` this commit and those before are on the disk."""

    database: bytes
    durable: bool


@dataclass
class Recording:
    """Everything that a worker did to the disk, in its order, and when."""

    log: list[tuple[float, Write | Remove | SyncNames | Commit]] = field(default_factory=list)
    clock: float = 0.0
    reached: dict[int, float] = field(default_factory=dict)
    """when the training came to each step"""
    synced: set[bytes] = field(default_factory=set)

    def add(self, what: Write | Remove | SyncNames | Commit) -> None:
        self.log.append((self.clock, what))

    def monotonic(self) -> float:
        """Go on by a fiftieth of a second whenever the worker looks at the clock."""
        self.clock += 0.02
        return self.clock

    def time(self) -> float:
        return self.clock


@contextmanager
def recorded(run: Run, folder: Path) -> Iterator[Recording]:
    """Record what happens to the store and to the run's folder."""
    recording = Recording()
    unlink, transaction, replacement = Path.unlink, Database.transaction, os.replace

    def syncing(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path == folder:
            recording.add(SyncNames())
        elif path.is_file():
            recording.synced.add(path.read_bytes())

    def replacing(source: Path, target: Path) -> None:
        content = source.read_bytes()
        recording.add(Write(target.name, content, content in recording.synced))
        replacement(source, target)

    def unlinking(path: Path, missing_ok: bool = False) -> None:
        recording.add(Remove(path.name))
        unlink(path, missing_ok)

    @contextmanager
    def committing(self: Database, *, durable: bool = False) -> Iterator[Connection]:
        with transaction(self, durable=durable) as tx:
            yield tx
            full = tx.execute("pragma synchronous").fetchone()[0] == FULL
        with self.reading() as tx:
            recording.add(Commit(tx.serialize(), full))
            step = tx.execute("select step from runs where id = ?", (run.id,)).fetchone()[0]
        recording.reached.setdefault(step, recording.clock)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", syncing)
        patch.setattr(os, "replace", replacing)
        patch.setattr(Path, "unlink", unlinking)
        patch.setattr(Database, "transaction", committing)
        for module in (job_module, frame_recorder):
            patch.setattr(module, "time", recording)
        yield recording


def after_a_cut(recording: Recording, at: int, chance: random.Random) -> tuple[bytes, dict[str, bytes]]:
    """Return a store and files that a disk may hold if the power is cut after `at` entries of the log."""
    commits, safe = list[Commit](), dict[str, bytes]()
    pending: list[Write | Remove] = []
    for _, what in recording.log[:at]:
        match what:
            case Commit():
                commits = [what] if what.durable or not commits else [*commits, what]
            case SyncNames():
                for change in pending:
                    take_effect(safe, change, chance)
                pending = []
            case _:
                pending.append(what)
    for change in pending:  # each may have come to the disk by itself
        if chance.random() < 0.5:
            take_effect(safe, change, chance)
    return chance.choice(commits).database, safe


def take_effect(files: dict[str, bytes], change: Write | Remove, chance: random.Random) -> None:
    if isinstance(change, Remove):
        files.pop(change.name, None)
        return
    whole = change.content
    files[change.name] = whole if change.synced else whole[: chance.randrange(len(whole))]


@pytest.fixture(scope="module")
def a_recording(tiny: Splits, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Recording]:
    """A whole run, recorded with the timings that a visitor gets."""
    folder = tmp_path_factory.mktemp("recorded")
    store = Store(folder)
    config = replace(SHORT, batch_size=16, epochs=16)
    run = new_run("run", config, tiny.folder, 400, 0)
    store.folder_of(run.id).mkdir()
    with recorded(run, store.folder_of(run.id)) as recording:
        store.add(run, ANN)
        worker = Worker(store, 0, "cpu")
        while worker.turn():
            pass
    return run, recording


def test_a_power_cut_at_any_moment_costs_a_few_seconds_and_no_run(
    a_recording: tuple[Run, Recording], tmp_path: Path, tiny: Splits
) -> None:
    run, recording = a_recording
    checkpoints = {what.name for _, what in recording.log if isinstance(what, Write) and "resume" in what.name}
    assert len(checkpoints) > 5, "the run is long enough to tell"
    lost = []
    for moment in range(MOMENTS):
        chance = random.Random(moment)
        at = chance.randint(2, len(recording.log))
        folder = tmp_path / str(moment)
        store = set_up(folder, run, *after_a_cut(recording, at, chance))
        there = now(store, run)
        if there.active:
            snapshot = store.snapshot(run.id)
            assert snapshot is not None
            job = Job(store, snapshot, "cpu")
            step = max(0, job.run.checkpoint)
        else:
            step = there.step
            assert store.weights_of(there).exists()
        lost.append(recording.log[at - 1][0] - recording.reached[step])
        if moment == MOMENTS // 2:
            work(store)
            assert_same(store, run, alone(run.config, tiny))
        store.close()
    assert max(lost) <= LOST_AT_MOST, f"{max(lost):.1f} s are lost at moment {lost.index(max(lost))}"


def set_up(folder: Path, run: Run, database: bytes, files: dict[str, bytes]) -> Store:
    """Return the store that is found when the power is back."""
    (folder / run.id).mkdir(parents=True)
    (folder / "store.sqlite3").write_bytes(database)
    for name, content in files.items():
        (folder / run.id / name).write_bytes(content)
    return Store(folder)
