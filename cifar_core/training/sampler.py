"""What the seed decides in an epoch: the order of the images and how each is augmented; and the learning rate's course.

Everything here follows from the settings and the position alone. So a run can be continued, repeated or checked
without any saved random state, and two runs in one process cannot disturb each other.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.pixels import flip_and_shift

MAX_SHIFT = 2
"""pixels by which augmentation moves a picture, each way"""


@dataclass(frozen=True, eq=False)
class EpochSampler:
    """One shuffled pass over a training set of `count` images."""

    indices: Tensor
    """int64 (count,): which image comes when"""
    flips: Tensor | None
    """bool (count,): which of them are mirrored; None without augmentation"""
    shifts: Tensor | None
    """int64 (count, 2): pixels down and right, from -2 to 2; None without augmentation"""

    @classmethod
    def make(cls, config: TrainConfig, epoch: int, count: int, device: str = "cpu") -> "EpochSampler":
        """The order of epoch `epoch` (from 0), drawn on the CPU so that every device gets the same, then moved."""
        ## seed * 1000 + epoch is another number for every epoch of every seed: there are at most 200 epochs.
        random = torch.Generator().manual_seed(config.seed * 1000 + epoch)
        indices = torch.randperm(count, generator=random)
        if config.mistake == "no_shuffle":
            indices = torch.arange(count)
        if config.augment == "none":
            return cls(indices.to(device), None, None)
        flips = torch.rand(count, generator=random) < 0.5
        shifts = torch.randint(-MAX_SHIFT, MAX_SHIFT + 1, (count, 2), generator=random)
        return cls(indices.to(device), flips.to(device), shifts.to(device))

    def pictures(self, images: Tensor, chosen: slice) -> Tensor:
        """The pictures at the places `chosen` of this order: uint8 (N, 32, 32, 3), from `images` (count, 32, 32, 3)."""
        pictures = images[self.indices[chosen]]
        if self.flips is None or self.shifts is None:
            return pictures
        return flip_and_shift(pictures, self.flips[chosen], self.shifts[chosen])


def training_labels(config: TrainConfig, labels: Tensor) -> Tensor:
    """The labels that are trained with: int64 (count,), those of the data unless the mistake is in them."""
    if config.mistake != "shuffled_labels":
        return labels
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(config.seed))]


def learning_rate(config: TrainConfig, done: float) -> float:
    """The learning rate when the share `done` (0 to 1) of all images has been seen.

    `one_cycle` rises in a straight line over the first quarter and falls along half a cosine to zero. Source of the
    idea: Smith and Topin, 'Super-Convergence' (2017).
    """
    highest = 10 * config.lr if config.mistake == "lr_ten" else config.lr
    if config.schedule == "constant":
        return highest
    if done < 0.25:
        return highest * (0.04 + 0.96 * done / 0.25)
    return highest * 0.5 * (1 + math.cos(math.pi * (done - 0.25) / 0.75))
