"""Testing: how often the Net is right on pictures it has not been trained on.

The tutorial asks one question of the 10,000 test images (how many are right?). One pass answers several: accuracy,
accuracy per class, and for each image what the Net predicts and how wrong that is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from cifar_core.data.image_set import ImageSet
from cifar_core.net import Net
from cifar_core.pixels import normalize

BATCH = 500
"""images in one forward pass; it changes the speed only"""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one pass over an image set found."""

    predictions: np.ndarray
    """int64 (N,): the class with the largest logit"""
    losses: np.ndarray
    """float32 (N,): the cross entropy of each image"""
    confusion: np.ndarray
    """int64 (classes, classes): true class down, predicted class across"""

    @property
    def total(self) -> int:
        """Images tested."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Images whose prediction is right."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """Share of right predictions, 0 to 1."""
        return self.correct / self.total

    def class_accuracy(self) -> np.ndarray:
        """Share of each class's images that are predicted right: float64 (classes,); NaN for a class without images."""
        totals = self.confusion.sum(axis=1)
        return np.divide(self.confusion.diagonal(), totals, out=np.full(len(totals), np.nan), where=totals > 0)


@dataclass(frozen=True)
class Evaluating:
    """An evaluation under way."""

    done: int
    """images tested so far"""
    total: int


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The end of an evaluation."""

    evaluation: Evaluation


EvaluateEvent = Evaluating | Evaluated


def evaluating(net: Net, image_set: ImageSet, *, device: str = "cpu") -> Iterator[EvaluateEvent]:
    """Test `net` on the whole set in small portions: Evaluating after each, Evaluated at the end."""
    net.to(device).eval()
    classes, count = len(image_set.classes), len(image_set)
    predictions, losses = np.empty(count, np.int64), np.empty(count, np.float32)
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        images = torch.from_numpy(image_set.images[part]).to(device)  # uint8 (N, 32, 32, 3)
        labels = torch.from_numpy(image_set.labels[part]).to(device)  # (N,)
        ## No gradients are needed to answer, only to learn; leaving them out saves time and memory.
        with torch.no_grad():
            logits = net(normalize(images))  # (N, 10)
        losses[part] = F.cross_entropy(logits, labels, reduction="none").cpu().numpy()
        # A data set of fewer than ten classes leaves the last outputs unused.
        predictions[part] = logits[:, :classes].argmax(1).cpu().numpy()
        yield Evaluating(min(start + BATCH, count), count)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (image_set.labels, predictions), 1)
    yield Evaluated(Evaluation(predictions, losses, confusion))


def evaluate(net: Net, image_set: ImageSet, *, device: str = "cpu") -> Evaluation:
    """Test `net` on the whole set at once."""
    for event in evaluating(net, image_set, device=device):
        if isinstance(event, Evaluated):
            return event.evaluation
    raise AssertionError("an evaluation always ends with Evaluated")
