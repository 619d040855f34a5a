"""The mini-batches of an epoch, cut from pictures that are prepared some hundred at a time."""

import torch
from torch import Tensor

from cifar_core.pixels import normalize
from cifar_core.training.sampler import EpochSampler

PREFETCH = 1024
"""pictures prepared at once (12 MB): what it costs to begin is then shared by 256 mini-batches of 4"""


class BatchLoader:
    """Gives one epoch's mini-batches in the seed's order, normalized, wherever `images` lies (CPU or GPU).

    `images`: uint8 (count, 32, 32, 3); `labels`: int64 (count,), on the same device.
    """

    def __init__(self, order: EpochSampler, images: Tensor, labels: Tensor) -> None:
        self.order, self.images, self.labels = order, images, labels
        self.first = self.end = 0  # the places in the order for which inputs are ready
        self.inputs = torch.empty(0)
        self.targets = torch.empty(0)

    def batch(self, first: int, size: int) -> tuple[Tensor, Tensor]:
        """The `size` pictures (fewer at the end) from place `first` on: float32 (N, 3, 32, 32) and labels (N,)."""
        end = min(first + size, len(self.labels))
        if not self.first <= first < end <= self.end:
            ahead = slice(first, max(first + PREFETCH, end))
            self.inputs = normalize(self.order.pictures(self.images, ahead))
            self.targets = self.labels[self.order.indices[ahead]]
            self.first, self.end = first, first + len(self.targets)
        chosen = slice(first - self.first, end - self.first)
        return self.inputs[chosen], self.targets[chosen]
