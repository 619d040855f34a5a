"""What may be requested of a training while it runs."""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Change:
    """A request to change a setting."""

    name: str
    """lr, momentum or batch_size"""
    value: float
    step: int = 0
    """applied as soon as this many mini-batches are done; 0 for as soon as possible"""


@dataclass
class Control:
    """The requests to one training, made from outside at any time; each is handled before the next mini-batch."""

    stop: bool = False
    """end the training; its last event is then Finished('stopped')"""
    checkpoint: bool = False
    """yield a Checkpointed event after the next Progress"""
    until: float = math.inf
    """from this moment of `time.monotonic()` on, yield at least a TimeUp after each mini-batch"""
    changes: list[Change] = field(default_factory=list)
    """settings to change, in the order of their steps"""

    def next_change(self, step: int) -> Change | None:
        """Remove and return the next change that is due after `step` mini-batches; None if none is."""
        return self.changes.pop(0) if self.changes and self.changes[0].step <= step else None
