"""One unit of a convolution, added up so that a reader can follow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from cifar_core.errors import NOT_FINITE
from demo.tabs.inside.state import Place
from demo.widgets.format import minus
from demo.widgets.templates import message_box, render

if TYPE_CHECKING:
    from cifar_core.inspect.unit import Unit

PLACES = 3
"""decimals of products and sums"""
_THOUSAND = 10**PLACES
COLOURS = ("red", "green", "blue")

Cell = tuple[str, float, bool]
"""a number as printed, the strength of its tint from 0 to 1, and whether it is negative"""


@dataclass(frozen=True)
class Table:
    """A 5x5 table of numbers."""

    caption: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Term:
    """What one input channel adds to the sum."""

    name: str
    value: int
    """in thousandths"""
    tables: tuple[Table, ...]


def unit_html(unit: "Unit", pixels: np.ndarray, place: Place) -> Markup:
    """Return what one unit sees of `pixels`, uint8 (32, 32, 3), and the sum that gives its value.

    Products, sums, bias and total are rounded so that they add up exactly as printed.
    """
    if not np.isfinite(unit.total):
        return message_box(NOT_FINITE, "error")
    names = COLOURS if place.layer == "conv1" else tuple(f"map {number}" for number in range(len(unit.sums)))
    total = round(unit.total * _THOUSAND)
    *sums, bias = _rounded(np.array([*unit.sums, unit.bias], np.float64), total)
    field = unit.receptive_field
    return render(
        "tabs/inside/unit.html.j2",
        unit=unit,
        place=place,
        terms=[Term(name, sums[at], _tables(unit, at, name, sums[at])) for at, name in enumerate(names)],
        bias=bias,
        total=total,
        number=_number,
        pixels=pixels,
        patch=pixels[field.top : field.top + field.side, field.left : field.left + field.side],
    )


def _tables(unit: "Unit", at: int, name: str, total: int) -> tuple[Table, ...]:
    products = _rounded(unit.products[at].ravel(), total)
    return (
        _table(f"what is there: {name}", unit.patch[at], [f"{value:.2f}" for value in unit.patch[at].ravel()]),
        _table("× weight", unit.kernel[at], [f"{value:.2f}" for value in unit.kernel[at].ravel()]),
        _table("= product", np.reshape(products, (5, 5)), [_number(value) for value in products]),
    )


def _table(caption: str, values: np.ndarray, words: list[str]) -> Table:
    largest = float(np.abs(values).max()) or 1.0
    cells = [
        (minus(word), abs(value) / largest, value < 0)
        for word, value in zip(words, values.ravel().tolist(), strict=True)
    ]
    return Table(caption, tuple(tuple(cells[start : start + 5]) for start in range(0, 25, 5)))


def _rounded(parts: np.ndarray, total: int) -> list[int]:
    """Each part in thousandths, rounded up or down so that all together give `total`, their own sum rounded."""
    exact = parts.astype(np.float64) * _THOUSAND
    down = np.floor(exact).astype(int)
    order = np.argsort(down - exact, kind="stable")  # those that lose most by rounding down come first
    missing = total - int(down.sum())
    down[order[:missing] if missing >= 0 else order[missing:]] += 1 if missing >= 0 else -1
    return [int(value) for value in down]


def _number(thousandths: int) -> str:
    return minus(f"{thousandths / _THOUSAND:.{PLACES}f}")
