"""The streamed loss curve: a canvas that is redrawn in the browser from text that only grows."""

from collections.abc import Iterable
from pathlib import Path

import gradio as gr

from cifar_core.runs.records import Point, Run
from cifar_core.training.events import Changed, Validated

NAMES = {"lr": "learning rate", "momentum": "momentum", "batch_size": "batch", "epochs": "epochs"}
"""what a mark on the curve calls the setting that was changed"""

_CANVAS = """
<figure class="live-chart">
  <figcaption><span>Training loss</span><span class="legend"><span><i class="mean"></i>running mean</span>
  <span><i class="points"></i>each point</span> <span><i class="accuracy"></i>accuracy on test images</span></span>
  <span class="latest"></span></figcaption>
  <canvas role="img" aria-label="Loss curve. No loss yet." data-points="0"></canvas>
</figure>
"""


def live_chart(*, elem_id: str) -> gr.HTML:
    """A loss curve. Its value is `chart_head(run)`, followed by any number of the other parts below."""
    code = (Path(__file__).parent / "live_chart.js").read_text()
    return gr.HTML("", html_template=_CANVAS, js_on_load=code, label="Loss curve", elem_id=elem_id)


def chart_head(run: Run) -> str:
    """The axis of a run: how many epochs, and how many images make one."""
    return f"{run.config.epochs}|{run.images}|"


def chart_points(points: Iterable[Point]) -> str:
    """Further points of the loss curve."""
    return "".join(f"{point.step},{point.images},{point.loss:.4g};" for point in points)


def chart_probes(probes: Iterable[Validated]) -> str:
    """Further points of the accuracy curve."""
    return "".join(f"a,{probe.images},{probe.correct / probe.total:.4g};" for probe in probes)


def chart_marks(changes: Iterable[Changed]) -> str:
    """Further marks: what was changed, where, and to which value."""
    return "".join(f"c,{change.images},{NAMES[change.name]} {change.value:g};" for change in changes)
