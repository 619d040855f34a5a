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

from gradio.events import Dependency

class LiveChart(gr.HTML):
    """A loss curve. Its value is `chart_head(run)` followed by `chart_tail(points)` again and again."""

    def __init__(self, *, elem_id: str) -> None:
        code = (Path(__file__).parent / "live_chart.js").read_text()
        super().__init__("", html_template=_CANVAS, js_on_load=code, label="Loss curve", elem_id=elem_id)

    def get_block_name(self) -> str:
        return "html"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


def chart_head(run: Run) -> str:
    """The axes of a run: how many steps it has, and how many make an epoch."""
    return f"{run.steps}|{run.steps / run.config.epochs:g}|"


def chart_tail(points: Iterable[Point]) -> str:
    """Further points of the curve."""
    return "".join(f"{point.step},{point.loss:.4g};" for point in points)