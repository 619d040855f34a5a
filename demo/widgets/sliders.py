"""Several small sliders that are one component of the page, so that a move of one sends one short text.

Gradio's own sliders are a component each, and at every event the browser copies all that there is to know of each.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from cifar_core.config import Field
from cifar_core.errors import ConfigError

LONGEST = 200
"""characters that are read of a value"""


@dataclass(frozen=True)
class Dial:
    """One of the sliders."""

    field: Field
    start: float
    """where it stands at first"""
    step: float
    unit: str = ""
    """what stands behind the number"""


def dials(parts: Sequence[Dial], *, elem_id: str) -> gr.HTML:
    """The sliders. `numbers_in` reads the component's value; its event `input` tells of a move."""
    code = (Path(__file__).parent / "sliders.js").read_text()
    return gr.HTML(starts(parts), html_template=dials_html(parts), js_on_load=code, label="Sliders", elem_id=elem_id)


def starts(parts: Sequence[Dial]) -> str:
    """The value at which every slider stands as at first."""
    return " ".join(f"{dial.start:g}" for dial in parts)


def dials_html(parts: Sequence[Dial]) -> str:
    """A labelled slider for each part, what it does in a tooltip, and its number."""
    labels = "".join(
        f'<label title="{html.escape(dial.field.help)}"><span>{html.escape(dial.field.label)}</span>'
        f'<input type="range" min="{dial.field.low:g}" max="{dial.field.high:g}" step="{dial.step:g}" '
        f'value="{dial.start:g}" data-unit="{html.escape(dial.unit)}">'
        '<span class="told" aria-hidden="true"></span></label>'
        for dial in parts
    )
    return f'<div class="dials">{labels}</div>'


def numbers_in(text: object, names: Sequence[str]) -> dict[str, Any]:
    """The numbers in the value of a component, under their names. Raises ConfigError where there are not as many."""
    try:
        return dict(zip(names, map(float, str(text)[:LONGEST].split()), strict=True))
    except ValueError as error:
        raise ConfigError("The sliders of this page are lost; press Reset.") from error
