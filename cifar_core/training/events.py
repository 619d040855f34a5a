"""What happens in a training: a closed set of small types that knows neither torch nor any view."""

from dataclasses import dataclass
from typing import Literal

from cifar_core.training.state import Checkpoint


@dataclass(frozen=True)
class Started:
    """The first event: the training is set up."""

    steps: int
    """mini-batches from beginning to end"""
    step: int
    """mini-batches done before this start: 0, or where a checkpoint stood"""


@dataclass(frozen=True)
class Progress:
    """A point of the loss curve."""

    step: int
    """mini-batches done, over all epochs"""
    epoch: int
    """the current epoch, from 1"""
    images: int
    """training images seen, over all epochs"""
    loss: float
    """mean loss of the mini-batches since the last Progress"""


@dataclass(frozen=True)
class Reported:
    """The tutorial's line: the mean loss of the last `report_every` mini-batches. Progress of the same step follows."""

    step: int
    """mini-batches done, over all epochs"""
    epoch: int
    """from 1"""
    batch: int
    """mini-batches done in this epoch"""
    loss: float

    @property
    def line(self) -> str:
        """The line as the tutorial prints it."""
        return f"[{self.epoch}, {self.batch:5d}] loss: {self.loss:.3f}"


@dataclass(frozen=True)
class Validated:
    """How the Net does on the validation images; a few times an epoch, after a Progress."""

    step: int
    """mini-batches done, over all epochs"""
    images: int
    """training images seen, over all epochs"""
    correct: int
    """right predictions"""
    total: int
    """validation images"""


@dataclass(frozen=True)
class Changed:
    """A setting was changed while the training ran, and is in force from the next mini-batch on."""

    step: int
    """mini-batches done before the change"""
    images: int
    """training images seen before it"""
    name: str
    """lr, momentum or batch_size"""
    value: float
    steps: int
    """mini-batches from beginning to end, after the change"""


@dataclass(frozen=True)
class TimeUp:
    """The time that Control allows is over. It stands between two mini-batches of which nothing is reported yet."""


@dataclass(frozen=True, eq=False)
class Checkpointed:
    """A checkpoint: one that was requested through Control, or the state at the end, just before Finished."""

    checkpoint: Checkpoint


@dataclass(frozen=True)
class Finished:
    """Always the last event."""

    reason: Literal["done", "stopped", "diverged", "no_better", "reached"]
    """diverged: the loss became infinite or NaN; no_better, reached: the stop rule patience or accuracy was met"""
    step: int
    """mini-batches done"""


TrainEvent = Started | Progress | Reported | Validated | Changed | TimeUp | Checkpointed | Finished
