"""What the seed decides in an epoch: the order of the images, and how each is augmented.

All of it follows from the settings and the number of the epoch. So a run can be continued, repeated or checked without
any saved random state, and two runs in one process cannot disturb each other.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.mistakes import mistake_of
from cifar_core.pixels import flip_and_shift

MAX_SHIFT = 2
"""pixels by which augmentation moves an image, each way"""


@dataclass(frozen=True, eq=False)
class EpochSampler:
    """One shuffled pass over a training set of `count` images."""

    indices: Tensor
    """int64 (count,): the places of the images in the set, in the order of training"""
    flips: Tensor | None
    """bool (count,): which of them are mirrored; None without augmentation"""
    shifts: Tensor | None
    """int64 (count, 2): pixels down and right, from -2 to 2; None without augmentation"""

    @classmethod
    def for_epoch(cls, config: TrainConfig, epoch: int, count: int, device: str = "cpu") -> "EpochSampler":
        """Return the order of epoch `epoch` (from 0), drawn on the CPU so that it is the same on every device."""
        ## seed * 1000 + epoch is another number for every epoch of every seed: there are at most 200 epochs.
        random = torch.Generator().manual_seed(config.seed * 1000 + epoch)
        indices = mistake_of(config).order(torch.randperm(count, generator=random))
        if config.augment == "none":
            return cls(indices.to(device), None, None)
        flips = torch.rand(count, generator=random) < 0.5
        shifts = torch.randint(-MAX_SHIFT, MAX_SHIFT + 1, (count, 2), generator=random)
        return cls(indices.to(device), flips.to(device), shifts.to(device))

    def images_at(self, places: slice, images: Tensor) -> Tensor:
        """Return those of `images`, uint8 (count, 32, 32, 3), at these places of the order: uint8 (N, 32, 32, 3)."""
        chosen = images[self.indices[places]]
        if self.flips is None or self.shifts is None:
            return chosen
        return flip_and_shift(chosen, self.flips[places], self.shifts[places])
