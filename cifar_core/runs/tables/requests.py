"""Requests: what the page asks of a run and its worker has not handled yet."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True)
class Request:
    """What was asked of a run and is not handled yet."""

    id: int
    run: str
    kind: str
    """pause, resume, stop or change"""
    arguments: dict[str, float]
    """for change: the settings and their new values"""


def pending(tx: Connection, worker: int) -> list[Request]:
    """Return the requests for a worker's runs, the oldest first."""
    rows = tx.execute("select id, run, kind, arguments from requests where worker = ? order by id", (worker,))
    return [Request(key, run, kind, json.loads(arguments)) for key, run, kind, arguments in rows]


def add(tx: Connection, run: str, worker: int, kind: str, arguments: Mapping[str, float]) -> None:
    """Leave a request for the worker that has this run."""
    tx.execute(
        "insert into requests (run, worker, kind, arguments) values (?, ?, ?, ?)",
        (run, worker, kind, json.dumps(arguments)),
    )


def remove(tx: Connection, handled: Iterable[int]) -> None:
    """Forget requests that were handled."""
    tx.executemany("delete from requests where id = ?", [(key,) for key in handled])


def remove_all(tx: Connection, run: str) -> None:
    """Forget everything that was asked of a run."""
    tx.execute("delete from requests where run = ?", (run,))


def assign(tx: Connection, run: str, worker: int) -> None:
    """Hand the requests of a run over to another worker."""
    tx.execute("update requests set worker = ? where run = ?", (worker, run))
