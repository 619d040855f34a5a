"""Test results: how the Net of a run did on the test images."""

import json
from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True)
class TestResult:
    """The Net of one step, tested."""

    __test__ = False  # the name would make pytest take it for a test

    step: int
    correct: int
    total: int
    per_class: tuple[float | None, ...]
    """fraction of right predictions for each class; None for a class without test images"""
    first_predictions: tuple[int, ...]
    """the classes predicted for the first four test images"""

    @property
    def accuracy(self) -> float:
        """Fraction of right predictions, 0 to 1."""
        return self.correct / self.total


def newest(tx: Connection, run: str) -> TestResult | None:
    """Return the result of a run's last test; None if there was none."""
    row = tx.execute("select step, result from evaluations where run = ? order by step desc limit 1", (run,)).fetchone()
    if row is None:
        return None
    step, content = row[0], json.loads(row[1])
    lists = (tuple(content["per_class"]), tuple(content["first_predictions"]))
    return TestResult(step, content["correct"], content["total"], *lists)


def add(tx: Connection, run: str, result: TestResult) -> None:
    """Write how a run's Net did in a test."""
    content = {
        "correct": result.correct,
        "total": result.total,
        "per_class": result.per_class,
        "first_predictions": result.first_predictions,
    }
    tx.execute("insert or replace into evaluations values (?, ?, ?)", (run, result.step, json.dumps(content)))


def drop_after(tx: Connection, run: str, step: int) -> None:
    """Forget the results of a run after `step`."""
    tx.execute("delete from evaluations where run = ? and step > ?", (run, step))
