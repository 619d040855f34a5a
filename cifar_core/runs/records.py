"""What the store knows, as plain frozen records: runs, points of their curves, requests, results."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from cifar_core.config import TrainConfig
from cifar_core.training.events import Changed, Reported, Validated

State = Literal["waiting", "running", "paused", "testing", "done", "stopped", "diverged", "failed"]
"""waiting for its worker's first slice; running; resting; testing on the test images; and four ways to have ended"""
ACTIVE: tuple[State, ...] = ("waiting", "running", "paused", "testing")


@dataclass(frozen=True)
class Run:
    """One training, as the store knows it. `owner` is a secret and not part of it."""

    id: str
    name: str
    config: TrainConfig
    data: str
    """folder of the decoded data set it trains on"""
    images: int
    """training images in that set"""
    worker: int
    """index of the worker process that advances it"""
    state: State
    ending: str
    """how the training ended while it is still being tested: done, stopped; else empty"""
    message: str
    """one sentence where it failed or diverged, else empty"""
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
    """training images a second, of late, as the person waiting sees it"""
    tested: int
    """test images tested so far"""
    checkpoint: int
    """the step of the newest checkpoint; -1 where there is none yet"""
    attempts: int
    """how often a worker died in this run's slices since its last checkpoint; one under way counts until it ends"""
    busy: float
    """seconds of work so far, the time of other runs on the same worker left out"""
    accuracy: float | None
    """share of right answers, 0 to 1, in the newest probe or test"""
    paused: float | None
    """since when it rests, in seconds since 1970"""

    @property
    def active(self) -> bool:
        """True until the run has ended and is tested."""
        return self.state in ACTIVE


@dataclass(frozen=True)
class Point:
    """A point of the loss curve: the mean loss of the mini-batches since the point before."""

    step: int
    images: int
    """training images seen"""
    loss: float


@dataclass(frozen=True)
class Request:
    """What was asked of a run and is not obeyed yet."""

    id: int
    run: str
    kind: str
    """pause, resume, stop or change"""
    arguments: dict[str, float]
    """for change: the settings and their new values"""


@dataclass(frozen=True)
class TestResult:
    """The Net of one step, tested."""

    __test__ = False  # the name would make pytest take it for a test

    step: int
    correct: int
    total: int
    per_class: tuple[float | None, ...]
    """share of right predictions for each class; None for a class without test images"""
    first_predictions: tuple[int, ...]
    """the classes predicted for the first four test images"""

    @property
    def accuracy(self) -> float:
        """Share of right predictions, 0 to 1."""
        return self.correct / self.total


@dataclass(frozen=True)
class FrameTime:
    """When a frame was taken."""

    step: int
    images: int
    """training images seen"""


Moment = FrameTime  # transitional: its former name


@dataclass(frozen=True, eq=False)
class Frame:
    """A moment of a run's history: what the Net was like then. Every number in it is finite.

    The arrays are the store's own bytes and cannot be written to.
    """

    step: int
    images: int
    """training images seen"""
    confusion: np.ndarray
    """int64 (classes, classes): of the probe images, true class down, predicted class across"""
    answers: np.ndarray
    """float32 (4, classes): the probabilities for the first four test images (as many as there are)"""
    filters: np.ndarray
    """float32 (6, 3, 5, 5): the weights of the first layer; filter, then red, green, blue, height, width"""

    @property
    def accuracy(self) -> float:
        """Share of right predictions among the probe images, 0 to 1."""
        return int(self.confusion.trace()) / int(self.confusion.sum())

    @property
    def per_class(self) -> tuple[float | None, ...]:
        """Share of right predictions for each class; None for a class without probe images."""
        counts = zip(self.confusion.diagonal().tolist(), self.confusion.sum(axis=1).tolist(), strict=True)
        return tuple(right / total if total else None for right, total in counts)


@dataclass(frozen=True, eq=False)
class Filters:
    """The first layer as it was a moment ago."""

    step: int
    weights: np.ndarray
    """float32 (6, 3, 5, 5): filter, then red, green, blue, height, width"""


@dataclass(frozen=True)
class Snapshot:
    """What a page needs to draw a run."""

    run: Run
    points: tuple[Point, ...]
    """those after the step asked for"""
    reports: tuple[Reported, ...]
    """those after the step asked for"""
    result: TestResult | None
    probes: tuple[Validated, ...]
    """all, from the first"""
    changes: tuple[Changed, ...]
    """all, from the first"""

    @property
    def config(self) -> TrainConfig:
        """The settings now in force: those of the start with all changes made since."""
        return self.run.config.changed({change.name: change.value for change in self.changes})


@dataclass(frozen=True)
class WorkerInfo:
    """A worker process that is up, and what it trains on."""

    pid: int
    device: str
    """cpu, cuda or mps"""
    name: str
    """the processor's own name"""
    reason: str
    """why this device was taken"""
    available: tuple[str, ...]
    """the devices a run may ask for"""
    step_seconds: float = 0.0
    """measured: what a mini-batch costs however small it is"""
    image_seconds: float = 0.0
    """measured: what each of its images adds"""


@dataclass(frozen=True)
class Estimate:
    """How long a training would take here and now."""

    going: int
    """runs that are going"""
    share: float
    """of one core (or GPU) that a further run would get, 0 to 1"""
    seconds: float | None
    """until its end at that share; None while the workers have not yet measured themselves"""


def new_run(run: str, config: TrainConfig, data: Path, images: int, worker: int) -> Run:
    """A run that has not begun."""
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
    )
