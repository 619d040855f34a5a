"""The curves of two runs in one light chart: HTML and SVG made of strings, cheap enough to be sent every second.

The axes stand from the beginning and never move. Each line is made of means over fixed stretches of the run, so that
what is drawn once stays as it is. Words are HTML and keep their size, whatever the width; only the lines stretch.
"""

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cifar_core.runs.records import Snapshot
from demo.widgets.format import percent

STRETCHES = 150
"""means in a whole line of the loss"""
HIGHEST_LOSS = 3.0
"""where the axis of the loss ends (guessing among ten classes gives 2.3)"""
APART = 10.0
"""percent of the chart's height that two labels need between them"""
MOST_NUMBERS = 6
"""numbers below the chart, at most"""
KINDS = ("first", "second")
"""how lab.css knows the lines: the first is drawn through, the second is dashed"""

Curve = tuple[tuple[float, float], ...]
"""points (epochs, height): 0.5 epochs is half way through the first pass over the training images"""


@dataclass(frozen=True)
class Line:
    """One run in the chart."""

    name: str
    """at the end of its line; one word"""
    losses: Curve
    """training loss, always finite"""
    accuracy: Curve
    """share of right answers on test images, 0 to 1"""


@dataclass(frozen=True)
class _Axis:
    title: str
    high: float
    """the height at the top; the bottom is 0"""
    numbers: tuple[tuple[float, str], ...]
    """at the left side: height, words"""
    guess: tuple[float, str]
    """what guessing gives: height, words"""
    said: Callable[[float], str]
    """a height in words"""


def loss_words(loss: float) -> str:
    """A loss with two decimals; a very large one with none."""
    return f"{loss:,.2f}" if loss < 100 else f"{loss:,.0f}"


def line_of(snapshot: Snapshot, name: str) -> Line:
    """What the chart needs of a run."""
    run = snapshot.run
    losses = stretched([(point.images / run.images, point.loss) for point in snapshot.points], run.config.epochs)
    return Line(
        name, losses, tuple((probe.images / run.images, probe.correct / probe.total) for probe in snapshot.probes)
    )


def stretched(points: Sequence[tuple[float, float]], epochs: int) -> Curve:
    """The mean of each stretch of a run of `epochs` epochs, at its last point; one under way is not told yet."""
    found: dict[int, list[tuple[float, float]]] = {}
    for x, y in points:
        found.setdefault(math.ceil(x / epochs * STRETCHES), []).append((x, y))
    whole = [part for part in found.values() if part[-1][0] < points[-1][0] or part[-1][0] >= epochs]
    return tuple((part[-1][0], sum(y for _, y in part) / len(part)) for part in whole)


def twin_chart(lines: Sequence[Line], epochs: int, classes: int) -> str:
    """Training loss and test accuracy of two runs over `epochs` epochs, as HTML.

    Dotted lines show what guessing among `classes` classes gives.
    """
    loss = _Axis(
        "Training loss",
        HIGHEST_LOSS,
        tuple((float(height), str(height)) for height in range(int(HIGHEST_LOSS) + 1)),
        (math.log(classes), f"guessing: {math.log(classes):.2f}"),
        loss_words,
    )
    accuracy = _Axis(
        "Accuracy on test images",
        1.0,
        tuple((height / 100, f"{height} %") for height in (0, 25, 50, 75, 100)),
        (1 / classes, f"guessing: {100 / classes:.0f} %"),
        percent,
    )
    names = [line.name for line in lines]
    left = _panel(loss, names, [line.losses for line in lines], epochs)
    right = _panel(accuracy, names, [line.accuracy for line in lines], epochs, dots=True)
    return f'<div class="twin-chart">{left}{right}</div>'


def _panel(axis: _Axis, names: Sequence[str], curves: Sequence[Curve], epochs: int, dots: bool = False) -> str:
    told = [f"{name} {_end(curve, axis)}" for name, curve in zip(names, curves, strict=True)]
    label = html.escape(f"{axis.title} over {epochs} epochs: {'; '.join(told)}", quote=True)
    drawn = "".join(
        f'<path class="{kind}" d="{path(curve, epochs, axis.high)}"/>'
        + (f'<path class="{kind} dots" d="{path(curve, epochs, axis.high, dots=True)}"/>' if dots else "")
        for kind, curve in zip(KINDS, curves, strict=True)
    )
    height, words = axis.guess
    guess = f'<path class="guess" d="M0 {_down(height, axis.high):g}H100"/>'
    numbers = "".join(f'<span style="top:{_down(at, axis.high):g}%">{said}</span>' for at, said in axis.numbers)
    every = math.ceil(epochs / (MOST_NUMBERS - 1))
    below = "".join(f'<span style="left:{100 * at / epochs:.4g}%">{at}</span>' for at in range(0, epochs + 1, every))
    return (
        f'<figure><figcaption>{axis.title}</figcaption><div class="twin-plot" role="img" aria-label="{label}">'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{guess}{drawn}</svg>'
        f'<div class="up">{numbers}</div><div class="across">{below}<i>epochs</i></div>'
        f'<small class="guess-words" style="top:{_down(height, axis.high):g}%">{words}</small>'
        f'{_off_words(axis, names, curves)}<div class="ends">{_labels(axis, names, curves)}</div></div></figure>'
    )


def path(curve: Curve, epochs: int, high: float, *, dots: bool = False) -> str:
    """A curve as the `d` of an SVG path in a square of 100; what is higher than `high` runs along the top."""
    places = [f"{100 * x / epochs:.1f} {_down(y, high):.1f}" for x, y in curve]
    return "".join(f"M{place}h0" for place in places) if dots else "M" + "L".join(places) if places else ""


def _down(height: float, high: float) -> float:
    """How far below the top, in percent."""
    return round(100 - 100 * min(height, high) / high, 1)


def _end(curve: Curve, axis: _Axis) -> str:
    return f"{axis.said(curve[-1][1])} after {curve[-1][0]:.3g}" if curve else "has no number yet"


def _off_words(axis: _Axis, names: Sequence[str], curves: Sequence[Curve]) -> str:
    """A sentence where a line has left the chart."""
    tops = [(name, max((y for _, y in curve), default=0.0)) for name, curve in zip(names, curves, strict=True)]
    said = "; ".join(f"{name}: up to {axis.said(top)}" for name, top in tops if top > axis.high)
    return f'<small class="off">↑ {html.escape(said)}</small>' if said else ""


def _labels(axis: _Axis, names: Sequence[str], curves: Sequence[Curve]) -> str:
    """The name of each line, beside the chart at the height of its end."""
    there = [place for place, curve in enumerate(curves) if curve]
    tops = {place: _down(curves[place][-1][1], axis.high) for place in there}
    if len(there) == 2 and abs(tops[0] - tops[1]) < APART:
        middle = min(max(sum(tops.values()) / 2, APART / 2), 100 - APART / 2)
        upper = min(there, key=lambda place: (tops[place], place))
        tops = {place: middle + (-APART / 2 if place == upper else APART / 2) for place in there}
    return "".join(
        f'<span class="{KINDS[place]}" style="top:{tops[place]:g}%">{html.escape(names[place])}</span>'
        for place in there
    )
