"""What can be read from a confusion table, in sentences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from demo.widgets.templates import render

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation


@dataclass(frozen=True)
class Confusion:
    """How often the images of one class are predicted as another."""

    truth: str
    predicted: str
    count: int
    total: int
    """images of the true class"""


def reading_html(evaluation: "Evaluation") -> Markup:
    """Return how the table is read, with its worst row as the example, and which two classes are confused most."""
    counts, classes = evaluation.confusion, evaluation.classes
    totals = counts.sum(axis=1)
    row = int(np.nanargmin(evaluation.class_accuracy()))
    wrong = [place for place in np.argsort(-counts[row], kind="stable").tolist() if place != row and counts[row, place]]
    return render(
        "tabs/judge/reading.html.j2",
        row=classes[row],
        right=int(counts[row, row]),
        total=int(totals[row]),
        wrong=[(int(counts[row, place]), classes[place]) for place in wrong[:2]],
        empty=[name for name, total in zip(classes, totals, strict=True) if not total],
        confused=confused_most(evaluation),
    )


def confused_most(evaluation: "Evaluation") -> tuple[Confusion, ...]:
    """Return how the two classes are confused that are confused most, both ways; nothing without a mistake."""
    counts, classes = evaluation.confusion, evaluation.classes
    both = np.triu(counts + counts.T, 1)  # each pair once
    one, other = divmod(int(both.argmax()), len(classes))
    if not both[one, other]:
        return ()
    if counts[other, one] > counts[one, other]:
        one, other = other, one
    return tuple(
        Confusion(classes[true], classes[predicted], int(counts[true, predicted]), int(counts[true].sum()))
        for true, predicted in ((one, other), (other, one))
    )
