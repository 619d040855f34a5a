"""What the store knows, as plain frozen records: runs, and all that a page needs to draw one."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from cifar_core.config import TrainConfig
from cifar_core.runs.tables.events import Point as Point
from cifar_core.runs.tables.filters import Filters as Filters
from cifar_core.runs.tables.frames import Frame as Frame
from cifar_core.runs.tables.frames import FrameTime as FrameTime
from cifar_core.runs.tables.requests import Request as Request
from cifar_core.runs.tables.results import TestResult as TestResult
from cifar_core.runs.tables.run import ACTIVE as ACTIVE
from cifar_core.runs.tables.run import Ending as Ending
from cifar_core.runs.tables.run import Kind as Kind
from cifar_core.runs.tables.run import Run as Run
from cifar_core.runs.tables.run import RunChange as RunChange
from cifar_core.runs.tables.run import State as State
from cifar_core.runs.tables.workers import WorkerInfo as WorkerInfo
from cifar_core.training.events import Changed, Reported, Validated


@dataclass(frozen=True)
class Snapshot:
    """What a page needs to draw a run."""

    run: Run
    points: tuple[Point, ...]
    """those after the step asked for"""
    reports: tuple[Reported, ...]
    """those after the step asked for"""
    result: TestResult | None
    validations: tuple[Validated, ...]
    """all, from the first"""
    changes: tuple[Changed, ...]
    """all, from the first"""

    @property
    def config(self) -> TrainConfig:
        """The settings now in force: those of the start with all changes made since."""
        return self.run.config.changed({change.name: change.value for change in self.changes})

    @property
    def public(self) -> "Snapshot":
        """The same as everybody may see it (see `Run.public`)."""
        return replace(self, run=self.run.public)


@dataclass(frozen=True)
class Estimate:
    """How long a training would take here and now."""

    active: int
    """runs that are active"""
    share: float
    """of one core (or GPU) that a further run would get, 0 to 1"""
    seconds: float | None
    """until its end at that share; None until a worker has measured itself"""


def new_run(
    run: str, config: TrainConfig, data: Path, images: int, worker: int, *, kind: Kind = "run", pair: str = ""
) -> Run:
    """Return a run that has not started, on any images that are in the folder `data`."""
    return Run(
        id=run,
        name=f"run {run[:4]}",
        config=config,
        data=str(data),
        data_sha256=None,
        images=images,
        worker=worker,
        state="waiting",
        ending="",
        message="",
        created=time.time(),
        ended=None,
        step=0,
        steps=config.steps(images),
        epoch=0,
        seen=0,
        speed=0.0,
        tested=0,
        checkpoint=-1,
        attempts=0,
        busy=0.0,
        accuracy=None,
        paused=None,
        kind=kind,
        pair=pair,
        secret=kind == "quiz" and config.mistake != "none",
    )
