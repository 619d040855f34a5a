"""The findings about a run as plain sentences, each with the numbers it stands on."""

import html
from collections.abc import Sequence
from pathlib import Path

from cifar_core.config import CLASSES, FIELDS
from cifar_core.data import image_set
from cifar_core.errors import DataError
from cifar_core.runs.records import Point, Snapshot
from cifar_core.runs.service import Service
from cifar_core.teach.findings import (
    AfterChange,
    Diverged,
    Falling,
    Finding,
    Flat,
    Guessing,
    MostConfused,
    Noisy,
    OneClass,
    Overfitting,
    Rising,
    ValidationAccuracy,
    findings,
)
from demo.widgets.format import percent

EMPTY = "Once the curve has ten points, this place says what it shows."


def story_of(service: Service, snapshot: Snapshot, points: Sequence[Point], until: int) -> str:
    """What there is to say of a run as of its step `until`, or of its end; `points` are all from the first.

    Told at the steps of log lines and probes only, it does not talk without a pause, and is the same on every page.
    """
    run = snapshot.run
    until = until if run.active else run.step
    try:
        classes = image_set.load(Path(run.data)).test.classes
        frames = [frame for frame in service.frames(run.id) if frame.step <= until]
    except DataError:  # the pictures are gone; the curve is still there
        classes, frames = CLASSES, []
    found = findings(
        run,
        [point for point in points if point.step <= until],
        [probe for probe in snapshot.probes if probe.step <= until],
        [change for change in snapshot.changes if change.step <= until],
        frames[-1] if frames else None,
        len(classes),
    )
    return story_html(found, classes, going=run.active)


def story_html(found: tuple[Finding, ...], classes: tuple[str, ...], *, going: bool) -> str:
    """What there is to say of a run, as a list; `going` is whether it still trains."""
    sentences = [sentence(finding, classes, going=going) for finding in found] or [EMPTY]
    items = "".join(f"<li>{html.escape(one)}</li>" for one in sentences)
    return f"<h4>What the numbers say</h4><ul class='story'>{items}</ul>"


def sentence(finding: Finding, classes: tuple[str, ...], *, going: bool = True) -> str:
    """One finding in words."""
    match finding:
        case Guessing(loss, chance):
            return (
                f"The loss is {loss:.2f}. Guessing among {len(classes)} classes gives {chance:.2f}: so far the Net "
                "only guesses."
            )
        case Falling(before, now, images) if going:
            return f"The loss is falling: from {before:.2f} to {now:.2f} over the last {images:,} images."
        case Falling(before, now, images):
            return (
                f"The loss was still falling at the end: from {before:.2f} to {now:.2f} over the last {images:,} "
                "images. More epochs may help."
            )
        case Flat(loss, images):
            return f"The loss {'stays' if going else 'stayed'} at about {loss:.2f} for the last {images:,} images."
        case Rising(before, now, images):
            return (
                f"The loss {'is rising' if going else 'was rising at the end'}: from {before:.2f} to {now:.2f} over "
                f"the last {images:,} images. Smaller steps (a lower learning rate) may help."
            )
        case Noisy(low, high):
            return (
                f"The points jump between {low:.2f} and {high:.2f}: each stands for a few mini-batches, and some are "
                "harder than others. Watch the line, which is a mean of many."
            )
        case Diverged(step, last):
            was = f" (the last that was one: {last:.2f})" if last is not None else ""
            return (
                f"After {step:,} mini-batches the loss is no number any more{was}. The steps were too large: try a "
                "tenth of the learning rate."
            )
        case ValidationAccuracy(now, error, before, total):
            since = f"; the first time it was {percent(before)}" if before is not None else ""
            return f"It answers {percent(now)} of {total:,} test images right, give or take {percent(error)}{since}."
        case Overfitting(best, images, now):
            return (
                f"The loss falls, but on the test images it was better before: {percent(best)} after {images:,} "
                f"images, {percent(now)} now. It has begun to learn its pictures by heart."
            )
        case OneClass(label, share):
            return f"To {percent(share)} of all test images it says {classes[label]}: it has one answer for nearly all."
        case MostConfused(true, predicted, count, of):
            return f"Most often it takes a {classes[true]} for a {classes[predicted]}: {count} of {of} times."
        case AfterChange(name, value, before, now):
            return (
                f"Since the {FIELDS[name].label.lower()} became {value:g}, the mean loss went from {before:.2f} to "
                f"{now:.2f}."
            )
