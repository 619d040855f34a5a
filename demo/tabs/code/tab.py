"""The tab Code: a run as a script, and its receipt; whether a receipt comes out the same here."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from cifar_core.errors import CifarError
from cifar_core.runs.registry import NetRegistry
from demo.client_address import address_of
from demo.gradio_compat import PageState
from demo.tabs.code.handlers import NOW, Code, text_of_file
from demo.tabs.code.state import CodeState
from demo.tabs.code.view import receipt_html
from demo.widgets.code_block import code_block, code_html
from demo.widgets.download import file_to_save, save
from demo.widgets.events import QUIET, Outputs, refusals_in
from demo.widgets.templates import message_box

LOOK_EVERY = 2.0
"""seconds between two looks at a run that repeats a receipt"""


@dataclass(frozen=True, eq=False)
class Parts:
    """The components of the tab."""

    run_dropdown: gr.Dropdown
    message_html: gr.HTML
    file_buttons: dict[str, gr.Button]
    """by the kind of file: py, ipynb, json (the receipt)"""
    script_html: gr.HTML
    command_html: gr.HTML
    receipt_textbox: gr.Textbox
    upload_button: gr.UploadButton
    read_button: gr.Button
    repeat_button: gr.Button
    about_html: gr.HTML
    comparison_html: gr.HTML
    state: PageState[CodeState]
    timer: gr.Timer


def build_code_tab(
    nets: NetRegistry,
    owner: gr.BrowserState,
    settings: Mapping[str, gr.Number | gr.Dropdown],
    saved: gr.DownloadButton,
    tab: gr.Tab,
) -> None:
    """Lay out the tab and wire it. `settings`: the fields of the tab Train; `saved`: the page's download button."""
    parts, code = lay_out(), Code(nets)
    wire_script(parts, code, owner, settings, saved, tab)
    wire_receipt(parts, code, owner)


def lay_out() -> Parts:
    """Lay out the tab."""
    small: dict[str, Any] = {"size": "sm"}
    gr.Markdown(
        "A run is a program. Here it is whole, in plain PyTorch and without this page. On a computer's own processor, "
        "with the same images and versions, it prints **the same lines and the same accuracy, digit for digit**."
    )
    run_dropdown = gr.Dropdown(
        [("the settings on the Train tab now", NOW)], value=NOW, label="Code of", elem_id="code-of"
    )
    message_html = gr.HTML(message_box(""), elem_id="code-message")
    with gr.Row(elem_classes="run-commands"):
        file_buttons = {
            "py": gr.Button("Download .py", **small, elem_id="code-py"),
            "ipynb": gr.Button("Download notebook", **small, elem_id="code-ipynb"),
            "json": gr.Button("Download receipt", **small, interactive=False, elem_id="code-receipt"),
        }
    script_html = code_block(elem_id="code-script")
    command_html = code_block(elem_id="code-command")
    gr.Markdown(
        "### A receipt, and whether it comes out the same here\n"
        "Every run that has ended has a *receipt*: settings, seed, a checksum of the images, versions, the printed "
        "losses, the accuracy and a hash of the weights. Paste one, yours or somebody else's, and run it again."
    )
    receipt_textbox = gr.Textbox(
        "", lines=5, max_lines=8, label="Receipt (JSON)", elem_id="receipt-text", buttons=["copy"]
    )
    with gr.Row(elem_classes="run-commands"):
        upload_button = gr.UploadButton("Open a receipt", file_types=[".json"], **small, elem_id="receipt-file")
        read_button = gr.Button("Read it", **small, elem_id="receipt-read")
        repeat_button = gr.Button(
            "Run it again here", **small, variant="primary", interactive=False, elem_id="receipt-again"
        )
    return Parts(
        run_dropdown=run_dropdown,
        message_html=message_html,
        file_buttons=file_buttons,
        script_html=script_html,
        command_html=command_html,
        receipt_textbox=receipt_textbox,
        upload_button=upload_button,
        read_button=read_button,
        repeat_button=repeat_button,
        about_html=gr.HTML("", elem_id="receipt-about"),
        comparison_html=gr.HTML("", elem_id="receipt-verdict"),
        state=PageState(CodeState(), label="what Code knows"),
        timer=gr.Timer(LOOK_EVERY, active=False),
    )


def wire_script(
    parts: Parts,
    code: Code,
    owner: gr.BrowserState,
    settings: Mapping[str, gr.Number | gr.Dropdown],
    saved: gr.DownloadButton,
    tab: gr.Tab,
) -> None:
    """Let the upper half work: the script of a run, and its files."""
    receipt_button = parts.file_buttons["json"]

    def show(name: Any, *values: Any) -> Outputs:
        try:
            script, command = code.script(str(name), values)
            ended = code.ended(str(name))
        except CifarError as error:
            script = command = ""
            ended, message = False, message_box(str(error), "error")
        else:
            message = message_box("")
        return {
            parts.message_html: message,
            parts.script_html: code_html(script, "python", "Plain PyTorch"),
            parts.command_html: code_html(command, "shell", "The same with this program's command line"),
            receipt_button: gr.Button(interactive=ended),
        }

    def open_tab(owner_key: str, name: Any, *values: Any) -> Outputs:
        choices = code.choices(str(owner_key))
        chosen = name if name in [value for _, value in choices] else NOW
        return {parts.run_dropdown: gr.Dropdown(choices=choices, value=chosen), **show(chosen, *values)}

    @refusals_in(parts.message_html)
    def save_file(kind: str, name: Any, *values: Any) -> Outputs:
        content, filename = code.file(kind, str(name), values)
        return {parts.message_html: message_box(""), saved: file_to_save(content, filename)}

    fields = list(settings.values())
    shown = [parts.message_html, parts.script_html, parts.command_html, receipt_button]
    tab.select(open_tab, [owner, parts.run_dropdown, *fields], [parts.run_dropdown, *shown], **QUIET)
    parts.run_dropdown.input(show, [parts.run_dropdown, *fields], shown, **QUIET)
    for kind, button in parts.file_buttons.items():
        made = button.click(
            partial(save_file, kind), [parts.run_dropdown, *fields], [parts.message_html, saved], **QUIET
        )
        save(made, saved)


def wire_receipt(parts: Parts, code: Code, owner: gr.BrowserState) -> None:
    """Let the lower half work: read a receipt, and run it again."""

    def read(text: str) -> Outputs:
        try:
            about, readable = receipt_html(code.read(text)), True
        except CifarError as error:
            about, readable = message_box(str(error), "error"), False
        return {parts.about_html: about, parts.repeat_button: gr.Button(interactive=readable)}

    def open_file(path: Any) -> Outputs:
        text = text_of_file(path)
        return {parts.receipt_textbox: text, **read(text)}

    @refusals_in(parts.comparison_html)
    def repeat(owner_key: str, text: str, request: gr.Request | None) -> Outputs:
        run = code.repeat(str(owner_key), text, address_of(request))
        return {
            parts.comparison_html: message_box("It runs; its lines are compared as they come."),
            parts.state: CodeState(run.id),
            parts.timer: gr.Timer(active=True),
        }

    def look(text: str, state: CodeState) -> Outputs:
        try:
            compared, active = code.comparison(text, state.repeated)
        except CifarError as error:
            compared, active = message_box(str(error), "error"), False
        outputs: Outputs = {parts.comparison_html: compared}
        return outputs if active else {**outputs, parts.timer: gr.Timer(active=False)}

    read_parts = [parts.about_html, parts.repeat_button]
    parts.upload_button.upload(open_file, parts.upload_button, [parts.receipt_textbox, *read_parts], **QUIET)
    parts.read_button.click(read, parts.receipt_textbox, read_parts, **QUIET)
    comparing = [parts.comparison_html, parts.state, parts.timer]
    parts.repeat_button.click(repeat, [owner, parts.receipt_textbox], comparing, **QUIET)
    parts.timer.tick(look, [parts.receipt_textbox, parts.state], [parts.comparison_html, parts.timer], **QUIET)
