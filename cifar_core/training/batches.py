"""The mini-batches of a training, cut from images that are prepared some hundred at a time."""

import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet
from cifar_core.mistakes import mistake_of
from cifar_core.pixels import normalize
from cifar_core.training.sampler import EpochSampler

PREFETCH = 1024
"""images prepared at once (12 MB): the cost of a start is then shared by 256 mini-batches of 4"""


class BatchLoader:
    """Gives one epoch's mini-batches in the seed's order, normalized, on the device of `images` (CPU or GPU).

    `images`: uint8 (count, 32, 32, 3); `labels`: int64 (count,), on the same device.
    """

    def __init__(self, sampler: EpochSampler, images: Tensor, labels: Tensor) -> None:
        self.sampler, self.images, self.labels = sampler, images, labels
        self.first = self.end = 0  # the places in the order for which inputs are ready
        self.inputs = torch.empty(0)
        self.targets = torch.empty(0)

    def batch(self, first: int, size: int) -> tuple[Tensor, Tensor]:
        """Return `size` images (fewer at the end) from place `first` on: float32 (N, 3, 32, 32), and labels (N,)."""
        end = min(first + size, len(self.labels))
        if not self.first <= first < end <= self.end:
            ahead = slice(first, max(first + PREFETCH, end))
            self.inputs = normalize(self.sampler.images_at(ahead, self.images))
            self.targets = self.labels[self.sampler.indices[ahead]]
            self.first, self.end = first, first + len(self.targets)
        chosen = slice(first - self.first, end - self.first)
        return self.inputs[chosen], self.targets[chosen]


class TrainingImages:
    """A whole training set on the device."""

    def __init__(self, image_set: ImageSet, config: TrainConfig, device: str) -> None:
        self.config, self.device = config, device
        # The set goes to the device once, as bytes; on the CPU this copies nothing.
        self.images = torch.from_numpy(image_set.images).to(device)  # uint8 (count, 32, 32, 3)
        labels = torch.from_numpy(image_set.labels)  # int64 (count,)
        self.labels = mistake_of(config).labels(labels, config.seed).to(device)

    def loader(self, epoch: int) -> BatchLoader:
        """Return the mini-batches of epoch `epoch` (from 0)."""
        sampler = EpochSampler.for_epoch(self.config, epoch, len(self.labels), self.device)
        return BatchLoader(sampler, self.images, self.labels)
