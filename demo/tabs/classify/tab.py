"""The tab in which a trained Net predicts what an image shows: its layout, and which event calls which handler."""

from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.components import Component

from cifar_core.pretrained import origin
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from demo.gradio_compat import OPEN_TAB, CachedUpload, ImageFileInput, PageState
from demo.tabs.classify.handlers import ClassifyHandlers, fresh_choices
from demo.tabs.classify.known_images import ClassifyWidgets
from demo.tabs.classify.state import ClassifyState
from demo.tabs.classify.upload import SLIDERS
from demo.tabs.classify.view import no_upload_html, prediction_html
from demo.widgets.crop import crop_frame
from demo.widgets.events import JS_ONLY, LATEST, PREDICT, QUIET
from demo.widgets.image_grid import clickable_grid, scroll_to
from demo.widgets.look_at import LookAt
from demo.widgets.net_choices import net_choices
from demo.widgets.sliders import sliders
from demo.widgets.templates import script

_LOOK_INSIDE = "element.onclick = (event) => { if (event.target.closest('.look-inside')) trigger('look'); };"
_RETRY = script("tabs/classify/retry.js")
_RESET = """() => document.querySelectorAll('#crop .crop, #upload-sliders .sliders').forEach(
    (part) => part.dispatchEvent(new Event('reset-edit', {bubbles: true})))"""
"""JavaScript: first the crop, then the sliders, which alone announce it"""


@dataclass(frozen=True)
class ClassifyButtons:
    """What else can be clicked."""

    again_button: gr.Button
    next_button: gr.Button
    shuffle_button: gr.Button
    reset_button: gr.Button
    inside_button: gr.Button


def build_classify_tab(
    nets: NetRegistry, owner: Component, data_in_use: gr.Textbox, look_at: PageState[LookAt], tab: gr.Tab
) -> None:
    """Lay out the tab and wire it. Whenever `tab` is opened, the list of Nets is fresh."""
    widgets, buttons = _layout(nets)
    handlers = ClassifyHandlers(nets, widgets)
    # what a visitor sees first is part of the page itself
    widgets.grid_html.value = handlers.tests.show(ClassifyState())[widgets.grid_html]
    _wire(widgets, buttons, handlers, data_in_use)
    _wire_look_inside(widgets, buttons, look_at)
    choices = partial(fresh_choices, nets)
    tab.select(
        choices,
        [owner, widgets.net_dropdown],
        widgets.net_dropdown,
        # Gradio 6.31 tells why an upload was refused only where the status of an event was written before
        show_progress_on=[widgets.upload_image],
        **QUIET,
    )


def _layout(nets: NetRegistry) -> tuple[ClassifyWidgets, ClassifyButtons]:
    gr.Markdown(
        "Choose a trained Net and show it an image. It can only predict **one of its ten classes**: shown a banana, it "
        "still predicts plane, frog or ship. It has no way to say *none of these*."
    )
    with gr.Row(equal_height=False, elem_id="net-row"):
        net = gr.Dropdown(net_choices(nets, ""), value=PRETRAINED, label="Net", info=_about_pretrained(), elem_id="net")
        again = gr.Button("Predict again", elem_id="predict-again", size="sm")
    with gr.Tabs():
        with gr.Tab("Test images", id="test-images"), gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=300):
                grid = clickable_grid(label="Test images", elem_id="test-images")
                with gr.Row(elem_classes="pager"):
                    following = gr.Button("Next", size="sm", elem_id="test-next")
                    shuffle = gr.Button("Shuffle", size="sm", elem_id="test-shuffle")
            with gr.Column(scale=3, min_width=320):
                prediction = gr.HTML(prediction_html(None), js_on_load=_LOOK_INSIDE, elem_id="test-prediction")
        with gr.Tab("Your image", id="your-image"), gr.Row(equal_height=False, elem_id="upload-row"):
            with gr.Column(scale=2, min_width=300):
                upload, crop = _upload_layout()
            with gr.Column(scale=3, min_width=320):
                message = gr.HTML(no_upload_html(), elem_id="upload-message")
                with gr.Column(elem_id="upload-result"):  # classify.css shows it while the crop has a photo
                    upload_prediction = gr.HTML("", js_on_load=_RETRY, elem_id="upload-prediction")
                    moved = sliders(SLIDERS, elem_id="upload-sliders")
                    with gr.Row(elem_classes="pager"):
                        reset = gr.Button("Reset", size="sm", elem_id="upload-reset")
                        inside = gr.Button("Look inside", size="sm", elem_id="upload-inside")
                    with gr.Accordion("The numbers behind it", open=True):
                        numbers = gr.HTML("", elem_id="upload-numbers")
    photo = CachedUpload(visible="hidden", label="photo of the visitor")
    state = PageState(ClassifyState(), label="state of Classify")
    return ClassifyWidgets(
        net, state, grid, prediction, upload, photo, crop, moved, message, upload_prediction, numbers
    ), ClassifyButtons(again, following, shuffle, reset, inside)


def _upload_layout() -> tuple[ImageFileInput, gr.HTML]:
    upload = ImageFileInput(
        label="Upload, paste or photograph",
        sources=["upload", "clipboard", "webcam"],
        type="pil",
        format="png",
        elem_id="upload",
        height=260,
    )
    gr.Markdown("PNG, JPEG, WebP, GIF, BMP or AVIF, up to 10 MB.", elem_id="upload-kinds")
    return upload, crop_frame(elem_id="crop")


def _wire(
    widgets: ClassifyWidgets, buttons: ClassifyButtons, handlers: ClassifyHandlers, data_in_use: gr.Textbox
) -> None:
    at, tests = widgets, handlers.tests
    page = [at.grid_html, at.state]
    buttons.next_button.click(tests.next, at.state, page, **QUIET)
    buttons.shuffle_button.click(tests.shuffle, at.state, page, **QUIET)
    data_in_use.change(tests.show, at.state, page, trigger_mode="multiple", **QUIET)
    at.grid_html.pick(
        tests.pick, [at.net_dropdown, at.state], [at.prediction_html, at.state], **PREDICT, **LATEST
    ).then(None, None, None, js=scroll_to("test-prediction"), **JS_ONLY)
    gr.on(
        [
            at.upload_image.input,  # which comes when it is cleared, too
            at.crop_html.input,
            at.sliders_html.input,
            at.upload_prediction_html.retry,
            at.net_dropdown.change,
            buttons.again_button.click,
        ],
        handlers.predict,
        [at.net_dropdown, at.upload_image, at.photo, at.crop_html, at.sliders_html, at.state],
        [
            at.state,
            at.photo,
            at.crop_html,
            at.sliders_html,
            at.upload_message_html,
            at.upload_prediction_html,
            at.upload_numbers_html,
            at.prediction_html,
        ],
        **QUIET,
        **LATEST,
    )
    buttons.reset_button.click(None, None, None, js=_RESET, **JS_ONLY)


def _wire_look_inside(widgets: ClassifyWidgets, buttons: ClassifyButtons, look_at: PageState[LookAt]) -> None:
    """In the browser alone: what is looked at goes from one page state into another, and the tab Inside opens."""
    for clicked, part in ((widgets.prediction_html.look, "test"), (buttons.inside_button.click, "upload")):
        copy = f"(state, before) => state.{part} || before"
        open_inside = f"(state) => {{ if (state.{part}) ({OPEN_TAB})('inside', 'Inside'); }}"
        copied = clicked(None, [widgets.state, look_at], look_at, js=copy, **JS_ONLY)
        copied.then(None, widgets.state, None, js=open_inside, **JS_ONLY)


def _about_pretrained() -> str:
    made = origin()
    config = made.config
    return (
        f"The pretrained Net saw {config.epochs} epochs in batches of {config.batch_size}, each image mirrored and "
        f"moved a little at random, with a learning rate that rises to {config.lr:g} and falls to zero (seed "
        f"{config.seed}): it predicts {made.correct:,} of {made.total:,} test images correctly."
    )
