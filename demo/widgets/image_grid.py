"""A grid of small images, exact to the pixel: all of them in one lossless PNG, enlarged without smoothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np
from markupsafe import Markup

from cifar_core.images import image_grid
from demo.widgets.templates import data_url, render, script


@dataclass(frozen=True)
class Cell:
    """One image of a grid."""

    index: int
    """what a click sends"""
    caption: str
    name: str
    """what a screen reader says"""
    x: float
    """its place in the sheet, in percent of the free space: 0 is the first of its row, 100 the last"""
    y: float


@dataclass(frozen=True)
class ImageGrid:
    """What the macro `image_grid` draws."""

    sheet: str
    """all images side by side, as a link; empty without images"""
    columns: int
    rows: int
    cells: tuple[Cell, ...]


def clickable_grid(*, label: str, elem_id: str) -> gr.HTML:
    """Return a component for what `grid_html` gives; its event `pick` carries the `index` of the image clicked."""
    return gr.HTML(
        "", js_on_load=script("widgets/image_grid.js"), label=label, elem_id=elem_id, elem_classes="image-grid"
    )


def grid_of(
    images: np.ndarray, captions: Sequence[str], indices: Sequence[int], *, columns: int, names: Sequence[str] = ()
) -> ImageGrid:
    """Lay out `images`, uint8 (N, 32, 32, 3), with a caption below each.

    `indices` is what a click sends; `names` is what a screen reader says where the captions alone would not do.
    """
    if not len(images):
        return ImageGrid("", 0, 0, ())
    across = min(columns, len(images))
    down = -(-len(images) // across)
    cells = tuple(
        Cell(
            index,
            caption,
            names[place] if names else caption,
            100 * (place % across) / max(across - 1, 1),
            100 * (place // across) / max(down - 1, 1),
        )
        for place, (caption, index) in enumerate(zip(captions, indices, strict=True))
    )
    return ImageGrid(data_url(image_grid(images, across)), across, down, cells)


def grid_html(
    images: np.ndarray, captions: Sequence[str], indices: Sequence[int], *, columns: int, names: Sequence[str] = ()
) -> Markup:
    """Return the HTML of a grid (see `grid_of`)."""
    grid = grid_of(images, captions, indices, columns=columns, names=names)
    return render("widgets/image_grid.html.j2", grid=grid)


def scroll_to(elem_id: str) -> str:
    """Return JavaScript that brings an element into view on a phone, where it lies below what was clicked."""
    show = f"document.getElementById('{elem_id}').scrollIntoView({{behavior: 'smooth'}})"
    return f"() => {{ if (window.innerWidth < 700) {show}; }}"
