"""The confusion matrix as a table of coloured buttons, and what can be read from it, in sentences."""

import html
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from demo.widgets.format import percent

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7)
"""shares of a row where the next stronger colour begins; finer for few, because the mistakes are what is looked for"""
LONG_NAME = 6
"""characters; where a class has more, the names across stand upright"""

_CELLS = """
element.addEventListener('click', (event) => {
    const cell = event.target.closest('[data-truth]');
    if (cell) trigger('pick', {truth: cell.dataset.truth, said: cell.dataset.said});
});
element.addEventListener('keydown', (event) => {
    const cell = event.target.closest('[data-truth]');
    const move = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
    if (!cell || !move) return;
    event.preventDefault();
    const place = cell.parentElement;
    const row = place.closest('table').rows[place.parentElement.rowIndex + move[0]];
    const next = row && row.cells[place.cellIndex + move[1]];
    const button = next && next.querySelector('button');
    if (!button) return;
    cell.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
});
"""
MARK = """(truth, said) => document.querySelectorAll('#confusion [data-truth]').forEach((cell) =>
    cell.setAttribute('aria-pressed', cell.dataset.truth === truth && cell.dataset.said === said))"""
"""JavaScript that marks the cell whose images are shown, given the two classes chosen, and unmarks the others"""


def confusion_matrix(*, elem_id: str) -> gr.HTML:
    """Shows what `confusion_html` gives; its event `pick` tells the classes of the cell: `truth` and `said`."""
    return gr.HTML("", js_on_load=_CELLS, label="Confusion matrix", elem_id=elem_id)


def confusion_html(found: "Evaluation") -> str:
    """The matrix: true class down, the Net's answer across, in each cell a button with the number of images."""
    counts, names = found.confusion, [html.escape(name) for name in found.classes]
    upright = ' class="upright"' if max(map(len, found.classes)) > LONG_NAME else ""
    heads = "".join(f'<th scope="col"><span>{name}</span></th>' for name in names)
    rows = "".join(_row(counts, place, names) for place in range(len(names)))
    return (
        f'<div class="scroll"><table class="confusion"><thead>'
        f'<tr><td></td><th scope="colgroup" colspan="{len(names)}">the Net says →</th></tr>'
        f'<tr{upright}><th scope="col" class="corner">truth ↓</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{_scale_html()}"
    )


def _row(counts: np.ndarray, row: int, names: list[str]) -> str:
    total = int(counts[row].sum())
    cells = []
    for column, count in enumerate(counts[row].tolist()):
        share = count / total if total else 0.0
        said = "rightly called" if row == column else "called"
        kind = ' class="right"' if row == column else ""
        name = f"{count:,} of {total:,} images of class {names[row]}, {said} {names[column]}"
        reached = 0 if row == column == 0 else -1  # one cell is in the order of the Tab key, arrow keys reach the rest
        cells.append(
            f'<td{kind}><button type="button" class="shade-{shade(share)}" data-truth="{names[row]}" '
            f'data-said="{names[column]}" aria-label="{name}" aria-pressed="false" tabindex="{reached}">'
            f"{count}</button></td>"
        )
    return f'<tr><th scope="row"><span>{names[row]}</span></th>{"".join(cells)}</tr>'


def shade(share: float) -> int:
    """Which of the colours, from 0 to 7, stands for this share of a row."""
    return sum(share >= step for step in STEPS)


def _scale_html() -> str:
    """What the colours mean."""
    words = [f"under {_whole(STEPS[0])}", *map(_whole, STEPS[:-1]), f"{_whole(STEPS[-1])} and more"]
    parts = "".join(f'<li class="shade-{place}">{word}</li>' for place, word in enumerate(words))
    return (
        '<div class="scale"><span id="scale-name">Colour: share of its row, from</span>'
        f'<ol aria-labelledby="scale-name">{parts}</ol>'
        '<span class="frame-word">Framed: right answers</span></div>'
    )


def _whole(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def reading_html(found: "Evaluation") -> str:
    """What the matrix is and how a row is read, with the row that has most to tell; and what is confused most."""
    row = _weakest(found)
    counts, total = found.confusion[row], int(found.confusion[row].sum())
    name = html.escape(found.classes[row])
    wrong = [place for place in np.argsort(-counts, kind="stable").tolist() if place != row and counts[place]][:2]
    others = " and ".join(
        f"{counts[place]:,} of them for <b>{html.escape(found.classes[place])}</b>" for place in wrong
    )
    then = f". It took {others}" if wrong else ""
    empty = [html.escape(known) for known, of in zip(found.classes, found.confusion.sum(axis=1), strict=True) if not of]
    missing = f" There are no test images of {' and '.join(empty)}, so that row is all zeros." if empty else ""
    return (
        "<p>A <i>confusion matrix</i> counts, for each true class, what the Net said. Each row is one true class and "
        f"adds up to its test images.{missing} For example the row <b>{name}</b>: of {total:,} test images of this "
        f"class, the Net rightly called {counts[row]:,} <b>{name}</b>{then}.</p>"
        f"<p>{confused_most(found)}</p>"
        "<p class='quiet'>Click a number to see those images. With the keyboard: arrow keys move from cell to cell, "
        "Enter opens one.</p>"
    )


def confused_most(found: "Evaluation") -> str:
    """A sentence, as HTML, on the two classes that are taken for each other most often."""
    counts, totals = found.confusion, found.confusion.sum(axis=1)
    both = np.triu(counts + counts.T, 1)  # each pair once
    one, other = divmod(int(both.argmax()), len(totals))
    if not both[one, other]:
        return "It made no mistake on these test images."
    if counts[other, one] > counts[one, other]:
        one, other = other, one
    first, second = (f"<b>{html.escape(found.classes[place])}</b>" for place in (one, other))
    there, back = int(counts[one, other]), int(counts[other, one])
    return (
        f"It confuses {first} and {second} most: {_of(there, int(totals[one]), first)} called {second}, "
        f"and {_of(back, int(totals[other]), second)} called {first}."
    )


def _of(count: int, total: int, name: str) -> str:
    """123 of 1,000 images of cat (12.3 %) were"""
    share = f" ({percent(count / total)})" if total else ""
    return f"{count:,} of {total:,} images of {name}{share} {'was' if count == 1 else 'were'}"


def _weakest(found: "Evaluation") -> int:
    """The class with the smallest share of right answers, among those with test images."""
    shares = found.class_accuracy()
    return int(np.nanargmin(shares))
