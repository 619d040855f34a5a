"""Judging a Net by its test set: how precise its accuracy is, what it gets wrong, how sure it is of any image.

Everything is computed from one `Evaluation` (see `evaluate.py`), so no two numbers on a page can disagree.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from cifar_core.errors import DataError
from cifar_core.prediction import Prediction

if TYPE_CHECKING:  # a page names the orders before torch has been loaded
    from cifar_core.evaluate import Evaluation

Z = 1.959964
"""half of the normal distribution's middle 95 % in standard deviations"""


@dataclass(frozen=True)
class Proportion:
    """How many of a number of images were predicted correctly, and how far chance may have moved that fraction."""

    correct: int
    total: int
    """0 for a class without test images"""

    @property
    def fraction(self) -> float:
        """0 to 1; NaN if there are no images."""
        return self.correct / self.total if self.total else math.nan

    @property
    def standard_error(self) -> float:
        """sqrt(p (1 - p) / N), as for a binomial distribution; NaN if there are no images."""
        ## Other test images of the same kind would have given another accuracy: two times out of three one that is less
        ## than this away. With 10,000 images it is about half a percent, with the 1,000 of one class 1.5 percent.
        return math.sqrt(self.fraction * (1 - self.fraction) / self.total) if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval, which stays within 0 to 1 and is right for few images too; (0, 1) without images.

        Source: Wilson 1927; it is method 3 in Newcombe, 'Two-sided confidence intervals for the single proportion',
        Statistics in Medicine 17 (1998).
        """
        if not self.total:
            return 0.0, 1.0
        p, n, square = self.fraction, self.total, Z * Z
        centre = (p + square / (2 * n)) / (1 + square / n)
        half = Z / (1 + square / n) * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)


def overall(evaluation: "Evaluation") -> Proportion:
    """Return the accuracy on all images."""
    return Proportion(evaluation.correct, evaluation.total)


def per_class(evaluation: "Evaluation") -> tuple[Proportion, ...]:
    """Return the accuracy on each class's images, in the order of the labels."""
    correct, totals = evaluation.confusion.diagonal().tolist(), evaluation.confusion.sum(axis=1).tolist()
    return tuple(map(Proportion, correct, totals))


Order = Literal["stored", "most_confident", "smallest_margin"]
"""as in the image set, or the highest confidence first, or the smallest margin first"""


def find_images(
    evaluation: "Evaluation",
    *,
    true: str | None = None,
    predicted: str | None = None,
    correct: bool | None = None,
    order: Order = "most_confident",
) -> np.ndarray:
    """Return the indices in the image set, int64 (M,), of the images that meet all conditions, in `order`.

    `true` and `predicted` name a class; both together are one cell of the confusion matrix. `correct` is True for
    correct predictions, False for mistakes. None is no condition. The most confident mistakes are `correct=False`; the
    images that the Net is least certain of are `order="smallest_margin"`. Equal images keep their stored order.
    Raise DataError for an unknown class or order.
    """
    chosen = np.ones(evaluation.total, bool)
    for name, values in ((true, evaluation.labels), (predicted, evaluation.predictions)):
        if name is not None:
            if name not in evaluation.classes:
                raise DataError(f"There is no class {name!r:.40}; there are {', '.join(evaluation.classes)}.")
            chosen &= values == evaluation.classes.index(name)
    if correct is not None:
        chosen &= (evaluation.predictions == evaluation.labels) == correct
    indices = np.flatnonzero(chosen)
    match order:
        case "stored":
            return indices
        case "most_confident":
            return indices[np.argsort(-evaluation.confidence[indices], kind="stable")]
        case "smallest_margin":
            return indices[np.argsort(evaluation.margin[indices], kind="stable")]
    raise DataError(f"The order must be one of {', '.join(get_args(Order))}; {order!r:.40} is none of them.")


Verdict = Literal["typical", "low", "atypical"]
LOW = 0.70
"""the largest logit is lower than on this fraction of the test images: the Net predicts such images correctly half of
the time"""
ATYPICAL = 0.95
"""lower than on this fraction: correct three times out of ten, and the image may well show none of the classes"""


@dataclass(frozen=True)
class ConfidenceRank:
    """How sure the Net is of an image, compared with the test images, which all show one of its classes.

    This is only a hint: no simple score tells the images that a Net knows from others, and softmax shares out 100 %
    among the classes whatever the image shows. Out-of-distribution images were made by code (flat, gradients, stripes,
    checkerboards, noise, text, dots; 500 of each kind) and cut from 18 photographs (a cup, coins, faces, a page, the
    moon). A random test image has a larger largest logit than 67 % and 78 % of them, a larger probability than 64 % and
    75 %; of the two simple scores this is therefore the logit, as in Hendrycks et al. 2022, 'Scaling
    out-of-distribution detection for real-world settings'. For a Net of 73.7 %
    (measured by tests/helpers/out_of_distribution.py):

                   out of distribution:            test      of these
        verdict    made by code      photographs   images    predicted correctly
        typical    50 %              30 %          70 %      85 %
        low        41 %              53 %          25 %      50 %
        atypical    9 %              18 %           5 %      30 %

    So an atypical prediction is mostly wrong, and it is two to three times as frequent for out-of-distribution images
    as for test images. But most of them are not noticed: a typical prediction is not safe. For another Net the verdicts
    on the test images are just as frequent, because they are fractions of those, and may detect fewer
    out-of-distribution images (a Net of 54 %: 17, 11 and 5 % atypical).
    """

    score: float
    """the image's largest logit"""
    higher: int
    """test images whose largest logit is higher"""
    total: int
    """test images"""

    @property
    def fraction(self) -> float:
        """The fraction of test images whose largest logit is higher, 0 to 1."""
        return self.higher / self.total

    @property
    def verdict(self) -> Verdict:
        """typical, low or atypical: see LOW and ATYPICAL."""
        return "atypical" if self.fraction >= ATYPICAL else "low" if self.fraction >= LOW else "typical"


def confidence_rank(prediction: Prediction, evaluation: "Evaluation") -> ConfidenceRank:
    """Return how sure the Net's `prediction` is, compared with the same Net's `evaluation` on its test set."""
    largest = evaluation.logits[:, : len(evaluation.classes)].max(axis=1)  # (N,)
    score = prediction.best.logit
    return ConfidenceRank(score, int((largest > score).sum()), evaluation.total)
