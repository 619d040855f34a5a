"""One image for all maps of a page: a page of many small images is drawn from one PNG, row by row."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from demo.tabs.inside.colours import encode_colours

GAP = 1
"""pixels between two maps, so that a browser that rounds does not show one map's edge in another"""


@dataclass(frozen=True)
class Row:
    """Where some maps of one size stand in a sheet, in percent as CSS counts them for a background."""

    size: str
    """background-size"""
    xs: tuple[str, ...]
    """background-position-x of each map"""
    y: str
    """background-position-y of all"""


@dataclass(frozen=True)
class Sheet:
    """Maps in rows."""

    url: str
    """a PNG, as a link"""
    rows: Mapping[str, Row]
    """by the names under which the maps were given"""


def sheet_of(maps: Mapping[str, np.ndarray]) -> Sheet:
    """Lay out maps in rows, each row uint8 (N, height, width): places in PALETTE."""
    width = max(count * (across + GAP) for count, _, across in (row.shape for row in maps.values()))
    height = sum(row.shape[1] + GAP for row in maps.values())
    pixels = np.zeros((height, width), np.uint8)
    rows, top = {}, 0
    for name, row in maps.items():
        count, down, across = row.shape
        for number, one in enumerate(row):
            left = number * (across + GAP)
            pixels[top : top + down, left : left + across] = one
        rows[name] = Row(
            size=f"{100 * width / across:.6g}% {100 * height / down:.6g}%",
            xs=tuple(_percent(number * (across + GAP), width - across) for number in range(count)),
            y=_percent(top, height - down),
        )
        top += down + GAP
    return Sheet(png_url(pixels), rows)


def png_url(places: np.ndarray) -> str:
    """Return places in PALETTE, uint8 (H, W), as a PNG in a link of its own."""
    return "data:image/png;base64," + base64.b64encode(encode_colours(places)).decode()


def _percent(offset: int, free: int) -> str:
    return f"{100 * offset / free:.6g}%" if free else "0%"
