"""The six filters of the first layer as small images, for every page that shows them (macro `filter_strip`)."""

from dataclasses import dataclass

import numpy as np

from cifar_core.inspect.filters import filter_tiles, largest_weight
from demo.widgets.format import minus
from demo.widgets.templates import data_url


@dataclass(frozen=True)
class Tile:
    """One filter: 5x5 weights for red, green and blue, as an image of 5x5 pixels."""

    src: str
    """a lossless PNG of 5x5 pixels, as a link"""
    label: str
    """what a screen reader says: its number, its lowest and its highest weight"""


@dataclass(frozen=True)
class FilterStrip:
    """What the macro `filter_strip` draws."""

    tiles: tuple[Tile, ...]
    largest: float
    """the weight with the fullest colour"""


def filter_strip(weights: np.ndarray, largest: float | None = None) -> FilterStrip:
    """Draw filters, float (N, 3, 5, 5).

    `largest` is the weight with the fullest colour, so that several strips can share one scale (`largest_weight` of
    all of them); None gives these filters a scale of their own.
    """
    if largest is None:
        largest = largest_weight(weights)
    images = filter_tiles(weights, largest)
    tiles = tuple(
        Tile(data_url(image), f"Filter {number}: {_range(one)}")
        for number, (image, one) in enumerate(zip(images, weights, strict=True))
    )
    return FilterStrip(tiles, largest)


def _range(weights: np.ndarray) -> str:
    finite = weights[np.isfinite(weights)]
    if not finite.size:
        return "no finite weights"
    return f"weights from {minus(f'{finite.min():.2f}')} to {minus(f'{finite.max():.2f}')}"
