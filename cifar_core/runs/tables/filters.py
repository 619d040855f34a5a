"""The first layer of each run as it was about a second ago, for those who watch it learn."""

from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np


@dataclass(frozen=True, eq=False)
class Filters:
    """The first layer at one step."""

    step: int
    weights: np.ndarray
    """float32 (6, 3, 5, 5): filter, then red, green, blue, height, width"""


def newest(tx: Connection, run: str) -> Filters | None:
    """Return the first layer as it was written last; None if it never was."""
    row = tx.execute("select step, weights from filters where run = ?", (run,)).fetchone()
    return Filters(row[0], np.frombuffer(row[1], np.float32).reshape(6, 3, 5, 5)) if row else None


def replace(tx: Connection, run: str, filters: Filters) -> None:
    """Write the first layer as it is now."""
    tx.execute("insert or replace into filters values (?, ?, ?)", (run, filters.step, filters.weights.tobytes()))
