"""What the store knows, as plain frozen records: runs, and all that a page needs to draw one."""

import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal

from cifar_core.config import TrainConfig
from cifar_core.errors import RunError
from cifar_core.runs.tables.events import Point as Point
from cifar_core.runs.tables.filters import Filters as Filters
from cifar_core.runs.tables.frames import Frame as Frame
from cifar_core.runs.tables.frames import FrameTime as FrameTime
from cifar_core.runs.tables.requests import Request as Request
from cifar_core.runs.tables.results import TestResult as TestResult
from cifar_core.runs.tables.workers import WorkerInfo as WorkerInfo
from cifar_core.training.events import Changed, Reported, Validated

State = Literal["waiting", "running", "paused", "testing", "done", "stopped", "diverged", "failed"]
"""waiting for its worker's first slice; running; paused; testing on the test images; and four ways to have ended"""
ACTIVE: tuple[State, ...] = ("waiting", "running", "paused", "testing")
Ending = Literal["", "done", "stopped", "diverged"]
Kind = Literal["run", "lab", "quiz"]
"""a run by itself; one of the two runs of a pair in the Lab; the same where the mistake is to be guessed"""


@dataclass(frozen=True)
class Run:
    """One training, as the store knows it. `owner` is a secret and not part of it."""

    id: str
    name: str
    config: TrainConfig
    data: str
    """folder of the decoded data set it trains on: a path of the server, which must not reach a browser"""
    images: int
    """training images in that set"""
    worker: int
    """index of the worker process that advances it"""
    state: State
    ending: Ending
    """how the training ended while it is still being tested: done, stopped; else empty"""
    message: str
    """one sentence if it failed or diverged, else empty"""
    created: float
    """seconds since 1970"""
    ended: float | None
    step: int
    """mini-batches done"""
    steps: int
    """mini-batches in all"""
    epoch: int
    """the epoch under way, from 1; 0 before the first step"""
    seen: int
    """training images seen, over all epochs"""
    speed: float
    """training images per second, wall clock, over the last 3 s"""
    tested: int
    """test images tested so far"""
    checkpoint: int
    """the step of the newest checkpoint; -1 if there is none yet"""
    attempts: int
    """how often a worker died in this run's slices since its last checkpoint; one under way counts until it ends"""
    busy: float
    """seconds of work so far, of this run only"""
    accuracy: float | None
    """fraction of right predictions, 0 to 1, in the newest validation or test"""
    paused: float | None
    """since when it is paused, in seconds since 1970"""
    kind: Kind
    pair: str
    """the same for both runs of a pair: the id of its baseline; empty for a run by itself"""
    secret: bool
    """whether its mistake is still to be guessed"""

    @property
    def active(self) -> bool:
        """True until the run has ended and is tested."""
        return self.state in ACTIVE

    @property
    def public(self) -> "Run":
        """The run as everybody may see it: the mistake of a quiz that is not solved yet is hidden."""
        return replace(self, config=replace(self.config, mistake="none")) if self.secret else self

    def check_solved(self) -> None:
        """Raise RunError if this is a quiz that is not solved yet: then nothing may be made of its settings."""
        if self.secret:
            raise RunError("This run is an unsolved quiz; its settings and code are shown once the quiz is solved.")


@dataclass(frozen=True)
class RunChange:
    """What changes in the row of a run. What is None stays as it is."""

    state: State | None = None
    paused: float | None = None
    """written together with a state, so that every state but paused clears it"""
    name: str | None = None
    secret: bool | None = None
    ending: Ending | None = None
    message: str | None = None
    ended: float | None = None
    step: int | None = None
    steps: int | None = None
    epoch: int | None = None
    seen: int | None = None
    speed: float | None = None
    tested: int | None = None
    checkpoint: int | None = None
    attempts: int | None = None
    busy: float | None = None
    accuracy: float | None = None

    def columns(self) -> dict[str, object]:
        """Return the columns to be written."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed = {name: value for name, value in values.items() if value is not None}
        return changed | ({"paused": self.paused} if self.state else {})


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
    """Return a run that has not started."""
    return Run(
        id=run,
        name=f"run {run[:4]}",
        config=config,
        data=str(data),
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
