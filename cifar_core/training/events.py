"""What a training tells and what it may be asked: a closed set of small types that knows neither torch nor any view."""

import math
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Validated:
    """How the Net does meanwhile, on images it is not trained with; a few times an epoch, after a Progress."""

    step: int
    """mini-batches done, over all epochs"""
    images: int
    """training images seen, over all epochs"""
    correct: int
    """right answers"""
    total: int
    """images asked about"""


@dataclass(frozen=True)
class Changed:
    """A setting that was changed while the training ran, in force from the next mini-batch on."""

    step: int
    """mini-batches done before the change"""
    images: int
    """training images seen before it"""
    name: str
    """lr, momentum or batch_size"""
    value: float
    steps: int
    """mini-batches from beginning to end, now"""


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
    lowest_loss: float = math.inf
    """the best line of the log so far"""
    lines_since: int = 0
    """lines of the log since then"""
    validations: int = 0
    """how often the Net was due to be tested on the validation images so far"""


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
    gradients: "dict[str, Tensor]" = field(default_factory=dict)
    """each weight's gradient, on the CPU, where the mistake no_zero_grad lets it outlive its step; else empty"""


@dataclass(frozen=True, eq=False)
class Checkpointed:
    """A checkpoint: one that was asked for through Control, or the state at the end, just before Finished."""

    checkpoint: Checkpoint


@dataclass(frozen=True)
class Finished:
    """Always the last event."""

    reason: Literal["done", "stopped", "diverged", "no_better", "reached"]
    """diverged: the loss became infinite or NaN; no_better, reached: the stop rule patience or accuracy was met"""
    step: int
    """mini-batches done"""


TrainEvent = Started | Progress | Reported | Validated | Changed | Checkpointed | Finished


@dataclass(frozen=True)
class Change:
    """A wish for another value of a setting."""

    name: str
    """lr, momentum or batch_size"""
    value: float
    step: int = 0
    """obeyed once so many mini-batches are done; 0 for as soon as possible"""


@dataclass
class Control:
    """What may be asked of a training from outside, at any time; each wish is obeyed before the next mini-batch."""

    stop: bool = False
    """end the training; its last event is then Finished('stopped')"""
    checkpoint: bool = False
    """give a Checkpointed event after the next Progress"""
    changes: list[Change] = field(default_factory=list)
    """settings to change, in the order of their steps"""
