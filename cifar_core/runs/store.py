"""The store: one SQLite file that knows every run, and the checkpoint files beside it.

The page writes what it wants into it, the workers write what happened, and everybody reads. Nothing about a run is
kept anywhere else, so that a page, a worker or the whole server can vanish at any time.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from cifar_core.config import TrainConfig
from cifar_core.errors import RunError
from cifar_core.events import Reported

State = Literal["waiting", "running", "testing", "done", "stopped", "diverged", "failed"]
"""waiting for its worker's first slice; running; testing on the test images; and four ways to have ended"""
ACTIVE: tuple[State, ...] = ("waiting", "running", "testing")

VERSION = 1
"""of the tables below, kept in SQLite's user_version"""

TABLES = """
create table runs (
    id text primary key,
    owner text not null,
    name text not null,
    config text not null,
    data text not null,
    images integer not null,
    worker integer not null,
    state text not null,
    ending text not null,
    message text not null,
    created real not null,
    ended real,
    step integer not null,
    steps integer not null,
    epoch integer not null,
    seen integer not null,
    speed real not null,
    tested integer not null,
    checkpoint integer not null,
    attempts integer not null
);
create index runs_of_owner on runs (owner, created);
create index runs_of_worker on runs (worker, state);
create table points (run text, step integer, loss real, primary key (run, step)) without rowid;
create table reports (run text, step integer, epoch integer, batch integer, loss real, primary key (run, step))
    without rowid;
create table evaluations (run text, step integer, result text, primary key (run, step)) without rowid;
create table requests (id integer primary key, run text not null, worker integer not null, kind text not null);
create table workers (worker integer primary key, pid integer, device text, name text, reason text, available text);
"""


@dataclass(frozen=True)
class Run:
    """One training, as the store knows it. `owner` is a secret and not part of it."""

    id: str
    name: str
    config: TrainConfig
    data: str
    """folder of the decoded data set it trains on"""
    images: int
    """training images in that set"""
    worker: int
    """index of the worker process that advances it"""
    state: State
    ending: str
    """how the training ended while it is still being tested: done, stopped; else empty"""
    message: str
    """one sentence where it failed or diverged, else empty"""
    created: float
    """seconds since 1970"""
    ended: float | None
    step: int
    """mini-batches done"""
    steps: int
    """mini-batches in all"""
    epoch: int
    """the epoch under way, from 1; 0 before the first step"""
    seen: int
    """training images seen, over all epochs"""
    speed: float
    """training images a second, of late, as the person waiting sees it"""
    tested: int
    """test images tested so far"""
    checkpoint: int
    """the step of the newest checkpoint; -1 where there is none yet"""
    attempts: int
    """how often a worker has taken this run up since its last checkpoint"""

    @property
    def active(self) -> bool:
        """True until the run has ended and is tested."""
        return self.state in ACTIVE


@dataclass(frozen=True)
class Point:
    """A point of the loss curve: the mean loss of the mini-batches since the point before."""

    step: int
    loss: float


@dataclass(frozen=True)
class TestResult:
    """The Net of one step, tested."""

    __test__ = False  # the name would make pytest take it for a test

    step: int
    correct: int
    total: int
    per_class: tuple[float | None, ...]
    """share of right predictions for each class; None for a class without test images"""
    first_predictions: tuple[int, ...]
    """the classes predicted for the first four test images"""

    @property
    def accuracy(self) -> float:
        """Share of right predictions, 0 to 1."""
        return self.correct / self.total


@dataclass(frozen=True)
class Snapshot:
    """What a page needs to draw a run."""

    run: Run
    points: tuple[Point, ...]
    """those after the step asked for"""
    reports: tuple[Reported, ...]
    """those after the step asked for"""
    result: TestResult | None


@dataclass(frozen=True)
class WorkerInfo:
    """A worker process that is up, and what it trains on."""

    pid: int
    device: str
    """cpu, cuda or mps"""
    name: str
    """the processor's own name"""
    reason: str
    """why this device was taken"""
    available: tuple[str, ...]
    """the devices a run may ask for"""


_RUN_COLUMNS = ", ".join(field.name for field in fields(Run))


class Store:
    """The runs folder `folder`: store.sqlite3 and a folder of checkpoints for each run.

    One instance may be used from several threads. Raises RunError with a sentence where the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._local = threading.local()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self.writing() as database:
                version = database.execute("pragma user_version").fetchone()[0]
                if version == 0:
                    for statement in TABLES.split(";"):
                        database.execute(statement)
                    database.execute(f"pragma user_version = {VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"Runs cannot be kept in {folder} ({error}): name a folder that can be written with --runs."
            ) from error
        if version > VERSION:
            raise RunError(f"The runs in {folder} were written by a newer version of this program; use that one.")

    def folder_of(self, run: str) -> Path:
        """Where the checkpoints of a run lie."""
        return self.folder / run

    def weights_of(self, run: Run) -> Path:
        """The newest weights: a plain state dict that the tutorial's own load_state_dict reads."""
        return self.folder_of(run.id) / f"{run.checkpoint}.pth"

    # -- reading -------------------------------------------------------------------------------------------------

    def run(self, run: str) -> Run | None:
        """The run with this id, if there is one."""
        row = self._database.execute(f"select {_RUN_COLUMNS} from runs where id = ?", (run,)).fetchone()
        return _as_run(row) if row else None

    def owner_of(self, run: str) -> str | None:
        """The secret key of the run's owner."""
        row = self._database.execute("select owner from runs where id = ?", (run,)).fetchone()
        return row[0] if row else None

    def runs_of(self, owner: str, limit: int = 50) -> list[Run]:
        """The owner's runs, the newest first."""
        rows = self._database.execute(
            f"select {_RUN_COLUMNS} from runs where owner = ? order by created desc, rowid desc limit ?", (owner, limit)
        )
        return [_as_run(row) for row in rows]

    def active(self, worker: int | None = None) -> list[Run]:
        """The runs not yet ended, the oldest first: all, or those of one worker."""
        mine = "" if worker is None else f"and worker = {int(worker)}"
        rows = self._database.execute(
            f"select {_RUN_COLUMNS} from runs where state in {ACTIVE} {mine} order by created, rowid"
        )
        return [_as_run(row) for row in rows]

    def snapshot(self, run: str, since: int = -1) -> Snapshot | None:
        """The run with its points and log lines after step `since`, all from one moment."""
        database = self._database
        with database:
            database.execute("begin")
            found = self.run(run)
            if found is None:
                return None
            points = database.execute(
                "select step, loss from points where run = ? and step > ? order by step", (run, since)
            ).fetchall()
            reports = database.execute(
                "select step, epoch, batch, loss from reports where run = ? and step > ? order by step", (run, since)
            ).fetchall()
            last = database.execute(
                "select step, result from evaluations where run = ? order by step desc limit 1", (run,)
            ).fetchone()
        result = None
        if last:
            step, content = last[0], json.loads(last[1])
            result = TestResult(
                step,
                content["correct"],
                content["total"],
                tuple(content["per_class"]),
                tuple(content["first_predictions"]),
            )
        return Snapshot(found, tuple(Point(*p) for p in points), tuple(Reported(*r) for r in reports), result)

    def take_requests(self, worker: int) -> list[tuple[str, str]]:
        """The (run, kind) of what was asked of this worker's runs, oldest first; each is given once."""
        if not self._database.execute("select 1 from requests where worker = ? limit 1", (worker,)).fetchone():
            return []
        with self.writing() as database:
            rows = database.execute("select id, run, kind from requests where worker = ? order by id", (worker,))
            found = rows.fetchall()
            database.executemany("delete from requests where id = ?", [(row[0],) for row in found])
        return [(run, kind) for _, run, kind in found]

    def workers(self) -> list[WorkerInfo]:
        """The workers that have come up since the server started."""
        rows = self._database.execute("select pid, device, name, reason, available from workers order by worker")
        return [
            WorkerInfo(pid, device, name, reason, tuple(available.split()))
            for pid, device, name, reason, available in rows
        ]

    # -- writing -------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything in the block is written together, or nothing."""
        database = self._database
        database.execute("begin immediate")
        try:
            yield database
            database.commit()
        except BaseException:
            database.rollback()
            raise

    def add(self, run: Run, owner: str) -> None:
        """Keep a new run."""
        names = [field.name for field in fields(Run)]
        values: list[Any] = [getattr(run, name) for name in names]
        values[names.index("config")] = json.dumps(run.config.to_json())
        with self.writing() as database:
            database.execute(
                f"insert into runs (owner, {_RUN_COLUMNS}) values (?{', ?' * len(names)})", (owner, *values)
            )

    def ask(self, run: Run, kind: str) -> None:
        """Leave a request for the worker that has this run."""
        with self.writing() as database:
            database.execute("insert into requests (run, worker, kind) values (?, ?, ?)", (run.id, run.worker, kind))

    def update(
        self, run: str, *, points: Sequence[Point] = (), reports: Sequence[Reported] = (), **values: Any
    ) -> None:
        """Write what happened in one slice of a run: new points, log lines and columns of its row."""
        with self.writing() as database:
            database.executemany(
                "insert or replace into points values (?, ?, ?)", [(run, p.step, p.loss) for p in points]
            )
            database.executemany(
                "insert or replace into reports values (?, ?, ?, ?, ?)",
                [(run, r.step, r.epoch, r.batch, r.loss) for r in reports],
            )
            if values:
                columns = ", ".join(f"{name} = ?" for name in values)
                database.execute(f"update runs set {columns} where id = ?", (*values.values(), run))

    def add_result(self, run: str, result: TestResult) -> None:
        """Keep how the run's Net did in a test."""
        content = {
            "correct": result.correct,
            "total": result.total,
            "per_class": result.per_class,
            "first_predictions": result.first_predictions,
        }
        with self.writing() as database:
            database.execute(
                "insert or replace into evaluations values (?, ?, ?)", (run, result.step, json.dumps(content))
            )

    def forget_after(self, run: str, step: int) -> None:
        """Drop the points and lines of steps that will be done again, from a checkpoint at `step`."""
        with self.writing() as database:
            for table in ("points", "reports", "evaluations"):
                database.execute(f"delete from {table} where run = ? and step > ?", (run, step))

    def sign_in(self, worker: int, info: WorkerInfo) -> None:
        """Tell that a worker is up."""
        row = (worker, info.pid, info.device, info.name, info.reason, " ".join(info.available))
        with self.writing() as database:
            database.execute("insert or replace into workers values (?, ?, ?, ?, ?, ?)", row)

    def sign_out(self, worker: int | None = None) -> None:
        """Forget a worker that is gone, or all of them."""
        with self.writing() as database:
            database.execute("delete from workers where ? is null or worker = ?", (worker, worker))

    def spread(self, workers: int) -> None:
        """Share the active runs out anew among workers 0 to `workers` - 1."""
        with self.writing() as database:
            for place, run in enumerate(self.active()):
                database.execute("update runs set worker = ?, attempts = 0 where id = ?", (place % workers, run.id))
                database.execute("update requests set worker = ? where run = ?", (place % workers, run.id))

    @property
    def _database(self) -> sqlite3.Connection:
        """This thread's connection; SQLite's own locks keep threads and processes apart."""
        database: sqlite3.Connection | None = getattr(self._local, "database", None)
        if database is None:
            database = sqlite3.connect(self.folder / "store.sqlite3", timeout=5.0, isolation_level=None)
            # WAL lets everybody read while one writes; NORMAL leaves the disk alone at each commit, which can lose
            # the last slices in a power cut but never damages the store.
            database.execute("pragma journal_mode = wal")
            database.execute("pragma synchronous = normal")
            self._local.database = database
        return database


def new_run(run: str, config: TrainConfig, data: Path, images: int, worker: int) -> Run:
    """A run that has not begun."""
    return Run(
        id=run,
        name=f"run {run[:4]}",
        config=config,
        data=str(data),
        images=images,
        worker=worker,
        state="waiting",
        ending="",
        message="",
        created=time.time(),
        ended=None,
        step=0,
        steps=config.steps(images),
        epoch=0,
        seen=0,
        speed=0.0,
        tested=0,
        checkpoint=-1,
        attempts=0,
    )


def _as_run(row: tuple[Any, ...]) -> Run:
    values = dict(zip((field.name for field in fields(Run)), row, strict=True))
    values["config"] = TrainConfig.from_json(json.loads(values["config"]))
    return Run(**values)
