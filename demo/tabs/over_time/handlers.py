"""What the tab Over time does: one function for each action of a visitor, and one for a run that goes on."""

from dataclasses import dataclass

import gradio as gr

from cifar_core.errors import CifarError
from cifar_core.runs.registry import NetRegistry
from demo.gradio_compat import PageState
from demo.tabs.over_time.timeline import NO_RUNS, image_inside, news_of, run_choices, timeline_of
from demo.widgets.events import Outputs
from demo.widgets.look_at import LookAt
from demo.widgets.templates import message_box


@dataclass(frozen=True, eq=False)
class TimeHandlers:
    """The events of the tab, and the parts of the page that they change."""

    nets: NetRegistry
    run_dropdown: gr.Dropdown
    message_html: gr.HTML
    player_html: gr.HTML
    look_at: PageState[LookAt]

    def open_tab(self, owner: str, run_id: str | None) -> Outputs:
        """Offer the runs there are now, and show the chosen one if it still exists, else the newest."""
        runs = self.nets.service.runs_of(str(owner))
        ids = [run.id for run in runs]
        if not ids:
            empty = gr.Dropdown(choices=[], value=None)
            return {self.run_dropdown: empty, self.message_html: message_box(NO_RUNS), self.player_html: ""}
        chosen = run_id if run_id in ids else ids[0]
        return {self.run_dropdown: gr.Dropdown(choices=run_choices(runs), value=chosen), **self.choose(chosen)}

    def choose(self, run_id: str | None) -> Outputs:
        """Show a run."""
        message, timeline = timeline_of(self.nets, run_id)
        return {self.message_html: message, self.player_html: timeline}

    def look(self, run_id: str | None, event: gr.EventData) -> Outputs:
        """Show news of the run on screen, unless another was chosen meanwhile and is on its way."""
        news = None
        if getattr(event, "run", None) == run_id:
            news = news_of(self.nets, run_id, getattr(event, "version", None))
        if news is None:
            return {}
        return {self.message_html: news[0], self.player_html: news[1]}

    def open_inside(self, event: gr.EventData) -> Outputs:
        """Ask Inside to open an image with the Net of the frame on screen, or say why it cannot."""
        run, step, index = (getattr(event, name, None) for name in ("run", "step", "index"))
        try:
            return {self.look_at: image_inside(self.nets, run, step, index)}
        except CifarError as error:
            return {self.look_at: LookAt(), self.message_html: message_box(str(error), "error")}
