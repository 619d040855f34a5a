"""A run as a worker would write it, step by step, for tests that need a run and no training."""

from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.runs.records import Point, Run, TestResult
from cifar_core.runs.service import Service
from cifar_core.training.events import Reported, Validated
from tests.helpers.runs import write_rows

ANN, BOB = "ann" * 8, "bob" * 8
"""owner keys of two visitors"""
CONFIG = TrainConfig(epochs=2, report_every=25)
"""200 mini-batches of 4 from 400 images, a line every 25"""


def go_to(service: Service, run: Run, step: int) -> None:
    """Write what a worker writes when it comes to `step`."""
    done = service.find(run.id).step
    points = [Point(at, 4 * at, 2.3 - at / 123) for at in range(done + 1, step + 1)]
    reports = [Reported(p.step, 1 + p.step // 101, (p.step - 1) % 100 + 1, p.loss) for p in points if not p.step % 25]
    probes = [Validated(p.step, p.images, min(p.step // 4, 60), 60) for p in points if not p.step % 25]
    at: dict[str, Any] = {"step": step, "epoch": 1 + step // 101, "seen": 4 * step, "speed": 4000.0, "checkpoint": step}
    write_rows(service.store, run.id, points=points, reports=reports, validations=probes, state="running", **at)


def result_of(run: Run, splits: Splits, correct: int = 31) -> TestResult:
    """Return a test in which the first four predictions are right, wrong, right, wrong."""
    first = [int(label + place % 2) % 10 for place, label in enumerate(splits.test.labels[:4])]
    return TestResult(run.step, correct, 120, (None, 1.0, *(0.125,) * 8), tuple(first))


def end(service: Service, run: Run, splits: Splits, state: str = "done") -> None:
    """Write what a worker writes behind the last step: the test and the end."""
    run = service.find(run.id)
    write_rows(service.store, run.id, state="testing", ending=state, tested=100)
    write_rows(service.store, run.id, result=result_of(run, splits))
    write_rows(service.store, run.id, state=state, tested=120, ended=run.created + 125)
