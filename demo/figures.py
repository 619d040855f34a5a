"""Figures drawn with matplotlib, as SVG in the colours and the type of the page."""

import html
import io
import re
from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure

_TEXT = "#010203"
"""stands for the page's own text colour, which is dark or light; replaced after drawing"""


def class_counts(names: Sequence[str], counts: Sequence[int]) -> str:
    """How many images each class has, as bars: SVG."""
    with rc_context(
        {
            "font.family": "sans-serif",
            "font.size": 11,
            "text.parse_math": False,  # a $ in a class name is a $
            "svg.fonttype": "none",
            "svg.hashsalt": "cifar",
        }
    ):
        figure = Figure(figsize=(6.4, 2.6), layout="constrained")
        axes = figure.subplots()
        bars = axes.bar(list(names), list(counts), color="#6366f1", width=0.7)
        axes.bar_label(bars, fmt="{:,.0f}", padding=2, color=_TEXT, fontsize=10)
        axes.set_ylabel("images", color=_TEXT)
        axes.set_ylim(0, max(counts) * 1.15)
        axes.tick_params(colors=_TEXT, length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_TEXT)
        axes.set_yticks([])
        summary = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
        return _svg(figure, f"Images in each class: {summary}")


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
