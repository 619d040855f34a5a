"""What the tab Code says of receipts."""

from typing import TYPE_CHECKING

from markupsafe import Markup

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.runs.records import Run, Snapshot
from demo.widgets.download import slug
from demo.widgets.format import percent
from demo.widgets.templates import render

if TYPE_CHECKING:
    from cifar_core.teach.receipt import Receipt

LINES_SHOWN = 8
"""lines of the log that stand side by side"""


def filename(run: Run | None, kind: str) -> str:
    """Return what a file of this run is called; None is the settings on the Train tab."""
    name = slug(run.name) if run else "cifar10"
    return f"{name}-receipt.json" if kind == "json" else f"{name}.{kind}"


def receipt_html(receipt: "Receipt") -> Markup:
    """Return what a receipt says, in a few rows."""
    default = TrainConfig().to_json()
    changed = {name: value for name, value in receipt.settings.to_json().items() if value != default[name]}
    settings = ", ".join(f"{FIELDS[name].label.lower()} {value}" for name, value in changed.items())
    changes = ", ".join(
        f"{FIELDS[one.name].label.lower()} {one.value:g} from step {one.step:,}" for one in receipt.changes
    )
    data, versions = receipt.data, receipt.versions
    stopped = ", then stopped by hand" if receipt.ended == "stopped" else ""
    made_with = f"PyTorch {versions.torch}, NumPy {versions.numpy}, Python {versions.python}"
    rows = {
        "Settings": settings or "the tutorial's own",
        "Changed during the run": changes,
        "Data": f"{data.name}: {data.train:,} + {data.test:,} images, checksum {data.sha256[:12]}…",
        "Length": f"{receipt.steps:,} mini-batches, {len(receipt.lines):,} lines{stopped}",
        "Accuracy": f"{percent(receipt.correct / receipt.total)} ({receipt.correct:,} of {receipt.total:,})",
        "Made with": f"{made_with} on {receipt.device} ({versions.machine})",
        "Weights": f"sha256 {receipt.weights[:12]}…",
    }
    return render("tabs/code/receipt.html.j2", rows=[(name, value) for name, value in rows.items() if value])


def comparison_html(receipt: "Receipt", snapshot: Snapshot, own: "Receipt | None") -> Markup:
    """Return a receipt beside the run that repeats it, as far as that has come.

    `own` is that run's receipt once it has ended.
    """
    pairs = list(zip(receipt.lines, snapshot.reports, strict=False))
    same = [f"{there.loss:.3f}" == f"{here.loss:.3f}" and there.batch == here.batch for there, here in pairs]
    first = same.index(False) if False in same else None
    end = len(pairs) if first is None else first + 1
    last = range(max(0, end - LINES_SHOWN), end)
    rows = [(pairs[place][0].text, pairs[place][1].line, same[place]) for place in last]
    return render("tabs/code/comparison.html.j2", verdict=_verdict(receipt, snapshot, own, same), rows=rows)


def _verdict(receipt: "Receipt", snapshot: Snapshot, own: "Receipt | None", same: list[bool]) -> str:
    run = snapshot.run
    if False in same:
        place = receipt.lines[same.index(False)].place
        return f"✗ It does not come out the same here. The first line that differs is {place}. {_reasons(receipt, own)}"
    agreed = f"{len(same):,} of {len(receipt.lines):,} lines agree"
    if receipt.ended == "stopped" and len(same) == len(receipt.lines):
        return (
            f"✓ {agreed}. The run of the receipt was stopped after {receipt.steps:,} mini-batches, and this one goes "
            "on, so accuracy and weights are not compared; the command `verify` does that."
        )
    if run.active:
        return f"… {agreed} so far, after {run.step:,} of {run.steps:,} mini-batches."
    if own is None:
        return f"The run here ended in another way ({run.state}); {agreed}."
    from cifar_core.teach.verify import first_difference

    differs = first_difference(receipt, own)
    if differs:
        return f"✗ {agreed}. {differs} {_reasons(receipt, own)}"
    return (
        f"✓ Everything agrees: {agreed}, accuracy {percent(own.correct / own.total)}, and the weights to the last bit."
    )


def _reasons(receipt: "Receipt", own: "Receipt | None") -> str:
    if own is None:
        return ""
    from cifar_core.teach.verify import environment_note

    return environment_note(receipt, own.device)
