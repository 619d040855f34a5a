"""The figure to take home: a run's curves, drawn with matplotlib."""

import io
import threading

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cifar_core.runs.records import Snapshot
from cifar_core.runs.smoothing import smoothed

_drawing = threading.Lock()
"""matplotlib's settings are global: one figure at a time"""


def curve_png(snapshot: Snapshot) -> bytes:
    """Return loss and accuracy of a run over its epochs as a PNG; the same run gives the same bytes."""
    run = snapshot.run
    # a $ in a run's name is a $
    with _drawing, rc_context({"font.size": 11, "text.parse_math": False}):
        figure = Figure(figsize=(10, 4), dpi=120, layout="constrained")
        loss, accuracy = figure.subplots(1, 2)
        points = [(point.images / run.images, point.loss) for point in snapshot.points]
        loss.plot(*_columns(points), color="#c7c9f5", linewidth=1, label="each point")
        loss.plot(*_columns(smoothed(snapshot)), color="#4f46e5", linewidth=2, label="running mean")
        loss.set(title="Training loss", xlabel="epochs", xlim=(0, None), ylim=(0, None))
        if points:
            loss.legend(frameon=False)
        validations = [(one.images / run.images, one.correct / one.total) for one in snapshot.validations]
        accuracy.plot(*_columns(validations), color="#15803d", marker="o", markersize=4)
        accuracy.set(title="Accuracy on test images", xlabel="epochs", xlim=(0, None), ylim=(0, 1))
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        for axes in (loss, accuracy):
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None, "Title": run.name})
    return buffer.getvalue()


def _columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
