"""One unit of a convolution, added up before the reader's eyes."""

import html
from typing import TYPE_CHECKING

import numpy as np

from demo.widgets.enlarged import enlarged
from demo.widgets.templates import data_url

if TYPE_CHECKING:
    from cifar_core.inspect.unit import ReceptiveField, Unit

PLACES = 3
"""decimals of products and sums"""
_FINE = 10**PLACES
COLOURS = ("red", "green", "blue")


def unit_html(unit: "Unit", pixels: np.ndarray, layer: str, channel: int, row: int, column: int) -> str:
    """What one unit sees of `pixels`, uint8 (32, 32, 3), and the sum that gives its value.

    Products, sums, bias and total are rounded so that they add up exactly as printed.
    """
    if not np.isfinite(unit.total):
        return '<p class="quiet">This unit has no value: the Net\'s weights are not finite numbers.</p>'
    below = COLOURS if layer == "conv1" else tuple(f"map {number}" for number in range(len(unit.sums)))
    total = round(unit.total * _FINE)
    *sums, bias = _rounded(np.array([*unit.sums, unit.bias], np.float64), total)
    parts = "".join(
        _channel(name, unit.patch[at], unit.kernel[at], _rounded(unit.products[at].ravel(), sums[at]), sums[at])
        for at, name in enumerate(below)
    )
    terms = " ".join(_term(value, name, first=not at) for at, (name, value) in enumerate(zip(below, sums, strict=True)))
    source = "three colours of the picture" if layer == "conv1" else "six maps after the first pool"
    weights = f"{len(below)} × 5 × 5 = {25 * len(below)}"
    return (
        f"<section class='unit'><h3>{layer}, map {channel}, row {row}, column {column}: "
        f"<b class='value'>{_number(total)}</b></h3>"
        f"<p class='sum'>{terms} {_term(bias, 'bias', first=False)} "
        f"<span class='term'><b>= {_number(total)}</b></span></p>"
        f"<p>{_after(unit, total)}</p>{_seen(unit, pixels)}"
        f"<h4>Where the sums come from</h4>"
        f"<p class='small'>The unit looks at the {source}: {weights} numbers. Each is multiplied by its weight in the "
        f"kernel of map {channel}; the products are added up. All numbers are rounded; products and sums are rounded "
        f"so that they add up as printed, so a last digit may be off by one.</p>{parts}</section>"
    )


def _channel(name: str, patch: np.ndarray, kernel: np.ndarray, products: list[int], total: int) -> str:
    tables = (
        _table(f"what is there: {name}", patch, [f"{value:.2f}" for value in patch.ravel()]),
        _table("× weight", kernel, [f"{value:.2f}" for value in kernel.ravel()]),
        _table("= product", np.reshape(products, (5, 5)) / _FINE, [f"{value / _FINE:.3f}" for value in products]),
    )
    parts = "".join(f"<div>{table}</div>" for table in tables)
    return (
        f"<section class='channel' aria-label='{name}'><div class='tables'>{parts}</div>"
        f"<p>The 25 products of <b>{name}</b> add up to <b>{_number(total)}</b></p></section>"
    )


def _table(caption: str, values: np.ndarray, words: list[str]) -> str:
    """A 5x5 table of numbers; the stronger the number, the stronger the tint of its cell."""
    largest = float(np.abs(values).max()) or 1.0
    rows = []
    for row in range(5):
        cells = (
            f"<td class={'minus' if value < 0 else 'plus'} style='--v:{abs(value) / largest:.2f}'>"
            f"{_minus(words[5 * row + column])}</td>"
            for column, value in enumerate(values[row].tolist())
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table class='matrix'><caption>{html.escape(caption)}</caption>{''.join(rows)}</table>"


def _seen(unit: "Unit", pixels: np.ndarray) -> str:
    field = unit.receptive_field
    top, left, side = field.top, field.left, field.side
    where = f"rows {top} to {top + side - 1}, columns {left} to {left + side - 1}"
    patch = pixels[top : top + side, left : left + side]
    return (
        f"<p class='where-it-looks'>It looks at {where} of the picture, which are {side} × {side} pixels:</p>"
        f"<div class='seen-by'><div class='framed'><img src='{data_url(pixels)}' alt='The picture; a frame marks "
        f"{where}'>{_frame(field)}</div>{enlarged(patch, 'The pixels in the frame, enlarged')}</div>"
    )


def _frame(field: "ReceptiveField") -> str:
    left, top, side = (100 * value / 32 for value in (field.left, field.top, field.side))
    return f"<div class='frame' style='left:{left:g}%;top:{top:g}%;width:{side:g}%;height:{side:g}%'></div>"


def _after(unit: "Unit", total: int) -> str:
    after = max(total, 0)
    relu = "stays as it is" if unit.total > 0 else "is not above 0 and becomes 0"
    pool = (
        "The max-pool takes it: it is the largest of its square of four (or the first of several)."
        if unit.selected
        else "The max-pool throws it away: a neighbour in its square of four is as large or larger."
    )
    return f"After ReLU: <b class='after'>{_number(after)}</b> (the sum {relu}). {pool}"


def _rounded(parts: np.ndarray, total: int) -> list[int]:
    """Each part in thousandths, rounded up or down so that all together give `total`, their own sum rounded."""
    exact = parts.astype(np.float64) * _FINE
    down = np.floor(exact).astype(int)
    order = np.argsort(down - exact, kind="stable")  # those that lose most by rounding down come first
    missing = total - int(down.sum())
    down[order[:missing] if missing >= 0 else order[missing:]] += 1 if missing >= 0 else -1
    return [int(value) for value in down]


def _term(thousandths: int, name: str, *, first: bool) -> str:
    sign = "−" if thousandths < 0 else "" if first else "+"
    size = _number(abs(thousandths))
    return f"<span class='term'>{sign}{'' if first else ' '}{size} <small>{name}</small></span>"


def _number(thousandths: int) -> str:
    return _minus(f"{thousandths / _FINE:.{PLACES}f}")


def _minus(number: str) -> str:
    """A number with a real minus sign, which is as wide as a digit; what is rounded to zero has none."""
    return number.replace("-", "−") if any(digit in "123456789" for digit in number) else number.replace("-", "")
