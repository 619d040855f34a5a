"""The frames of a run as the page needs them, all in one text, so that a slider need not wait for the server."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from cifar_core.data import Splits
from cifar_core.errors import CifarError, RunError
from cifar_core.inspect.filters import largest_weight
from cifar_core.runs.records import Frame, FrameTime, Run
from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry
from demo.widgets.confusion import confusion_table, shades
from demo.widgets.filters import filter_strip
from demo.widgets.format import STATES, percent
from demo.widgets.look_at import LookAt
from demo.widgets.templates import message_box, render

NO_RUNS = (
    "You have no run yet. Train a Net on the tab Train: frames of it are saved, and you can move through them here."
)


def run_choices(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Return the runs for a dropdown: what to show of each, and its id."""
    choices = []
    for run in runs:
        accuracy = "" if run.accuracy is None else f" · {percent(run.accuracy)}"
        choices.append((f"{run.name} · {STATES[run.state].lower()}{accuracy}", run.id))
    return choices


def timeline_of(nets: NetRegistry, run_id: object) -> tuple[Markup, str]:
    """Return a run as it is now: the sentence about it, and what the player shows; nothing for an unknown run."""
    try:
        run = nets.service.find(str(run_id))
        frames = nets.service.frames(run.id)
        splits = nets.images(run)
        if not all(frame.confusion.shape == (len(splits.test.classes),) * 2 for frame in frames):
            raise RunError("The images that this run was trained with are no longer on this server.")
        return about_html(run, frames), timeline_json(run, frames, splits)
    except CifarError as error:
        return message_box(str(error), "error"), ""


def news_of(nets: NetRegistry, run_id: object, version: object) -> tuple[Markup, str] | None:
    """Return the same, or None if a page with this `version` shows it already. Cheap to ask."""
    try:
        if version_of(nets.service.find(str(run_id)), nets.service.frame_times(str(run_id))) == version:
            return None
    except CifarError:
        pass  # said below
    return timeline_of(nets, run_id)


def version_of(run: Run, frames: Sequence[FrameTime | Frame]) -> str:
    """Return a text that changes whenever the timeline does."""
    last = frames[-1].step if frames else -1
    return f"{run.state} {len(frames)} {last}"


def image_inside(nets: NetRegistry, run_id: object, step: object, index: object) -> LookAt:
    """Return what opens test image `index` before the Net of a frame. Raise RunError for an unknown frame."""
    steps = [frame.step for frame in nets.service.frame_times(str(run_id))]
    if type(step) is not int or step not in steps or type(index) is not int or index < 0:
        raise RunError("This frame is no longer stored; choose another.")
    return LookAt(NetRef(str(run_id), step), ImageRef("test", index))


def about_html(run: Run, frames: Sequence[FrameTime | Frame]) -> Markup:
    """Return what is special about this timeline, in one sentence; mostly nothing."""
    last = frames[-1].step if frames else -1
    return render("tabs/over_time/about.html.j2", run=run, last=last)


def timeline_json(run: Run, frames: Sequence[Frame], splits: Splits) -> str:
    """Return the timeline for the player, as JSON: its view, and for each frame what is to be put into that.

    In all frames the same colour of a filter is the same weight.
    """
    largest = largest_weight(*(frame.filters for frame in frames))
    content = {
        "run": run.id,
        "version": version_of(run, frames),
        "going": run.active,
        "view": _view_html(frames[0], splits) if frames else "",
        "frames": [_frame(frame, run, splits, largest) for frame in frames],
    }
    return json.dumps(content, separators=(",", ":"))


def _view_html(frame: Frame, splits: Splits) -> Markup:
    """Return what is the same in all frames, with room for what is not."""
    test = splits.test
    images = [(test.images[i], test.classes[test.labels[i]]) for i in range(len(frame.answers))]
    return render(
        "tabs/over_time/view.html.j2",
        strip=filter_strip(np.zeros_like(frame.filters)),
        table=confusion_table(np.zeros_like(frame.confusion), test.classes),
        classes=test.classes,
        total=int(frame.confusion.sum()),
        tested=len(test),
        images=images,
    )


def _frame(frame: Frame, run: Run, splits: Splits, largest: float) -> dict[str, Any]:
    counts, test = frame.confusion, splits.test
    strip = filter_strip(frame.filters, largest)
    return {
        "step": frame.step,
        "title": frame_title(frame, run),
        "filters": [[tile.src, tile.label] for tile in strip.tiles],
        "counts": counts.ravel().tolist(),
        "shades": "".join(str(shade) for row in shades(counts) for shade in row),
        "totals": counts.sum(axis=0).tolist(),
        "most": most_predicted(counts, test.classes),
        "accuracies": [None if share is None else round(share, 4) for share in frame.per_class],
        "images": [
            {"line": _line(answer, int(label), test.classes), "shares": [round(share, 4) for share in answer.tolist()]}
            for answer, label in zip(frame.answers, test.labels, strict=False)
        ],
    }


def _line(probabilities: np.ndarray, label: int, classes: Sequence[str]) -> str:
    best = int(probabilities.argmax())
    return f"predicts {classes[best]} {'✓ right' if best == label else '✗ wrong'}"


def frame_title(frame: Frame, run: Run) -> str:
    """Return when a frame was taken, and how good the Net was then."""
    seen = f"accuracy {percent(frame.accuracy)} on {int(frame.confusion.sum()):,} test images"
    if not frame.step:
        return f"Before training: random weights, {seen}"
    epoch = min(run.config.epochs, math.ceil(frame.images / run.images))
    batches = "1 mini-batch" if frame.step == 1 else f"{frame.step:,} mini-batches"
    return f"After {batches}, {frame.images:,} images (epoch {epoch} of {run.config.epochs}): {seen}"


def most_predicted(counts: np.ndarray, classes: Sequence[str]) -> str:
    """Return which class is predicted most often, and how many classes never are."""
    times = counts.sum(axis=0)
    most, never = int(times.argmax()), int((times == 0).sum())
    rest = (
        f"It never predicts {never} of the {len(classes)} classes."
        if never
        else "It predicts every class at least once."
    )
    return f"Most often it predicts {classes[most]}: for {int(times[most]):,} of {int(times.sum()):,} images. {rest}"
