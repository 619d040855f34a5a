"""What a click in My runs does: deleting asks first, and what was chosen stays where it is still there."""

from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Run
from cifar_core.runs.service import Service
from demo.tabs.my_runs.handlers import DELETE, MyRunsHandlers, MyRunsWidgets
from demo.tabs.my_runs.state import MyRunsState
from demo.widgets.moving import WELCOME, MovingKeys
from tests.helpers.markup import text_of
from tests.helpers.run_steps import ANN, BOB, CONFIG, end, go_to


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "runs", limits=Limits(steps=1000))


@pytest.fixture
def runs(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MyRunsHandlers:
    """The handlers of a tab whose widgets are just their names."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    names: list[Any] = [field.name for field in fields(MyRunsWidgets)]
    saved: Any = "saved"
    return MyRunsHandlers(service, MyRunsWidgets(*names), saved, MovingKeys(service))


@pytest.fixture
def two(service: Service, tiny: Splits) -> list[Run]:
    """Two ended runs of Ann's, the newer first."""
    for _ in range(2):
        run = service.start(ANN, CONFIG, tiny)
        go_to(service, run, 200)
        end(service, run, tiny)
    return service.runs_of(ANN)


def test_opening_lists_the_visitors_own_runs(runs: MyRunsHandlers, two: list[Run]) -> None:
    widgets, outputs = runs.widgets, runs.fresh(ANN, None, None)
    assert outputs[widgets.tools_column].visible and outputs[widgets.run_dropdown].value == two[0].id
    assert outputs[widgets.name_textbox] == two[0].name
    assert set(outputs) == set(widgets.all)
    nothing = runs.fresh(BOB, [two[0].id], two[1].id)
    assert not nothing[widgets.tools_column].visible and nothing[widgets.compared_checkboxes].value == []
    assert "no runs yet" in text_of(nothing[widgets.list_html]) and nothing[widgets.chart_html] == ""


def test_what_was_chosen_stays_where_it_is_still_there(runs: MyRunsHandlers, service: Service, two: list[Run]) -> None:
    new, old = two
    outputs = runs.fresh(ANN, [old.id, "gone"], old.id)
    assert outputs[runs.widgets.compared_checkboxes].value == [old.id]
    assert outputs[runs.widgets.run_dropdown].value == old.id
    service.delete(ANN, old.id)
    outputs = runs.fresh(ANN, [old.id, new.id], old.id)
    assert outputs[runs.widgets.compared_checkboxes].value == [new.id]
    assert outputs[runs.widgets.run_dropdown].value == new.id


def test_deleting_asks_with_the_runs_name_and_only_for_that_run(
    runs: MyRunsHandlers, service: Service, two: list[Run]
) -> None:
    new, old = two
    widgets = runs.widgets
    outputs = runs.delete(ANN, [], new.id, MyRunsState())
    assert outputs[widgets.delete_button] == f"Really delete {new.name}?"
    assert outputs[widgets.state] == MyRunsState(new.id) and len(service.runs_of(ANN)) == 2
    other = runs.delete(ANN, [], old.id, outputs[widgets.state])  # the question was about another run
    assert other[widgets.delete_button] == f"Really delete {old.name}?" and len(service.runs_of(ANN)) == 2
    done = runs.delete(ANN, [], old.id, other[widgets.state])
    assert [run.id for run in service.runs_of(ANN)] == [new.id]
    assert done[widgets.delete_button] == DELETE and done[widgets.state] == MyRunsState()
    assert f"{old.name} is deleted." in text_of(done[widgets.message_html])


def test_choosing_another_run_takes_the_question_back(runs: MyRunsHandlers, two: list[Run]) -> None:
    outputs = runs.choose(ANN, two[1].id)
    assert outputs[runs.widgets.delete_button] == DELETE and outputs[runs.widgets.state] == MyRunsState()
    assert outputs[runs.widgets.show_button].link == f"?run={two[1].id}&tab=train"


def test_an_active_run_and_somebody_elses_are_refused_at_once(
    runs: MyRunsHandlers, service: Service, tiny: Splits, two: list[Run]
) -> None:
    active = service.start(ANN, CONFIG, tiny)
    for owner, run, words in ((ANN, active, "stop it first"), (BOB, two[0], "Only the one who started")):
        outputs = runs.delete(owner, [], run.id, MyRunsState(run.id))
        assert words in text_of(outputs[runs.widgets.message_html])
        assert outputs[runs.widgets.delete_button] == DELETE
    assert len(service.runs_of(ANN)) == 3


def test_a_new_name_is_shown_everywhere(runs: MyRunsHandlers, two: list[Run]) -> None:
    outputs = runs.rename(ANN, [], two[0].id, "  <b>Fast</b> steps ")
    assert "<b>Fast</b> steps" in text_of(outputs[runs.widgets.list_html])
    assert outputs[runs.widgets.name_textbox] == "<b>Fast</b> steps"
    with pytest.raises(RunError, match="1 to 60 characters"):
        runs.rename(ANN, [], two[0].id, "   ")


def test_a_comparison_of_a_run_that_is_gone_says_so(runs: MyRunsHandlers, two: list[Run]) -> None:
    outputs = runs.compare(ANN, [two[0].id, "gone"])
    assert outputs[runs.widgets.chart_html] == "" and "no such run" in text_of(outputs[runs.widgets.comparison_html])


def test_the_zip_has_the_runs_name(runs: MyRunsHandlers, two: list[Run]) -> None:
    path = Path(runs.download(ANN, two[0].id)[runs.saved])
    assert path.name == f"run-{two[0].name.removeprefix('run ')}.zip" and path.read_bytes()[:2] == b"PK"


def test_an_address_for_another_device_brings_the_key_and_does_not_name_it(
    runs: MyRunsHandlers, two: list[Run]
) -> None:
    shown = runs.move(ANN)[runs.widgets.move_textbox]
    assert shown.visible and "10 minutes" in shown.info and ANN not in shown.value
    (code,) = parse_qs(shown.value.removeprefix("?"))["move"]
    assert runs.moving.key_for(None, code) == (ANN, WELCOME)
    with pytest.raises(RunError, match="no runs yet"):
        runs.move(BOB)
