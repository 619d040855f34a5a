"""What happens on a click in the part "Test images" of Classify, whose classes are known."""

import secrets
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from cifar_core.data.browse import MAX_SEED, image_facts, page_of
from cifar_core.errors import CifarError
from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry, own_image
from demo.gradio_compat import CachedUpload, ImageFileInput, PageState
from demo.tabs.classify.state import ClassifyState
from demo.tabs.classify.view import page_html, prediction_html
from demo.widgets.events import Outputs
from demo.widgets.look_at import LookAt
from demo.widgets.templates import message_box

PER_PAGE = 12


@dataclass(frozen=True)
class ClassifyWidgets:
    """The parts of the tab that handlers read or write."""

    net_dropdown: gr.Dropdown
    state: PageState[ClassifyState]
    grid_html: gr.HTML
    prediction_html: gr.HTML
    upload_image: ImageFileInput
    photo: CachedUpload
    crop_html: gr.HTML
    sliders_html: gr.HTML
    upload_message_html: gr.HTML
    upload_prediction_html: gr.HTML
    upload_numbers_html: gr.HTML


class TestImageHandlers:
    """Each public method handles one event of the part "Test images"."""

    __test__ = False  # for pytest, which takes the name for that of a test

    def __init__(self, nets: NetRegistry, widgets: ClassifyWidgets) -> None:
        self.nets, self.widgets = nets, widgets

    def show(self, state: ClassifyState) -> Outputs:
        """Show a page of test images; raise DataError if there is no such page."""
        test = self.nets.source.splits.test
        page = page_of(test, number=state.page, per_page=PER_PAGE, seed=state.seed)
        state = replace(state, page=page.number)
        return {self.widgets.grid_html: page_html(test, page), self.widgets.state: state}

    def next(self, state: ClassifyState) -> Outputs:
        """Show the next page."""
        return self.show(replace(state, page=state.page + 1))

    def shuffle(self, state: ClassifyState) -> Outputs:
        """Show the first page in another random order."""
        return self.show(replace(state, page=1, seed=secrets.randbelow(MAX_SEED + 1)))

    def pick(self, net: str, state: ClassifyState, event: gr.EventData) -> Outputs:
        """Predict the test image that was clicked."""
        index: Any = getattr(event, "index", None)
        chosen = index if type(index) is int else None
        return self.predict(net, replace(state, test_index=chosen, test_net=None), index)

    def predict_again(self, net: str, state: ClassifyState) -> Outputs:
        """Predict the chosen test image with another Net, or with newer weights of the same one."""
        return {} if state.test_index is None else self.predict(net, state, state.test_index)

    def predict(self, net: str, state: ClassifyState, index: int) -> Outputs:
        """Return the prediction for one test image, or the sentence that says why there is none."""
        from cifar_core.predict import predict

        splits = self.nets.source.splits
        try:
            facts = image_facts(splits.test, index)
            image, opened = splits.test.images[index], self.nets.open(NetRef(net))
            if opened.ref == state.test_net:
                return {}  # this prediction is on the page already
            prediction = predict(opened.net, image, opened.splits.test.classes)
        except CifarError as error:
            state = replace(state, test_net=None, test=None)
            return {self.widgets.prediction_html: message_box(str(error), "error"), self.widgets.state: state}
        # a run may have been trained on other images than those in use
        same = opened.splits.folder == splits.folder
        look_at = LookAt(NetRef(net), ImageRef("test", index) if same else own_image(image))
        return {
            self.widgets.prediction_html: prediction_html(prediction, image, index=index, truth=facts.name),
            self.widgets.state: replace(state, test_net=opened.ref, test=look_at),
        }
