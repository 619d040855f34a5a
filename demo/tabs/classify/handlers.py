"""What happens in Classify when the Net or a visitor's own image changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from PIL import Image

from cifar_core.errors import CifarError, ImageError
from cifar_core.image_edit import ImageEdit, apply_edit, channels
from cifar_core.runs.refs import PRETRAINED, NetRef
from cifar_core.runs.registry import NetRegistry, OpenNet, own_image
from demo.gradio_compat import ImageFile
from demo.tabs.classify.known_images import ClassifyWidgets, TestImageHandlers
from demo.tabs.classify.state import ClassifyState
from demo.tabs.classify.upload import SLIDERS, Baseline, UploadPrediction, baseline, compare, edit_of, predict_edited
from demo.tabs.classify.view import (
    no_upload_html,
    numbers_html,
    upload_prediction_html,
)
from demo.widgets.crop import with_photo
from demo.widgets.events import Outputs
from demo.widgets.look_at import LookAt
from demo.widgets.net_choices import net_choices
from demo.widgets.sliders import starts
from demo.widgets.templates import message_box, photo_url

PATIENCE = 2.0
"""seconds that an event waits for an evaluation, which takes one; where many visitors want one, the page asks again"""
PHOTO_SIDE = 640
"""pixels of the longer side of the photo that the crop is chosen on; the Net sees the whole photo's pixels"""


class ClassifyHandlers:
    """The handler of everything that changes the prediction for a visitor's own image."""

    def __init__(self, nets: NetRegistry, widgets: ClassifyWidgets) -> None:
        self.nets, self.widgets, self.tests = nets, widgets, TestImageHandlers(nets, widgets)
        # Visitors wait for their turn here and not in Gradio's queue, because one event first predicts, which takes
        # milliseconds, and may then evaluate, which takes a second. So nobody's prediction waits for somebody else's
        # evaluation; and as only one is under way, however many visitors want one, the page keeps its other core.
        self._predicting, self._evaluating = asyncio.Semaphore(2), asyncio.Semaphore(1)
        self._evaluations: dict[object, asyncio.Task[CifarError | None]] = {}

    async def predict(
        self,
        net: str,
        file: ImageFile | None,
        photo: ImageFile | None,
        crop: str,
        sliders: str,
        state: ClassifyState,
    ) -> AsyncIterator[Outputs]:
        """Bring the page in line with the Net, the upload, the crop and the sliders, whichever of them has changed.

        One listener serves all of them, so that no prediction overtakes a newer one. It compares what is there instead
        of asking what was clicked, because of two changes in a row Gradio announces only the last.
        """
        async with self._predicting:
            outputs, uncompared = await asyncio.to_thread(self._predict, net, file, photo, crop, sliders, state)
        yield outputs  # the state is written here alone, at once: what is clicked during an evaluation is not undone
        if uncompared:
            evaluation = self._start_evaluation(uncompared.opened)
            # until this event ends, the visitor's next moves wait in the browser
            await asyncio.wait([evaluation], timeout=PATIENCE)
            yield self._compared(uncompared, evaluation.result() if evaluation.done() else None)

    def _start_evaluation(self, opened: OpenNet) -> asyncio.Task[CifarError | None]:
        """Return the evaluation of a Net for all who wait for it; `cached_evaluation` then has what it found."""
        if opened.key not in self._evaluations:
            self._evaluations[opened.key] = asyncio.create_task(self._evaluate(opened))
        return self._evaluations[opened.key]

    async def _evaluate(self, opened: OpenNet) -> CifarError | None:
        try:
            async with self._evaluating:
                if self.nets.cached_evaluation(opened) is None:  # somebody else's may have ended meanwhile
                    await asyncio.to_thread(self.nets.evaluation, opened)
            return None
        except CifarError as error:
            return error
        finally:
            del self._evaluations[opened.key]

    def _predict(
        self,
        net: str,
        file: ImageFile | None,
        photo: ImageFile | None,
        crop: str,
        sliders: str,
        state: ClassifyState,
    ) -> tuple[Outputs, UploadPrediction | None]:
        """Return what can be shown at once; and the prediction, if its comparison waits for an evaluation."""
        at, key = self.widgets, file.key if file else ""
        outputs = {at.state: state} | self.tests.predict_again(net, state)
        state = outputs[at.state]
        image, edit = None, ImageEdit()
        try:
            if key != state.upload_key:
                state = outputs[at.state] = replace(state, upload_key=key, upload=None)
                image, brought = self._bring(file)
                outputs |= brought
            elif photo:
                image, edit = photo.read(), edit_of(crop, sliders)
            if image is None:
                return outputs, None
            upload = predict_edited(self.nets, NetRef(net), apply_edit(image, edit))
        except CifarError as error:
            said = {at.upload_prediction_html: message_box(str(error), "error"), at.upload_numbers_html: ""}
            return outputs | said | {at.state: replace(state, upload=None)}, None
        prediction, opened = upload.prediction, upload.opened
        found = baseline(self.nets, opened, state.compared)
        look_at = LookAt(NetRef(net), own_image(upload.image))
        shown = {
            at.upload_prediction_html: upload_prediction_html(
                prediction, upload.image, compare(prediction, opened, found)
            ),
            at.upload_numbers_html: numbers_html(channels(upload.image), prediction),
            at.state: replace(state, upload=look_at, compared=opened.ref if found.due else found.net),
        }
        return outputs | shown, upload if found.due else None

    def _bring(self, file: ImageFile | None) -> tuple[Image.Image | None, Outputs]:
        """Read another upload, or none; what was shown of the one before goes."""
        at, image, message = self.widgets, None, no_upload_html()
        if file:
            try:
                image, message = file.read(), message_box("")
            except ImageError as error:
                message = message_box(str(error), "error")
        return image, {
            at.photo: image,
            at.crop_html: with_photo(photo_url(image, PHOTO_SIDE) if image else ""),
            at.sliders_html: starts(SLIDERS),
            at.upload_message_html: message,
            at.upload_prediction_html: "",
            at.upload_numbers_html: "",
        }

    def _compared(self, upload: UploadPrediction, error: CifarError | None) -> Outputs:
        prediction, opened = upload.prediction, upload.opened
        found = Baseline(self.nets.cached_evaluation(opened), opened.ref, due=False)
        comparison = compare(prediction, opened, found)
        shown = upload_prediction_html(prediction, upload.image, comparison, retry=comparison is None)
        return {self.widgets.upload_prediction_html: message_box(str(error), "error") if error else shown}


def fresh_choices(nets: NetRegistry, owner: str, chosen: str) -> Any:
    """Return the dropdown with the Nets there are now; the pretrained one is chosen if the one before is gone."""
    choices = net_choices(nets, str(owner))
    known = {value for _, value in choices}
    return gr.Dropdown(choices=choices, value=chosen if chosen in known else PRETRAINED)
