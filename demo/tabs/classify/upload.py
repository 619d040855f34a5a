"""The upload doctor: a visitor's photo, cropped, turned, blurred, dimmed ... and what the Net says to that.

The photo is read once and kept as a file of at most 1,024 pixels a side that is quick to open; each move of a slider
or of the frame sends its name and a few numbers. One event alone writes the answer, so that none can overtake another.
"""

import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from PIL import Image

from cifar_core.errors import CifarError, ImageError
from cifar_core.image_edit import FIELDS, ImageEdit, apply_edit, channels
from cifar_core.prediction import Prediction
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import NetRegistry, OpenNet
from demo.gradio_compat import CachedUpload, ImageInput
from demo.tabs.classify.upload_view import COMPARING, EMPTY, certainty_html, doctor_html, numbers_html, photo_url
from demo.widgets.crop import PARTS, WHOLE, crop_frame, with_photo
from demo.widgets.pointer import Pointer, picture_pointer
from demo.widgets.sliders import Dial, dials, numbers_in, starts
from demo.widgets.templates import message_box

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

_PLAIN = ImageEdit()
DIALS = {
    "rotate": Dial(FIELDS["rotate"], _PLAIN.rotate, 1, "°"),
    "blur": Dial(FIELDS["blur"], _PLAIN.blur, 0.1),
    "shift_right": Dial(FIELDS["shift_right"], _PLAIN.shift_right, 1),
    "shift_down": Dial(FIELDS["shift_down"], _PLAIN.shift_down, 1),
    "brightness": Dial(FIELDS["brightness"], _PLAIN.brightness, 0.05),
    "noise": Dial(FIELDS["noise"], _PLAIN.noise, 1),
}
"""the parts of a Treatment that have a slider"""
UNTOUCHED = WHOLE, starts(tuple(DIALS.values()))
"""the values of frame and sliders at first"""
LATE = 1.25
"""a run still training is tested again once it has made so many times the steps it had at its last test"""

Picture = Image.Image | ImageError | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """The test that an answer is compared with."""

    found: "Evaluation | None"
    """None where there is none yet"""
    step: int | None
    """the Net's step that was tested; None for the pretrained Net"""
    due: bool
    """True where the Net should be tested now"""


def comparison(nets: NetRegistry, chosen: OpenNet, tested: object) -> Comparison:
    """The test of the chosen Net, or of a slightly earlier step of the same run where that is still training.

    `tested` is what `text_of_test` wrote for this visitor's last test; anything else is no test.
    """
    exact = nets.cached_evaluation(chosen)
    if exact is not None:
        return Comparison(exact, chosen.step, False)
    try:
        name, step, _ = json.loads(str(tested)[:200])
    except (ValueError, TypeError):
        name, step = "", None
    if name != chosen.name or type(step) is not int or chosen.step is None or chosen.run is None:
        return Comparison(None, None, True)
    earlier = nets.cached_evaluation(replace(chosen, ref=NetRef(chosen.name, step)))
    still = chosen.run.state == "running" and step <= chosen.step <= LATE * step
    return Comparison(earlier, step, earlier is None or not still)


def text_of_test(chosen: OpenNet) -> str:
    """What says which step was tested, in a hidden field. Never the same twice, so that every test is a change."""
    return json.dumps([chosen.name, chosen.step, secrets.token_hex(4)])


def certainty_of(answer: Prediction, chosen: OpenNet, compared: Comparison) -> str:
    """The sentence about how sure the answer is, or that it follows."""
    from cifar_core.inspect.judge import Proportion, confidence_rank

    found = compared.found
    if found is None:
        return COMPARING
    if not found.finite:
        return message_box(
            "The Net's answers to the test images are not all numbers, so there is no comparison.", "error"
        )
    low = found.logits[:, : len(found.classes)].max(axis=1) <= answer.best.logit  # bool (N,)
    alike = Proportion(int((found.predictions == found.labels)[low].sum()), int(low.sum()))
    behind = ""
    if compared.step != chosen.step:
        behind = (
            f"The test images were asked after step {compared.step:,} of the run, your picture after {chosen.step:,}."
        )
    return certainty_html(confidence_rank(answer, found), alike, behind=behind)


def examine(
    nets: NetRegistry, name: object, picture: Picture, crop: object, levels: object, tested: object
) -> tuple[str, str, bool]:
    """What the Net called `name` says to a treated picture, the numbers behind that, and if a test of it is due.

    Where there is no answer, the first is a sentence that says why. Without a picture there is nothing to say.
    """
    from cifar_core.predict import predict

    if picture is None:
        return "", "", False
    try:
        image = seen_of(picture, crop, levels)
        chosen = nets.open(NetRef(str(name)))
        answer = predict(chosen.net, image, chosen.splits.test.classes)
    except CifarError as error:
        return message_box(str(error), "error"), "", False
    compared = comparison(nets, chosen, tested)
    shown = doctor_html(answer, image) + certainty_of(answer, chosen, compared)
    return shown, numbers_html(channels(image), answer), compared.due


def seen_of(picture: Picture, crop: object, levels: object) -> np.ndarray:
    """What the Net is to see of the photo, as frame and sliders have it: uint8 (32, 32, 3). Raises CifarError."""
    if picture is None:
        raise ImageError("Bring a picture first.")
    if isinstance(picture, ImageError):
        raise picture
    return apply_edit(picture, ImageEdit(**numbers_in(crop, PARTS), **numbers_in(levels, tuple(DIALS))))


def build_doctor(nets: NetRegistry, net: gr.Dropdown, again: gr.Button, look_at: gr.Textbox) -> None:
    """Lay out the doctor and wire it. It asks the Net chosen in `net`, once more when `again` is pressed."""
    with gr.Row(equal_height=False, elem_id="doctor-row"):
        with gr.Column(scale=2, min_width=300):
            upload = ImageInput(
                label="Upload, paste or photograph",
                sources=["upload", "clipboard", "webcam"],
                type="pil",
                format="png",
                elem_id="upload",
                height=260,
            )
            gr.Markdown("PNG, JPEG, WebP, GIF, BMP or AVIF, up to 10 MB.", elem_id="upload-kinds")
            crop = crop_frame(elem_id="crop")
        with gr.Column(scale=3, min_width=320):
            message = gr.HTML(EMPTY, elem_id="doctor-message")
            with gr.Column(elem_id="doctor"):  # doctor.css shows it while the crop has a photo
                answer = gr.HTML("", elem_id="doctor-answer")
                levels = dials(tuple(DIALS.values()), elem_id="doctor-levels")
                with gr.Row(elem_classes="pager"):
                    reset = gr.Button("Reset", size="sm", elem_id="doctor-reset")
                    inside = gr.Button("Look inside", size="sm", elem_id="doctor-inside")
                with gr.Accordion("The numbers behind it", open=True):
                    numbers = gr.HTML("", elem_id="doctor-numbers")
    photo = CachedUpload(visible="hidden", label="photo under treatment")
    brought = gr.Textbox("", visible="hidden", label="changes with every upload")
    wanted = gr.Textbox("", visible="hidden", label="changes when a test is wanted")
    tested = gr.Textbox("", visible="hidden", label="the test that answers are compared with")

    def bring(picture: Picture) -> tuple[Any, ...]:
        """Another photo, or none: what was shown of the one before goes, and `brought` has the new one asked about."""
        whole, untouched = UNTOUCHED
        if picture is None or isinstance(picture, ImageError):
            said = EMPTY if picture is None else message_box(str(picture), "error")
            return None, with_photo(whole, ""), untouched, said, "", "", ""
        return picture, with_photo(whole, photo_url(picture)), untouched, "", "", "", secrets.token_hex(4)

    def ask(*asked: Any) -> tuple[Any, Any, Any]:
        answer, numbers, due = examine(nets, *asked)
        return answer, numbers, secrets.token_hex(4) if due else gr.skip()

    def test(name: object, tested: str) -> tuple[Any, Any]:
        try:
            chosen = nets.open(NetRef(str(name)))
            compared = comparison(nets, chosen, tested)
            if compared.due:
                nets.evaluation(chosen)
            elif compared.step != chosen.step:
                return gr.skip(), gr.skip()
            return text_of_test(chosen), gr.skip()
        except CifarError as error:
            return gr.skip(), message_box(str(error), "error")

    def look_inside(name: object, picture: Picture, crop: str, levels: str) -> tuple[Any, Any]:
        try:
            image = seen_of(picture, crop, levels)
            return Pointer(str(name), picture_pointer(image)).text(), gr.skip()
        except CifarError as error:
            return gr.skip(), message_box(str(error), "error")

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    heavy = quiet | {"concurrency_limit": 2, "concurrency_id": "classify"}
    judge = quiet | {"concurrency_limit": 1, "concurrency_id": "judge"}
    cleared = [photo, crop, levels, message, answer, numbers, brought]
    gr.on([upload.input, upload.clear], bring, upload, cleared, **heavy).then(
        None, None, None, js=_TO_CROP, api_visibility="private"
    )
    gr.on(
        [crop.input, levels.input, brought.change, tested.change, net.change, again.click],
        ask,
        [net, photo, crop, levels, tested],
        [answer, numbers, wanted],
        trigger_mode="always_last",
        **heavy,
    )
    wanted.change(test, [net, tested], [tested, answer], **judge)
    reset.click(lambda: UNTOUCHED, None, [crop, levels], concurrency_limit=None, **quiet)
    inside.click(look_inside, [net, photo, crop, levels], [look_at, answer], **heavy)


_TO_CROP = """() => setTimeout(() => document.getElementById('crop').scrollIntoView(
    {behavior: 'smooth', block: window.innerWidth < 700 ? 'start' : 'nearest'}), 400)"""
