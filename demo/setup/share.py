"""The address of a set-up: for oneself, for a friend, or for a class with some controls locked or hidden."""

from typing import Any

import gradio as gr

from cifar_core.config import FIELDS
from cifar_core.errors import CifarError
from demo.lesson.lesson import lesson
from demo.setup.link import LONGEST_TITLE, PARTS, TABS, Setup, unlike_the_tutorial, write_setup
from demo.setup.settings import NAMES, Settings
from demo.widgets.templates import message_box

_WHOLE_ADDRESS = "(query) => query ? window.location.origin + window.location.pathname + query : ''"


def build_share(settings: Settings) -> None:
    """Lay out the fields below the settings, and wire them."""
    with gr.Accordion("Share this set-up as a link", open=False, elem_id="share"):
        gr.HTML(
            "<p class='quiet'>Whoever opens the link finds the settings as they are here. A teacher can also lock or "
            "hide controls: that keeps a lesson in order and is no wall, for the link can be changed by anybody.</p>"
        )
        names = [(FIELDS[name].label, name) for name in NAMES]
        tabs = [(label, name) for name, label in TABS.items()]
        parts = [(label[0].upper() + label[1:], name) for name, label in PARTS.items()]
        title = gr.Textbox(
            "", label="Line on top of the page", max_lines=1, max_length=LONGEST_TITLE, elem_id="share-title"
        )
        with gr.Row():
            lock = gr.Dropdown(names, value=[], multiselect=True, label="Lock", elem_id="share-lock", min_width=140)
            hide = gr.Dropdown(
                names + tabs + parts, value=[], multiselect=True, label="Hide", elem_id="share-hide", min_width=140
            )
        with gr.Row():
            tab = gr.Dropdown(
                [("the first", ""), *tabs], value="", label="Open tab", elem_id="share-tab", min_width=140
            )
            steps = [(f"{step.number}: {step.title}", step.number) for step in lesson()]
            step = gr.Dropdown(
                [("not the lesson", 0), *steps], value=0, label="Open lesson at", elem_id="share-step", min_width=140
            )
        make = gr.Button("Make the link", size="sm", elem_id="share-make")
        address = gr.Textbox(
            "", label="Link", interactive=False, max_lines=3, buttons=["copy"], elem_id="share-link", visible=False
        )
        message = gr.HTML(message_box(""), elem_id="share-message")
    query = gr.Textbox("", visible="hidden", label="set-up as it stands in an address")

    def address_of(title: str, lock: Any, hide: Any, tab: str, step: Any, *values: Any) -> list[Any]:
        try:
            named = unlike_the_tutorial(dict(zip(NAMES, values, strict=True)))
        except CifarError as error:
            return [message_box(str(error), "error"), "", gr.skip()]
        words = " ".join(str(title or "").split())[:LONGEST_TITLE]
        setup = Setup(named, frozenset(lock or ()), frozenset(hide or ()), tab or None, step or None, words)
        return [message_box(""), write_setup(setup), gr.Textbox(visible=True)]

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    inputs = [title, lock, hide, tab, step, *(settings[name] for name in NAMES)]
    make.click(address_of, inputs, [message, query, address], **quiet).then(
        None, query, address, js=_WHOLE_ADDRESS, api_visibility="private"
    )
