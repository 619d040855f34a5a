"""What the page shows of several runs beside each other: made from snapshots, without any Gradio."""

import html
from collections.abc import Sequence

from cifar_core.config import CHANGEABLE, FIELDS, TrainConfig
from cifar_core.errors import RunError
from cifar_core.runs.bundle import data_words
from cifar_core.runs.records import Snapshot
from cifar_core.runs.service import Service
from demo.widgets.figures import MOST_CURVES, Curve, compare_curves
from demo.widgets.format import STATES, duration, percent
from demo.widgets.smoothing import smoothed
from demo.widgets.templates import message_box

NEEDS = {"patience": "patience", "target_accuracy": "accuracy"}
"""settings that only one stop rule reads, and that rule"""
COMPARED = tuple(name for name in FIELDS if name != "report_every")
"""the settings worth a row; how often a line is logged changes nothing in what is learned"""
TUTORIAL = TrainConfig()

NO_RUNS = "You have no runs yet. Start one in the Train tab, and it stands here from then on."
TICK = "Tick two or more runs: their curves are laid over each other, with a table of what differs."


def snapshots_of(service: Service, owner: str, runs: Sequence[str]) -> list[Snapshot]:
    """These runs of the visitor's own, in the order of the list. Raises RunError for one that is gone or not his."""
    if len(runs) > MOST_CURVES:
        raise RunError(f"Choose at most {MOST_CURVES} runs: the lines of more could not be told apart.")
    return [service.snapshot(service.own(owner, run).id) for run in runs]


def list_html(snapshots: Sequence[Snapshot]) -> str:
    """All runs of a visitor, a row each: name, settings unlike the tutorial's, accuracy, time, state."""
    if not snapshots:
        return message_box(NO_RUNS)
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(snapshot.run.name)}</th><td>{html.escape(unlike_tutorial(snapshot))}</td>"
        f"<td class='number'>{accuracy_words(snapshot)}</td><td class='number'>{duration(snapshot.run.busy)}</td>"
        f"<td>{_chip(snapshot)}</td></tr>"
        for snapshot in snapshots
    )
    head = "<th>Name</th><th>Unlike the tutorial</th><th>Accuracy</th><th>Time</th><th>State</th>"
    return f"<table class='facts-table runs'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def comparison_html(snapshots: Sequence[Snapshot]) -> str:
    """The curves of the runs over each other, and below them a table of what differs."""
    if not snapshots:
        return message_box(TICK)
    table = (
        f"<div class='scroll' tabindex='0'>{differences_html(snapshots)}</div>"
        if len(snapshots) > 1
        else message_box(TICK)
    )
    return (
        f"<section class='comparison'>{compare_curves([curve_of(snapshot) for snapshot in snapshots])}{table}</section>"
    )


def differences_html(snapshots: Sequence[Snapshot]) -> str:
    """A row for each setting that differs among the runs, then how they did; a column for each run."""
    rows = [(FIELDS[name].label, [setting_words(one, name) for one in snapshots]) for name in differing(snapshots)]
    rows = rows or [("Settings", ["the same"] * len(snapshots))]
    data = [data_words(snapshot.run) for snapshot in snapshots]
    if len(set(data)) > 1:
        rows.append(("Data", data))
    body = "".join(_row(name, [html.escape(cell) for cell in cells]) for name, cells in rows)
    body += _row("Accuracy", [accuracy_words(snapshot) for snapshot in snapshots], "best number")
    body += _row("Training loss", [_last_loss(snapshot) for snapshot in snapshots], "number")
    body += _row("Time", [duration(snapshot.run.busy) for snapshot in snapshots], "number")
    body += _row("State", [_chip(snapshot) for snapshot in snapshots])
    names = "".join(f"<th scope='col'>{html.escape(snapshot.run.name)}</th>" for snapshot in snapshots)
    return (
        f"<table class='facts-table differences'><thead><tr><th>What differs</th>{names}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def differing(snapshots: Sequence[Snapshot]) -> list[str]:
    """The settings that are not the same, or were not changed in the same way, in all of these runs."""
    return [name for name in COMPARED if len({setting_words(snapshot, name) for snapshot in snapshots}) > 1]


def unlike_tutorial(snapshot: Snapshot) -> str:
    """The settings of a run that are not the tutorial's, as words."""
    told = []
    for name in COMPARED:
        words = setting_words(snapshot, name)
        if words not in ("–", _value(name, getattr(TUTORIAL, name))):
            told.append(f"{FIELDS[name].label.lower()} {words}")
    return " · ".join(told) or "nothing: the tutorial's own settings"


def setting_words(snapshot: Snapshot, name: str) -> str:
    """A setting of a run from its start to now: 0.001, or 0.001 → 0.01 after step 500, or – where nothing reads it."""
    config = snapshot.run.config
    if name in NEEDS and config.stop_rule != NEEDS[name]:
        return "–"
    words = _value(name, getattr(config, name))
    for change in snapshot.changes:
        if change.name == name and name in CHANGEABLE:
            words += f" → {_value(name, change.value)} after step {change.step:,}"
        elif change.name == name:  # epochs: the run had ended and was told to train on
            words += f", trained on after step {change.step:,}"
    return words


def accuracy_words(snapshot: Snapshot) -> str:
    """The share of right answers on all test images; of a run that is going, on a part of them, so far."""
    run, result = snapshot.run, snapshot.result
    if run.active:
        return percent(None) if run.accuracy is None else f"{percent(run.accuracy)} so far"
    return percent(result.accuracy if result and result.step == run.step else None)


def curve_of(snapshot: Snapshot) -> Curve:
    """The run's smoothed loss and its accuracy over epochs."""
    run = snapshot.run
    losses = smoothed(snapshot)
    accuracy = [(probe.images / run.images, probe.correct / probe.total) for probe in snapshot.probes]
    return Curve(run.name, tuple(losses), tuple(accuracy))


def _value(name: str, value: float | str) -> str:
    return value.replace("_", " ") if isinstance(value, str) else f"{value:.10g}"


def _last_loss(snapshot: Snapshot) -> str:
    means = smoothed(snapshot)
    return f"{means[-1][1]:.3f}" if means else "–"


def _row(name: str, cells: Sequence[str], kind: str = "") -> str:
    return f"<tr><th scope='row'>{name}</th>{''.join(f'<td class={kind!r}>{cell}</td>' for cell in cells)}</tr>"


def _chip(snapshot: Snapshot) -> str:
    state = snapshot.run.state
    return f"<span class='chip {state}'>{STATES[state]}</span>"
