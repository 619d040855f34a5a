"""The confusion table: how many images of each class are predicted as each class, in shades of one colour."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np

from demo.widgets.format import percent
from demo.widgets.templates import script

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7)
"""shares of a row where the next stronger shade begins; finer for few, because the mistakes are what is looked for"""
SCALE = (f"under {percent(STEPS[0], 0)}", *(percent(s, 0) for s in STEPS[:-1]), f"{percent(STEPS[-1], 0)} and more")
"""what the shades mean"""
LONG_NAME = 6
"""characters; where a class has more, the names across stand upright"""


@dataclass(frozen=True)
class ConfusionCell:
    """One true class and one predicted class."""

    truth: str
    predicted: str
    count: int
    """images"""
    total: int
    """images of this true class"""
    shade: int
    right: bool
    """on the diagonal"""
    first: bool
    """left and top"""


@dataclass(frozen=True)
class ConfusionTable:
    """What the macro `confusion_table` draws."""

    classes: tuple[str, ...]
    rows: tuple[tuple[ConfusionCell, ...], ...]
    totals: tuple[int, ...]
    """of the columns: how often each class is predicted"""

    @property
    def upright(self) -> bool:
        """Whether the names across have no room side by side."""
        return max(map(len, self.classes)) > LONG_NAME

    scale = SCALE


def confusion_matrix(*, elem_id: str) -> gr.HTML:
    """Return a component for a clickable `confusion_table`; its event `pick` carries `truth` and `predicted`."""
    return gr.HTML("", js_on_load=script("widgets/confusion.js"), label="Confusion matrix", elem_id=elem_id)


def confusion_table(counts: np.ndarray, classes: Sequence[str]) -> ConfusionTable:
    """Lay out counts, int64 (classes, classes): true class down, predicted class across."""
    totals, colours = counts.sum(axis=1).tolist(), shades(counts)
    rows = tuple(
        tuple(
            ConfusionCell(truth, predicted, count, totals[i], colours[i][j], i == j, i == j == 0)
            for j, (predicted, count) in enumerate(zip(classes, counts[i].tolist(), strict=True))
        )
        for i, truth in enumerate(classes)
    )
    return ConfusionTable(tuple(classes), rows, tuple(counts.sum(axis=0).tolist()))


def shades(counts: np.ndarray) -> list[list[int]]:
    """Return the shade of each cell, 0 to 7: the larger its share of the row, the stronger; 0 in an empty row."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    found: list[list[int]] = np.searchsorted(STEPS, shares, side="right").tolist()
    return found
