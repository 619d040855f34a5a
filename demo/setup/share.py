"""The address of a set-up: for oneself, for a friend, or for a class with some controls locked or hidden."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from cifar_core.config import FIELDS
from cifar_core.errors import CifarError
from demo.setup.link import LONGEST_TITLE, PARTS, TABS, Setup, non_default_settings, write_setup
from demo.setup.settings import NAMES, Settings
from demo.widgets.events import JS_ONLY, QUIET, Outputs
from demo.widgets.templates import message_box, render

WHOLE_ADDRESS = "(query) => query.startsWith('?') ? window.location.origin + window.location.pathname + query : query"
"""completes an address in the browser: the server does not know under which one it is seen"""


def build_share(settings: Settings, lesson_steps: Sequence[tuple[str, int]] = ()) -> None:
    """Lay out the fields below the settings, and wire them. `lesson_steps`: the name and number of each step."""
    names = [(FIELDS[name].label, name) for name in NAMES]
    tabs = [(label, name) for name, label in TABS.items()]
    parts = [(label[0].upper() + label[1:], name) for name, label in PARTS.items()]
    with gr.Accordion("Share this set-up as a link", open=False, elem_id="share"):
        gr.HTML(render("setup/share.html.j2"))
        title_textbox = gr.Textbox(
            "", label="Line on top of the page", max_lines=1, max_length=LONGEST_TITLE, elem_id="share-title"
        )
        narrow: dict[str, Any] = {"min_width": 140}
        with gr.Row():
            lock_dropdown = gr.Dropdown(names, value=[], multiselect=True, label="Lock", elem_id="share-lock", **narrow)
            hide_dropdown = gr.Dropdown(
                names + tabs + parts, value=[], multiselect=True, label="Hide", elem_id="share-hide", **narrow
            )
        with gr.Row():
            tab_dropdown = gr.Dropdown(
                [("the first", ""), *tabs], value="", label="Open tab", elem_id="share-tab", **narrow
            )
            step_dropdown = gr.Dropdown(
                [("not the lesson", 0), *lesson_steps], value=0, label="Open lesson at", elem_id="share-step", **narrow
            )
        make_button = gr.Button("Make the link", size="sm", elem_id="share-make")
        link_textbox = gr.Textbox(
            "", label="Link", interactive=False, max_lines=3, buttons=["copy"], elem_id="share-link", visible=False
        )
        message_html = gr.HTML(message_box(""), elem_id="share-message")

    def make(title: str, lock: Any, hide: Any, tab: str, step: Any, *values: Any) -> Outputs:
        try:
            named = non_default_settings(dict(zip(NAMES, values, strict=True)))
        except CifarError as error:
            return {message_html: message_box(str(error), "error"), link_textbox: gr.Textbox(value="", visible=False)}
        words = " ".join(str(title or "").split())[:LONGEST_TITLE]
        setup = Setup(named, frozenset(lock or ()), frozenset(hide or ()), tab or None, step or None, words)
        return {message_html: message_box(""), link_textbox: gr.Textbox(value=write_setup(setup), visible=True)}

    inputs = [title_textbox, lock_dropdown, hide_dropdown, tab_dropdown, step_dropdown, *settings.values()]
    make_button.click(make, inputs, [message_html, link_textbox], **QUIET).then(
        None, link_textbox, link_textbox, js=WHOLE_ADDRESS, **JS_ONLY
    )
