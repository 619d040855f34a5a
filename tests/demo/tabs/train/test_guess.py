"""What was predicted stands beside what came; nothing that a browser sends back can break the page."""

from typing import Any

import pytest

from cifar_core.data import Splits
from cifar_core.runs.records import Run
from cifar_core.runs.service import Service
from demo.tabs.train.guess import MAX_GUESSES, Guess, compared, read_guess, with_guess
from tests.helpers.markup import text_of
from tests.helpers.run_steps import ANN, CONFIG, end, go_to
from tests.helpers.runs import write_rows


@pytest.fixture
def ended(service: Service, tiny: Splits) -> Run:
    """31 of 120 right: 25.8 %; class bird and those behind it 12.5 %, car all, no test image of a plane."""
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 200)
    end(service, run, tiny)
    return service.find(run.id)


def said(service: Service, run: Run, *answers: Any) -> str:
    return text_of(compared(service, run.id, {run.id: list(answers)}))


def test_what_was_left_empty_is_not_asked(service: Service, ended: Run) -> None:
    assert read_guess([None, "", ""]) is None and said(service, ended, None, None, None) == ""
    assert "Hardest" not in said(service, ended, 50, None, None) and "Accuracy" in said(service, ended, 50, None, None)


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [(25, "✓ close"), (28.5, "✓ close"), (40, "14.2 points too high"), (10.8, "15.0 points too low")],
)
def test_an_accuracy_is_compared_with_the_tests(service: Service, ended: Run, accuracy: float, verdict: str) -> None:
    words = said(service, ended, accuracy, "", "")
    assert f"{accuracy:g} %" in words and "25.8 %" in words and verdict in words


def test_the_hardest_class_is_that_with_the_fewest_right_answers(service: Service, ended: Run) -> None:
    assert "bird (12.5 % right) ✓ as predicted" in said(service, ended, None, "bird", "")
    assert "✗ of car, 100.0 % are right" in said(service, ended, None, "car", "")
    assert "✗ not as predicted" in said(service, ended, None, "plane", "")  # no test image of it


def test_a_divergence_is_compared_with_how_the_run_ended(service: Service, ended: Run, tiny: Splits) -> None:
    assert "no no ✓ as predicted" in said(service, ended, None, "", "no")
    assert "yes no ✗ not as predicted" in said(service, ended, None, "", "yes")
    write_rows(service.store, ended.id, state="diverged")
    assert "yes yes ✓ as predicted" in said(service, ended, None, "", "yes")


def test_before_the_end_only_the_prediction_is_shown(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 50)
    words = said(service, run, 60, "cat", "no")
    assert "60 %" in words and "when the run has ended" in words and "✓" not in words and "✗" not in words


@pytest.mark.parametrize(
    "stored", [None, "x", 7, [1, 2], [1, 2, 3, 4], ["a", None, None], [float("nan"), "", ""], [101, "", ""], {}]
)
def test_what_is_no_prediction_is_none(service: Service, ended: Run, stored: Any) -> None:
    assert read_guess(stored) is None
    assert compared(service, ended.id, stored) == compared(service, ended.id, {ended.id: stored}) == ""


def test_a_removed_run_has_nothing_to_compare(service: Service) -> None:
    assert compared(service, "0" * 16, {"0" * 16: [50, "", ""]}) == ""


def test_a_class_name_is_never_taken_for_markup(service: Service, ended: Run) -> None:
    assert "<script" not in compared(service, ended.id, {ended.id: [None, "<script>alert(1)</script>", ""]})


def test_the_browser_keeps_the_newest_and_forgets_what_was_not_said() -> None:
    kept: Any = "nonsense"
    for number in range(MAX_GUESSES + 5):
        kept = with_guess(kept, f"run{number}", (50.0, "cat", "no"))
    assert len(kept) == MAX_GUESSES and "run4" not in kept and list(kept)[-1] == f"run{MAX_GUESSES + 4}"
    assert with_guess(kept, "other", (None, None, None)) == kept
    assert read_guess(kept["run9"]) == Guess(50.0, "cat", "no")
