"""The tab with a visitor's own runs: compare, rename, delete, take home."""

from typing import Any

import gradio as gr

from cifar_core.errors import CifarError
from cifar_core.runs.service import Service
from demo.tabs.my_runs.compare import comparison_html, list_html, snapshots_of
from demo.widgets.download import SAVE, made_file, slug
from demo.widgets.templates import message_box

DELETE = "Delete"


def build_runs_tab(service: Service, owner: gr.BrowserState, tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list is fresh."""
    gr.Markdown(
        "The runs you have started in this browser, the newest first. Lay the curves of several over each other and "
        "see what a single changed setting does."
    )
    with gr.Row(elem_classes="run-commands"):
        refresh = gr.Button("Refresh", size="sm", elem_id="runs-refresh")
    runs_list = gr.HTML("", elem_id="runs-list")
    with gr.Column(visible=False) as tools:
        picked = gr.CheckboxGroup(label="Compare", elem_id="compare")
        comparison = gr.HTML("", elem_id="comparison")
        with gr.Row(equal_height=True):
            run = gr.Dropdown(label="Run", elem_id="one-run", min_width=200)
            name = gr.Textbox(label="Name", max_lines=1, max_length=60, elem_id="run-name", min_width=200)
        with gr.Row(elem_classes="run-commands"):
            rename = gr.Button("Rename", size="sm", elem_id="rename")
            download = gr.Button("Download zip", size="sm", elem_id="download-zip")
            show = gr.Button("Show in Train", size="sm", elem_id="show-run")
            delete = gr.Button(DELETE, size="sm", variant="stop", elem_id="delete-run")
        gr.Markdown(
            "The zip holds the weights (`net.pth`), the curve and the accuracy as CSV, the log, and the settings as "
            "JSON.",
            elem_classes="quiet",
        )
    message = gr.HTML(message_box(""), elem_id="runs-message")
    packed = gr.DownloadButton(visible="hidden", elem_id="packed")

    def of_one(owner_key: str, run_id: str | None) -> list[Any]:
        """What to send to name, show and delete for the run that was chosen."""
        try:
            own = service.own(str(owner_key), str(run_id))
        except CifarError:  # it is gone; whatever is asked of it next will say so
            return [gr.skip(), gr.skip(), DELETE]
        return [own.name, gr.Button(link=f"?run={own.id}&tab=train"), DELETE]

    def compare(owner_key: str, chosen: list[str] | None) -> str:
        try:
            return comparison_html(snapshots_of(service, str(owner_key), chosen or []))
        except CifarError as error:
            return message_box(str(error), "error")

    def fresh(owner_key: str, chosen: list[str] | None, run_id: str | None) -> list[Any]:
        """Everything as it is now; what was chosen stays so where it is still there."""
        runs = service.runs_of(str(owner_key))
        # a run's points are many and not in the list: those after its last step are none
        table = list_html([service.snapshot(run.id, run.step, watching=False) for run in runs])
        choices = [(run.name, run.id) for run in runs]
        known = [run.id for run in runs]
        still = [one for one in chosen or [] if one in known]
        one = run_id if run_id in known else next(iter(known), None)
        return [
            table,
            gr.Column(visible=bool(runs)),
            gr.CheckboxGroup(choices=choices, value=still),
            compare(owner_key, still),
            gr.Dropdown(choices=choices, value=one),
            *of_one(owner_key, one),
        ]

    def do_rename(owner_key: str, chosen: list[str] | None, run_id: str | None, new: str | None) -> list[Any]:
        try:
            renamed = service.rename(str(owner_key), str(run_id), new or "")
        except CifarError as error:
            return [message_box(str(error), "error"), *[gr.skip()] * len(all_of_it)]
        return [message_box(f"The run is now called {renamed.name}."), *fresh(owner_key, chosen, run_id)]

    def do_delete(owner_key: str, chosen: list[str] | None, run_id: str | None, label: str) -> list[Any]:
        """The first press asks, with the run's name on the button; only a press on that very question deletes."""
        try:
            own = service.own(str(owner_key), str(run_id))
            question = f"Really delete {own.name}?"
            if label != question and not own.active:  # one that is going is refused at once
                return [message_box(""), *[gr.skip()] * (len(all_of_it) - 1), question]
            service.delete(str(owner_key), str(run_id))
        except CifarError as error:
            return [message_box(str(error), "error"), *[gr.skip()] * (len(all_of_it) - 1), DELETE]
        return [message_box(f"{own.name} is deleted."), *fresh(owner_key, chosen, run_id)]

    def do_pack(owner_key: str, run_id: str | None) -> list[Any]:
        """The zip as the run is now."""
        try:
            content = service.bundle(str(owner_key), str(run_id))
            own = service.own(str(owner_key), str(run_id))
        except CifarError as error:
            return [message_box(str(error), "error"), None]
        return [message_box(""), made_file(content, f"{slug(own.name)}.zip")]

    all_of_it = [runs_list, tools, picked, comparison, run, name, show, delete]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    gr.on([tab.select, refresh.click], fresh, [owner, picked, run], all_of_it, **quiet)
    picked.input(compare, [owner, picked], comparison, trigger_mode="always_last", **quiet)
    run.input(of_one, [owner, run], [name, show, delete], trigger_mode="always_last", **quiet)
    gr.on([rename.click, name.submit], do_rename, [owner, picked, run, name], [message, *all_of_it], **quiet)
    delete.click(do_delete, [owner, picked, run, delete], [message, *all_of_it], **quiet)
    download.click(do_pack, [owner, run], [message, packed], **quiet).then(
        None, packed, None, js=SAVE, api_visibility="private"
    )
