"""What all parts of the tab One step are made of: a line of code with its part, a table, a picture, a name."""

import html
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import StepTrace

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def row(code: str, title: str, part: str, *, aside: str = "") -> str:
    """A line of the loop, and what comes of it; `aside` says of a line that it is not in the loop."""
    remark = f'<span class="step-aside">{html.escape(aside)}</span>' if aside else ""
    return (
        f'<section class="step-row"><div class="step-code"><code>{html.escape(code)}</code>{remark}</div>'
        f'<div class="step-part"><h3>{title}</h3>{part}</div></section>'
    )


def paired(shown: str, *words: str) -> str:
    """A table or the like, with paragraphs beside it."""
    told = "".join(f"<p>{word}</p>" for word in words if word)
    return f'<div class="step-pair"><div class="step-shown">{shown}</div><div class="step-words">{told}</div></div>'


def table_html(
    step: "StepTrace",
    classes: tuple[str, ...],
    caption: str,
    cells: list[list[str]],
    *,
    shares: np.ndarray | None = None,
) -> str:
    """A row for each class, a column for each picture; `shares`, float (N, 10), are bars behind the numbers."""
    count = len(step.labels)
    heads = "".join(
        f'<th scope="col">{picture(at, count, "")}<span>{name_of(label, classes)}</span></th>'
        for at, label in enumerate(step.labels)
    )
    best = step.logits.argmax(1)
    rows = []
    for number in range(10):
        row_cells = ""
        for at, label in enumerate(step.labels):
            kinds = " ".join(kind for kind, on in (("right", label == number), ("best", int(best[at]) == number)) if on)
            bar = f' style="--share:{width(float(shares[at, number]))}"' if shares is not None else ""
            row_cells += f'<td class="{kinds}"{bar}>{cells[at][number]}</td>'
        rows.append(f'<tr><th scope="row">{name_of(number, classes)}</th>{row_cells}</tr>')
    many = " many" if count > 6 else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table class="step-table{many}">'
        f'<thead><tr><th scope="col">{caption}</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def picture(at: int, count: int, alternative: str) -> str:
    """Picture number `at` of the mini-batch, out of the sheet of all `count`; without a text it is decoration."""
    place = 100 * at / max(count - 1, 1)  # a background's position in percent: 0 is the first, 100 the last
    named = f'role="img" aria-label="{alternative}"' if alternative else 'aria-hidden="true"'
    return f'<span class="step-picture" {named} style="background-position:{place:g}% 0"></span>'


def name_of(label: int, classes: tuple[str, ...]) -> str:
    """The class of a label, fit for HTML."""
    return html.escape(plain_name(label, classes), quote=True)


def plain_name(label: int, classes: tuple[str, ...]) -> str:
    """The class of a label; an output that this data has no class for is called by its number."""
    return classes[label] if label < len(classes) else f"({label})"


def counted(count: int, capital: bool = False) -> str:
    """four pictures"""
    word = COUNTS[count] if count < len(COUNTS) else str(count)
    text = f"{word} picture{'' if count == 1 else 's'}"
    return text.capitalize() if capital else text


def these(count: int) -> str:
    """these four pictures"""
    return "this one picture" if count == 1 else f"these {counted(count)}"


def width(share: float) -> str:
    """A share from 0 to 1 as a width in CSS; nothing where it is no number."""
    return f"{100 * share:.1f}%" if math.isfinite(share) else "0%"
