"""The tab that moves through the history of a run."""

from typing import Any

import gradio as gr

from cifar_core.errors import CifarError
from cifar_core.runs.registry import NetRegistry
from demo.tabs.over_time.player import time_player
from demo.tabs.over_time.view import NO_RUNS, history_of, news_of, pointer_to, run_choices
from demo.widgets.templates import message_box


def build_time_tab(nets: NetRegistry, owner: gr.BrowserState, look_at: gr.Textbox, tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of runs is fresh."""
    service = nets.service
    gr.Markdown(
        "How did the Net get to where it is? While a run trains, moments of it are kept: most of them at the start, "
        "when a Net changes fastest. Move the slider, or press **Play**, and watch three things. The filters turn from "
        "noise into edges and colours. At first the Net says one or two classes for everything: their columns in the "
        "table are full; later the diagonal fills, where the answer is the truth. And some classes are learned long "
        "before others: which one comes first?"
    )
    choice = gr.Dropdown([], label="Run", elem_id="time-run")
    message = gr.HTML(message_box(""), elem_id="time-message")
    player = time_player(elem_id="time-player")

    def fresh(owner_key: str, run_id: str | None) -> list[Any]:
        """The tab as it is now: what was chosen stays so where it is still there."""
        runs = service.runs_of(str(owner_key))
        known = [run.id for run in runs]
        if not known:
            return [gr.Dropdown(choices=[], value=None), message_box(NO_RUNS), ""]
        chosen = run_id if run_id in known else known[0]
        return [gr.Dropdown(choices=run_choices(runs), value=chosen), *history_of(service, chosen)]

    def choose(run_id: str | None) -> tuple[str, str]:
        return history_of(service, run_id)

    def look(run_id: str | None, event: gr.EventData) -> Any:
        """News of the run that is shown, unless another was chosen meanwhile and is on its way."""
        news = None
        if getattr(event, "run", None) == run_id:
            news = news_of(service, run_id, getattr(event, "version", None))
        return news or (gr.skip(), gr.skip())

    def look_inside(event: gr.EventData) -> tuple[Any, Any]:
        """Where to look, or the sentence that there is nothing to be seen."""
        try:
            wanted = (getattr(event, name, None) for name in ("run", "step", "index"))
            return pointer_to(service, *wanted), gr.skip()
        except CifarError as error:
            return gr.skip(), message_box(str(error), "error")

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    tab.select(fresh, [owner, choice], [choice, message, player], **quiet)
    choice.input(choose, choice, [message, player], trigger_mode="always_last", **quiet)
    player.look(look, choice, [message, player], **quiet)
    player.open(look_inside, None, [look_at, message], **quiet)
