"""The crop: a photo with a square frame that can be dragged, resized and moved with the keyboard."""

import json
from typing import Any

import gradio as gr

from cifar_core.image_edit import FIELDS
from demo.gradio_compat import Control
from demo.widgets.templates import render, script

CROP_PARTS = ("crop_size", "crop_x", "crop_y")
"""of an ImageEdit: the numbers in the value"""
WHOLE = json.dumps({name: FIELDS[name].default for name in CROP_PARTS})
"""the largest centred square: what is cut out if nobody moves the frame"""


def crop_frame(*, elem_id: str) -> gr.HTML:
    """Return nothing to see, until `with_photo` gives it a photo. Its event `input` announces a move."""
    return Control(
        WHOLE,
        html_template=render("widgets/crop.html.j2"),
        js_on_load=script("widgets/crop.js"),
        label="Crop",
        elem_id=elem_id,
        photo="",
        whole=WHOLE,
    )


def with_photo(url: str) -> Any:
    """Return the untouched frame on another photo, or hidden if `url` is empty."""
    return gr.HTML(value=WHOLE, photo=url)
