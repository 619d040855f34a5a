"""The tab with a visitor's own runs: its layout, and which event calls which handler."""

import gradio as gr

from cifar_core.runs.service import Service
from demo.gradio_compat import PageState
from demo.setup.share import WHOLE_ADDRESS
from demo.tabs.my_runs.handlers import DELETE, MyRunsHandlers, MyRunsWidgets
from demo.tabs.my_runs.state import MyRunsState
from demo.widgets.chart import chart
from demo.widgets.download import save
from demo.widgets.events import JS_ONLY, LATEST, QUIET, refusals_in
from demo.widgets.moving import MovingKeys
from demo.widgets.templates import message_box


def build_runs_tab(
    service: Service, owner: gr.BrowserState, saved: gr.DownloadButton, tab: gr.Tab, moving: MovingKeys
) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list is fresh."""
    widgets = lay_out()
    _wire(widgets, MyRunsHandlers(service, widgets, saved, moving), owner, saved, tab)


def lay_out() -> MyRunsWidgets:
    """Lay out the tab."""
    gr.Markdown(
        "The runs you have started in this browser, the newest first. Lay the curves of several over each other and "
        "see what a single changed setting does."
    )
    with gr.Row(elem_classes="run-commands"):
        refresh = gr.Button("Refresh", size="sm", elem_id="runs-refresh")
        move = gr.Button("Use my runs on another device", size="sm", elem_id="move-runs")
    address = gr.Textbox(
        "",
        label="Address for the other device",
        interactive=False,
        buttons=["copy"],
        elem_id="move-address",
        visible=False,
    )
    runs_list = gr.HTML("", elem_id="runs-list")
    with gr.Column(visible=False) as tools:
        compared = gr.CheckboxGroup(label="Compare", elem_id="compare")
        curves = chart(elem_id="runs-chart", label="Curves of the runs compared")
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
            "The zip holds the weights (`net.pth`), the curve and the accuracy as CSV and as an image, the log, and "
            "the settings as JSON.",
            elem_classes="quiet",
        )
    return MyRunsWidgets(
        refresh_button=refresh,
        move_button=move,
        move_textbox=address,
        list_html=runs_list,
        tools_column=tools,
        compared_checkboxes=compared,
        chart_html=curves,
        comparison_html=comparison,
        run_dropdown=run,
        name_textbox=name,
        rename_button=rename,
        download_button=download,
        show_button=show,
        delete_button=delete,
        message_html=gr.HTML(message_box(""), elem_id="runs-message"),
        state=PageState(MyRunsState(), label="run to delete"),
    )


def _wire(
    widgets: MyRunsWidgets, handlers: MyRunsHandlers, owner: gr.BrowserState, saved: gr.DownloadButton, tab: gr.Tab
) -> None:
    compared, run, name = widgets.compared_checkboxes, widgets.run_dropdown, widgets.name_textbox
    message, inputs = widgets.message_html, [owner, widgets.compared_checkboxes, widgets.run_dropdown]
    refused = refusals_in(message)
    gr.on([tab.select, widgets.refresh_button.click], handlers.fresh, inputs, widgets.all, **QUIET)
    moved = widgets.move_button.click(refused(handlers.move), owner, [message, widgets.move_textbox], **QUIET)
    moved.then(None, widgets.move_textbox, widgets.move_textbox, js=WHOLE_ADDRESS, **JS_ONLY)
    compared.input(handlers.compare, [owner, compared], widgets.curves, **LATEST, **QUIET)
    run.input(handlers.choose, [owner, run], widgets.of_one, **LATEST, **QUIET)
    renaming = [widgets.rename_button.click, name.submit]
    gr.on(renaming, refused(handlers.rename), [*inputs, name], [message, *widgets.all], **QUIET)
    widgets.delete_button.click(handlers.delete, [*inputs, widgets.state], [message, *widgets.all], **QUIET)
    packed = widgets.download_button.click(refused(handlers.download), [owner, run], [message, saved], **QUIET)
    save(packed, saved)
