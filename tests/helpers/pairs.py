"""Pairs of runs without workers: a test writes what a worker writes."""

from cifar_core.runs.records import Point, RunChange, State, TestResult
from cifar_core.runs.service import Service
from cifar_core.runs.slice_result import SliceResult
from cifar_core.training.events import Validated

ANN, BOB = "ann" * 8, "bob" * 8


def go_to(service: Service, run: str, step: int, loss: float, accuracy: float) -> None:
    """Write what a worker writes when it comes to `step`: a loss at every step, and a validation on 100 images."""
    points = [Point(at, 4 * at, loss) for at in range(1, step + 1)]
    validation = Validated(step, 4 * step, round(100 * accuracy), 100)
    change = RunChange("running", step=step, epoch=1 + step // 101, seen=4 * step, accuracy=accuracy, speed=400.0)
    service.store.apply(run, SliceResult(change, points=tuple(points), validations=(validation,)))


def end(
    service: Service, run: str, loss: float, accuracy: float, state: State = "done", message: str | None = None
) -> None:
    """Write a whole run of 200 steps, and its test on 200 images."""
    go_to(service, run, 200, loss, accuracy / 2)  # the validation shows something else than the test
    result = TestResult(200, round(200 * accuracy), 200, (accuracy,) * 10, (0, 1, 2, 3))
    change = RunChange(state, ended=1.0, message=message)
    service.store.apply(run, SliceResult(change, result=None if state == "diverged" else result))
