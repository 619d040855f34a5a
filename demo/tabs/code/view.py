"""What the Code tab says of receipts, without any Gradio."""

import html
from typing import TYPE_CHECKING

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.runs.records import Run, Snapshot
from demo.widgets.download import slug
from demo.widgets.format import percent

if TYPE_CHECKING:
    from cifar_core.teach.receipt import Receipt

LINES_SHOWN = 8
"""lines of the log that stand side by side"""


def filename(run: Run | None, kind: str) -> str:
    """What a file of this run is called; None is the settings on the Train tab."""
    name = slug(run.name) if run else "cifar10"
    return f"{name}-receipt.json" if kind == "json" else f"{name}.{kind}"


def receipt_html(receipt: "Receipt") -> str:
    """What a receipt says, in a few rows."""
    tutorial = TrainConfig().to_json()
    unlike = {name: value for name, value in receipt.settings.to_json().items() if value != tutorial[name]}
    settings = ", ".join(f"{FIELDS[name].label.lower()} {value}" for name, value in unlike.items())
    changes = ", ".join(
        f"{FIELDS[one.name].label.lower()} {one.value:g} from step {one.step:,}" for one in receipt.changes
    )
    versions = receipt.versions
    rows = {
        "Settings": settings or "the tutorial's own",
        "Changed on the way": changes,
        "Data": f"{receipt.data.name}: {receipt.data.train:,} + {receipt.data.test:,} images, checksum "
        f"{receipt.data.sha256[:12]}…",
        "Length": f"{receipt.steps:,} mini-batches, {len(receipt.lines):,} lines"
        + (", then stopped by hand" if receipt.ended == "stopped" else ""),
        "Accuracy": f"{percent(receipt.correct / receipt.total)} ({receipt.correct:,} of {receipt.total:,})",
        "Made with": f"PyTorch {versions.torch}, NumPy {versions.numpy}, Python {versions.python} on {receipt.device} "
        f"({versions.machine})",
        "Weights": f"sha256 {receipt.weights[:12]}…",
    }
    cells = "".join(
        f"<tr><th scope='row'>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in rows.items() if value
    )
    return f"<table class='facts-table receipt'>{cells}</table>"


def compared_html(receipt: "Receipt", snapshot: Snapshot, own: "Receipt | None") -> str:
    """A receipt beside the run that repeats it, as far as that has come; `own` is that run's receipt at its end."""
    pairs = list(zip(receipt.lines, snapshot.reports, strict=False))
    same = [f"{said.loss:.3f}" == f"{now.loss:.3f}" and said.batch == now.batch for said, now in pairs]
    first = same.index(False) if False in same else None
    end = len(pairs) if first is None else first + 1
    shown = range(max(0, end - LINES_SHOWN), end)
    rows = "".join(
        f"<tr><td>{html.escape(pairs[place][0].text)}</td><td>{html.escape(pairs[place][1].line)}</td>"
        f"<td>{'✓ the same' if same[place] else '✗ differs'}</td></tr>"
        for place in shown
    )
    table = (
        "<table class='facts-table'><thead><tr><th>the receipt says</th><th>here</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        if rows
        else ""
    )
    return f"<div class='receipt-verdict'><p>{html.escape(_verdict(receipt, snapshot, own, same))}</p>{table}</div>"


def _verdict(receipt: "Receipt", snapshot: Snapshot, own: "Receipt | None", same: list[bool]) -> str:
    """How it stands, in a sentence or two."""
    run = snapshot.run
    if False in same:
        place = receipt.lines[same.index(False)].place
        return f"✗ It does not come out the same here. The first line that differs is {place}. {_reasons(receipt, own)}"
    agreed = f"{len(same):,} of {len(receipt.lines):,} lines agree"
    if receipt.ended == "stopped" and len(same) == len(receipt.lines):
        return (
            f"✓ {agreed}. The run of the receipt was stopped after {receipt.steps:,} mini-batches, and this one goes "
            "on, so accuracy and weights are not compared; the command line's verify does that."
        )
    if run.active:
        return f"… {agreed} so far, after {run.step:,} of {run.steps:,} mini-batches."
    if own is None:
        return f"The run here ended otherwise ({run.state}); {agreed}."
    from cifar_core.teach.verify import first_difference

    differs = first_difference(receipt, own)
    if differs:
        return f"✗ {agreed}. {differs} {_reasons(receipt, own)}"
    return (
        f"✓ Everything agrees: {agreed}, accuracy {percent(own.correct / own.total)}, and the weights to the last bit."
    )


def _reasons(receipt: "Receipt", own: "Receipt | None") -> str:
    """What is other here, where that is known."""
    if own is None:
        return ""
    from cifar_core.teach.verify import environment_note

    return environment_note(receipt, own.device)
