"""What one action of a visitor changes on the page, by component."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.net import new_net
from cifar_core.runs.refs import PRETRAINED, ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.gradio_compat import PageState
from demo.tabs.judge.handlers import JudgeHandlers
from demo.tabs.judge.layout import JudgeWidgets, build_layout
from demo.tabs.judge.state import JudgeState, Question
from demo.widgets.look_at import LookAt
from tests.helpers.markup import text_of
from tests.helpers.nets import ANN, come_to, run_of
from tests.helpers.runs import remove
from tests.helpers.tiny_data import tiny_splits

# blocks that are built and never launched leave an event loop behind
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
BATCH = "0, 1, 2, 3"


@pytest.fixture(scope="module")
def widgets(tiny: Splits, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JudgeWidgets]:
    """The parts of a tab, which know nothing of any test."""
    service = Service(tmp_path_factory.mktemp("runs"))
    with gr.Blocks():
        yield build_layout(NetRegistry(service, DataSource(tiny)))
    gc.collect()


@pytest.fixture
def handlers(nets: NetRegistry, widgets: JudgeWidgets) -> JudgeHandlers:
    """The events of that tab."""
    return JudgeHandlers(nets, widgets, PageState(LookAt(), label="look at"))


def last(outputs: Iterator[dict[Any, Any]]) -> dict[Any, Any]:
    """Return what all outputs of an event come to."""
    together: dict[Any, Any] = {}
    for part in outputs:
        together |= part
    return together


def event(**data: Any) -> Any:
    return SimpleNamespace(**data)


def state_of(handlers: JudgeHandlers, name: str, state: JudgeState | None = None) -> JudgeState:
    """Return the state after a test."""
    after = last(handlers.test(state or JudgeState(), BATCH, name))[handlers.widgets.state]
    assert isinstance(after, JudgeState)
    return after


def words(outputs: dict[Any, Any], component: Any) -> str:
    return text_of(outputs[component])


def test_one_event_brings_all_that_belongs_to_a_test(handlers: JudgeHandlers) -> None:
    run, widgets = run_of(handlers.nets, ANN, 1), handlers.widgets
    outputs = last(handlers.test(JudgeState(), BATCH, run.id))
    state = outputs[widgets.state]
    assert (state.chosen, state.tested, state.page) == (run.id, NetRef(run.id, 10), 1)
    assert "Tested" in words(outputs, widgets.message_html) and "still training" in words(outputs, widgets.message_html)
    assert outputs[widgets.results_column].visible is True
    for component in (widgets.overall_html, widgets.matrix_html, widgets.reading_html, widgets.classes_html):
        assert len(words(outputs, component)) > 50
    assert "images; shown: 1 to 15" in words(outputs, widgets.images.heading_html)
    assert outputs[widgets.images.grid_html].count("data-index") == 15
    assert "GroundTruth" in words(outputs, widgets.logits_html)
    assert not outputs[widgets.images.back_button].interactive and outputs[widgets.images.more_button].interactive


def test_opening_the_tab_tests_the_newest_run_or_the_net_decided_for(handlers: JudgeHandlers) -> None:
    widgets = handlers.widgets
    outputs = last(handlers.open_tab(JudgeState(), BATCH, ANN, PRETRAINED))
    assert outputs[widgets.state].tested == NetRef() and outputs[widgets.state].chosen == ""
    run = run_of(handlers.nets, ANN, 1)
    outputs = last(handlers.open_tab(outputs[widgets.state], BATCH, ANN, PRETRAINED))
    assert outputs[widgets.state].tested == NetRef(run.id, 10) and outputs[widgets.net_dropdown].value == run.id
    decided = state_of(handlers, PRETRAINED)
    outputs = last(handlers.open_tab(decided, BATCH, ANN, PRETRAINED))
    assert outputs[widgets.net_dropdown].value == PRETRAINED and widgets.state not in outputs
    remove(handlers.nets.service.store, run.id)
    outputs = last(handlers.open_tab(replace(decided, chosen=run.id, tested=NetRef(run.id, 10)), BATCH, ANN, run.id))
    assert outputs[widgets.state].tested == NetRef()


def test_what_is_shown_stays_when_the_tab_is_opened_again(handlers: JudgeHandlers) -> None:
    run, widgets = run_of(handlers.nets, ANN, 1), handlers.widgets
    state = state_of(handlers, run.id)
    assert set(last(handlers.open_tab(state, BATCH, ANN, run.id))) == {widgets.net_dropdown}
    come_to(handlers.nets, run, 20, new_net(2))
    outputs = last(handlers.open_tab(state, BATCH, ANN, run.id))
    assert set(outputs) == {widgets.net_dropdown, widgets.message_html}
    assert words(outputs, widgets.message_html) == (
        "Shown is the test after step 10. The run has trained on since: press Test it to test it as it is now."
    )


def test_opening_the_tab_tests_again_where_the_data_was_replaced(handlers: JudgeHandlers, tmp_path: Path) -> None:
    state = state_of(handlers, PRETRAINED)
    handlers.nets.source.splits = tiny_splits(tmp_path / "other", train=40, test=20, seed=5)
    after = last(handlers.open_tab(state, BATCH, ANN, PRETRAINED))[handlers.widgets.state]
    assert after.tested == NetRef() and after.data != state.data


def test_a_test_that_fails_takes_away_what_belongs_to_another_net(handlers: JudgeHandlers, tiny: Splits) -> None:
    widgets, state = handlers.widgets, state_of(handlers, PRETRAINED)
    outputs = last(handlers.test(state, BATCH, "0" * 16))
    assert "There is no such run" in words(outputs, widgets.message_html)
    assert outputs[widgets.results_column].visible is False and outputs[widgets.state].tested is None
    net = new_net(1)
    net.conv1.weight.data.fill_(float("nan"))
    run = run_of(handlers.nets, ANN, 1)
    come_to(handlers.nets, run, 20, net)
    outputs = last(handlers.test(state, BATCH, run.id))
    assert "not finite numbers" in words(outputs, widgets.message_html)
    assert outputs[widgets.results_column].visible is False and outputs[widgets.state].tested is None


def test_the_question_stays_from_net_to_net_where_its_classes_are_there(
    handlers: JudgeHandlers, tmp_path: Path
) -> None:
    widgets = handlers.widgets
    asked = handlers.ask_cell(state_of(handlers, PRETRAINED), event(truth="cat", predicted="dog"))
    question = asked[widgets.state].question
    assert question == Question("cat", "dog", "any")
    run = run_of(handlers.nets, ANN, 1)
    assert state_of(handlers, run.id, asked[widgets.state]).question == question
    two = tiny_splits(tmp_path / "other", train=40, test=20, seed=5)
    names = tuple({"bird": "x", "dog": "y"}.get(name, name) for name in two.test.classes)
    for part in (two.train, two.test):
        object.__setattr__(part, "classes", names)
    handlers.nets.source.splits = two
    assert state_of(handlers, PRETRAINED, asked[widgets.state]).question == Question("cat", "", "any")


def test_a_cell_sets_the_choices_and_one_that_there_is_not_changes_nothing(handlers: JudgeHandlers) -> None:
    widgets, state = handlers.widgets, state_of(handlers, PRETRAINED)
    choices = widgets.images.question
    outputs = handlers.ask_cell(state, event(truth="cat", predicted="dog"))
    assert outputs[choices.truth_dropdown] == "cat" and outputs[choices.predicted_dropdown] == "dog"
    assert outputs[choices.outcome_dropdown] == "any" and outputs[choices.order_dropdown] == "most_confident"
    for wrong in (event(truth="<cow>", predicted="dog"), event()):
        outputs = handlers.ask_cell(state, wrong) if hasattr(wrong, "truth") else handlers.ask_cell(JudgeState(), wrong)
        assert 'role="alert"' in outputs[widgets.images.heading_html] and outputs[widgets.images.grid_html] == ""
        assert widgets.state not in outputs and choices.truth_dropdown not in outputs


def test_pages_are_turned_and_other_choices_begin_at_the_first(handlers: JudgeHandlers) -> None:
    widgets, state = handlers.widgets, state_of(handlers, PRETRAINED)
    state = handlers.ask_chosen(state, "", "", "any", "stored")[widgets.state]
    for by, page in ((1, 2), (1, 3), (-1, 2), (99, 8), (-99, 1)):
        state = handlers.turn(state, by=by)[widgets.state]
        assert state.page == page
    state = handlers.turn(state, by=3)[widgets.state]
    assert handlers.ask_chosen(state, "cat", "", "any", "stored")[widgets.state].page == 1


def test_an_image_is_opened_inside_or_put_into_the_batch(handlers: JudgeHandlers) -> None:
    widgets, run = handlers.widgets, run_of(handlers.nets, ANN, 1)
    state = replace(state_of(handlers, run.id), chosen="")
    outputs = handlers.pick_image(state, BATCH, "inside", event(index=7))
    assert outputs[handlers.look_at] == LookAt(NetRef(run.id), ImageRef("test", 7))
    assert outputs[widgets.state].chosen == run.id and widgets.batch_textbox not in outputs
    outputs = handlers.pick_image(state, BATCH, "batch", event(index=7))
    assert outputs[widgets.batch_textbox] == "1, 2, 3, 7" and "GroundTruth" in outputs[widgets.logits_html]
    assert outputs[handlers.look_at].image is None  # so that nothing opens
    for index in (-1, 120, "7", None):
        outputs = handlers.pick_image(state, BATCH, "inside", event(index=index))
        assert "no such test image" in words(outputs, widgets.images.message_html)
        assert outputs[handlers.look_at].image is None


def test_a_batch_that_cannot_be_shown_is_refused_in_its_place(handlers: JudgeHandlers) -> None:
    state = state_of(handlers, PRETRAINED)
    shown = handlers.widgets.logits_html
    assert "There is no test image 120" in handlers.show_batch(state, "120")[shown]
    assert "press Test it first" in handlers.show_batch(JudgeState(), BATCH)[shown]


def test_a_state_that_somebody_else_wrote_is_refused_before_it_is_used(handlers: JudgeHandlers) -> None:
    state = handlers.widgets.state
    good = state.written(state_of(handlers, PRETRAINED))
    assert state.preprocess(good) == state_of(handlers, PRETRAINED)
    others: list[Any] = [
        None,
        [],
        "x",
        good | {"page": "1"},
        good | {"tested": {"run": 5}},
        good | {"question": "[" * 5000},
    ]
    for wrong in others:
        with pytest.raises(gr.Error, match="lost its place"):
            state.preprocess(wrong)
