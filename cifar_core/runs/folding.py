"""The events of a slice, folded into what it writes."""

from dataclasses import replace

from cifar_core.evaluate import Evaluated, EvaluateEvent, Evaluating, Evaluation
from cifar_core.runs.records import Ending, Point, TestResult
from cifar_core.runs.slice_result import SliceResult
from cifar_core.training.events import (
    Changed,
    Checkpointed,
    Finished,
    Progress,
    Reported,
    Started,
    TimeUp,
    TrainEvent,
    Validated,
)

SHOWN_IMAGES = 4
"""the first test images, whose predictions a frame and the test at the end show"""
ENDINGS = {
    "diverged": "The loss is no longer a finite number: the steps were too large. Try a smaller learning rate.",
    "no_better": "Ended by its stop rule: the loss had not become better for a while.",
    "reached": "Ended by its stop rule: the accuracy was reached.",
}
"""the message of a training that ended in one of these ways"""


def folded(slice: SliceResult, event: TrainEvent | EvaluateEvent) -> SliceResult:
    """Return the slice with what `event` says added."""
    run = slice.run
    match event:
        case Started():
            return replace(slice, run=replace(run, state="running", steps=event.steps))
        case Progress():
            run = replace(run, step=event.step, epoch=event.epoch, seen=event.images)
            return replace(slice, run=run, points=(*slice.points, Point(event.step, event.images, event.loss)))
        case Reported():
            return replace(slice, reports=(*slice.reports, event))
        case Validated():
            run = replace(run, accuracy=event.correct / event.total)
            return replace(slice, run=run, validations=(*slice.validations, event))
        case Changed():
            return replace(slice, run=replace(run, steps=event.steps), changes=(*slice.changes, event))
        case TimeUp():
            return slice
        case Checkpointed():
            run = replace(run, checkpoint=event.checkpoint.position.step, attempts=0)
            return replace(slice, run=run, checkpoint=event.checkpoint)
        case Finished():
            run = replace(run, step=event.step)
            if event.reason in ENDINGS:  # the message of a run that was stopped may be there already
                run = replace(run, message=ENDINGS[event.reason])
            if event.reason != "diverged":  # then there is nothing to test
                run = replace(run, state="testing", ending=ending_of(event))
            return replace(slice, run=run)
        case Evaluating():
            return replace(slice, run=replace(run, tested=event.done))
        case Evaluated():
            return replace(slice, run=replace(run, accuracy=event.evaluation.accuracy))


def ending_of(event: Finished) -> Ending:
    """Return the state in which a run ends that finished so."""
    return event.reason if event.reason in ("stopped", "diverged") else "done"


def result_of(evaluation: Evaluation, step: int) -> TestResult:
    """Return what the store keeps of the test of a Net at `step`."""
    per_class = tuple(None if value != value else value for value in evaluation.class_accuracy().tolist())
    first = tuple(evaluation.predictions[:SHOWN_IMAGES].tolist())
    return TestResult(step, evaluation.correct, evaluation.total, per_class, first)
