"""The one smoothing of the loss, for every chart."""

from cifar_core.runs.records import Snapshot

SMOOTH_OVER = 20
"""the loss is the mean over the last twentieth of the run, as in live_chart.js"""


def smoothed(snapshot: Snapshot) -> list[tuple[float, float]]:
    """(epochs, mean loss over the last twentieth of the run) at each point, as the live chart draws it."""
    run, points = snapshot.run, snapshot.points
    width = run.config.epochs * run.images / SMOOTH_OVER
    means, total, first = [], 0.0, 0
    for place, point in enumerate(points):
        total += point.loss
        while point.images - points[first].images > width:
            total -= points[first].loss
            first += 1
        means.append((point.images / run.images, total / (place - first + 1)))
    return means
