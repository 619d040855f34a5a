"""Reading the page's HTML back: its words, and the pixels of its images."""

import base64
import html
import io
import re
from collections.abc import Iterator

import numpy as np
from PIL import Image


def text_of(markup: str) -> str:
    """Return the words of some HTML, in one line, with plain minus signs and spaces."""
    words = html.unescape(re.sub(r"<[^>]*>", " ", markup))
    return re.sub(r"\s+", " ", words).replace("−", "-").strip()


def images_in(markup: str) -> Iterator[np.ndarray]:
    """Yield the PNG images that stand in some HTML: uint8 (H, W, 3)."""
    for encoded in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", markup):
        yield np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))
