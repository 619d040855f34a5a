"""What a training tells and what it may be asked: a closed set of small types that knows neither torch nor any view."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor


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
    """the epoch now under way, from 1"""
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


@dataclass
class Position:
    """How far a training has come."""

    step: int = 0
    """mini-batches done, over all epochs"""
    epoch: int = 0
    """epochs completed"""
    seen: int = 0
    """images seen in the epoch under way"""
    batch: int = 0
    """mini-batches done in the epoch under way"""
    running_loss: float = 0.0
    """the losses since the last line of the log, added up"""
    running_count: int = 0
    """how many losses that sum holds"""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that is needed to go on later as if nothing had happened (bit for bit on the CPU).

    There are no random states in it: order and augmentation follow from seed, epoch and position (`order.py`).
    """

    weights: "dict[str, Tensor]"
    """the Net's state dict, on the CPU"""
    momentum: "dict[str, Tensor]"
    """SGD's momentum buffer of each weight, on the CPU; empty before the first step"""
    position: Position


@dataclass(frozen=True, eq=False)
class Checkpointed:
    """A checkpoint: one that was asked for through Control, or the state at the end, just before Finished."""

    checkpoint: Checkpoint


@dataclass(frozen=True)
class Finished:
    """Always the last event."""

    reason: Literal["done", "stopped", "diverged"]
    """diverged: the loss became infinite or NaN"""
    step: int
    """mini-batches done"""


TrainEvent = Started | Progress | Reported | Checkpointed | Finished


@dataclass
class Control:
    """What may be asked of a training from outside, at any time; each wish is obeyed before the next mini-batch."""

    stop: bool = False
    """end the training; its last event is then Finished('stopped')"""
    checkpoint: bool = False
    """give a Checkpointed event after the next Progress"""
