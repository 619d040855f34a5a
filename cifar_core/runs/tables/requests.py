"""Requests: what the page asks of a run and its worker has not handled yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from cifar_core.runs.tables.run import ACTIVE


@dataclass(frozen=True)
class Request:
    """What was asked of a run and is not handled yet."""

    id: int
    """never used again, and larger than those of earlier requests"""
    run: str
    kind: str
    """pause, resume, stop or change"""
    arguments: dict[str, float]
    """for change: the setting and its new value"""


def pending(tx: Connection, worker: int) -> list[Request]:
    """Return the requests for a worker's runs, the oldest first."""
    rows = tx.execute("select id, run, kind, setting, value from requests where worker = ? order by id", (worker,))
    return [_as_request(*row) for row in rows]


def of_run(tx: Connection, run: str) -> list[Request]:
    """Return the requests for one run, the oldest first."""
    rows = tx.execute("select id, run, kind, setting, value from requests where run = ? order by id", (run,))
    return [_as_request(*row) for row in rows]


def add(tx: Connection, run: str, kind: str, arguments: Mapping[str, float]) -> None:
    """Leave a request for the worker that has this run, if it is active.

    It takes the place of an earlier one of its kind, or of an earlier change of the same setting.
    """
    for setting, value in arguments.items() or [("", None)]:
        tx.execute(
            "insert or replace into requests (run, worker, kind, setting, value) "
            f"select id, worker, ?, ?, ? from runs where id = ? and state in {ACTIVE}",
            (kind, setting, value, run),
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


def _as_request(key: int, run: str, kind: str, setting: str, value: float | None) -> Request:
    return Request(key, run, kind, {} if value is None else {setting: value})
