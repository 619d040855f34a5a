"""What a run reports while it trains: points of the curve, log lines, validations and changed settings."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from sqlite3 import Connection
from typing import TYPE_CHECKING, Generic, TypeVar

from cifar_core.training.events import Changed, Reported, Validated

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

E = TypeVar("E", bound="DataclassInstance")


@dataclass(frozen=True)
class Point:
    """A point of the loss curve: the mean loss of the mini-batches since the point before."""

    step: int
    images: int
    """training images seen"""
    loss: float


@dataclass(frozen=True)
class EventTable(Generic[E]):
    """A table with one row for each event of a run."""

    name: str
    row: type[E]
    columns: str
    """in the order of the event's own fields"""

    def add(self, tx: Connection, run: str, events: Iterable[E]) -> None:
        """Write events of a run; one that was there already takes the place of its former self."""
        places = ", ?" * len(self.columns.split(","))
        tx.executemany(
            f"insert or replace into {self.name} (run, {self.columns}) values (?{places})",
            [(run, *astuple(event)) for event in events],
        )

    def after(self, tx: Connection, run: str, step: int) -> tuple[E, ...]:
        """Return the events of a run after `step`, in their order."""
        rows = tx.execute(
            f"select {self.columns} from {self.name} where run = ? and step > ? order by step", (run, step)
        )
        return tuple(self.row(*row) for row in rows)

    def drop_after(self, tx: Connection, run: str, step: int) -> None:
        """Forget the events of a run after `step`."""
        tx.execute(f"delete from {self.name} where run = ? and step > ?", (run, step))


POINTS = EventTable("points", Point, "step, images, loss")
REPORTS = EventTable("reports", Reported, "step, epoch, batch, loss")
VALIDATIONS = EventTable("probes", Validated, "step, images, correct, total")
CHANGES = EventTable("changes", Changed, "step, images, name, value, steps")
