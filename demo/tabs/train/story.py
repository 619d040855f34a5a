"""The findings about a run as plain sentences, each with the numbers it stands on."""

from collections.abc import Sequence

from markupsafe import Markup

from cifar_core.config import CLASSES, FIELDS
from cifar_core.errors import RunError
from cifar_core.runs.images import images_of
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
from demo.widgets.templates import render

EMPTY = "Once the curve has ten points, the page explains here what it shows."


def story_of(service: Service, snapshot: Snapshot, points: Sequence[Point], until: int) -> Markup:
    """Return what there is to say of a run at its step `until`, or at its end; `points` are all from the first.

    `until` is the step of a log line or a validation: so the text does not change with every point, and is the same
    on every page.
    """
    run = snapshot.run
    until = until if run.active else run.step
    try:
        classes = images_of(run).test.classes
        frames = [frame for frame in service.frames(run.id) if frame.step <= until]
    except RunError:  # the images are gone; the curve is still there
        classes, frames = CLASSES, []
    found = findings(
        run,
        [point for point in points if point.step <= until],
        [one for one in snapshot.validations if one.step <= until],
        [change for change in snapshot.changes if change.step <= until],
        frames[-1] if frames else None,
        len(classes),
    )
    return story_html(found, classes, active=run.active)


def story_html(found: tuple[Finding, ...], classes: tuple[str, ...], *, active: bool) -> Markup:
    """Return the findings as a list of sentences; `active` is whether the run still trains."""
    sentences = [sentence(finding, classes, active=active) for finding in found] or [EMPTY]
    return render("tabs/train/story.html.j2", sentences=sentences)


def sentence(finding: Finding, classes: tuple[str, ...], *, active: bool = True) -> str:
    """Return one finding in words; `active` is whether the run still trains."""
    match finding:
        case Guessing(loss, chance):
            return (
                f"The loss is {loss:.2f}. Guessing among {len(classes)} classes gives {chance:.2f}: so far the Net "
                "only guesses."
            )
        case Falling(before, now, images) if active:
            return f"The loss is falling: from {before:.2f} to {now:.2f} over the last {images:,} images."
        case Falling(before, now, images):
            return (
                f"The loss was still falling at the end: from {before:.2f} to {now:.2f} over the last {images:,} "
                "images. More epochs may help."
            )
        case Flat(loss, images):
            return f"The loss {'stays' if active else 'stayed'} at about {loss:.2f} for the last {images:,} images."
        case Rising(before, now, images):
            return (
                f"The loss {'is rising' if active else 'was rising at the end'}: from {before:.2f} to {now:.2f} over "
                f"the last {images:,} images. Smaller steps (a lower learning rate) may help."
            )
        case Noisy(low, high):
            return (
                f"The points jump between {low:.2f} and {high:.2f}: each stands for a few mini-batches, and some are "
                "harder than others. Watch the line, which is a mean of many."
            )
        case Diverged(step, last):
            was = f" (its last finite value: {last:.2f})" if last is not None else ""
            return (
                f"After {step:,} mini-batches the loss is no longer a number{was}. The steps were too large: try a "
                "tenth of the learning rate."
            )
        case ValidationAccuracy(now, error, before, total):
            since = f"; the first time it was {percent(before)}" if before is not None else ""
            return f"It predicts {percent(now)} of {total:,} test images right, give or take {percent(error)}{since}."
        case Overfitting(best, images, now):
            return (
                f"The loss falls, but on the test images it was better before: {percent(best)} after {images:,} "
                f"images, {percent(now)} now. It has begun to learn its training images by heart."
            )
        case OneClass(label, share):
            return f"It predicts {classes[label]} for {percent(share)} of all test images: one class for nearly all."
        case MostConfused(true, predicted, count, of):
            return f"Most often it predicts {classes[predicted]} for a {classes[true]}: {count} of {of} times."
        case AfterChange(name, value, before, now):
            return (
                f"Since the {FIELDS[name].label.lower()} became {value:g}, the mean loss went from {before:.2f} to "
                f"{now:.2f}."
            )
