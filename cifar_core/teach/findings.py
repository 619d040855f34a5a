"""What the numbers of a run say, by rules that a person could follow with pencil and paper.

Each finding names the numbers it stands on; the words are the page's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from cifar_core.runs.records import Frame, Point, Run
from cifar_core.training.events import Changed, Validated

WINDOW = 20
"""points of the curve that are compared with as many before them"""
FEWEST = 5
"""points in a window that say something"""
SURE = 2.0
"""standard errors by which two means must differ to be called different: by chance they do so once in twenty times"""
NEAR_GUESSING = 0.03
"""how near to guessing a loss must be to be called so"""
NOISY = 0.25
"""points that scatter by more than this share of their mean are called noisy"""
ONE_ANSWER = 0.5
"""share of all answers from which on one class is said to be the Net's only idea"""
FORGOTTEN = 0.02
"""by how much, and by how many standard errors (SURE), accuracy must have fallen to speak of overfitting"""


@dataclass(frozen=True)
class Guessing:
    """The loss is that of a Net which gives all classes the same probability."""

    loss: float
    chance: float
    """the loss of guessing: the logarithm of the number of classes"""


@dataclass(frozen=True)
class Falling:
    """The loss of the last points is surely lower than that of as many before."""

    before: float
    now: float
    images: int
    """training images over which it fell"""


@dataclass(frozen=True)
class Flat:
    """The loss does not surely move."""

    loss: float
    images: int
    """training images for which that is so"""


@dataclass(frozen=True)
class Rising:
    """The loss is surely higher than before."""

    before: float
    now: float
    images: int


@dataclass(frozen=True)
class Noisy:
    """The points scatter widely."""

    low: float
    high: float
    """nine of ten points lie between these two"""


@dataclass(frozen=True)
class Diverged:
    """The loss is no number any more."""

    step: int
    last: float | None
    """the last loss that was a number"""


@dataclass(frozen=True)
class ValidationAccuracy:
    """How many test images are answered right, and how many before."""

    now: float
    error: float
    """standard error of `now`"""
    before: float | None
    """at the first time it was asked; None where this is the first"""
    total: int


@dataclass(frozen=True)
class Overfitting:
    """The training loss goes on falling while fewer test images are answered right than once before."""

    best: float
    best_images: int
    now: float


@dataclass(frozen=True)
class OneClass:
    """The Net gives one answer to most pictures."""

    label: int
    share: float


@dataclass(frozen=True)
class MostConfused:
    """The pair of classes taken for each other most often."""

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


Finding = (
    Guessing
    | Falling
    | Flat
    | Rising
    | Noisy
    | Diverged
    | ValidationAccuracy
    | Overfitting
    | OneClass
    | MostConfused
    | AfterChange
)


def findings(
    run: Run,
    points: Sequence[Point],
    probes: Sequence[Validated] = (),
    changes: Sequence[Changed] = (),
    frame: Frame | None = None,
    classes: int = 10,
) -> tuple[Finding, ...]:
    """What is worth saying of a run now, the most important first; nothing while there are too few numbers.

    `points`, `probes` and `changes` in the order of their steps; `frame` is the newest of its history.
    """
    if run.state == "diverged":
        return (Diverged(run.step, points[-1].loss if points else None),)
    if len(points) < 2 * FEWEST:
        return ()
    found: list[Finding] = [_course(points, classes)]
    changed = _after_change(points, changes)
    found += [changed] if changed else []
    scatter = _scatter(points)
    found += [scatter] if scatter else []
    if probes:
        found += _accuracy(points, probes)
    if frame is not None:
        found += _answers(frame)
    return tuple(found)


def _course(points: Sequence[Point], classes: int) -> Guessing | Falling | Flat | Rising:
    """Where the loss goes: the last points against as many before them."""
    size = min(WINDOW, len(points) // 2)
    late = [point.loss for point in points[-size:]]
    early = [point.loss for point in points[-2 * size : -size]]
    before, now = fmean(early), fmean(late)
    images = points[-1].images - points[-2 * size].images
    chance = math.log(classes)
    if abs(now - chance) < NEAR_GUESSING and abs(before - chance) < NEAR_GUESSING:
        return Guessing(now, chance)
    ## Two means differ surely when they lie further apart than chance would often put them: the standard error of a
    ## mean is the scatter of its values divided by the root of their number, and the two errors add as squares.
    error = math.sqrt((stdev(early) ** 2 + stdev(late) ** 2) / size)
    if now < before - SURE * error:
        return Falling(before, now, images)
    return Rising(before, now, images) if now > before + SURE * error else Flat(now, images)


def _scatter(points: Sequence[Point]) -> Noisy | None:
    losses = sorted(point.loss for point in points[-WINDOW:])
    low, high = np.quantile(losses, (0.05, 0.95)).tolist()
    return Noisy(low, high) if high - low > NOISY * fmean(losses) and len(losses) >= 2 * FEWEST else None


def _after_change(points: Sequence[Point], changes: Sequence[Changed]) -> AfterChange | None:
    """The last change, once there are enough points behind it, and while it is news."""
    if not changes:
        return None
    last = changes[-1]
    after = [point.loss for point in points if point.step > last.step]
    before = [point.loss for point in points if point.step <= last.step][-WINDOW:]
    if not FEWEST <= len(after) <= 4 * WINDOW or len(before) < FEWEST:
        return None
    return AfterChange(last.name, last.value, fmean(before), fmean(after[-WINDOW:]))


def _accuracy(points: Sequence[Point], probes: Sequence[Validated]) -> list[Finding]:
    shares = [probe.correct / probe.total for probe in probes]
    now, total = shares[-1], probes[-1].total
    error = math.sqrt(now * (1 - now) / total)
    found: list[Finding] = [ValidationAccuracy(now, error, shares[0] if len(shares) > 1 else None, total)]
    best = max(range(len(shares)), key=shares.__getitem__)
    fallen = shares[best] - now
    since = [point.loss for point in points if point.images > probes[best].images]
    until = [point.loss for point in points if point.images <= probes[best].images][-WINDOW:]
    learning = len(since) >= FEWEST and len(until) >= FEWEST and fmean(since[-WINDOW:]) < fmean(until)
    if learning and fallen > max(FORGOTTEN, SURE * math.sqrt(2) * error):
        found.append(Overfitting(shares[best], probes[best].images, now))
    return found


def _answers(frame: Frame) -> list[Finding]:
    counts = frame.confusion  # (classes, classes): true down, predicted across
    answered = counts.sum(axis=0)
    label = int(answered.argmax())
    share = int(answered[label]) / int(counts.sum())
    if share >= ONE_ANSWER and len(counts) > 2:
        return [OneClass(label, share)]
    wrong = counts - np.diag(counts.diagonal())
    true, predicted = (int(place) for place in np.unravel_index(int(wrong.argmax()), wrong.shape))
    if not wrong[true, predicted]:
        return []
    return [MostConfused(true, predicted, int(wrong[true, predicted]), int(counts[true].sum()))]
