"""The page's HTML: Jinja2 templates beside their tabs, autoescaped, with the macros of macros.html.j2."""

import base64
import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from cifar_core.images import encode_png
from demo.widgets.format import STATES, count, duration, minus, percent

DEMO = Path(__file__).parent.parent


def render(template: str, **values: Any) -> Markup:
    """Return the HTML of a template (its path below demo/); every value in it is escaped unless it is HTML already.

    A name that the template uses and nobody gives is an error.
    """
    return Markup(_environment().get_template(template).render(values))


def message_box(text: str, kind: str = "info") -> Markup:
    """Return a sentence in a quiet box; `kind` is info or error. An empty text keeps the place of one line."""
    return render("widgets/message.html.j2", text=text, kind=kind)


def data_url(image: np.ndarray) -> str:
    """Return an image, uint8 (H, W, 3), as a lossless PNG in a link of its own."""
    return "data:image/png;base64," + base64.b64encode(encode_png(image)).decode()


def photo_url(image: Image.Image, side: int) -> str:
    """Return a JPEG copy of an RGB photo, at most `side` pixels a side, as a link: 60 kB where a PNG has 1.5 MB."""
    small = image.copy()
    small.thumbnail((side, side))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def script(path: str) -> str:
    """Return the JavaScript (or other text) of a file below demo/."""
    return (DEMO / path).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(DEMO),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"percent": percent, "duration": duration, "count": count, "minus": minus}
    made.globals |= {"data_url": data_url, "STATES": STATES, "zip": zip}
    return made
