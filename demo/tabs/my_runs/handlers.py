"""What happens on a click in My runs."""

from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from cifar_core.errors import CifarError
from cifar_core.runs.service import Service
from demo.gradio_compat import PageState
from demo.tabs.my_runs.state import MyRunsState
from demo.tabs.my_runs.take_home import take_home
from demo.tabs.my_runs.view import comparison_html, curves_text, list_html, snapshots_of
from demo.widgets.download import file_to_save, slug
from demo.widgets.events import Outputs
from demo.widgets.moving import MINUTES, MovingKeys
from demo.widgets.templates import message_box

DELETE = "Delete"


@dataclass(frozen=True)
class MyRunsWidgets:
    """The parts of the tab that handlers read or write."""

    refresh_button: gr.Button
    move_button: gr.Button
    move_textbox: gr.Textbox
    """the address for another device"""
    list_html: gr.HTML
    tools_column: gr.Column
    """everything that needs a run"""
    compared_checkboxes: gr.CheckboxGroup
    chart_html: gr.HTML
    comparison_html: gr.HTML
    run_dropdown: gr.Dropdown
    name_textbox: gr.Textbox
    rename_button: gr.Button
    download_button: gr.Button
    show_button: gr.Button
    delete_button: gr.Button
    message_html: gr.HTML
    state: PageState[MyRunsState]

    @property
    def of_one(self) -> list[Block]:
        """Return what belongs to the run that is chosen."""
        return [self.name_textbox, self.show_button, self.delete_button, self.state]

    @property
    def curves(self) -> list[Block]:
        """Return what belongs to the runs that are compared."""
        return [self.chart_html, self.comparison_html]

    @property
    def all(self) -> list[Block]:
        """Return all of it but the message."""
        lists: list[Block] = [self.list_html, self.tools_column, self.compared_checkboxes, self.run_dropdown]
        return [*lists, *self.curves, *self.of_one]


class MyRunsHandlers:
    """Each method handles one event."""

    def __init__(self, service: Service, widgets: MyRunsWidgets, saved: gr.DownloadButton, moving: MovingKeys) -> None:
        self.service, self.widgets, self.saved, self.moving = service, widgets, saved, moving

    def fresh(self, owner_key: str, compared: list[str] | None, chosen: str | None) -> Outputs:
        """Show everything as it is now; what was chosen stays so where it is still there."""
        widgets, runs = self.widgets, self.service.runs_of(str(owner_key))
        # a run's points are many and not in the list: those after its last step are none
        snapshots = [self.service.snapshot(run.id, run.step, watching=False) for run in runs]
        choices = [(run.name, run.id) for run in runs]
        known = [run.id for run in runs]
        still = [run for run in compared or [] if run in known]
        one = chosen if chosen in known else next(iter(known), None)
        return {
            widgets.list_html: list_html(snapshots),
            widgets.tools_column: gr.Column(visible=bool(runs)),
            widgets.compared_checkboxes: gr.CheckboxGroup(choices=choices, value=still),
            widgets.run_dropdown: gr.Dropdown(choices=choices, value=one),
            **self.compare(owner_key, still),
            **self.choose(owner_key, one),
        }

    def compare(self, owner_key: str, runs: list[str] | None) -> Outputs:
        """Lay the curves of these runs over each other."""
        widgets = self.widgets
        try:
            snapshots = snapshots_of(self.service, str(owner_key), runs or [])
        except CifarError as error:
            return {widgets.chart_html: "", widgets.comparison_html: message_box(str(error), "error")}
        return {widgets.chart_html: curves_text(snapshots), widgets.comparison_html: comparison_html(snapshots)}

    def choose(self, owner_key: str, run_id: str | None) -> Outputs:
        """Show the name of the run that was chosen; a question about another one is taken back."""
        widgets = self.widgets
        outputs: Outputs = {widgets.delete_button: DELETE, widgets.state: MyRunsState()}
        try:
            own = self.service.own(str(owner_key), str(run_id))
        except CifarError:  # it is gone; whatever is asked of it next will say so
            return outputs
        return outputs | {
            widgets.name_textbox: own.name,
            widgets.show_button: gr.Button(link=f"?run={own.id}&tab=train"),
        }

    def rename(self, owner_key: str, compared: list[str] | None, chosen: str | None, name: str | None) -> Outputs:
        """Give the run another name."""
        renamed = self.service.rename(str(owner_key), str(chosen), name or "")
        message = message_box(f"The run is now called {renamed.name}.")
        return {self.widgets.message_html: message} | self.fresh(owner_key, compared, chosen)

    def delete(self, owner_key: str, compared: list[str] | None, chosen: str | None, state: MyRunsState) -> Outputs:
        """Ask first, with the run's name on the button; delete when that question is confirmed."""
        widgets = self.widgets
        not_asked: Outputs = {widgets.delete_button: DELETE, widgets.state: MyRunsState()}
        try:
            own = self.service.own(str(owner_key), str(chosen))
            if state.deleting != own.id and not own.active:  # an active one is refused at once
                question = f"Really delete {own.name}?"
                asked: Outputs = {widgets.delete_button: question, widgets.state: MyRunsState(own.id)}
                return asked | {widgets.message_html: message_box("")}
            self.service.delete(str(owner_key), own.id)
        except CifarError as error:
            return not_asked | {widgets.message_html: message_box(str(error), "error")}
        message: Outputs = {widgets.message_html: message_box(f"{own.name} is deleted.")}
        return message | self.fresh(owner_key, compared, chosen)

    def move(self, owner_key: str) -> Outputs:
        """Show an address that makes these runs the visitor's own on another device, too."""
        query = f"?move={self.moving.leave(str(owner_key))}&tab=train"
        shown = gr.Textbox(query, visible=True, info=f"Open it there within {MINUTES} minutes. It works once.")
        return {self.widgets.move_textbox: shown, self.widgets.message_html: message_box("")}

    def download(self, owner_key: str, chosen: str | None) -> Outputs:
        """Offer the zip of the run as it is now."""
        content = take_home(self.service, str(owner_key), str(chosen))
        name = self.service.own(str(owner_key), str(chosen)).name
        return {self.widgets.message_html: message_box(""), self.saved: file_to_save(content, f"{slug(name)}.zip")}
