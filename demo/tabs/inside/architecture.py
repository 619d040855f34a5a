"""The Net as a drawing: every tensor with its shape, every layer between them with its parameters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cifar_core.net import Layer

_STEP = 112
"""from one tensor to the next, in the drawing's own units"""
_MIDDLE, _SHAPES = 96, 186
"""heights: the middle of the tensors, and the line of their shapes"""
_PIXEL = 2.2
"""a row or column of a map"""
_DEPTH = 2.0
"""by how much a map stands out from behind the one before it"""


def shape_words(shape: Sequence[int]) -> str:
    """3×32×32"""
    return "×".join(map(str, shape))


def architecture_html(layers: Sequence["Layer"]) -> str:
    """The drawing, and below it how all parameters are counted. `layers` is the Net's own table."""
    total = sum(layer.parameters for layer in layers)
    rows = "".join(
        f"<tr><th scope='row'>{layer.name}</th><td><code>self.{layer.name} = {layer.code}</code></td>"
        f"<td class='number'>{layer.arithmetic or 'none: it only compares numbers'}</td></tr>"
        for layer in _once(layers)
    )
    return (
        f"<div class='scroll architecture' tabindex='0'>{_drawing(layers)}</div>"
        f"<details><summary>How its {total:,} parameters are counted</summary>"
        "<p class='small'>Parameters are the numbers that training adjusts: weights and biases. The pool has none, so "
        "the Net uses the same one twice.</p><div class='scroll'><table class='facts-table parameters'><thead><tr>"
        "<th>layer</th><th>code</th><th>weights + biases</th></tr></thead>"
        f"<tbody>{rows}<tr class='best'><th scope='row'>all</th><td></td><td class='number'>{total:,}</td></tr></tbody>"
        "</table></div></details>"
    )


def _once(layers: Sequence["Layer"]) -> list["Layer"]:
    return list({layer.name: layer for layer in layers}.values())


def _drawing(layers: Sequence["Layer"]) -> str:
    """SVG in the page's own colours: volumes as stacked squares, vectors as bars, arrows between them."""
    first, flat = layers[0], next(layer for layer in layers if len(layer.output) == 1)
    tensors: list[tuple[tuple[int, ...], str, str]] = [((first.weight[1], 32, 32), "", "")]
    for layer in layers:
        if layer is flat:
            tensors.append(((layer.weight[1],), "view", "no parameters"))
        counted = f"{layer.parameters:,} parameters" if layer.parameters else "no parameters"
        names = {"pool": "max-pool", layers[-1].name: layers[-1].name}
        tensors.append((layer.output, names.get(layer.name, f"{layer.name} + ReLU"), counted))
    parts = []
    for place, (shape, name, counted) in enumerate(tensors):
        x = _STEP * place + 50
        parts.append(_volume(x, shape) if len(shape) == 3 else _vector(x, shape[0]))
        parts.append(f"<text x='{x}' y='{_SHAPES}' class='shape'>{shape_words(shape)}</text>")
        if place:
            left, right = x - _STEP + _half(tensors[place - 1][0]) + 5, x - _half(shape) - 5
            middle = x - _STEP / 2
            parts.append(
                f"<path d='M{left:.0f} {_MIDDLE}H{right:.0f}m-5 -4l5 4l-5 4' class='arrow'/>"
                f"<text x='{middle:.0f}' y='16'>{name}</text><text x='{middle:.0f}' y='31' class='counted'>{counted}"
                "</text>"
            )
    told = "; ".join(f"{name} makes {shape_words(shape)}" for shape, name, _ in tensors[1:])
    return (
        f"<svg viewBox='0 0 {_STEP * len(tensors) - 14} 194' role='img' "
        f"aria-label='The Net: a picture of {shape_words(tensors[0][0])}; {told}'>{''.join(parts)}</svg>"
    )


def _half(shape: tuple[int, ...]) -> float:
    """Half of a tensor's width in the drawing."""
    return (_PIXEL * shape[2] + _DEPTH * (shape[0] - 1)) / 2 if len(shape) == 3 else 4


def _volume(x: float, shape: tuple[int, ...]) -> str:
    count, side, slant = shape[0], _PIXEL * shape[2], _DEPTH * (shape[0] - 1)
    squares = []
    for number in reversed(range(count)):
        left, top = x - (side + slant) / 2 + _DEPTH * number, _MIDDLE - (side - slant) / 2 - _DEPTH * number
        squares.append(f"<rect x='{left:.1f}' y='{top:.1f}' width='{side:.1f}' height='{side:.1f}'/>")
    return "".join(squares)


def _vector(x: float, count: int) -> str:
    height = 5 * count**0.5  # its root, so that 400 and 10 both can be drawn
    return f"<rect x='{x - 4}' y='{_MIDDLE - height / 2:.1f}' width='8' height='{height:.1f}'/>"
