"""A grid of small pictures, exact to the pixel: all of them in one lossless PNG, enlarged without smoothing."""

import base64
import html
from collections.abc import Sequence

import gradio as gr
import numpy as np

from cifar_core.images import encode_png, image_grid

_PICK = """
element.addEventListener('click', (event) => {
    const cell = event.target.closest('[data-index]');
    if (!cell) return;
    element.querySelectorAll('.chosen').forEach((other) => other.classList.remove('chosen'));
    cell.classList.add('chosen');
    trigger('pick', {index: Number(cell.dataset.index)});
});
"""


def image_grid_component(*, label: str, elem_id: str) -> gr.HTML:
    """Shows what `grid_html` gives; its event `pick` tells the index of the picture that was clicked."""
    return gr.HTML("", js_on_load=_PICK, label=label, elem_id=elem_id, elem_classes="picture-grid")


def data_url(image: np.ndarray) -> str:
    """A picture, uint8 (H, W, 3), as a lossless PNG in a link of its own."""
    return "data:image/png;base64," + base64.b64encode(encode_png(image)).decode()


def grid_html(
    images: np.ndarray,
    captions: Sequence[str],
    indices: Sequence[int],
    *,
    columns: int,
    names: Sequence[str] = (),
) -> str:
    """Buttons for the pictures `images`, uint8 (N, 32, 32, 3), with a caption below each.

    `indices` is what a click tells; `names` is what a screen reader says where the captions alone would not do.
    """
    if not len(images):
        return '<p class="quiet">There is nothing to show.</p>'
    across = min(columns, len(images))
    down = -(-len(images) // across)
    cells = []
    for place, (caption, index) in enumerate(zip(captions, indices, strict=True)):
        # a background's position in percent: 0 is the first of the row, 100 the last
        x = 100 * (place % across) / max(across - 1, 1)
        y = 100 * (place // across) / max(down - 1, 1)
        name = html.escape(names[place] if names else caption, quote=True)
        cells.append(
            f'<button type="button" class="cell" data-index="{index}" '
            f'aria-label="{name}"><span class="pixels" style="background-position:{x:g}% {y:g}%"></span>'
            f'<span class="caption">{html.escape(caption)}</span></button>'
        )
    url = data_url(image_grid(images, across))
    return (
        f'<div class="cells" style="--sheet:url({url});--columns:{across};'
        f'--size:{100 * across}% {100 * down}%">{"".join(cells)}</div>'
    )


def enlarged(image: np.ndarray, alternative: str, *, title: str = "") -> str:
    """One picture, large, its pixels as squares."""
    caption = f"<figcaption>{html.escape(title)}</figcaption>" if title else ""
    name = html.escape(alternative, quote=True)
    return f'<figure class="enlarged"><img src="{data_url(image)}" alt="{name}">{caption}</figure>'


def scroll_to(elem_id: str) -> str:
    """JavaScript that brings an element into view on a phone, where it lies below what was clicked."""
    show = f"document.getElementById('{elem_id}').scrollIntoView({{behavior: 'smooth'}})"
    return f"() => {{ if (window.innerWidth < 700) {show}; }}"
