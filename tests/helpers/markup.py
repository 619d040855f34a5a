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


EVIL_CLASSES = ("<b>", "a&b", '"q"', "$x$", "<script>alert(1)</script>", "'", "six", "seven", "eight", "\u0147\u0119t")
"""class names that would break a page that trusted them"""


def grid_images(markup: str) -> np.ndarray:
    """Return the images of a grid, cut from its sheet as a browser does: uint8 (N, 32, 32, 3)."""
    (sheet,) = images_in(markup)
    ((across, down),) = re.findall(r"--size:(\d+)% (\d+)%", markup)
    columns, rows = int(across) // 100, int(down) // 100
    assert sheet.shape == (32 * rows, 32 * columns, 3)
    images = []
    for x, y in re.findall(r"background-position:([\d.]+)% ([\d.]+)%", markup):
        # p percent puts the point at p percent of the sheet onto the point at p percent of the cell
        left, top = (float(p) / 100 * 32 * (cells - 1) for p, cells in ((x, columns), (y, rows)))
        assert abs(left - round(left)) < 0.01 and abs(top - round(top)) < 0.01
        images.append(sheet[round(top) : round(top) + 32, round(left) : round(left) + 32])
    return np.stack(images)


class MarkupReader(HTMLParser):
    """What a browser makes of some HTML: its tags, the names of its attributes, its texts."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: set[str] = set()
        self.feed(markup)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data: str) -> None:
        self.texts.add(data.strip())


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
