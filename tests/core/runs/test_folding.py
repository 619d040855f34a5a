"""Events of a training, folded into what one slice writes: without a worker, a store or a Net."""

from functools import reduce

import numpy as np
import pytest

from cifar_core.evaluate import Evaluated, EvaluateEvent, Evaluating, Evaluation
from cifar_core.runs.folding import ending_of, folded, result_of
from cifar_core.runs.records import Point, RunChange
from cifar_core.runs.slice_result import SliceResult
from cifar_core.training.events import (
    Changed,
    Checkpointed,
    Finished,
    Progress,
    Reported,
    Started,
    TrainEvent,
    Validated,
)
from cifar_core.training.state import Checkpoint, Position

CHECKPOINT = Checkpoint({}, {}, Position(step=4))


def slice_of(*events: TrainEvent | EvaluateEvent) -> SliceResult:
    return reduce(folded, events, SliceResult())


def evaluation() -> Evaluation:
    """Of three images of two classes out of three: right, right, wrong."""
    return Evaluation(np.array([[2.0, 0, 0], [0, 2, 0], [2, 0, 0]]), np.array([0, 1, 1]), ("a", "b", "c"))


def test_nothing_that_happened_writes_nothing() -> None:
    assert SliceResult().run.columns() == {}


def test_what_a_training_reports_is_written_with_the_rows_newest_numbers() -> None:
    line, check, change = Reported(4, 1, 4, 2.0), Validated(4, 16, 30, 100), Changed(4, 16, "lr", 0.1, 90)
    slice = slice_of(Started(100, 0), Progress(2, 1, 8, 2.25), line, Progress(4, 1, 16, 2.0), check, change)
    assert slice.points == (Point(2, 8, 2.25), Point(4, 16, 2.0))
    assert (slice.reports, slice.validations, slice.changes) == ((line,), (check,), (change,))
    assert slice.run.columns() == {
        "state": "running",
        "paused": None,
        "step": 4,
        "epoch": 1,
        "seen": 16,
        "accuracy": 0.3,
        "steps": 90,
    }


def test_a_checkpoint_is_named_and_ends_the_count_of_attempts() -> None:
    slice = slice_of(Checkpointed(CHECKPOINT))
    assert slice.checkpoint is CHECKPOINT
    assert slice.run.columns() == {"checkpoint": 4, "attempts": 0}


@pytest.mark.parametrize(
    ("reason", "state", "said"),
    [("done", "done", None), ("stopped", "stopped", None), ("no_better", "done", "rule"), ("reached", "done", "rule")],
)
def test_a_training_that_has_ended_is_tested_next(reason: str, state: str, said: str | None) -> None:
    event = Finished(reason, 7)  # type: ignore[arg-type]
    change = slice_of(event).run
    assert ending_of(event) == state
    assert (change.state, change.ending, change.step) == ("testing", state, 7)
    assert change.message is None if said is None else change.message is not None and said in change.message


def test_a_training_that_diverged_is_not_tested_and_says_why() -> None:
    change = slice_of(Finished("diverged", 7)).run
    assert (change.state, change.ending, change.step) == (None, None, 7)
    assert change.message is not None and change.message.startswith("The loss is no longer a finite number")


def test_a_message_that_is_there_already_outlives_a_stop() -> None:
    assert "message" not in slice_of(Finished("stopped", 7)).run.columns()


def test_a_test_tells_how_far_it_is_and_what_came_out() -> None:
    slice = slice_of(Evaluating(2, 3), Evaluated(evaluation()))
    assert slice.run.columns() == {"tested": 2, "accuracy": 2 / 3}
    result = result_of(evaluation(), 9)
    assert (result.step, result.correct, result.total) == (9, 2, 3)
    assert (result.per_class, result.first_predictions) == ((1.0, 0.5, None), (0, 1, 0))


def test_every_state_but_paused_clears_since_when_a_run_is_paused() -> None:
    assert RunChange(state="paused", paused=5.0).columns() == {"state": "paused", "paused": 5.0}
    assert RunChange(state="running").columns() == {"state": "running", "paused": None}
    assert RunChange(step=3).columns() == {"step": 3}
