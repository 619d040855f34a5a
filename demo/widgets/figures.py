"""Figures drawn with matplotlib, as SVG in the colours and the type of the page."""

import html
import io
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

_TEXT = "#010203"
"""stands for the page's own text colour, which is dark or light; replaced after drawing"""
_COLOURS = ("#0077bb", "#ee7733", "#009988", "#ee3377", "#cc3311")
"""Paul Tol's "vibrant" scheme, made for every kind of colour vision; without its two that fade on white"""
_DASHES = ("solid", "dashed")
"""when the colours are used up, they come again dashed"""
MOST_CURVES = len(_COLOURS) * len(_DASHES)
"""runs whose lines can be told apart"""
_CURVE_POINTS = 400
"""points of a line that are drawn at most: more cannot be seen"""
_HIGHEST_LOSS = 4.0
"""where the axis of the loss ends (guessing gives 2.3), so that one diverging run does not flatten the others"""
_drawing = threading.Lock()
"""matplotlib's settings are global: one figure at a time"""


@dataclass(frozen=True)
class Curve:
    """What is drawn of one run."""

    name: str
    losses: tuple[tuple[float, float], ...]
    """(epochs, training loss)"""
    accuracy: tuple[tuple[float, float], ...]
    """(epochs, share of right answers on test images, 0 to 1)"""


def class_counts(names: Sequence[str], counts: Sequence[int]) -> str:
    """How many images each class has, as bars: SVG."""
    with _page_style():
        figure = Figure(figsize=(6.4, 2.6), layout="constrained")
        axes = figure.subplots()
        bars = axes.bar(list(names), list(counts), color="#6366f1", width=0.7)
        axes.bar_label(bars, fmt="{:,.0f}", padding=2, color=_TEXT, fontsize=10)
        axes.set_ylabel("images", color=_TEXT)
        axes.set_ylim(0, max(counts) * 1.15)
        _undress(axes)
        axes.set_yticks([])
        summary = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
        return _svg(figure, f"Images in each class: {summary}")


def compare_curves(curves: Sequence[Curve]) -> str:
    """Training loss and test accuracy of up to MOST_CURVES runs over their epochs: a legend and two SVGs, as HTML.

    The legend is not part of the drawings, because a run's name may be long, or in a script that the font lacks.
    """
    lines = [(_COLOURS[place % len(_COLOURS)], _DASHES[place // len(_COLOURS)]) for place in range(len(curves))]
    legend = "".join(
        f'<li><i style="border-top: 3px {dash} {colour}"></i>{html.escape(curve.name)}</li>'
        for curve, (colour, dash) in zip(curves, lines, strict=True)
    )
    with _page_style():
        loss, axes = _over_epochs([curve.losses for curve in curves], lines)
        heights = [height for curve in curves for _, height in curve.losses]
        if heights and min(heights) < _HIGHEST_LOSS < max(heights):
            axes.set_ylim(min(heights) - 0.1, _HIGHEST_LOSS)
        ends = [_end(curve.name, curve.losses, "{:.3f}") for curve in curves]
        loss_svg = _svg(loss, "Training loss over epochs: " + "; ".join(ends))
        accuracy, axes = _over_epochs([curve.accuracy for curve in curves], lines, marker="o")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ends = [_end(curve.name, curve.accuracy, "{:.1%}") for curve in curves]
        accuracy_svg = _svg(accuracy, "Accuracy on test images over epochs: " + "; ".join(ends))
    return (
        f'<ul class="curve-names">{legend}</ul><div class="curves">'
        f"<figure><figcaption>Training loss, running mean</figcaption>{loss_svg}</figure>"
        f"<figure><figcaption>Accuracy on test images, while training</figcaption>{accuracy_svg}</figure></div>"
    )


def _over_epochs(
    curves: Sequence[Sequence[tuple[float, float]]], lines: Sequence[tuple[str, str]], marker: str = ""
) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.6, 3.0), layout="constrained")
    axes = figure.subplots()
    for curve, (colour, dash) in zip(curves, lines, strict=True):
        thin = [*curve[:: -(-len(curve) // _CURVE_POINTS) or 1], *curve[-1:]]
        axes.plot([x for x, _ in thin], [y for _, y in thin], color=colour, linestyle=dash, marker=marker, markersize=3)
    if not any(curves):
        axes.set(xlim=(0, 1), ylim=(0, 1), yticks=[])
    axes.set_xlabel("epochs", color=_TEXT)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="y", color=_TEXT, alpha=0.15)
    _undress(axes)
    return figure, axes


def _end(name: str, curve: Sequence[tuple[float, float]], form: str) -> str:
    return f"{name} {form.format(curve[-1][1])} after {curve[-1][0]:.3g} epochs" if curve else f"{name} has none yet"


def _undress(axes: Axes) -> None:
    """Only the line below, in the page's text colour."""
    axes.tick_params(colors=_TEXT, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_TEXT)


@contextmanager
def _page_style() -> Iterator[None]:
    style = {
        "font.family": "sans-serif",
        "font.size": 11,
        "text.parse_math": False,  # a $ in a class name is a $
        "svg.fonttype": "none",
        "svg.hashsalt": "cifar",
    }
    with _drawing, rc_context(style):  # type: ignore[arg-type]
        yield


def _svg(figure: Figure, description: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :].replace(_TEXT, "currentColor")
    # what stands there for other programs, and a rule that would reach the whole page
    drawing = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'font: (\d+px) [^;"]*', r"font: \1 inherit; font-family: inherit", drawing)
    drawing = re.sub(
        r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 xmlns="http://www.w3.org/2000/svg">', drawing, count=1
    )
    return f'<div class="figure" role="img" aria-label="{html.escape(description, quote=True)}">{drawing}</div>'
