"""The history of a run as the page needs it: all its moments in one text for the player, and the sentences around it.

The numbers travel once; the player (time_player.js) moves through them in the browser, so that a slider need not wait
for the server.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from cifar_core.data import Splits, image_set
from cifar_core.errors import CifarError, DataError, RunError
from cifar_core.runs.records import Frame, Moment, Run
from cifar_core.runs.service import Service
from demo.widgets.confusion import STEPS
from demo.widgets.format import STATES, percent
from demo.widgets.pointer import Pointer
from demo.widgets.templates import data_url, message_box

NO_RUNS = (
    "You have no run yet. Train a Net on the tab Train: moments of it are kept, and you can move through them here."
)
NO_PICTURES = (
    "The pictures that this run was trained with are no longer on this server, so its history cannot be shown."
)


def run_choices(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """The runs for a dropdown: what to show of each, and its id."""
    choices = []
    for run in runs:
        known = "" if run.accuracy is None else f" · {percent(run.accuracy)}"
        choices.append((f"{run.name} · {STATES[run.state].lower()}{known}", run.id))
    return choices


def history_of(service: Service, run_id: object) -> tuple[str, str]:
    """A run as it is now: the sentence about it, and what the player shows; nothing where there is no such history."""
    try:
        run = service.find(str(run_id))
        frames = service.frames(run.id)
        splits = image_set.load(Path(run.data))
        if not all(frame.confusion.shape == (len(splits.test.classes),) * 2 for frame in frames):
            raise RunError(NO_PICTURES)  # those of another data set, which lies in its place
        return about_html(run, frames), history_json(run, frames, splits)
    except DataError:
        return message_box(NO_PICTURES, "error"), ""
    except CifarError as error:
        return message_box(str(error), "error"), ""


def news_of(service: Service, run_id: object, version: object) -> tuple[str, str] | None:
    """The same, where it is not what a page with this `version` of it shows already. Cheap to ask."""
    try:
        if version_of(service.find(str(run_id)), service.moments(str(run_id))) == version:
            return None
    except CifarError:
        pass  # said below
    return history_of(service, run_id)


def pointer_to(service: Service, run_id: object, step: object, index: object) -> str:
    """What opens test image `index` before the Net of a moment. Raises RunError where that is not kept."""
    kept = [moment.step for moment in service.moments(str(run_id))]
    if type(step) is not int or step not in kept or type(index) is not int or index < 0:
        raise RunError("This moment is no longer kept; choose another.")
    return Pointer(str(run_id), f"test {index}", step).text()


def version_of(run: Run, moments: Sequence[Moment | Frame]) -> str:
    """Another text whenever the history of the run is another one than before."""
    last = moments[-1].step if moments else -1
    return f"{run.state} {len(moments)} {last}"


def history_json(run: Run, frames: Sequence[Frame], splits: Splits) -> str:
    """All frames of a run for the player, as JSON.

    A frame's `filters` are 6 lists of 75 weights (red, green, blue; rows; columns) with 3 decimals, `confusion` is a
    list for each true class, `answers` one list of probabilities, with 4 decimals, for each of the pictures.
    """
    test, shown = splits.test, len(frames[0].answers) if frames else 0
    return json.dumps(
        {
            "run": run.id,
            "name": run.name,
            "version": version_of(run, frames),
            "going": run.active,
            "epochs": run.config.epochs,
            "perEpoch": run.images,
            "classes": test.classes,
            "tested": len(test),
            "shades": STEPS,
            "pictures": [data_url(image) for image in test.images[:shown]],
            "truths": test.labels[:shown].tolist(),
            "frames": [_as_json(frame) for frame in frames],
        },
        separators=(",", ":"),
    )


def _as_json(frame: Frame) -> dict[str, object]:
    return {
        "step": frame.step,
        "images": frame.images,
        "filters": [[round(weight, 3) for weight in one] for one in frame.filters.reshape(6, 75).tolist()],
        "confusion": frame.confusion.tolist(),
        "answers": [[round(share, 4) for share in one] for one in frame.answers.tolist()],
    }


def about_html(run: Run, moments: Sequence[Moment | Frame]) -> str:
    """What is special about the history of this run, in one sentence; mostly nothing."""
    if not moments:
        if run.active:
            return message_box(
                "This run has only just been started; its first moment appears here when it begins to train."
            )
        return message_box("No moments of this run were kept. Choose another run, or train a new one.")
    if run.state == "diverged":
        return message_box(
            "This run diverged: its steps were too large and its numbers became infinite. What was kept before that is "
            f"shown here, up to mini-batch {moments[-1].step:,}."
        )
    if run.state == "failed":
        return message_box(f"This run failed, so its history ends early: {run.message}")
    return message_box("")
