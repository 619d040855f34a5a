"""The weights that come with the program: the tutorial's Net, trained by the command line on the real CIFAR-10."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from cifar_core.config import TrainConfig

if TYPE_CHECKING:
    from cifar_core.net import Net

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Origin:
    """How the weights were made and how good they are; the content of net.json."""

    command: str
    config: TrainConfig
    correct: int
    """right predictions on the test images"""
    total: int
    """test images"""
    seeds: dict[str, int]
    """right predictions of the same settings with other seeds, this one among them"""
    made_with: str
    """versions, machine and how long it took"""
    data: str
    """which copy of CIFAR-10"""

    @property
    def accuracy(self) -> float:
        """Fraction of right predictions on the test images, 0 to 1."""
        return self.correct / self.total

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds, 0 to 1."""
        return fmean(self.seeds.values()) / self.total

    @property
    def spread(self) -> float:
        """Standard deviation of the accuracy over the seeds."""
        return stdev(self.seeds.values()) / self.total


def origin() -> Origin:
    """Return how the pretrained weights were made."""
    content = json.loads((FOLDER / "net.json").read_text())
    return Origin(**content | {"config": TrainConfig.from_json(content["config"])})


def pretrained_net() -> "Net":
    """Return the Net with the pretrained weights, on the CPU."""
    from cifar_core.net import load_net  # torch takes seconds to load, and `origin` is needed before

    return load_net(FOLDER / "net.pth")
