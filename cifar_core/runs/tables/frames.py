"""The timeline of a run: its frames."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np


@dataclass(frozen=True)
class FrameTime:
    """When a frame was recorded."""

    step: int
    images: int
    """training images seen"""


@dataclass(frozen=True, eq=False)
class Frame:
    """The Net at one step of a run. Every number in it is finite.

    The arrays are the store's own bytes and cannot be written to.
    """

    step: int
    images: int
    """training images seen"""
    confusion: np.ndarray
    """int64 (classes, classes): of the validation images, true class down, predicted class across"""
    answers: np.ndarray
    """float32 (4, classes): the probabilities for the first four test images (as many as there are)"""
    filters: np.ndarray
    """float32 (6, 3, 5, 5): the weights of the first layer; filter, then red, green, blue, height, width"""

    @property
    def accuracy(self) -> float:
        """Fraction of the validation images that are predicted right, 0 to 1."""
        return int(self.confusion.trace()) / int(self.confusion.sum())

    @property
    def per_class(self) -> tuple[float | None, ...]:
        """The same for each class; None for a class without validation images."""
        counts = zip(self.confusion.diagonal().tolist(), self.confusion.sum(axis=1).tolist(), strict=True)
        return tuple(right / total if total else None for right, total in counts)


def times(tx: Connection, run: str) -> list[FrameTime]:
    """Return when the frames of a run were recorded, the first first."""
    return [
        FrameTime(*row) for row in tx.execute("select step, images from frames where run = ? order by step", (run,))
    ]


def of_run(tx: Connection, run: str) -> list[Frame]:
    """Return all frames of a run, the first first."""
    select = "select step, images, confusion, answers, filters from frames where run = ? order by step"
    return [_as_frame(*row) for row in tx.execute(select, (run,))]


def add(tx: Connection, run: str, frames: Iterable[Frame]) -> None:
    """Write frames of a run."""
    for frame in frames:
        parts = (frame.confusion.astype(np.int32), frame.answers, frame.filters)
        row = (run, frame.step, frame.images, *(part.tobytes() for part in parts))
        tx.execute("insert or replace into frames values (?, ?, ?, ?, ?, ?)", row)


def remove_others(tx: Connection, run: str, keep: Sequence[FrameTime]) -> None:
    """Forget the frames of a run that are not in `keep`."""
    steps = [time.step for time in keep]
    places = ", ".join("?" * len(steps))
    tx.execute(f"delete from frames where run = ? and step not in ({places})", (run, *steps))


def drop_after(tx: Connection, run: str, step: int) -> None:
    """Forget the frames of a run after `step`."""
    tx.execute("delete from frames where run = ? and step > ?", (run, step))


def _as_frame(step: int, images: int, confusion: bytes, answers: bytes, filters: bytes) -> Frame:
    counts = np.frombuffer(confusion, np.int32).astype(np.int64)
    classes = math.isqrt(len(counts))
    counts = counts.reshape(classes, classes)
    first_layer = np.frombuffer(filters, np.float32).reshape(6, 3, 5, 5)
    return Frame(step, images, counts, np.frombuffer(answers, np.float32).reshape(-1, classes), first_layer)
