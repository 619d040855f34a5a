"""The tab in which the Net is trained: which event calls which handler."""

from dataclasses import dataclass
from functools import partial

import gradio as gr

from cifar_core.config import CHANGEABLE
from cifar_core.data.source import DataSource
from cifar_core.runs.service import Service
from demo.gradio_compat import StreamedState
from demo.open_pages import OpenPages
from demo.setup.settings import NAMES, Settings
from demo.tabs.train.handlers import TrainHandlers
from demo.tabs.train.layout import TrainWidgets, lay_out
from demo.tabs.train.state import TrainState
from demo.widgets.download import save
from demo.widgets.events import LATEST, QUIET, refusals_in
from demo.widgets.moving import MovingKeys
from demo.widgets.templates import script

PLAN_EVERY = 5.0
"""seconds between two looks at how busy the server is"""


@dataclass(frozen=True, eq=False)
class TrainParts:
    """What the rest of the page needs of this tab."""

    settings: Settings
    state: StreamedState[TrainState]
    """the run that is followed"""
    result: gr.HTML
    story: gr.HTML


def build_train_tab(
    service: Service,
    source: DataSource,
    owner: gr.BrowserState,
    saved: gr.DownloadButton,
    blocks: gr.Blocks,
    pages: OpenPages,
    moving: MovingKeys,
) -> TrainParts:
    """Lay out the tab and wire it; return what others need of it. `owner` holds the visitor's secret key."""
    widgets = lay_out(service, source)
    handlers = TrainHandlers(service, source, widgets, owner, saved, pages, moving)
    _wire_commands(widgets, handlers, owner, saved)
    _wire_settings(widgets, handlers, blocks)
    _wire_watch(widgets, handlers, owner, blocks)
    return TrainParts(widgets.left.settings, widgets.state, widgets.result_html, widgets.run.story_html)


def _wire_commands(
    widgets: TrainWidgets, handlers: TrainHandlers, owner: gr.BrowserState, saved: gr.DownloadButton
) -> None:
    run, guess, state, message = widgets.run, widgets.guess, widgets.state, widgets.run.message_html
    fields = [widgets.left.settings[name] for name in NAMES]
    refused = refusals_in(message)
    run.start_button.click(
        refused(handlers.start),
        [owner, guess.stored_state, *guess.questions, *fields],
        [message, widgets.comparison_html, guess.stored_state, *guess.questions],
        **QUIET,
    )
    run.stop_button.click(refused(handlers.stop), [owner, state], message, **QUIET)
    run.pause_button.click(refused(handlers.pause_or_resume), [owner, state], message, **QUIET)
    changeable = [widgets.left.settings[name] for name in CHANGEABLE]
    widgets.left.change_button.click(refused(handlers.change), [owner, state, *changeable], message, **QUIET)
    run.train_on_button.click(refused(handlers.train_on), [owner, state, run.epochs_number], message, **QUIET)
    save(run.download_button.click(refused(handlers.download), state, [message, saved], **QUIET), saved)


def _wire_settings(widgets: TrainWidgets, handlers: TrainHandlers, blocks: gr.Blocks) -> None:
    left, fields = widgets.left, [widgets.left.settings[name] for name in NAMES]
    for name, button in left.preset_buttons.items():
        button.click(partial(handlers.fill_in, name), None, [left.preset_html, *fields], **QUIET)
    triggers = [blocks.load, *(field.change for field in fields), gr.Timer(PLAN_EVERY).tick]
    gr.on(triggers, handlers.plan, fields, left.plan_html, **LATEST, **QUIET)


def _wire_watch(widgets: TrainWidgets, handlers: TrainHandlers, owner: gr.BrowserState, blocks: gr.Blocks) -> None:
    left, run, state = widgets.left, widgets.run, widgets.state
    fields = [left.settings[name] for name in NAMES]
    streamed = [state, run.status_html, run.chart_html, run.filters_html, run.story_html, run.log_textbox]
    watched = [owner, *streamed, widgets.result_html]
    blocks.load(handlers.watch, owner, watched, js=script("widgets/owner.js"), **QUIET)
    buttons = [run.start_button, run.pause_button, run.stop_button, run.train_on_button, run.download_button]
    # "multiple": others listen to the state too, and of those only one may wait for its last turn (see LATEST)
    # after a refresh the browser may bring its guesses later than the run
    guesses = widgets.guess.stored_state
    guesses.change(handlers.compare_guess, [state, guesses], widgets.comparison_html, **QUIET)
    state.change(
        handlers.follow,
        [state, widgets.guess.stored_state, *fields],
        [*buttons, left.change_button, widgets.comparison_html, *fields],
        js=script("tabs/train/address.js"),
        trigger_mode="multiple",
        **QUIET,
    )
