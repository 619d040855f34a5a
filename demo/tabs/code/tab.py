"""The tab that gives a run as code, and its receipt; and takes a receipt to see whether it comes out the same here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from cifar_core.runs.records import Run
from cifar_core.runs.registry import images_of
from cifar_core.runs.service import Service
from demo.setup.settings import NAMES, page_config
from demo.tabs.code.view import compared_html, filename, receipt_html
from demo.widgets.code_block import code_block, code_html
from demo.widgets.download import file_to_save
from demo.widgets.download import save as save_file
from demo.widgets.format import STATES
from demo.widgets.templates import message_box

NOW = "now"
"""in place of a run's id: the settings on the Train tab"""
COMMAND = "The same with this program's command line"
LOOK_EVERY = 2.0
"""seconds between two looks at a run that is repeated"""


def build_code_tab(
    service: Service,
    source: DataSource,
    owner: gr.BrowserState,
    settings: Mapping[str, gr.Number | gr.Dropdown],
    saved: gr.DownloadButton,
    tab: gr.Tab,
) -> None:
    """Lay out the tab and wire it. `settings` are the fields of the Train tab, by name."""
    gr.Markdown(
        "A run is a program. Here it is whole, in plain PyTorch and without this page. On a computer's own processor, "
        "with the same pictures and versions, it prints **the same lines and the same accuracy, digit for digit**."
    )
    chosen = gr.Dropdown(_choices([]), value=NOW, label="Code of", elem_id="code-of")
    message = gr.HTML(message_box(""), elem_id="code-message")
    with gr.Row(elem_classes="run-commands"):
        as_py = gr.Button("Download .py", size="sm", elem_id="code-py")
        as_notebook = gr.Button("Download notebook", size="sm", elem_id="code-ipynb")
        as_receipt = gr.Button("Download receipt", size="sm", interactive=False, elem_id="code-receipt")
    script = code_block(elem_id="code-script")
    command = code_block(elem_id="code-command")
    gr.HTML("<h3>A receipt, and whether it comes out the same here</h3>")
    gr.Markdown(
        "Every run that has ended has a *receipt*: settings, seed, a checksum of the pictures, versions, the printed "
        "losses, the accuracy and a hash of the weights. Paste one, yours or somebody else's, and run it again."
    )
    pasted = gr.Textbox("", lines=5, max_lines=8, label="Receipt (JSON)", elem_id="receipt-text", buttons=["copy"])
    with gr.Row(elem_classes="run-commands"):
        upload = gr.UploadButton("Open a receipt", file_types=[".json"], size="sm", elem_id="receipt-file")
        read = gr.Button("Read it", size="sm", elem_id="receipt-read")
        again = gr.Button("Run it again here", size="sm", variant="primary", interactive=False, elem_id="receipt-again")
    about = gr.HTML("", elem_id="receipt-about")
    verdict = gr.HTML("", elem_id="receipt-verdict")
    repeated = gr.Textbox("", visible="hidden", label="run that repeats the receipt")
    look = gr.Timer(LOOK_EVERY, active=False)

    def written(name: Any, *values: Any) -> tuple[str, str]:
        """Script and command of a run, or of the settings on the Train tab."""
        from cifar_core.teach.script import command_of, data_kind, script_of, script_of_run

        if name == NOW:
            splits = source.splits
            config = page_config(dict(zip(NAMES, values, strict=True)), len(splits.train))
            kind, classes = data_kind(splits.info), splits.train.classes
            return script_of(config, data=kind, classes=classes), command_of(config)
        snapshot = service.snapshot(str(name))
        return script_of_run(snapshot, images_of(snapshot.run)), command_of(snapshot.run.config)

    def show(name: Any, *values: Any) -> list[Any]:
        ended = name != NOW and not _still_going(service, name)
        try:
            code, line = written(name, *values)
        except CifarError as error:
            return [message_box(str(error), "error"), "", "", gr.Button(interactive=False)]
        blocks = [code_html(code, "python", "Plain PyTorch"), code_html(line, "shell", COMMAND)]
        return [message_box(""), *blocks, gr.Button(interactive=ended)]

    def fresh(owner_key: str, name: Any) -> Any:
        choices = _choices(service.runs_of(str(owner_key)))
        return gr.Dropdown(choices=choices, value=name if name in [value for _, value in choices] else NOW)

    def save(kind: str, owner_key: str, name: Any, *values: Any) -> list[Any]:
        from cifar_core.teach.notebook import notebook_of

        try:
            content = receipt_of_run(str(name)).to_json() if kind == "json" else written(name, *values)[0]
            run = None if name == NOW else service.find(str(name))
        except CifarError as error:
            return [message_box(str(error), "error"), None]
        if kind == "ipynb":
            content = notebook_of(content)
        return [message_box(""), file_to_save(content, filename(run, kind))]

    def receipt_of_run(run_id: str) -> Any:
        from cifar_core.teach.receipt import receipt_of

        snapshot = service.snapshot(run_id)
        return receipt_of(snapshot, service.weights(run_id), images_of(snapshot.run), device_of(service, snapshot.run))

    def opened(path: Any) -> str:
        try:
            return Path(str(path)).read_bytes()[:1_000_001].decode("utf-8", "replace")
        except OSError:
            return ""

    def read_it(text: str) -> list[Any]:
        from cifar_core.teach.receipt_parse import parse_receipt

        try:
            receipt = parse_receipt(str(text))
        except CifarError as error:
            return [message_box(str(error), "error"), gr.Button(interactive=False)]
        return [receipt_html(receipt), gr.Button(interactive=True)]

    def run_again(owner_key: str, text: str) -> list[Any]:
        from cifar_core.teach.receipt_parse import parse_receipt

        try:
            receipt = parse_receipt(str(text))
            run = service.start(str(owner_key), receipt.settings, source.splits, receipt.changes)
        except CifarError as error:
            return [message_box(str(error), "error"), gr.skip(), gr.skip()]
        return [message_box("It runs; its lines are compared as they come."), run.id, gr.Timer(active=True)]

    def compare(text: str, run_id: str) -> list[Any]:
        from cifar_core.teach.receipt_parse import parse_receipt

        try:
            receipt, snapshot = parse_receipt(str(text)), service.snapshot(str(run_id))
            ended = not snapshot.run.active
            own = receipt_of_run(snapshot.run.id) if snapshot.run.state == "done" else None
            return [compared_html(receipt, snapshot, own), gr.Timer(active=not ended)]
        except CifarError as error:
            return [message_box(str(error), "error"), gr.Timer(active=False)]

    fields = [settings[name] for name in NAMES]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    shown = [message, script, command, as_receipt]
    tab.select(fresh, [owner, chosen], chosen, **quiet).then(show, [chosen, *fields], shown, **quiet)
    chosen.input(show, [chosen, *fields], shown, **quiet)
    for button, kind in ((as_py, "py"), (as_notebook, "ipynb"), (as_receipt, "json")):
        save_file(button.click(_of_kind(save, kind), [owner, chosen, *fields], [message, saved], **quiet), saved)
    upload.upload(opened, upload, pasted, **quiet).then(read_it, pasted, [about, again], **quiet)
    read.click(read_it, pasted, [about, again], **quiet)
    again.click(run_again, [owner, pasted], [verdict, repeated, look], **quiet)
    look.tick(compare, [pasted, repeated], [verdict, look], **quiet)


def device_of(service: Service, run: Run) -> str:
    """The kind of device that trains a run."""
    workers = service.workers()
    return workers[0].device if run.config.device == "auto" and workers else run.config.device


def _still_going(service: Service, name: Any) -> bool:
    try:
        return service.find(str(name)).active
    except CifarError:
        return True


def _of_kind(save: Any, kind: str) -> Any:
    return lambda *inputs: save(kind, *inputs)


def _choices(runs: list[Run]) -> list[tuple[str, str]]:
    return [
        ("the settings on the Train tab now", NOW),
        *((f"{run.name} · {STATES[run.state]}", run.id) for run in runs),
    ]
