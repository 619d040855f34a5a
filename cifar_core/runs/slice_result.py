"""What one slice of a run has brought."""

from dataclasses import dataclass

from cifar_core.runs.records import Filters, Frame, Point, RunChange, TestResult
from cifar_core.training.events import Changed, Reported, Validated
from cifar_core.training.state import Checkpoint


@dataclass(frozen=True)
class SliceResult:
    """Everything that one slice of a run writes, in one transaction."""

    run: RunChange = RunChange()
    points: tuple[Point, ...] = ()
    reports: tuple[Reported, ...] = ()
    validations: tuple[Validated, ...] = ()
    changes: tuple[Changed, ...] = ()
    frames: tuple[Frame, ...] = ()
    filters: Filters | None = None
    result: TestResult | None = None
    handled: tuple[int, ...] = ()
    """the requests whose effect is written with this"""
    checkpoint: Checkpoint | None = None
    """its files are on the disk already; only its step is written"""
