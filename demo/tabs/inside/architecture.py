"""The Net as a drawing: every tensor with its shape, every layer between them with its parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from demo.widgets.templates import render

if TYPE_CHECKING:
    from cifar_core.net import Layer

STEP = 112
"""from one tensor to the next, in the drawing's own units"""
MIDDLE = 96
"""height of the middle of the tensors"""
_PIXEL = 2.2
"""a row or column of a map"""
_DEPTH = 2.0
"""by how much a map stands out from behind the one before it"""


@dataclass(frozen=True)
class Rectangle:
    """A part of a drawn tensor."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tensor:
    """One tensor of the drawing, with the arrow that leads to it."""

    shape: str
    x: float
    """its middle"""
    rectangles: tuple[Rectangle, ...]
    name: str
    """of what makes it; empty for the image"""
    parameters: str
    arrow: tuple[float, float]
    """where the arrow begins and ends"""


def shape_words(shape: Sequence[int]) -> str:
    """3×32×32"""
    return "×".join(map(str, shape))


def architecture_html(layers: Sequence["Layer"]) -> Markup:
    """Return the drawing, and below it how all parameters are counted. `layers` is the Net's own table."""
    return render(
        "tabs/inside/architecture.html.j2",
        tensors=_tensors(layers),
        layers=list({layer.name: layer for layer in layers}.values()),
        total=sum(layer.parameters for layer in layers),
        step=STEP,
        middle=MIDDLE,
    )


def _tensors(layers: Sequence["Layer"]) -> list[Tensor]:
    first, flat = layers[0], next(layer for layer in layers if len(layer.output) == 1)
    made: list[tuple[tuple[int, ...], str, str]] = [((first.weight[1], 32, 32), "", "")]
    for layer in layers:
        if layer is flat:
            made.append(((layer.weight[1],), "view", "no parameters"))
        counted = f"{layer.parameters:,} parameters" if layer.parameters else "no parameters"
        names = {"pool": "max-pool", layers[-1].name: layers[-1].name}
        made.append((layer.output, names.get(layer.name, f"{layer.name} + ReLU"), counted))
    tensors = []
    for place, (shape, name, counted) in enumerate(made):
        x = STEP * place + 50
        before = _half(made[place - 1][0]) if place else 0
        arrow = (x - STEP + before + 5, x - _half(shape) - 5)
        rectangles = _maps(x, shape) if len(shape) == 3 else _bar(x, shape[0])
        tensors.append(Tensor(shape_words(shape), x, rectangles, name, counted, arrow))
    return tensors


def _half(shape: tuple[int, ...]) -> float:
    """Half of a tensor's width in the drawing."""
    return (_PIXEL * shape[2] + _DEPTH * (shape[0] - 1)) / 2 if len(shape) == 3 else 4


def _maps(x: float, shape: tuple[int, ...]) -> tuple[Rectangle, ...]:
    """Stacked squares, the hindmost first."""
    count, side, slant = shape[0], _PIXEL * shape[2], _DEPTH * (shape[0] - 1)
    return tuple(
        Rectangle(x - (side + slant) / 2 + _DEPTH * number, MIDDLE - (side - slant) / 2 - _DEPTH * number, side, side)
        for number in reversed(range(count))
    )


def _bar(x: float, count: int) -> tuple[Rectangle, ...]:
    height = 5 * count**0.5  # its root, so that 400 and 10 both can be drawn
    return (Rectangle(x - 4, MIDDLE - height / 2, 8, height),)
