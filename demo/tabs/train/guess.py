"""Predict first: what a learner expects of a run, kept in his browser and compared with what came.

It is all his own: the server keeps nothing of it, and a run without a prediction is as good as one with.
"""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from cifar_core.data import image_set
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from cifar_core.runs.records import Run, TestResult
from cifar_core.runs.service import Service
from demo.widgets.format import percent

STORAGE_KEY = "cifar-demo-predictions"
STORAGE_SECRET = "fixed-so-that-a-restart-keeps-them"
MOST = 30
"""predictions kept in a browser"""
GOOD = 0.03
"""an accuracy that is off by no more is called close"""


@dataclass(frozen=True)
class Guess:
    """What somebody expects. None, or an empty word, is what he did not say."""

    accuracy: float | None
    """percent"""
    hardest: str
    """the class with the fewest right answers"""
    diverges: str
    """yes or no"""


def read_guess(stored: object) -> Guess | None:
    """The prediction in what a browser kept; None where there is none."""
    if not isinstance(stored, list | tuple) or len(stored) != 3:
        return None
    accuracy, hardest, diverges = stored
    number = float(accuracy) if isinstance(accuracy, int | float) and not isinstance(accuracy, bool) else None
    if number is not None and not 0 <= number <= 100:
        return None
    prediction = Guess(number, str(hardest or "")[:60], diverges if diverges in ("yes", "no") else "")
    return prediction if prediction != Guess(None, "", "") else None


def guess_html(prediction: Guess | None, run: Run, result: TestResult | None, classes: tuple[str, ...]) -> str:
    """What was expected beside what came; before the end only what was expected."""
    if prediction is None:
        return ""
    rows = []
    if prediction.accuracy is not None:
        came = percent(result.accuracy) if result else ""
        rows.append(
            ("Accuracy", f"{prediction.accuracy:g}\N{NO-BREAK SPACE}%", came, _about_accuracy(prediction, result))
        )
    if prediction.hardest:
        rows.append(("Hardest class", prediction.hardest, *_about_hardest(prediction, result, classes)))
    if prediction.diverges:
        came = "" if run.active else "yes" if run.state == "diverged" else "no"
        verdict = "" if not came else "✓ as you said" if came == prediction.diverges else "✗ not as you said"
        rows.append(("Loss becomes NaN", prediction.diverges, came, verdict))
    cells = "".join(
        f"<tr><th scope='row'>{name}</th>" + "".join(f"<td>{html.escape(part)}</td>" for part in parts) + "</tr>"
        for name, *parts in rows
    )
    waiting = "<p class='quiet'>The right-hand side is filled in when the run has ended.</p>" if run.active else ""
    return (
        "<section class='result'><h3>What you predicted</h3><table class='facts-table'><thead><tr><th></th>"
        f"<th>You said</th><th>It came</th><th></th></tr></thead><tbody>{cells}</tbody></table>{waiting}</section>"
    )


def _about_accuracy(prediction: Guess, result: TestResult | None) -> str:
    if result is None or prediction.accuracy is None:
        return ""
    off = prediction.accuracy / 100 - result.accuracy
    if abs(off) <= GOOD:
        return "✓ close"
    return f"{100 * abs(off):.1f} points too {'high' if off > 0 else 'low'}"


def _about_hardest(prediction: Guess, result: TestResult | None, classes: tuple[str, ...]) -> tuple[str, str]:
    """What came, and whether it was said."""
    shares = dict(zip(classes, result.per_class, strict=True)) if result else {}
    known = {name: share for name, share in shares.items() if share is not None}
    if not known:
        return "", ""
    hardest = min(known, key=known.__getitem__)
    came = f"{hardest} ({percent(known[hardest])} right)"
    if prediction.hardest == hardest:
        return came, "✓ as you said"
    if prediction.hardest in known:
        return came, f"✗ of {prediction.hardest}, {percent(known[prediction.hardest])} are right"
    return came, "✗ not as you said"


@dataclass(frozen=True, eq=False)
class GuessFields:
    """The fields in which one says it, and where it is shown."""

    accuracy: gr.Number
    hardest: gr.Dropdown
    diverges: gr.Radio
    kept: gr.BrowserState

    @property
    def asked(self) -> list[Any]:
        """The three questions."""
        return [self.accuracy, self.hardest, self.diverges]


def build_guess(source: DataSource) -> GuessFields:
    """Lay out the questions; they may be left alone."""
    kept = gr.BrowserState({}, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
    with gr.Accordion(
        "Predict first: how will it end?", open=False, elem_id="prediction", elem_classes="part-prediction"
    ):
        gr.HTML(
            "<p class='quiet'>Say what you expect, then press Start: at the end the page compares. Whatever you leave "
            "empty is not asked.</p>"
        )
        with gr.Row():
            accuracy = gr.Number(
                None, label="Accuracy in %", minimum=0, maximum=100, elem_id="predict-accuracy", min_width=100
            )
            hardest = gr.Dropdown(
                list(source.splits.test.classes),
                value=None,
                label="Hardest class",
                elem_id="predict-hardest",
                min_width=120,
            )
            diverges = gr.Radio(
                ["no", "yes"], value=None, label="Will the loss become NaN?", elem_id="predict-diverges", min_width=120
            )
    return GuessFields(accuracy, hardest, diverges, kept)


def kept_with(stored: object, run: str, answers: tuple[Any, ...]) -> dict[str, Any]:
    """What the browser keeps once `answers` were given about `run`: the newest MOST."""
    old = {str(key): value for key, value in stored.items()} if isinstance(stored, Mapping) else {}
    if not run or read_guess(answers) is None:
        return old
    new = old | {run: json.loads(json.dumps(answers))}
    return dict(list(new.items())[-MOST:])


def compared(service: Service, run_id: str, stored: object) -> str:
    """The prediction about a run beside what came; empty where there is none."""
    prediction = read_guess(stored.get(run_id)) if isinstance(stored, Mapping) else None
    if prediction is None:
        return ""
    try:
        snapshot = service.snapshot(run_id)
        run = snapshot.run
        result = snapshot.result if snapshot.result and snapshot.result.step == run.step and not run.active else None
        classes = image_set.load(Path(run.data)).test.classes if result else ()
    except CifarError:
        return ""
    return guess_html(prediction, run, result, classes)
