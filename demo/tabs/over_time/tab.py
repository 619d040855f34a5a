"""The tab that moves through the frames of a run."""

import gradio as gr

from cifar_core.runs.registry import NetRegistry
from demo.gradio_compat import PageState
from demo.tabs.over_time.handlers import TimeHandlers
from demo.tabs.over_time.player import time_player
from demo.widgets.events import JS_ONLY, LATEST, QUIET
from demo.widgets.look_at import OPEN_INSIDE, LookAt
from demo.widgets.templates import message_box

INTRODUCTION = (
    "How did the Net become what it is? While a run trains, frames of it are saved: most of them at the start, when a "
    "Net changes fastest. Move the slider, or press **Play**, and watch three things. The filters turn from noise into "
    "edges and colours. At first the Net predicts one or two classes for everything: their columns in the table are "
    "full; later the diagonal fills, where the prediction is the truth. And some classes are learned long before "
    "others: which one comes first?"
)


def build_time_tab(nets: NetRegistry, owner: gr.BrowserState, look_at: PageState[LookAt], tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of runs is fresh."""
    gr.Markdown(INTRODUCTION)
    run_dropdown = gr.Dropdown([], label="Run", elem_id="time-run")
    message_html = gr.HTML(message_box(""), elem_id="time-message")
    player_html = time_player(elem_id="time-player")
    handlers = TimeHandlers(nets, run_dropdown, message_html, player_html, look_at)

    shown = [message_html, player_html]
    tab.select(handlers.open_tab, [owner, run_dropdown], [run_dropdown, *shown], **QUIET)
    run_dropdown.input(handlers.choose, run_dropdown, shown, **LATEST, **QUIET)
    player_html.look(handlers.look, run_dropdown, shown, **QUIET)
    opened = player_html.open(handlers.open_inside, None, [look_at, message_html], **QUIET)
    opened.then(None, look_at, None, js=OPEN_INSIDE, **JS_ONLY)
