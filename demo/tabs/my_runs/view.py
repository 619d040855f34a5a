"""What the page shows of several runs beside each other: made from snapshots, without any Gradio."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cifar_core.config import CHANGEABLE, FIELDS, TrainConfig
from cifar_core.errors import RunError
from cifar_core.runs.bundle import data_words
from cifar_core.runs.records import Snapshot
from cifar_core.runs.service import Service
from cifar_core.runs.smoothing import smoothed
from demo.widgets.chart import MAX_SERIES, chart_text, series_of, told_apart
from demo.widgets.format import duration, percent
from demo.widgets.templates import render

NEEDS = {"patience": "patience", "target_accuracy": "accuracy"}
"""settings that only one stop rule reads, and that rule"""
COMPARED = tuple(name for name in FIELDS if name != "report_every")
"""the settings worth a row; how often a line is logged changes nothing in what is learned"""
TUTORIAL = TrainConfig()
UNSOLVED = "a quiz, not solved yet"
"""in place of the mistake that is still to be guessed"""


@dataclass(frozen=True)
class RunRow:
    """One run in the list of all."""

    name: str
    settings: str
    """those unlike the tutorial's, in words"""
    accuracy: str
    time: str
    state: str


@dataclass(frozen=True)
class Difference:
    """One row of the table that compares runs: a cell for each run."""

    name: str
    cells: tuple[str, ...]
    kind: str = ""
    """CSS class of the cells"""


def snapshots_of(service: Service, owner: str, runs: Sequence[str]) -> list[Snapshot]:
    """Return these runs of the visitor's own, in the order given; raise RunError if one is gone or not theirs."""
    if len(runs) > MAX_SERIES:
        raise RunError(f"Choose at most {MAX_SERIES} runs: the lines of more could not be told apart.")
    return [service.snapshot(service.own(owner, run).id) for run in runs]


def list_html(snapshots: Sequence[Snapshot]) -> Markup:
    """Return all runs of a visitor, a row each: name, settings unlike the tutorial's, accuracy, time, state."""
    rows = [
        RunRow(one.run.name, unlike_tutorial(one), accuracy_words(one), duration(one.run.busy), one.run.state)
        for one in snapshots
    ]
    return render("tabs/my_runs/list.html.j2", rows=rows)


def curves_text(snapshots: Sequence[Snapshot]) -> str:
    """Return the chart in which the curves of these runs lie over each other."""
    return chart_text(told_apart([series_of(snapshot) for snapshot in snapshots]))


def comparison_html(snapshots: Sequence[Snapshot]) -> Markup:
    """Return a table of what differs among these runs, or what to do where there are fewer than two."""
    states = [snapshot.run.state for snapshot in snapshots]
    names = [snapshot.run.name for snapshot in snapshots]
    rows = differences(snapshots) if len(snapshots) > 1 else []
    return render("tabs/my_runs/comparison.html.j2", names=names, rows=rows, states=states)


def differences(snapshots: Sequence[Snapshot]) -> list[Difference]:
    """Return a row for each setting that differs among the runs, then how they did."""
    rows = [
        Difference(FIELDS[name].label, tuple(setting_words(one, name) for one in snapshots))
        for name in differing(snapshots)
    ]
    rows = rows or [Difference("Settings", ("the same",) * len(snapshots))]
    data = tuple(data_words(snapshot.run) for snapshot in snapshots)
    if len(set(data)) > 1:
        rows.append(Difference("Data", data))
    return [
        *rows,
        Difference("Accuracy", tuple(accuracy_words(one) for one in snapshots), "best number"),
        Difference("Training loss", tuple(_last_loss(one) for one in snapshots), "number"),
        Difference("Time", tuple(duration(one.run.busy) for one in snapshots), "number"),
    ]


def differing(snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the settings that are not the same, or were not changed in the same way, in all of these runs."""
    return [name for name in COMPARED if len({setting_words(snapshot, name) for snapshot in snapshots}) > 1]


def unlike_tutorial(snapshot: Snapshot) -> str:
    """Return the settings of a run that are not the tutorial's, in words."""
    parts = []
    for name in COMPARED:
        words = setting_words(snapshot, name)
        if words not in ("–", _value(name, getattr(TUTORIAL, name))):
            parts.append(f"{FIELDS[name].label.lower()} {words}")
    return " · ".join(parts) or "nothing: the tutorial's own settings"


def setting_words(snapshot: Snapshot, name: str) -> str:
    """Return a setting from the start to now: 0.001, or 0.001 → 0.01 after step 500, or – where nothing reads it."""
    config = snapshot.run.config
    if name == "mistake" and snapshot.run.secret:
        return UNSOLVED
    if name in NEEDS and config.stop_rule != NEEDS[name]:
        return "–"
    words = _value(name, getattr(config, name))
    for change in snapshot.changes:
        if change.name == name and name in CHANGEABLE:
            words += f" → {_value(name, change.value)} after step {change.step:,}"
        elif change.name == name:  # epochs: the run had ended and trained on
            words += f", trained on after step {change.step:,}"
    return words


def accuracy_words(snapshot: Snapshot) -> str:
    """Return the accuracy on all test images; of an active run that on a part of them, so far."""
    run, result = snapshot.run, snapshot.result
    if run.active:
        return percent(None) if run.accuracy is None else f"{percent(run.accuracy)} so far"
    return percent(result.accuracy if result and result.step == run.step else None)


def _value(name: str, value: float | str) -> str:
    return value.replace("_", " ") if isinstance(value, str) else f"{value:.10g}"


def _last_loss(snapshot: Snapshot) -> str:
    means = smoothed(snapshot)
    return f"{means[-1][1]:.3f}" if means else "–"
