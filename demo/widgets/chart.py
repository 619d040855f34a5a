"""The one chart of the page: loss and accuracy of a run as it trains, or of several runs beside each other.

A chart is a component whose value is text; chart.js draws it on a canvas, in the page's colours.

- Live (`chart(live=True)`, the Train tab): one run, each point and the running mean, accuracy on the same axes. The
  text only grows while the run goes on: `chart_head(run)`, then any number of `chart_points`, `chart_validations` and
  `chart_marks`. Gradio sends the new tail alone, which keeps thirty viewers at a fifth of a core; never rebuild it.
- Compared (`chart()`, My runs and Lab): loss and accuracy of up to MAX_SERIES runs in two panels. The text is
  `chart_text(series, epochs, ...)`; an empty text hides the chart.

The mean comes from `cifar_core.runs.smoothing`; the browser computes nothing but places on the screen.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import gradio as gr

from cifar_core.runs.records import Point, Run, Snapshot
from cifar_core.runs.smoothing import smoothed
from cifar_core.training.events import Changed, Validated
from demo.widgets.templates import render, script

COLOURS = 5
"""how many the style sheet has (--series-0 to --series-4)"""
MAX_SERIES = 2 * COLOURS
"""runs whose lines can be told apart: each colour once solid and once dashed"""
MAX_POINTS = 400
"""points of a compared line that are sent at most: more cannot be seen"""
HIGHEST_LOSS = 4.0
"""where a fitted axis of the loss ends at the latest, so that one diverging run does not flatten the others"""
FIXED_LOSS = 3.0
"""where a fixed axis of the loss ends (guessing among ten classes gives 2.3)"""
CHANGED = {"lr": "learning rate", "momentum": "momentum", "batch_size": "batch", "epochs": "epochs"}
"""what a mark on the curve calls the setting that was changed"""

Curve = tuple[tuple[float, float], ...]
"""points (epochs, height): 0.5 epochs is half way through the first pass over the training images"""


@dataclass(frozen=True)
class Series:
    """One run in a chart that compares."""

    name: str
    losses: Curve
    """smoothed training loss, always finite"""
    accuracies: Curve
    """fraction of right predictions on test images, 0 to 1"""
    dashed: bool = False


def chart(*, elem_id: str, live: bool = False, label: str = "Loss curve") -> gr.HTML:
    """Return the component. Its value is text: see above what goes into a live chart and into one that compares."""
    return gr.HTML(
        "",
        html_template=render("widgets/chart.html.j2", live=live),
        js_on_load=script("widgets/chart.js"),
        label=label,
        elem_id=elem_id,
    )


def chart_head(run: Run) -> str:
    """Return the beginning of a live chart: how many epochs, and how many images make one."""
    return f"{run.config.epochs},{run.images};"


def chart_points(points: Iterable[Point], means: Iterable[tuple[float, float]]) -> str:
    """Return further points of a live chart; `means` is what `MovingMean.add` gives for them."""
    pairs = zip(points, means, strict=True)
    return "".join(f"{point.step},{point.images},{point.loss:.4g},{mean:.4g};" for point, (_, mean) in pairs)


def chart_validations(validations: Iterable[Validated]) -> str:
    """Return further points of the accuracy in a live chart."""
    return "".join(f"a,{one.images},{one.correct / one.total:.4g};" for one in validations)


def chart_marks(changes: Iterable[Changed]) -> str:
    """Return further marks of a live chart: what was changed, where, and to which value."""
    return "".join(f"c,{change.images},{CHANGED[change.name]} {change.value:g};" for change in changes)


def series_of(snapshot: Snapshot, name: str = "", *, dashed: bool = False) -> Series:
    """Return what a chart draws of a run, under its own name or another one."""
    run = snapshot.run
    accuracies = tuple((one.images / run.images, one.correct / one.total) for one in snapshot.validations)
    return Series(name or run.name, tuple(smoothed(snapshot)), accuracies, dashed)


def chart_text(series: Sequence[Series], epochs: float = 0, *, classes: int = 0) -> str:
    """Return the value of a chart that compares; empty without series.

    With `classes`, the axes are fixed (the loss from 0 to 3) and dotted lines show what guessing among so many classes
    gives; without, they are fitted to the curves. The axis of the epochs ends at `epochs`, or where the longest curve
    does. Lines that leave the chart run along its top, and a sentence says how high they go.
    """
    if not series:
        return ""
    reached = [x for one in series for x, _ in (*one.losses, *one.accuracies)]
    end = math.ceil(epochs or max(reached, default=1) or 1)
    losses = [y for one in series for _, y in one.losses]
    accuracies = [y for one in series for _, y in one.accuracies]
    if classes:
        axes = [0, FIXED_LOSS, 0, 1, classes]
    else:
        axes = [*_fitted(losses, 0.5, HIGHEST_LOSS), *_fitted(accuracies, 0.1, 1.0), 0]
    parts = [",".join(f"{number:g}" for number in (end, 1, *axes))]
    for one in series:
        parts.append(f"s,{'dashed' if one.dashed else 'solid'},{quote(one.name, safe=' ')}")
        parts += (f"{x:.5g},{y:.4g}" for x, y in _thinned(one.losses))
        parts += (f"a,{x:.5g},{y:.4g}" for x, y in _thinned(one.accuracies))
    return "".join(part + ";" for part in parts)


def told_apart(series: Sequence[Series]) -> list[Series]:
    """Return up to MAX_SERIES series such that no two look the same: when the colours are used up, they are dashed."""
    return [Series(one.name, one.losses, one.accuracies, place >= COLOURS) for place, one in enumerate(series)]


def _fitted(heights: Sequence[float], grid: float, highest: float) -> tuple[float, float]:
    """Return the lowest and the highest line of a grid around these heights."""
    low = min(math.floor(min(heights, default=0) / grid) * grid, highest - grid)
    high = min(math.ceil(max(heights, default=highest) / grid) * grid, highest)
    return round(low, 6), round(max(high, low + grid), 6)


def _thinned(curve: Curve) -> Curve:
    """Return every n-th point such that MAX_POINTS remain, and always the last."""
    every = -(-len(curve) // MAX_POINTS) or 1
    return (*curve[:-1:every], *curve[-1:])
