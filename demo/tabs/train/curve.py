"""The points of a run that one page keeps: never many, however long the run is."""

from collections.abc import Iterable

from cifar_core.runs.records import Point, Run
from cifar_core.runs.smoothing import MovingMean

MOST = 2000
"""points: more cannot be seen, and a server has many pages open"""


class Curve:
    """Keeps each point of `run`, then each second, each fourth ...: all pages keep the same, whenever they opened."""

    def __init__(self, run: Run) -> None:
        self.every = 1
        """which points are kept: the first, and each such behind it"""
        self.points: list[Point] = []
        self.means: list[tuple[float, float]] = []
        """what the moving mean over all points was at each that is kept"""
        self._mean, self._count = MovingMean(run), 0

    def add(self, points: Iterable[Point]) -> None:
        """Take the next points of the run."""
        for point in points:
            (mean,) = self._mean.add([point])
            if self._count % self.every == 0:
                self.points.append(point)
                self.means.append(mean)
            self._count += 1
            if len(self.points) > MOST:
                self.every, self.points, self.means = 2 * self.every, self.points[::2], self.means[::2]
