"""Predict first: what a learner expects of a run, stored in their browser and compared with the result.

The server stores nothing of it, and a run without a guess is as good as one with.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cifar_core.errors import CifarError
from cifar_core.runs.images import images_of
from cifar_core.runs.records import Run, TestResult
from cifar_core.runs.service import Service
from demo.widgets.format import percent
from demo.widgets.templates import render

STORAGE_KEY = "cifar-demo-predictions"
STORAGE_SECRET = "fixed-so-that-a-restart-keeps-them"
MAX_GUESSES = 30
"""guesses stored in a browser"""
CLOSE = 0.03
"""an accuracy that is off by no more is called close"""
AS_PREDICTED, NOT_AS_PREDICTED = "✓ as predicted", "✗ not as predicted"


@dataclass(frozen=True)
class Guess:
    """What somebody expects. None, or an empty word, is what they left out."""

    accuracy: float | None
    """percent"""
    hardest: str
    """the class with the fewest right predictions"""
    diverges: str
    """yes or no"""


@dataclass(frozen=True)
class Row:
    """One thing that was predicted, beside what came."""

    name: str
    guess: str
    result: str = ""
    """empty before the end"""
    verdict: str = ""


def read_guess(stored: object) -> Guess | None:
    """Return the guess in what a browser has stored; None where there is none."""
    if not isinstance(stored, list | tuple) or len(stored) != 3:
        return None
    accuracy, hardest, diverges = stored
    number = float(accuracy) if isinstance(accuracy, int | float) and not isinstance(accuracy, bool) else None
    if number is not None and not 0 <= number <= 100:
        return None
    guess = Guess(number, str(hardest or "")[:60], diverges if diverges in ("yes", "no") else "")
    return guess if guess != Guess(None, "", "") else None


def with_guess(stored: object, run: str, answers: tuple[Any, ...]) -> dict[str, Any]:
    """Return what the browser stores once `answers` were given about `run`: the newest MAX_GUESSES."""
    old = {str(key): value for key, value in stored.items()} if isinstance(stored, Mapping) else {}
    if not run or read_guess(answers) is None:
        return old
    new = old | {run: json.loads(json.dumps(answers))}
    return dict(list(new.items())[-MAX_GUESSES:])


def compared(service: Service, run_id: str, stored: object) -> str:
    """Return the guess about a run beside the result; empty where there is none."""
    guess = read_guess(stored.get(run_id)) if isinstance(stored, Mapping) else None
    if guess is None:
        return ""
    try:
        snapshot = service.snapshot(run_id)
        run = snapshot.run
        result = snapshot.result if snapshot.result and snapshot.result.step == run.step and not run.active else None
        classes = images_of(run).test.classes if result else ()
    except CifarError:
        return ""
    return guess_html(guess, run, result, classes)


def guess_html(guess: Guess, run: Run, result: TestResult | None, classes: tuple[str, ...]) -> str:
    """Return what was predicted beside what came; before the end only what was predicted."""
    rows = []
    if guess.accuracy is not None:
        came = percent(result.accuracy) if result else ""
        rows.append(
            Row("Accuracy", f"{guess.accuracy:g}\N{NO-BREAK SPACE}%", came, _about_accuracy(guess.accuracy, result))
        )
    if guess.hardest:
        rows.append(Row("Hardest class", guess.hardest, *_about_hardest(guess.hardest, result, classes)))
    if guess.diverges:
        came = "" if run.active else "yes" if run.state == "diverged" else "no"
        verdict = "" if not came else AS_PREDICTED if came == guess.diverges else NOT_AS_PREDICTED
        rows.append(Row("Loss becomes NaN", guess.diverges, came, verdict))
    return render("tabs/train/guess.html.j2", rows=rows, active=run.active)


def _about_accuracy(guess: float, result: TestResult | None) -> str:
    if result is None:
        return ""
    off = guess / 100 - result.accuracy
    if abs(off) <= CLOSE:
        return "✓ close"
    return f"{100 * abs(off):.1f} points too {'high' if off > 0 else 'low'}"


def _about_hardest(guess: str, result: TestResult | None, classes: tuple[str, ...]) -> tuple[str, str]:
    """Return the hardest class, and whether it was predicted."""
    shares = dict(zip(classes, result.per_class, strict=True)) if result else {}
    known = {name: share for name, share in shares.items() if share is not None}
    if not known:
        return "", ""
    hardest = min(known, key=known.__getitem__)
    came = f"{hardest} ({percent(known[hardest])} right)"
    if guess == hardest:
        return came, AS_PREDICTED
    if guess in known:
        return came, f"✗ of {guess}, {percent(known[guess])} are right"
    return came, NOT_AS_PREDICTED
