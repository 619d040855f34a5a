"""The store: one SQLite file that knows every run, and the checkpoint files beside it.

The page writes what it wants into it, the workers write what happened, and everybody reads. Nothing about a run is
kept anywhere else, so that a page, a worker or the whole server can vanish at any time.
"""

import json
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cifar_core.config import TrainConfig
from cifar_core.errors import RunError, StoreError
from cifar_core.runs.database import Database
from cifar_core.runs.records import (
    ACTIVE,
    Filters,
    Frame,
    Point,
    Request,
    Run,
    Snapshot,
    TestResult,
    WorkerInfo,
)
from cifar_core.runs.schema import OF_A_RUN, UPGRADES, upgrade
from cifar_core.training.events import Changed, Reported, Validated

_COLUMNS = {
    "points": "run, step, images, loss",
    "reports": "run, step, epoch, batch, loss",
    "probes": "run, step, images, correct, total",
    "changes": "run, step, images, name, value, steps",
}
_RUN_COLUMNS = ", ".join(field.name for field in fields(Run))


class Store(Database):
    """The runs folder `folder`: store.sqlite3 and a folder of checkpoints for each run.

    One instance may be used from several threads. Raises RunError with a sentence where the folder cannot be used;
    every method raises StoreError where that is so just now.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "store.sqlite3")
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self.writing() as database:
                version = upgrade(database)
        except (OSError, sqlite3.Error, StoreError) as error:
            cause = error.__cause__ or error
            raise StoreError(
                f"Runs cannot be kept in {folder} ({cause}): name a folder that can be written with --runs."
            ) from error
        if version > len(UPGRADES):
            raise RunError(f"The runs in {folder} were written by a newer version of this program; use that one.")

    def folder_of(self, run: str) -> Path:
        """Where the checkpoints of a run lie."""
        return self.folder / run

    def weights_of(self, run: Run, step: int | None = None) -> Path:
        """The newest weights, or a frame's: a plain state dict that the tutorial's own load_state_dict reads."""
        return self.folder_of(run.id) / f"{run.checkpoint if step is None else step}.pth"

    # -- reading -------------------------------------------------------------------------------------------------

    def run(self, run: str) -> Run | None:
        """The run with this id, if there is one."""
        with self.reading() as database:
            row = database.execute(f"select {_RUN_COLUMNS} from runs where id = ?", (run,)).fetchone()
        return _as_run(row) if row else None

    def owner_of(self, run: str) -> str | None:
        """The secret key of the run's owner."""
        with self.reading() as database:
            row = database.execute("select owner from runs where id = ?", (run,)).fetchone()
        return row[0] if row else None

    def runs_of(self, owner: str, limit: int = 50) -> list[Run]:
        """The owner's runs, the newest first."""
        rows = self._all(
            f"select {_RUN_COLUMNS} from runs where owner = ? order by created desc, rowid desc limit ?", owner, limit
        )
        return [_as_run(row) for row in rows]

    def ended(self) -> list[tuple[Run, str]]:
        """The runs that have ended, each with its owner's key, the oldest first."""
        rows = self._all(f"select owner, {_RUN_COLUMNS} from runs where state not in {ACTIVE} order by ended, rowid")
        return [(_as_run(row[1:]), row[0]) for row in rows]

    def active(self, worker: int | None = None) -> list[Run]:
        """The runs not yet ended, the oldest first: all, or those of one worker."""
        mine = "" if worker is None else f"and worker = {int(worker)}"
        rows = self._all(f"select {_RUN_COLUMNS} from runs where state in {ACTIVE} {mine} order by created, rowid")
        return [_as_run(row) for row in rows]

    def active_count(self) -> int:
        """How many runs have not yet ended."""
        return int(self._all(f"select count(*) from runs where state in {ACTIVE}")[0][0])

    def snapshot(self, run: str, since: int = -1) -> Snapshot | None:
        """The run with its points and log lines after step `since`, all from one moment."""
        with self.reading() as database, database:
            database.execute("begin")
            found = self.run(run)
            if found is None:
                return None
            points = database.execute(
                "select step, images, loss from points where run = ? and step > ? order by step", (run, since)
            ).fetchall()
            reports = database.execute(
                "select step, epoch, batch, loss from reports where run = ? and step > ? order by step", (run, since)
            ).fetchall()
            probes = database.execute(
                "select step, images, correct, total from probes where run = ? order by step", (run,)
            ).fetchall()
            changes = database.execute(
                "select step, images, name, value, steps from changes where run = ? order by step", (run,)
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
        return Snapshot(
            found,
            tuple(Point(*p) for p in points),
            tuple(Reported(*r) for r in reports),
            result,
            tuple(Validated(*p) for p in probes),
            tuple(Changed(*c) for c in changes),
        )

    def requests(self, worker: int) -> list[Request]:
        """What was asked of this worker's runs, oldest first. Each stands until `update` says that it is obeyed."""
        rows = self._all("select id, run, kind, arguments from requests where worker = ? order by id", worker)
        return [Request(key, run, kind, json.loads(arguments)) for key, run, kind, arguments in rows]

    def workers(self) -> list[WorkerInfo]:
        """The workers that have come up since the server started."""
        rows = self._all(
            "select pid, device, name, reason, available, step_seconds, image_seconds from workers order by worker"
        )
        return [
            WorkerInfo(pid, device, name, reason, tuple(available.split()), *costs)
            for pid, device, name, reason, available, *costs in rows
        ]

    # -- writing -------------------------------------------------------------------------------------------------

    def add(self, run: Run, owner: str, changes: Sequence[Changed] = ()) -> None:
        """Keep a new run, with changes to be made when it comes to their steps."""
        names = [field.name for field in fields(Run)]
        values: list[Any] = [getattr(run, name) for name in names]
        values[names.index("config")] = json.dumps(run.config.to_json())
        with self.writing() as database:
            database.execute(
                f"insert into runs (owner, {_RUN_COLUMNS}) values (?{', ?' * len(names)})", (owner, *values)
            )
            for change in changes:
                row = (run.id, *astuple(change))
                database.execute(f"insert into changes ({_COLUMNS['changes']}) values (?{', ?' * (len(row) - 1)})", row)

    def ask(self, run: Run, kind: str, **arguments: float) -> None:
        """Leave a request for the worker that has this run."""
        with self.writing() as database:
            database.execute(
                "insert into requests (run, worker, kind, arguments) values (?, ?, ?, ?)",
                (run.id, run.worker, kind, json.dumps(arguments)),
            )

    def update(
        self,
        run: str,
        *,
        points: Sequence[Point] = (),
        reports: Sequence[Reported] = (),
        probes: Sequence[Validated] = (),
        changes: Sequence[Changed] = (),
        frames: Sequence[Frame] = (),
        filters: Filters | None = None,
        obeyed: Sequence[int] = (),
        **values: Any,
    ) -> None:
        """Write what happened in one slice of a run: what it told and was like, requests obeyed, columns of its row."""
        with self.writing() as database:
            for table, told in (("points", points), ("reports", reports), ("probes", probes), ("changes", changes)):
                for event in told:
                    row = (run, *astuple(event))
                    database.execute(
                        f"insert or replace into {table} ({_COLUMNS[table]}) values (?{', ?' * (len(row) - 1)})", row
                    )
            for frame in frames:
                parts = (frame.confusion.astype(np.int32), frame.answers, frame.filters)
                database.execute(
                    "insert or replace into frames values (?, ?, ?, ?, ?, ?)",
                    (run, frame.step, frame.images, *(part.tobytes() for part in parts)),
                )
            if filters:
                content = (run, filters.step, filters.weights.tobytes())
                database.execute("insert or replace into filters values (?, ?, ?)", content)
            database.executemany("delete from requests where id = ?", [(key,) for key in obeyed])
            if values:
                columns = ", ".join(f"{name} = ?" for name in values)
                database.execute(f"update runs set {columns} where id = ?", (*values.values(), run))

    def remove(self, run: str) -> None:
        """Forget a run: its rows, then its files."""
        with self.writing() as database:
            for table in OF_A_RUN:
                database.execute(f"delete from {table} where run = ?", (run,))
            database.execute("delete from runs where id = ?", (run,))
        shutil.rmtree(self.folder_of(run), ignore_errors=True)

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
        """Drop the points, lines and frames of steps that will be done again, from a checkpoint at `step`."""
        with self.writing() as database:
            for table in ("points", "reports", "evaluations", "probes", "frames"):
                database.execute(f"delete from {table} where run = ? and step > ?", (run, step))

    def sign_in(self, worker: int, info: WorkerInfo) -> None:
        """Tell that a worker is up."""
        row = (worker, info.pid, info.device, info.name, info.reason, " ".join(info.available))
        with self.writing() as database:
            database.execute(
                "insert or replace into workers values (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, info.step_seconds, info.image_seconds),
            )

    def sign_out(self, worker: int | None = None) -> None:
        """Forget a worker that is gone, or all of them."""
        with self.writing() as database:
            database.execute("delete from workers where ? is null or worker = ?", (worker, worker))

    def go_on(self, run: Run, config: TrainConfig, worker: int) -> None:
        """Let an ended run train on with `config`; the mark on its curve says up to which epoch."""
        with self.writing() as database:
            database.execute(
                f"insert or replace into changes ({_COLUMNS['changes']}) values (?, ?, ?, 'epochs', ?, ?)",
                (run.id, run.step, run.seen, config.epochs, config.steps(run.images)),
            )
            # a wish that came too late for the first part is not meant for this one
            database.execute("delete from requests where run = ?", (run.id,))
            database.execute(
                "update runs set config = ?, steps = ?, worker = ?, state = 'waiting', ending = '', message = '', "
                "ended = null, tested = 0, paused = null, attempts = 0 where id = ?",
                (json.dumps(config.to_json()), config.steps(run.images), worker, run.id),
            )

    def spread(self, workers: int) -> None:
        """Share the active runs out anew among workers 0 to `workers` - 1."""
        with self.writing() as database:
            for place, run in enumerate(self.active()):
                database.execute("update runs set worker = ?, attempts = 0 where id = ?", (place % workers, run.id))
                database.execute("update requests set worker = ? where run = ?", (place % workers, run.id))


@lru_cache(1000)
def _as_config(text: str) -> TrainConfig:
    """Checking a config costs more than reading it, and the same rows are read again and again."""
    return TrainConfig.from_json(json.loads(text))


def _as_run(row: tuple[Any, ...]) -> Run:
    values = dict(zip((field.name for field in fields(Run)), row, strict=True))
    values["config"] = _as_config(values["config"])
    return Run(**values)
