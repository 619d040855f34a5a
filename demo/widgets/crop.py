"""The crop: a photo with a square frame that can be dragged, resized and moved with the keyboard."""

from pathlib import Path
from typing import Any

import gradio as gr

WHOLE = "1 0.5 0.5"
"""the largest centred square: what is cut out where nobody moves the frame"""
PARTS = ("crop_size", "crop_x", "crop_y")
"""of a Treatment: what the numbers in the value are"""

_TEMPLATE = """
<div class="crop" hidden>
  <div class="stage"><img alt="Your photo, with a square frame on it" draggable="false">
    <div class="shade"><i></i></div>
    <div class="frame" tabindex="0" role="application" aria-roledescription="crop frame"
      aria-label="Frame of the crop. Arrow keys move it, plus makes it smaller, minus larger.">
      <i data-corner="nw"></i><i data-corner="ne"></i><i data-corner="sw"></i><i data-corner="se"></i></div></div>
  <p class="quiet">Drag the frame or one of its corners. On the keyboard: arrow keys move it, + and − zoom.</p>
  <div class="dials">
    <label><span>Size</span><input type="range" min="10" max="100"><span class="told" aria-hidden="true"></span></label>
    <label><span>Across</span><input type="range"><span class="told" aria-hidden="true"></span></label>
    <label><span>Down</span><input type="range"><span class="told" aria-hidden="true"></span></label>
  </div>
</div>
"""


def crop_frame(*, elem_id: str) -> gr.HTML:
    """Nothing, until `with_photo` gives it a photo. Its event `input` tells of a move."""
    code = (Path(__file__).parent / "crop.js").read_text()
    return gr.HTML(WHOLE, html_template=_TEMPLATE, js_on_load=code, label="Crop", elem_id=elem_id, photo="")


def with_photo(value: str, url: str) -> Any:
    """The frame on another photo, or hidden where `url` is empty."""
    return gr.HTML(value=value, photo=url)
