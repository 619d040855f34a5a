"""The streamed loss curve: a canvas that is redrawn in the browser from text that only grows."""

from collections.abc import Iterable
from pathlib import Path

import gradio as gr

from cifar_core.runs.store import Point, Run

_CANVAS = """
<figure class="live-chart">
  <figcaption><span>Training loss</span><span class="legend"><i class="mean"></i>running mean
  <i class="points"></i>each point</span><span class="latest"></span></figcaption>
  <canvas role="img" aria-label="Loss curve. No loss yet." data-points="0"></canvas>
</figure>
"""


def live_chart(*, elem_id: str) -> gr.HTML:
    """A loss curve. Its value is `chart_head(run)` followed by `chart_tail(points)` again and again."""
    code = (Path(__file__).parent / "live_chart.js").read_text()
    return gr.HTML("", html_template=_CANVAS, js_on_load=code, label="Loss curve", elem_id=elem_id)


def chart_head(run: Run) -> str:
    """The axes of a run: how many steps it has, and how many make an epoch."""
    return f"{run.steps}|{run.steps / run.config.epochs:g}|"


def chart_tail(points: Iterable[Point]) -> str:
    """Further points of the curve."""
    return "".join(f"{point.step},{point.loss:.4g};" for point in points)
