"""What the tab Lab shows of a pair of runs, and of the mistake between them."""

from markupsafe import Markup

from cifar_core.config import TrainConfig
from cifar_core.mistakes import MISTAKES, code_of
from cifar_core.runs.pairs import Pair
from cifar_core.runs.records import Snapshot
from cifar_core.runs.smoothing import smoothed
from demo.widgets.chart import chart_text, series_of
from demo.widgets.format import duration, percent
from demo.widgets.templates import message_box, render

NAMES = ("baseline", "faulty")
"""of the two lines"""
NEAR_LOSS, NEAR_ACCURACY = 0.1, 0.05
"""two runs that differ by less than this might as well differ in their seeds alone"""

NO_PAIR = "Choose a mistake and press Run both. The two curves grow here, in one chart."
SECRET_CODE = "The line of code is shown when you have answered."


def board_html(pair: Pair | None) -> Markup:
    """Return the newest numbers of a pair. While it is active, the page asks for news of it.

    A mistake that is still to be guessed is not in it.
    """
    if pair is None:
        return render("tabs/lab/board.html.j2", pair=None, message=NO_PAIR)
    runs = (pair.baseline, pair.faulty)
    return render(
        "tabs/lab/board.html.j2",
        pair=pair,
        label="" if pair.secret else pair.mistake.label,
        version=version_of(pair),
        rows=[_row(name, snapshot) for name, snapshot in zip(NAMES, runs, strict=True)],
    )


def chart_of(pair: Pair | None, classes: int) -> str:
    """Return the value of the chart: both curves, with what guessing among so many classes gives."""
    if pair is None:
        return ""
    series = [series_of(pair.baseline, NAMES[0]), series_of(pair.faulty, NAMES[1], dashed=True)]
    return chart_text(series, pair.baseline.run.config.epochs, classes=classes)


def words_html(pair: Pair | None) -> Markup:
    """Return what to look for, and what this pair's own numbers show; a hint while the mistake is to be guessed."""
    if pair is None:
        return Markup()
    look_for = "" if pair.secret else pair.mistake.look_for
    numbers = "" if pair.secret else numbers_sentence(pair)
    return render("tabs/lab/words.html.j2", look_for=look_for, numbers=numbers, active=pair.active)


def version_of(pair: Pair) -> str:
    """Return a text that changes whenever the pair is to be shown anew."""
    parts = [str(pair.secret)]
    for run in (pair.baseline.run, pair.faulty.run):
        parts += [run.id, run.state, str(run.step), str(run.accuracy)]
    return " ".join(parts)


def _row(name: str, snapshot: Snapshot) -> dict[str, str]:
    run = snapshot.run
    facts = f"epoch {max(run.epoch, 1)} of {run.config.epochs}"
    if run.state == "running" and run.speed:
        facts += f", {duration((run.config.epochs * run.images - run.seen) / run.speed)} left"
    elif run.state == "testing":
        facts = "on the test images"
    elif run.state in ("diverged", "failed"):
        facts = run.message
    accuracy = percent(accuracy_of(snapshot))
    return {"name": name, "state": run.state, "facts": facts, "loss": last_loss(snapshot), "accuracy": accuracy}


def last_loss(snapshot: Snapshot) -> str:
    """Return the smoothed loss as text; NaN where it is no number any more."""
    if snapshot.run.state == "diverged":
        return "NaN"
    loss = loss_of(snapshot)
    return "–" if loss is None else f"{loss:,.2f}" if loss < 100 else f"{loss:,.0f}"


def loss_of(snapshot: Snapshot) -> float | None:
    """Return the smoothed loss; None before the first point, or where it is no number."""
    if snapshot.run.state == "diverged" or not snapshot.points:
        return None
    return smoothed(snapshot)[-1][1]


def accuracy_of(snapshot: Snapshot) -> float | None:
    """Return the fraction of right predictions: on all test images at the end; None where the Net has become NaN."""
    run, result = snapshot.run, snapshot.result
    if run.state == "diverged":
        return None
    return result.accuracy if result and not run.active and result.step == run.step else run.accuracy


def numbers_sentence(pair: Pair) -> str:
    """Compare the pair by its own numbers; empty before there are any."""
    if not all(run.points for run in (pair.baseline, pair.faulty)):
        return ""
    words = f"Baseline: {_both_numbers(pair.baseline)}. With the mistake: {_both_numbers(pair.faulty)}."
    if pair.faulty.run.state == "diverged":
        words += (
            " The loss of the faulty run is no number any more (NaN), nor are its weights: there is nothing left to "
            "test."
        )
    return words if pair.active else words + _conclusion(pair)


def _both_numbers(snapshot: Snapshot) -> str:
    share = accuracy_of(snapshot)
    return f"loss {last_loss(snapshot)}" + ("" if share is None else f", accuracy {percent(share)}")


def _conclusion(pair: Pair) -> str:
    """Say what may be concluded once both have ended."""
    if pair.word == "test_data":
        return (
            " The second accuracy is on the very images that this Net was trained with: it says nothing about new ones."
        )
    near_loss = _near(loss_of(pair.baseline), loss_of(pair.faulty), NEAR_LOSS)
    if near_loss and _near(accuracy_of(pair.baseline), accuracy_of(pair.faulty), NEAR_ACCURACY):
        return " Two seeds alone could make so small a difference: this mistake is found in the code, not in a curve."
    if near_loss:
        return " The loss does not show it: only an evaluation on test images shows that something is wrong."
    return ""


def _near(one: float | None, other: float | None, distance: float) -> bool:
    return one is not None and other is not None and abs(one - other) < distance


def about_html(word: str) -> Markup:
    """Return what a mistake is, before it is made."""
    mistake = MISTAKES[word]
    subtle = " It hardly shows within a minute, which is worth knowing too." if mistake.subtle else ""
    return message_box(mistake.what + subtle)


def code_html(word: str, config: TrainConfig) -> Markup:
    """Return the training in short, right and with this mistake; the line that differs is marked in both."""
    right, wrong = code_of(word, config)
    mark = "one line too many" if len(wrong) > len(right) else "the mistake"
    listings = (("Right", right, "as it should be"), ("With the mistake", wrong, mark))
    return render("tabs/lab/code.html.j2", label=MISTAKES[word].label, listings=listings)


def verdict_html(guess: str, word: str) -> Markup:
    """Return whether the answer to a quiz is right, and what the mistake is."""
    return render("tabs/lab/verdict.html.j2", right=guess == word, guess=MISTAKES[guess], mistake=MISTAKES[word])
