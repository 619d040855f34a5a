"""What the tab Lab shows of a pair of runs, and of the mistake between them: as HTML, without any Gradio."""

import html

from cifar_core.config import TrainConfig
from cifar_core.mistakes import MISTAKES, CodeLine, code_of
from cifar_core.runs.records import Snapshot
from demo.tabs.lab.pair import Pair
from demo.tabs.lab.twin_chart import KINDS, line_of, loss_words, twin_chart
from demo.widgets.format import STATES, duration, percent
from demo.widgets.smoothing import smoothed
from demo.widgets.templates import message_box

NAMES = ("healthy", "mistake")
"""of the two lines"""
NEAR_LOSS, NEAR_ACCURACY = 0.1, 0.05
"""two runs that differ by less than this could as well have had two seeds"""
CLASSES = 10

NO_PAIR = "Choose a mistake and press Run both. The two curves grow here, in one chart."
SECRET_CODE = "The line of code is shown when you have answered."
HINT = (
    "One line of code is wrong in the dashed run; settings and seed are the same in both. Look at how high the two "
    "lines are and how they move, in both charts. You may answer while they still train."
)


def board_html(pair: Pair | None, classes: int = CLASSES) -> str:
    """The pair as it is now: a table of the newest numbers, both curves, and what is to be seen in them.

    While it goes on, the page asks for news of it. A mistake that is still to be guessed is not in it.
    """
    if pair is None:
        return f'<section class="lab-board">{message_box(NO_PAIR)}</section>'
    title = "Quiz: which mistake is it?" if pair.secret else f"A healthy run and its twin: {pair.mistake.label}"
    runs = (pair.healthy, pair.wrong)
    rows = "".join(_row(kind, name, run) for kind, name, run in zip(KINDS, NAMES, runs, strict=True))
    lines = [line_of(run, name) for run, name in zip(runs, NAMES, strict=True)]
    chart = twin_chart(lines, pair.healthy.run.config.epochs, classes)
    words = f'<p class="quiet">{HINT}</p>' if pair.secret else f'<div class="lab-words">{_explained(pair)}</div>'
    going = " data-going" if pair.going else ""
    return (
        f'<section class="lab-board" data-version="{version_of(pair)}"{going}><h3>{html.escape(title)}</h3>'
        '<table class="facts-table lab-runs"><thead><tr><th scope="col">Run</th><th scope="col">State</th>'
        f'<th scope="col">Loss</th><th scope="col">Accuracy</th></tr></thead><tbody>{rows}</tbody></table>'
        f"{chart}{words}</section>"
    )


def version_of(pair: Pair) -> str:
    """Another text whenever the pair is to be shown anew."""
    parts = [str(pair.secret)]
    for run in (pair.healthy.run, pair.wrong.run):
        parts += [run.id, run.state, str(run.step), str(run.accuracy)]
    return " ".join(parts)


def _row(kind: str, name: str, snapshot: Snapshot) -> str:
    run = snapshot.run
    facts = f"epoch {max(run.epoch, 1)} of {run.config.epochs}"
    if run.state == "running" and run.speed:
        facts += f", {duration((run.config.epochs * run.images - run.seen) / run.speed)} left"
    elif run.state == "testing":
        facts = "on the test images"
    elif run.state in ("diverged", "failed"):
        facts = run.message
    return (
        f'<tr><th scope="row"><i class="{kind}"></i>{name}</th><td><span class="chip {run.state}">'
        f'{STATES[run.state]}</span><span class="facts">{html.escape(facts)}</span></td>'
        f'<td class="number">{last_loss(snapshot)}</td><td class="number">{percent(accuracy_of(snapshot))}</td></tr>'
    )


def last_loss(snapshot: Snapshot) -> str:
    """The loss over the last twentieth of the run; NaN where it is no number any more."""
    if snapshot.run.state == "diverged":
        return "NaN"
    loss = loss_of(snapshot)
    return "–" if loss is None else loss_words(loss)


def loss_of(snapshot: Snapshot) -> float | None:
    """The mean loss over the last twentieth of the run; None before the first point, or where it is no number."""
    if snapshot.run.state == "diverged" or not snapshot.points:
        return None
    return smoothed(snapshot)[-1][1]


def accuracy_of(snapshot: Snapshot) -> float | None:
    """Share of right answers, 0 to 1: on some test images so far, on all at the end; None for a Net of NaNs."""
    run, result = snapshot.run, snapshot.result
    if run.state == "diverged":
        return None
    return result.accuracy if result and not run.active and result.step == run.step else run.accuracy


def _explained(pair: Pair) -> str:
    """What to look for, and what this pair's own numbers say."""
    parts = [f"<p><b>What to look for.</b> {html.escape(pair.mistake.look_for)}</p>"]
    numbers = numbers_words(pair)
    if numbers:
        when = "So far" if pair.going else "In this pair"
        parts.append(f'<p role="status"><b>{when}.</b> {html.escape(numbers)}</p>')
    return "".join(parts)


def numbers_words(pair: Pair) -> str:
    """The comparison by this pair's own numbers, in sentences; empty before there are any."""
    runs = (pair.healthy, pair.wrong)
    if not all(run.points for run in runs):
        return ""
    words = f"Healthy: {_both_words(pair.healthy)}. With the mistake: {_both_words(pair.wrong)}."
    if pair.wrong.run.state == "diverged":
        words += " The twin's loss is no number any more (NaN), nor are its weights: there is nothing left to test."
    if not pair.going:
        words += _verdict(pair)
    return words


def _both_words(snapshot: Snapshot) -> str:
    share = accuracy_of(snapshot)
    return f"loss {last_loss(snapshot)}" + ("" if share is None else f", accuracy {percent(share)}")


def _verdict(pair: Pair) -> str:
    """What an honest reader may conclude once both have ended."""
    if pair.word == "test_data":
        return (
            " The second accuracy is on the very images that this Net was trained with: it says nothing about new ones."
        )
    near_loss = _near(loss_of(pair.healthy), loss_of(pair.wrong), NEAR_LOSS)
    if near_loss and _near(accuracy_of(pair.healthy), accuracy_of(pair.wrong), NEAR_ACCURACY):
        return " So small a difference two seeds could make as well: this mistake is found in the code, not in a curve."
    if near_loss:
        return " The loss does not show it: only who asks the Net about test images can see that something is wrong."
    return ""


def _near(one: float | None, other: float | None, distance: float) -> bool:
    return one is not None and other is not None and abs(one - other) < distance


def about_html(word: str) -> str:
    """What a mistake is, before it is made."""
    made = MISTAKES[word]
    small = " It hardly shows within a minute, which is worth knowing too." if made.subtle else ""
    return message_box(made.what + small)


def code_html(word: str, config: TrainConfig) -> str:
    """The training in short, right and with this mistake, the line that is not the same marked in both."""
    healthy, wrong = code_of(word, config)
    label = html.escape(MISTAKES[word].label)
    mark = "one line too many" if len(wrong) > len(healthy) else "the mistake"
    return (
        f'<section class="lab-code"><h3>The line of code: {label}</h3><div class="lab-codes">'
        f"<figure><figcaption>Right</figcaption>{_listing(healthy, 'as it should be')}</figure>"
        f"<figure><figcaption>With the mistake</figcaption>{_listing(wrong, mark)}</figure></div></section>"
    )


def _listing(lines: list[CodeLine], mark: str) -> str:
    said = []
    for line in lines:
        words = mark if line.text else "here a line is missing"
        text = html.escape(line.text or " " * 7)
        said.append(f"<mark>{text} <b>← {words}</b></mark>" if line.changed else html.escape(line.text))
    return '<pre tabindex="0"><code>' + "\n".join(said) + "</code></pre>"


def verdict_html(said: str, word: str) -> str:
    """Whether the answer to a quiz is right, and what the mistake is."""
    made = MISTAKES[word]
    judged = "✓ Right." if said == word else f"✗ No, it is not “{MISTAKES[said].label}”."
    return (
        f'<div class="note lab-verdict" role="status"><b>{html.escape(judged)}</b> It is “{html.escape(made.label)}”. '
        f"{html.escape(made.what)}</div>"
    )
