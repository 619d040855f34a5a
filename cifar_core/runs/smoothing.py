"""One smoothing of the loss, for every chart: a moving mean over the last twentieth of a run."""

from collections import deque
from collections.abc import Iterable

from cifar_core.runs.records import Point, Run, Snapshot

SMOOTH_OVER = 20
"""a mean covers this part of the run: one twentieth"""


class MovingMean:
    """Smooths the loss curve of a run as it grows.

    The mean at a point depends on this point and earlier ones only, so what was drawn once stays as it is.
    """

    def __init__(self, run: Run) -> None:
        self._images = run.images
        self._width = run.config.epochs * run.images / SMOOTH_OVER
        self._window: deque[Point] = deque()
        self._total = 0.0

    def add(self, points: Iterable[Point]) -> list[tuple[float, float]]:
        """Take the next points of the run; return (epochs, mean loss) at each of them."""
        return [self._next(point) for point in points]

    def _next(self, point: Point) -> tuple[float, float]:
        self._window.append(point)
        self._total += point.loss
        while point.images - self._window[0].images > self._width:
            self._total -= self._window.popleft().loss
        return point.images / self._images, self._total / len(self._window)


def smoothed(snapshot: Snapshot) -> list[tuple[float, float]]:
    """Return (epochs, mean loss over the last twentieth of the run) at each point of a whole curve."""
    return MovingMean(snapshot.run).add(snapshot.points)
