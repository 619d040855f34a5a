"""Several runs beside each other: which settings differ, how they did, and the text of their curves."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.runs.records import Point, Snapshot, TestResult, new_run
from cifar_core.runs.service import Service
from cifar_core.training.events import Changed, Validated
from demo.tabs.my_runs.view import (
    UNSOLVED,
    accuracy_words,
    comparison_html,
    curves_text,
    differing,
    list_html,
    setting_words,
    snapshots_of,
    unlike_tutorial,
)
from demo.widgets.chart import MAX_SERIES
from tests.helpers.markup import text_of
from tests.helpers.run_steps import ANN, BOB

EVIL = "<img src=x onerror=alert(1)> & 'co' $\\frac{"


def a_snapshot(
    name: str = "a",
    *,
    losses: tuple[float, ...] = (),
    changes: tuple[Changed, ...] = (),
    result: TestResult | None = None,
    probes: tuple[Validated, ...] = (),
    settings: dict[str, Any] | None = None,
    **values: Any,
) -> Snapshot:
    """A run on 400 images, with a point of the curve every 40 images."""
    run = replace(new_run(name, TrainConfig(**settings or {}), Path("/nowhere"), 400, 0), **{"name": name} | values)
    points = tuple(Point(10 * at, 40 * at, loss) for at, loss in enumerate(losses, 1))
    return Snapshot(run, points, (), result, probes, changes)


def cells(table: str) -> dict[str, list[str]]:
    """Each row's first cell, and the texts of the others."""
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    texts = [[text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]
    return {first: rest for first, *rest in texts}


def test_settings_that_are_the_same_have_no_row_and_those_that_differ_have_one() -> None:
    one, two = a_snapshot("one", settings={"lr": 0.01}), a_snapshot("two", settings={"batch_size": 64})
    assert differing([one, two]) == ["batch_size", "lr"]
    table = cells(comparison_html([one, two]))
    assert table["What differs"] == ["one", "two"]
    assert (table["Batch size"], table["Learning rate"]) == (["4", "64"], ["0.01", "0.001"])
    assert "Epochs" not in table and "Settings" not in table


def test_runs_with_the_same_settings_are_said_to_be_the_same() -> None:
    table = cells(comparison_html([a_snapshot("one"), a_snapshot("two")]))
    assert table["Settings"] == ["the same", "the same"]


def test_a_change_in_the_middle_of_a_run_differs_from_one_made_elsewhere() -> None:
    early = a_snapshot("early", changes=(Changed(500, 2000, "lr", 0.01, 200),))
    late = a_snapshot("late", changes=(Changed(1500, 6000, "lr", 0.01, 200),))
    assert setting_words(early, "lr") == "0.001 → 0.01 after step 500"
    assert setting_words(late, "lr") == "0.001 → 0.01 after step 1,500"
    assert differing([early, late]) == ["lr"]
    assert unlike_tutorial(early) == "learning rate 0.001 → 0.01 after step 500"


def test_epochs_added_later_are_told() -> None:
    on = a_snapshot(settings={"epochs": 5}, changes=(Changed(200, 800, "epochs", 5, 500),))
    assert setting_words(on, "epochs") == "5, trained on after step 200"


def test_a_setting_that_nothing_reads_does_not_differ() -> None:
    plain, other = a_snapshot(settings={"patience": 5}), a_snapshot(settings={"patience": 9})
    assert differing([plain, other]) == []
    patient = a_snapshot(settings={"patience": 9, "stop_rule": "patience"})
    assert differing([plain, patient]) == ["stop_rule", "patience"]
    assert (setting_words(plain, "patience"), setting_words(patient, "patience")) == ("–", "9")


def test_how_often_a_line_is_logged_is_no_difference() -> None:
    assert differing([a_snapshot(), a_snapshot(settings={"report_every": 5})]) == []


def test_the_list_names_what_is_unlike_the_tutorial() -> None:
    assert unlike_tutorial(a_snapshot()).startswith("nothing")
    told = unlike_tutorial(a_snapshot(settings={"lr": 0.01, "augment": "flip_shift"}))
    assert told == "learning rate 0.01 · augmentation flip shift"
    table = cells(list_html([a_snapshot("mine", settings={"seed": 3}, busy=65.0, state="failed")]))
    assert table["mine"] == ["seed 3", "–", "1 min 05 s", "Failed"]


def test_the_accuracy_is_that_of_all_test_images_or_says_that_it_is_not() -> None:
    tested = TestResult(40, 45, 120, (), ())
    assert accuracy_words(a_snapshot(state="done", step=40, result=tested, accuracy=0.375)) == "37.5\xa0%"
    assert accuracy_words(a_snapshot(state="running", step=40, accuracy=0.5)) == "50.0\xa0% so far"
    assert accuracy_words(a_snapshot(state="running", step=90, result=tested, accuracy=0.5)) == "50.0\xa0% so far"
    assert accuracy_words(a_snapshot(state="diverged", step=90, result=tested, accuracy=0.5)) == "–"
    assert accuracy_words(a_snapshot()) == "–"


def test_another_data_set_is_a_difference_too(tiny: Splits) -> None:
    table = cells(comparison_html([a_snapshot("one", data=str(tiny.folder)), a_snapshot("two")]))
    assert table["Data"][0].startswith(tiny.info.name)
    assert table["Data"][1] == "no longer on this server"


def test_the_last_loss_is_the_mean_over_the_last_twentieth_of_the_run() -> None:
    # 4 epochs of 400 images: a twentieth is 80 images, two points further back than the newest
    snapshots = [a_snapshot(losses=losses, settings={"epochs": 4}) for losses in ((4.0, 2.0, 3.0, 1.0), ())]
    assert cells(comparison_html(snapshots))["Training loss"] == ["2.000", "–"]


def test_names_are_shown_as_they_are_and_never_run() -> None:
    evil, other = a_snapshot(EVIL, losses=(2.0, 1.0)), a_snapshot("other", losses=(2.0, 1.0))
    for shown in (list_html([evil]), comparison_html([evil, other])):
        assert "<img" not in shown
        assert "&lt;img src=x onerror=alert(1)&gt; &amp;" in shown


def test_the_chart_has_the_curves_of_all_runs_under_their_names() -> None:
    probes = (Validated(20, 100, 20, 100), Validated(40, 200, 45, 100))
    one = a_snapshot("run one", losses=(2.0, 1.5), probes=probes)
    text = curves_text([one, a_snapshot("second", losses=(1.0,))])
    assert text.endswith(";s,solid,run one;0.1,2;0.2,1.75;a,0.25,0.2;a,0.5,0.45;s,solid,second;0.1,1;")
    assert curves_text([]) == ""


def test_a_mistake_that_is_still_to_be_guessed_is_not_given_away() -> None:
    quiz = a_snapshot("quiz", kind="quiz", secret=True, pair="x")
    assert unlike_tutorial(quiz).endswith(f"mistake {UNSOLVED}")
    table = cells(comparison_html([quiz, a_snapshot("baseline")]))
    assert table["Mistake"] == [UNSOLVED, "none"]
    solved = a_snapshot("quiz", kind="quiz", pair="x", settings={"mistake": "no_zero_grad"})
    assert unlike_tutorial(solved).endswith("mistake no zero grad")


def test_without_runs_a_sentence_says_what_to_do() -> None:
    assert "You have no runs yet" in text_of(list_html([]))
    for few in ([], [a_snapshot(losses=(2.0,))]):
        assert "Tick two or more runs" in text_of(comparison_html(few))


def test_only_own_runs_that_are_still_there_are_compared(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, device="cpu")
    mine, other = (service.start(owner, TrainConfig(), tiny) for owner in (ANN, BOB))
    assert [found.run.id for found in snapshots_of(service, ANN, [mine.id])] == [mine.id]
    with pytest.raises(RunError, match="Only the one who started"):
        snapshots_of(service, ANN, [mine.id, other.id])
    with pytest.raises(RunError, match="no such run"):
        snapshots_of(service, ANN, ["gone"])
    with pytest.raises(RunError, match=f"at most {MAX_SERIES} runs"):
        snapshots_of(service, ANN, [mine.id] * (MAX_SERIES + 1))
