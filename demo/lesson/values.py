"""The values on the screen that the lesson's texts name."""

import math

from cifar_core.errors import CifarError
from cifar_core.pretrained import origin
from cifar_core.runs.records import Snapshot
from cifar_core.runs.registry import NetRegistry
from demo.widgets.format import percent


def values_of(nets: NetRegistry, run_id: str, batch_size: object = 4) -> dict[str, str]:
    """Return what is on the screen now, by the names in the texts; `run_id` is the run that is followed, or empty.

    A value may hold `code` and **bold**.
    """
    service, splits = nets.service, nets.source.splits
    workers = service.workers()
    size = int(batch_size) if isinstance(batch_size, int | float) and 1 <= batch_size <= 1024 else 4
    count, classes = len(splits.train), len(splits.test.classes)
    try:
        snapshot = service.snapshot(run_id) if run_id else None
    except CifarError:
        snapshot = None
    steps = snapshot.run.steps if snapshot else 2 * math.ceil(count / size)
    return {
        "device": f"{workers[0].name} ({workers[0].device.upper()})" if workers else "starting …",
        "device_reason": workers[0].reason if workers else "",
        "data_name": splits.info.name,
        "data_note": splits.info.note,
        "train_count": f"{count:,}",
        "test_count": f"{len(splits.test):,}",
        "class_count": str(classes),
        "batch_size": str(size),
        "steps_an_epoch": f"{math.ceil(count / size):,}",
        "steps_in_all": f"{steps:,}",
        "chance_loss": f"{math.log(classes):.2f}",
        "chance_percent": f"{100 / classes:.0f}",
        "pretrained_accuracy": f"{100 * origin().accuracy:.0f}",
        "first_loss": _first_loss(snapshot),
        "last_line": _last_line(snapshot),
        "four_lines": _four_lines(nets, snapshot),
        "accuracy": _accuracy(snapshot),
    }


def _first_loss(snapshot: Snapshot | None) -> str:
    if not snapshot or not snapshot.points:
        return "Press Start on the Train tab; then your own first loss appears here."
    first, last = snapshot.points[0], snapshot.points[-1]
    return f"Your run began with {first.loss:.2f} and is at {last.loss:.2f} now."


def _last_line(snapshot: Snapshot | None) -> str:
    if not snapshot or not snapshot.reports:
        return "Once your run has printed a line, it is explained here."
    last = snapshot.reports[-1]
    return (
        f"Your run's last line is `{last.line}`: epoch {last.epoch}, mini-batch {last.batch:,} of it, and the mean "
        "loss of the mini-batches since the line before."
    )


def _four_lines(nets: NetRegistry, snapshot: Snapshot | None) -> str:
    if not snapshot or not snapshot.result:
        return "When your run on the Train tab has ended, its first four predictions appear here."
    try:
        test = nets.images(snapshot.run).test
    except CifarError:
        return "The images that your run was tested with are no longer here."
    predicted = snapshot.result.first_predictions
    truth = " ".join(test.classes[label] for label in test.labels[: len(predicted)])
    answers = " ".join(test.classes[label] for label in predicted)
    return f"The first four test images show **{truth}**; your run predicts **{answers}**."


def _accuracy(snapshot: Snapshot | None) -> str:
    result = snapshot.result if snapshot else None
    if not result:
        return "When your run on the Train tab has ended, its accuracy appears here."
    return (
        f"Your run has {result.correct:,} of {result.total:,} right: {result.correct:,} / {result.total:,} = "
        f"**{percent(result.accuracy)}**."
    )
