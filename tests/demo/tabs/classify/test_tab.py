"""The test images of Classify: which are shown, what is predicted for one, and how the tab is wired."""

from collections import Counter
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import DataError, RunError
from cifar_core.net import Net
from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry, OpenNet, own_image
from demo.gradio_compat import PageState
from demo.gradio_compat_page import Page
from demo.tabs.classify.known_images import PER_PAGE, ClassifyWidgets, TestImageHandlers
from demo.tabs.classify.state import ClassifyState
from demo.tabs.classify.tab import build_classify_tab
from demo.widgets.look_at import LookAt
from tests.helpers.markup import text_of

NAMES: list[Any] = [field.name for field in fields(ClassifyWidgets)]
START = ClassifyState()


class OneNet(NetRegistry):
    def __init__(self, opened: OpenNet | RunError, splits: Splits) -> None:
        self.source, self.net = DataSource(splits), opened
        self.service: Any = SimpleNamespace(runs_of=lambda owner: [])

    def open(self, ref: NetRef) -> OpenNet:
        if isinstance(self.net, RunError):
            raise self.net
        return self.net


@pytest.fixture
def nets(tiny: Splits, trained: Net) -> OneNet:
    return OneNet(OpenNet(NetRef(), None, trained, tiny), tiny)


@pytest.fixture
def tests(nets: OneNet) -> Any:
    return TestImageHandlers(nets, ClassifyWidgets(*NAMES))


def picked(index: object) -> Any:
    return SimpleNamespace(index=index)


def test_next_goes_on_in_stored_order_and_in_a_shuffled_one(tests: Any) -> None:
    second = tests.next(START)
    assert second["state"].page == 2 and f'data-index="{PER_PAGE}"' in second["grid_html"]
    last = tests.next(replace(START, page=10))
    assert last["state"].page == 10 and 'data-index="119"' in last["grid_html"]
    shuffled = tests.shuffle(replace(START, page=4))
    assert shuffled["state"].page == 1 and shuffled["grid_html"] == tests.show(shuffled["state"])["grid_html"]
    assert tests.next(shuffled["state"])["state"] == replace(shuffled["state"], page=2)


@pytest.mark.parametrize("state", [{"page": 0}, {"page": -3}, {"seed": -1}, {"seed": 10**9}])
def test_a_page_that_there_cannot_be_is_refused(tests: Any, state: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        tests.show(replace(START, **state))


def test_a_click_predicts_one_image_and_remembers_what_to_look_at(tests: Any, tiny: Splits) -> None:
    outputs = tests.pick("pretrained", START, picked(5))
    assert "The Net predicts" in outputs["prediction_html"] and "test image 5" in outputs["prediction_html"]
    assert f"the truth is {tiny.test.classes[tiny.test.labels[5]]}" in text_of(outputs["prediction_html"])
    state = outputs["state"]
    assert (state.test_index, state.test) == (5, LookAt(NetRef(), ImageRef("test", 5)))
    # another image of the same Net is predicted, the same image of the same Net is on the page already
    assert "test image 6" in tests.pick("pretrained", state, picked(6))["prediction_html"]
    assert tests.predict_again("pretrained", state) == {} == tests.predict_again("pretrained", START)


def test_of_a_run_with_other_images_the_image_itself_is_looked_at(tests: Any, nets: OneNet, tiny: Splits) -> None:
    nets.net = replace(nets.net, ref=NetRef("ab12", 3), splits=replace(tiny, folder=tiny.folder / "other"))  # type: ignore[type-var]
    state = tests.pick("ab12", START, picked(5))["state"]
    assert state.test == LookAt(NetRef("ab12"), own_image(tiny.test.images[5])) and state.test_net == NetRef("ab12", 3)


@pytest.mark.parametrize("index", [120, -1, "5", 5.0, True, None, [5]])
def test_a_click_on_no_image_gets_a_sentence(tests: Any, index: object) -> None:
    outputs = tests.pick("pretrained", START, picked(index))
    assert 'role="alert"' in outputs["prediction_html"] and outputs["state"].test is None


def test_a_net_that_is_gone_gets_a_sentence_until_another_is_chosen(tests: Any, nets: OneNet) -> None:
    state, gone = tests.pick("pretrained", START, picked(5))["state"], RunError("There is no such run.")
    there, nets.net = nets.net, gone
    outputs = tests.predict_again("ab12", state)
    assert "There is no such run." in outputs["prediction_html"] and outputs["state"].test is None
    nets.net = there
    assert "The Net predicts" in tests.predict_again("pretrained", outputs["state"])["prediction_html"]


# a page that is built and never launched leaves an event loop behind
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_action_is_one_event_and_two_components_are_hidden(nets: OneNet) -> None:
    with Page() as page, gr.Tab("Classify") as tab:
        look_at = PageState(LookAt(), label="what Inside is to open")
        build_classify_tab(nets, gr.BrowserState(None), gr.Textbox("", visible="hidden"), look_at, tab)
    config = page.config
    named = {part["props"]["elem_id"]: part["id"] for part in config["components"] if part["props"].get("elem_id")}
    server, js_only = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for listener in config["dependencies"]:
        if listener["trigger_after"] is not None:
            assert not listener["backend_fn"], "no chain of server events"
        for target in listener["targets"]:
            (server if listener["backend_fn"] else js_only)[tuple(target)] += 1
    actions = [
        ("upload", "input"),
        ("crop", "input"),
        ("upload-sliders", "input"),
        ("net", "change"),
        ("upload-prediction", "retry"),
    ]
    actions += [
        ("predict-again", "click"),
        ("test-images", "pick"),
        ("test-next", "click"),
        ("test-shuffle", "click"),
    ]
    for elem_id, event in actions:
        assert server[named[elem_id], event] == 1, elem_id
    for elem_id, event in (("test-prediction", "look"), ("upload-inside", "click"), ("upload-reset", "click")):
        assert server[named[elem_id], event] == 0 and js_only[named[elem_id], event] == 1, elem_id
    # nothing listens to what a handler writes
    outputs = {part for listener in config["dependencies"] for part in listener["outputs"]} - {named["net"]}
    assert not [target for target in server if target[0] in outputs and target[1] == "change"]
    hidden = [part["props"].get("label") for part in config["components"] if part["props"].get("visible") == "hidden"]
    assert len(hidden) - 2 <= 2, hidden  # without those that this test brings
