"""What a run's script repeats, and the questions that its parts ask of the settings."""

from dataclasses import dataclass
from typing import Literal

from cifar_core.config import TrainConfig
from cifar_core.training.events import Change

Data = Literal["official", "repacked", "pictures"]
"""CIFAR-10 as torchvision downloads it; a copy of it with other md5 sums; pictures in four .npy files"""

NATIVE_UP_TO = 4
"""images in a mini-batch that take torch's own convolution, as in `step.py` (which needs torch)"""


@dataclass(frozen=True)
class ScriptSettings:
    """One run, to be told as code."""

    config: TrainConfig
    """as the run began; epochs added later are counted in"""
    changes: tuple[Change, ...]
    """made while it ran, in the order of their steps"""
    last_step: int | None
    """where it was stopped; None where it ran to its end, or to that of its rule"""
    diverged: bool
    data: Data
    classes: tuple[str, ...]

    def made(self, mistake: str) -> bool:
        """Whether this is the mistake made on purpose."""
        return self.config.mistake == mistake

    @property
    def sizes(self) -> set[int]:
        """All batch sizes in use."""
        return {self.config.batch_size} | {int(change.value) for change in self.changes if change.name == "batch_size"}

    @property
    def one_size(self) -> bool:
        """Whether a DataLoader can cut the mini-batches: it knows one batch size only."""
        return len(self.sizes) == 1

    @property
    def native(self) -> bool:
        """Whether some mini-batches are so small that they take torch's own convolution."""
        return min(self.sizes) <= NATIVE_UP_TO

    @property
    def moves(self) -> bool:
        """Whether pictures are mirrored and moved."""
        return self.config.augment != "none"

    @property
    def cycles(self) -> bool:
        """Whether the learning rate rises and falls."""
        return self.config.schedule != "constant"

    @property
    def patient(self) -> bool:
        """Whether it ends when no line of the log is better for a while."""
        return self.config.stop_rule == "patience"

    @property
    def probed(self) -> bool:
        """Whether it ends when enough test images are answered right."""
        return self.config.stop_rule == "accuracy"

    @property
    def counts_steps(self) -> bool:
        """Whether something depends on how many mini-batches are done."""
        return bool(self.changes) or self.last_step is not None or self.probed

    def rate(self, lr: float) -> str:
        """A learning rate as code."""
        return f"10 * {lr!r}" if self.made("lr_ten") else repr(lr)
