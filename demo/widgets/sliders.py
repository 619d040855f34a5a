"""Several small sliders that are one component of the page, so that a move of one sends one short text.

Gradio's own sliders are a component each, and at every event the browser copies all that it knows of each.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from cifar_core.errors import ConfigError
from cifar_core.field import Field
from demo.gradio_compat import Control
from demo.widgets.templates import render, script

MAX_TEXT = 400
"""characters that are read of a value"""


@dataclass(frozen=True)
class Slider:
    """One of the sliders."""

    name: str
    """under which its number is in the value"""
    field: Field
    step: float

    @property
    def unit(self) -> str:
        """Return what stands behind the number."""
        return {"": "", "degrees": "°", "pixels": " px"}.get(self.field.unit, f" {self.field.unit}")


def sliders(parts: Sequence[Slider], *, elem_id: str) -> gr.HTML:
    """Return the sliders. `numbers_in` reads the component's value; its event `input` announces a move."""
    return Control(
        starts(parts),
        html_template=render("widgets/sliders.html.j2", sliders=parts),
        js_on_load=script("widgets/sliders.js"),
        label="Sliders",
        elem_id=elem_id,
    )


def starts(parts: Sequence[Slider]) -> str:
    """Return the value at which every slider stands at first."""
    return json.dumps({slider.name: slider.field.default for slider in parts})


def numbers_in(text: object, names: Sequence[str]) -> dict[str, Any]:
    """Return the numbers in the value of a component, exactly those called `names`; raise ConfigError otherwise.

    The value is JSON that a browser wrote; what each number may be is for the dataclass that takes it to check.
    """
    try:
        numbers = json.loads(str(text)[:MAX_TEXT])
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(numbers, dict) or set(numbers) != set(names):
        raise ConfigError("The sliders of this page are lost; press Reset.")
    return numbers
