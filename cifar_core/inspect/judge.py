"""Judging a Net by its test set: how exact its accuracy is, what it gets wrong, how sure it is of any picture.

All of it is read from one `Evaluation` (see `evaluate.py`), so that no two numbers on a page can disagree.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cifar_core.errors import DataError
from cifar_core.evaluate import Evaluation
from cifar_core.prediction import Prediction

Z = 1.959964
"""half of the normal distribution's middle 95 % in standard deviations"""


@dataclass(frozen=True)
class Share:
    """So many of so many, as a share of 0 to 1, and how far chance may have moved it."""

    right: int
    of: int
    """how many were asked; 0 where a class has no test images"""

    @property
    def share(self) -> float:
        """0 to 1; NaN of none."""
        return self.right / self.of if self.of else math.nan

    @property
    def error(self) -> float:
        """The standard error of the share, sqrt(p (1 - p) / N) of the binomial distribution; NaN of none."""
        ## Other test images of the same kind would have given another accuracy: two times out of three one that is less
        ## than this away. With 10,000 images it is about half a percent, with the 1,000 of one class 1.5 percent.
        return math.sqrt(self.share * (1 - self.share) / self.of) if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of Wilson, which stays within 0 to 1 and is right for few images too; (0, 1) of none.

        Source: Wilson 1927; it is method 3 in Newcombe, 'Two-sided confidence intervals for the single proportion',
        Statistics in Medicine 17 (1998).
        """
        if not self.of:
            return 0.0, 1.0
        p, n, square = self.share, self.of, Z * Z
        centre = (p + square / (2 * n)) / (1 + square / n)
        half = Z / (1 + square / n) * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)


def overall(found: Evaluation) -> Share:
    """The accuracy on all images."""
    return Share(found.correct, found.total)


def per_class(found: Evaluation) -> tuple[Share, ...]:
    """The accuracy on each class's images, in the order of the labels."""
    rights, totals = found.confusion.diagonal().tolist(), found.confusion.sum(axis=1).tolist()
    return tuple(map(Share, rights, totals))


Order = Literal["stored", "surest", "closest"]
"""stored: as in the image set; surest: the highest confidence first; closest: the smallest margin first"""


def find(
    found: Evaluation,
    *,
    true: str | None = None,
    predicted: str | None = None,
    right: bool | None = None,
    order: Order = "surest",
) -> np.ndarray:
    """Places in the image set, int64 (M,), of the images that are all of what is asked, in `order`.

    `true` and `predicted` name a class; both together are one cell of the confusion matrix. `right` is True for right
    predictions, False for mistakes. None asks nothing. The most confident mistakes are `right=False, order="surest"`,
    the images that the Net is least certain of `order="closest"`. Equals keep the order of the image set.
    Raises DataError for a class or an order that there is not.
    """
    wanted = np.ones(found.total, bool)
    for name, values in ((true, found.labels), (predicted, found.predictions)):
        if name is not None:
            if name not in found.classes:
                raise DataError(f"There is no class {name!r:.40}; there are {', '.join(found.classes)}.")
            wanted &= values == found.classes.index(name)
    if right is not None:
        wanted &= (found.predictions == found.labels) == right
    places = np.flatnonzero(wanted)
    match order:
        case "stored":
            return places
        case "surest":
            return places[np.argsort(-found.confidence[places], kind="stable")]
        case "closest":
            return places[np.argsort(found.margin[places], kind="stable")]
    raise DataError(f"The order must be one of {', '.join(get_args(Order))}; {order!r:.40} is none of them.")


Verdict = Literal["usual", "unsure", "doubtful"]
UNSURE = 0.70
"""the best score is lower than on this share of the test images: the Net answers such images right half of the time"""
DOUBTFUL = 0.95
"""lower than on this share: right three times out of ten, and the picture may well show none of the classes"""


@dataclass(frozen=True)
class ConfidenceRank:
    """How sure the Net is of a picture, compared with the test images, which all show one of its classes.

    It is a hint and no more: no simple score tells the pictures that a Net knows from others, and softmax shares out
    100 % among the classes whatever is shown. Pictures of none of the ten were made by code (flat, gradients, stripes,
    checkerboards, noise, text, dots; 500 of each kind) and cut from 18 photographs (a cup, coins, faces, a page, the
    moon). A random test image has a larger largest logit than 67 % and 78 % of them, a larger probability than 64 % and
    75 %; of the two simple scores it is therefore the logit, as in Hendrycks et al. 2022, 'Scaling out-of-distribution
    detection for real-world settings'. With a Net of 73.7 % (measured by tests/helpers/out_of_distribution.py):

                   none of the ten    none of the ten    test      of these
        verdict    made by code       photographs        images    answered right
        usual      50 %               30 %               70 %      85 %
        unsure     41 %               53 %               25 %      50 %
        doubtful    9 %               18 %                5 %      30 %

    So a doubtful answer is mostly wrong, and pictures of none of the ten get it two to three times as often as test
    images. But most of them are not noticed: a usual one is not safe. Another Net's verdicts are just as frequent on
    the test images, being shares of those, and may tell strangers less well (a Net of 54 %: 17, 11 and 5 % doubtful).
    """

    score: float
    """the picture's largest logit"""
    higher: int
    """test images whose largest logit is higher"""
    total: int
    """test images"""

    @property
    def share(self) -> float:
        """The share of test images whose best score is higher, 0 to 1."""
        return self.higher / self.total

    @property
    def verdict(self) -> Verdict:
        """usual, unsure, or doubtful: see UNSURE and DOUBTFUL."""
        return "doubtful" if self.share >= DOUBTFUL else "unsure" if self.share >= UNSURE else "usual"


def confidence_rank(answer: Prediction, found: Evaluation) -> ConfidenceRank:
    """How sure the Net's `answer` to any picture is, compared with what the same Net `found` on its test set."""
    best = found.logits[:, : len(found.classes)].max(axis=1)  # (N,)
    return ConfidenceRank(answer.best.logit, int((best > answer.best.logit).sum()), found.total)
