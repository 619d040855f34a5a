"""What the numbers of a run mean, by rules that a person could follow with pencil and paper.

Each finding holds the numbers it is based on; the page puts it into words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from cifar_core.runs.records import Frame, Point, Run
from cifar_core.training.events import Changed, Validated

WINDOW = 20  # points of the curve that are compared with as many before them
MIN_POINTS = 5  # in a window, from which on its mean says something
NEAR_GUESSING = 0.03  # how near to the loss of guessing a loss must be to be called so
NOISY = 0.25  # points that scatter by more than this fraction of their mean are noisy
MAJORITY = 0.5  # the fraction of all predictions from which on the Net predicts mostly one class
SIGNIFICANT = 2.0
"""standard errors by which two means must differ to be called different: by chance they do so once in twenty times"""
OVERFITTED = 0.02
"""by how much, and by how many standard errors (SIGNIFICANT), accuracy must have fallen to speak of overfitting"""


@dataclass(frozen=True)
class Guessing:
    """The loss is that of a Net that gives all classes the same probability."""

    loss: float
    chance: float
    """the loss of guessing: the logarithm of the number of classes"""


@dataclass(frozen=True)
class Falling:
    """The loss of the last points is significantly lower than that of as many before."""

    before: float
    now: float
    images: int
    """training images over which it fell"""


@dataclass(frozen=True)
class Flat:
    """The loss does not change significantly."""

    loss: float
    images: int
    """training images over which it did not"""


@dataclass(frozen=True)
class Rising:
    """The loss is significantly higher than before."""

    before: float
    now: float
    images: int


@dataclass(frozen=True)
class Noisy:
    """The points scatter widely: nine of ten lie between `low` and `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class Diverged:
    """The loss is not finite any more."""

    step: int
    last: float | None
    """the last finite loss"""


@dataclass(frozen=True)
class ValidationAccuracy:
    """The fraction of validation images that the Net predicts correctly, now and at first."""

    now: float
    error: float
    """standard error of `now`"""
    before: float | None
    """at the first validation; None if this is the first"""
    total: int


@dataclass(frozen=True)
class Overfitting:
    """The training loss goes on falling while the validation accuracy is lower than it was."""

    best: float
    best_images: int
    now: float


@dataclass(frozen=True)
class OneClass:
    """The Net predicts the same class for most images."""

    label: int
    fraction: float


@dataclass(frozen=True)
class MostConfused:
    """The pair of classes confused most often."""

    true: int
    predicted: int
    count: int
    of: int
    """images of the true class"""


@dataclass(frozen=True)
class AfterChange:
    """What the loss did after a setting was changed."""

    name: str
    value: float
    before: float
    now: float


Course = Guessing | Falling | Flat | Rising
Finding = Course | Noisy | Diverged | ValidationAccuracy | Overfitting | OneClass | MostConfused | AfterChange


def findings(
    run: Run,
    points: Sequence[Point],
    validations: Sequence[Validated] = (),
    changes: Sequence[Changed] = (),
    frame: Frame | None = None,
    classes: int = 10,
) -> tuple[Finding, ...]:
    """Return what is worth saying of a run now, the most important first; nothing while there are too few numbers.

    `points`, `validations` and `changes` are in the order of their steps; `frame` is the newest of its timeline.
    """
    if run.state == "diverged":
        return (Diverged(run.step, points[-1].loss if points else None),)
    if len(points) < 2 * MIN_POINTS:
        return ()
    accuracy = _accuracy(points, validations) if validations else []
    predictions = _predictions(frame) if frame is not None else []
    return (_course(points, classes), *_after_change(points, changes), *_scatter(points), *accuracy, *predictions)


def _course(points: Sequence[Point], classes: int) -> Course:
    """Compare the last points with as many before them."""
    size = min(WINDOW, len(points) // 2)
    late = [point.loss for point in points[-size:]]
    early = [point.loss for point in points[-2 * size : -size]]
    before, now = fmean(early), fmean(late)
    images = points[-1].images - points[-2 * size].images
    chance = math.log(classes)
    if abs(now - chance) < NEAR_GUESSING and abs(before - chance) < NEAR_GUESSING:
        return Guessing(now, chance)
    ## Two means differ significantly when they lie further apart than chance would often put them: the standard error
    ## of a mean is the scatter of its values divided by the root of their number, and the two errors add as squares.
    error = math.sqrt((stdev(early) ** 2 + stdev(late) ** 2) / size)
    if now < before - SIGNIFICANT * error:
        return Falling(before, now, images)
    return Rising(before, now, images) if now > before + SIGNIFICANT * error else Flat(now, images)


def _scatter(points: Sequence[Point]) -> list[Finding]:
    losses = sorted(point.loss for point in points[-WINDOW:])
    low, high = np.quantile(losses, (0.05, 0.95)).tolist()
    wide = high - low > NOISY * fmean(losses) and len(losses) >= 2 * MIN_POINTS
    return [Noisy(low, high)] if wide else []


def _after_change(points: Sequence[Point], changes: Sequence[Changed]) -> list[Finding]:
    """Report the last change, once there are enough points after it, and while it is recent."""
    if not changes:
        return []
    last = changes[-1]
    after = [point.loss for point in points if point.step > last.step]
    before = [point.loss for point in points if point.step <= last.step][-WINDOW:]
    if not MIN_POINTS <= len(after) <= 4 * WINDOW or len(before) < MIN_POINTS:
        return []
    return [AfterChange(last.name, last.value, fmean(before), fmean(after[-WINDOW:]))]


def _accuracy(points: Sequence[Point], validations: Sequence[Validated]) -> list[Finding]:
    accuracies = [validation.correct / validation.total for validation in validations]
    now, total = accuracies[-1], validations[-1].total
    error = math.sqrt(now * (1 - now) / total)
    found: list[Finding] = [ValidationAccuracy(now, error, accuracies[0] if len(accuracies) > 1 else None, total)]
    best = max(range(len(accuracies)), key=accuracies.__getitem__)
    fallen = accuracies[best] - now
    since = [point.loss for point in points if point.images > validations[best].images]
    until = [point.loss for point in points if point.images <= validations[best].images][-WINDOW:]
    learning = len(since) >= MIN_POINTS and len(until) >= MIN_POINTS and fmean(since[-WINDOW:]) < fmean(until)
    if learning and fallen > max(OVERFITTED, SIGNIFICANT * math.sqrt(2) * error):
        found.append(Overfitting(accuracies[best], validations[best].images, now))
    return found


def _predictions(frame: Frame) -> list[Finding]:
    counts = frame.confusion  # (classes, classes): true down, predicted across
    predicted_as = counts.sum(axis=0)
    label = int(predicted_as.argmax())
    fraction = int(predicted_as[label]) / int(counts.sum())
    if fraction >= MAJORITY and len(counts) > 2:
        return [OneClass(label, fraction)]
    wrong = counts - np.diag(counts.diagonal())
    true, predicted = (int(place) for place in np.unravel_index(int(wrong.argmax()), wrong.shape))
    if not wrong[true, predicted]:
        return []
    return [MostConfused(true, predicted, int(wrong[true, predicted]), int(counts[true].sum()))]
