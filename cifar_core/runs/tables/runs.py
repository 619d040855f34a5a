"""The runs themselves: a row each, with a digest of the key of its owner."""

import json
from dataclasses import fields
from functools import lru_cache
from sqlite3 import Connection
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError
from cifar_core.runs.tables.holder import Holder
from cifar_core.runs.tables.run import ACTIVE, NOT_USABLE, Run, RunChange

_NAMES = [field.name for field in fields(Run) if field.name != "usable"]
_COLUMNS = ", ".join(_NAMES)


def find(tx: Connection, run: str) -> Run | None:
    """Return the run with this id, if there is one."""
    row = tx.execute(f"select {_COLUMNS} from runs where id = ?", (run,)).fetchone()
    return _as_run(row) if row else None


def owner_of(tx: Connection, run: str) -> str | None:
    """Return the digest of the key of the run's owner."""
    row = tx.execute("select owner from runs where id = ?", (run,)).fetchone()
    return row[0] if row else None


def holders(tx: Connection, first: float, last: float) -> dict[str, Holder]:
    """Return whom each run belongs to that was created between two times (seconds since 1970), by the run's id."""
    rows = tx.execute("select id, owner, address from runs where created between ? and ?", (first, last))
    return {run: Holder(owner, address) for run, owner, address in rows}


def of_owner(tx: Connection, owner: str, limit: int) -> list[Run]:
    """Return the runs of the owner with this digest, the newest first."""
    select = f"select {_COLUMNS} from runs where owner = ? order by created desc, rowid desc limit ?"
    return [_as_run(row) for row in tx.execute(select, (owner, limit))]


def pair(tx: Connection, name: str) -> list[Run]:
    """Return the runs of a pair, the first first."""
    select = f"select {_COLUMNS} from runs where pair = ? and pair != '' order by created, rowid"
    return [_as_run(row) for row in tx.execute(select, (name,))]


def active(tx: Connection, worker: int | None = None) -> list[Run]:
    """Return the runs not yet ended, the oldest first: all, or those of one worker."""
    mine = "" if worker is None else f"and worker = {int(worker)}"
    select = f"select {_COLUMNS} from runs where state in {ACTIVE} {mine} order by created, rowid"
    return [run for run in map(_as_run, tx.execute(select)) if run.usable]


def active_count(tx: Connection) -> int:
    """Return how many runs have not yet ended."""
    return int(tx.execute(f"select count(*) from runs where state in {ACTIVE}").fetchone()[0])


def ended(tx: Connection) -> list[Run]:
    """Return the runs that have ended, the oldest first."""
    rows = tx.execute(f"select {_COLUMNS} from runs where state not in {ACTIVE} order by ended, rowid")
    return [_as_run(row) for row in rows]


def add(tx: Connection, run: Run, holder: Holder) -> None:
    """Write a new run."""
    values: list[Any] = [getattr(run, name) for name in _NAMES]
    values[_NAMES.index("config")] = json.dumps(run.config.to_json())
    tx.execute(f"insert into runs (owner, address, {_COLUMNS}) values (?, ?{', ?' * len(values)})", (*holder, *values))


def end_unusable(tx: Connection, now: float) -> None:
    """End the active runs whose settings this version does not allow."""
    for row in tx.execute(f"select {_COLUMNS} from runs where state in {ACTIVE}").fetchall():
        if not (run := _as_run(row)).usable:
            change(tx, run.id, RunChange(state="failed", ending="", message=NOT_USABLE, ended=now))


def exists(tx: Connection, run: str) -> bool:
    """Return whether there is a run with this id."""
    return tx.execute("select 1 from runs where id = ?", (run,)).fetchone() is not None


def remove(tx: Connection, run: str) -> bool:
    """Forget the row of a run that is not active; return whether there was one."""
    return tx.execute(f"delete from runs where id = ? and state not in {ACTIVE}", (run,)).rowcount > 0


def change(tx: Connection, run: str, changed: RunChange) -> None:
    """Write what has changed in the row of a run."""
    values = changed.columns()
    if values:
        columns = ", ".join(f"{name} = ?" for name in values)
        tx.execute(f"update runs set {columns} where id = ?", (*values.values(), run))


def go_back(tx: Connection, run: str, step: int) -> None:
    """Say that the newest checkpoint is at `step`, if it was a later one; then its training has not ended either."""
    tx.execute("update runs set checkpoint = ?, ending = '' where id = ? and checkpoint > ?", (step, run, step))


def restart(tx: Connection, run: str, config: TrainConfig, steps: int, worker: int) -> bool:
    """Make an ended run wait for a worker again, with settings that let it train on; return whether there was one."""
    restarted = tx.execute(
        "update runs set config = ?, steps = ?, worker = ?, state = 'waiting', ending = '', message = '', "
        f"ended = null, tested = 0, paused = null, attempts = 0 where id = ? and state not in {ACTIVE}",
        (json.dumps(config.to_json()), steps, worker, run),
    )
    return restarted.rowcount > 0


def assign(tx: Connection, run: str, worker: int) -> None:
    """Give a run to another worker, which has not failed in it yet."""
    tx.execute("update runs set worker = ?, attempts = 0 where id = ?", (worker, run))


def absolve(tx: Connection, worker: int) -> None:
    """Blame no run of this worker for what interrupted it."""
    tx.execute(f"update runs set attempts = 0 where worker = ? and attempts > 0 and state in {ACTIVE}", (worker,))


@lru_cache(1000)
def _as_config(text: str) -> TrainConfig | None:
    """Checking a config costs more than reading it, and the same rows are read again and again. None: not allowed."""
    try:
        return TrainConfig.from_json(json.loads(text))
    except ConfigError:
        return None


def _as_run(row: tuple[Any, ...]) -> Run:
    """The run in a row. If another version wrote settings that this one does not allow, it has failed."""
    values = dict(zip(_NAMES, row, strict=True))
    values |= {"config": _as_config(values["config"]), "secret": bool(values["secret"])}
    if values["config"] is None:
        failed = {"state": "failed", "ending": "", "message": NOT_USABLE, "checkpoint": -1}
        values |= {"config": TrainConfig(), "usable": False, **failed}
    return Run(**values)
