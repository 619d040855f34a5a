"""Testing: how often the Net is right on images it has not been trained on.

One pass over the test images stores the Net's ten scores for each. The tutorial's number (how many are right?), the
accuracy per class, and how confident the Net is of each image all follow from those.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from cifar_core.data.image_set import ImageSet
from cifar_core.net import Net
from cifar_core.pixels import Prepare, normalize

BATCH = 500
"""images in one forward pass; it changes the speed only"""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of one pass over an image set: the logits. All else follows from them and is computed when needed."""

    logits: np.ndarray
    """float32 (N, 10): the Net's scores for each image"""
    labels: np.ndarray
    """int64 (N,): the true classes"""
    classes: tuple[str, ...]
    """two to ten names; with fewer than ten, the last logits are unused"""

    @property
    def finite(self) -> bool:
        """False for a Net whose weights are not finite numbers: then no prediction means anything."""
        return bool(np.isfinite(self._used).all())

    @property
    def _used(self) -> np.ndarray:
        return self.logits[:, : len(self.classes)]  # (N, classes)

    @cached_property
    def predictions(self) -> np.ndarray:
        """The class with the largest logit: int64 (N,).

        Of equal logits the first one counts, and NaN is larger than any number, as in `argmax` of NumPy and PyTorch. So
        a Net whose outputs are all NaN always predicts class 0.
        """
        return self._used.argmax(axis=1)

    @cached_property
    def losses(self) -> np.ndarray:
        """The cross entropy of each image, over all ten logits as in training: float32 (N,)."""
        logits, labels = torch.from_numpy(self.logits), torch.from_numpy(self.labels)
        return F.cross_entropy(logits, labels, reduction="none").numpy()

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Softmax of the logits of the data's classes: float64 (N, classes), each row adds up to 1."""
        return torch.softmax(torch.from_numpy(self._used).double(), 1).numpy()

    @cached_property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class: float64 (N,), from 1 / classes to 1."""
        return self.probabilities.max(axis=1)

    @cached_property
    def margin(self) -> np.ndarray:
        """How far the predicted class is ahead of the second: the difference of their probabilities, float64 (N,)."""
        second, best = np.partition(self.probabilities, (-2, -1), axis=1)[:, -2:].T  # each (N,)
        return best - second

    @cached_property
    def confusion(self) -> np.ndarray:
        """How many images of each class were predicted as each: int64 (classes, classes), true class down."""
        counts = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(counts, (self.labels, self.predictions), 1)
        return counts

    @property
    def total(self) -> int:
        """Images tested."""
        return len(self.labels)

    @property
    def correct(self) -> int:
        """Images whose prediction is right."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """Fraction of right predictions, 0 to 1."""
        return self.correct / self.total

    def class_accuracy(self) -> np.ndarray:
        """Return the fraction of right predictions per class: float64 (classes,); NaN for a class without images."""
        totals = self.confusion.sum(axis=1)
        return np.divide(self.confusion.diagonal(), totals, out=np.full(len(totals), np.nan), where=totals > 0)


@dataclass(frozen=True)
class Evaluating:
    """An evaluation goes on."""

    done: int
    """images tested so far"""
    total: int


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The end of an evaluation."""

    evaluation: Evaluation


EvaluateEvent = Evaluating | Evaluated


def evaluating(
    net: Net, image_set: ImageSet, *, device: str = "cpu", prepare: Prepare = normalize
) -> Iterator[EvaluateEvent]:
    """Test `net` on the whole set in small portions: yield Evaluating after each, Evaluated at the end.

    `prepare` turns pixels into the Net's inputs.
    """
    net.to(device).eval()
    count = len(image_set)
    logits = np.empty((count, 10), np.float32)
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        images = torch.from_numpy(image_set.images[part]).to(device)  # uint8 (N, 32, 32, 3)
        ## Gradients are needed to learn, not to predict; leaving them out saves time and memory.
        with torch.no_grad():
            logits[part] = net(prepare(images)).cpu().numpy()  # (N, 10)
        yield Evaluating(min(start + BATCH, count), count)
    yield Evaluated(Evaluation(logits, image_set.labels, image_set.classes))


def evaluate(net: Net, image_set: ImageSet, *, device: str = "cpu", prepare: Prepare = normalize) -> Evaluation:
    """Test `net` on the whole set at once."""
    *_, last = evaluating(net, image_set, device=device, prepare=prepare)
    assert isinstance(last, Evaluated), "an evaluation always ends with Evaluated"
    return last.evaluation
