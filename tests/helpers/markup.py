"""Reading the page's HTML back: its words, and the pixels of its images."""

import base64
import html
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser

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


def buttons_in(markup: str) -> list[tuple[dict[str, str], str]]:
    """Return the attributes and the text of each button in some HTML, as a browser reads them."""
    reader = _Buttons()
    reader.feed(markup)
    return reader.found


class _Buttons(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str], str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "button":
            self.found.append(({name: value or "" for name, value in attrs}, ""))
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._inside:
            attributes, text = self.found[-1]
            self.found[-1] = (attributes, text + data)
