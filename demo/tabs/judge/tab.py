"""The tab in which a Net is tested on all test images, and its mistakes are looked at."""

from functools import partial
from typing import Any

import gradio as gr

from cifar_core.runs.registry import NetRegistry
from demo.gradio_compat import PageState
from demo.tabs.judge.handlers import JudgeHandlers
from demo.tabs.judge.layout import JudgeWidgets, build_layout
from demo.widgets.events import EVALUATE, JS_ONLY, LATEST, PREDICT
from demo.widgets.look_at import OPEN_INSIDE, LookAt
from demo.widgets.templates import script

DECIDE = "(name, state) => ({...state, chosen: name})"
"""notes the visitor's choice at once, for when they come back before its test has begun"""


def build_judge_tab(nets: NetRegistry, owner: gr.BrowserState, look_at: PageState[LookAt], tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of Nets is fresh."""
    widgets = build_layout(nets)
    handlers = JudgeHandlers(nets, widgets, look_at)
    _wire_tests(widgets, handlers, owner, tab)
    _wire_images(widgets, handlers)


def _wire_tests(widgets: JudgeWidgets, handlers: JudgeHandlers, owner: gr.BrowserState, tab: gr.Tab) -> None:
    state, net_dropdown = widgets.state, widgets.net_dropdown
    test = [state, widgets.batch_textbox]
    shown = _images_outputs(widgets) + [
        widgets.message_html,
        widgets.results_column,
        widgets.overall_html,
        widgets.matrix_html,
        widgets.reading_html,
        widgets.classes_html,
        widgets.logits_html,
    ]
    opened = tab.select(handlers.open_tab, [*test, owner, net_dropdown], [net_dropdown, *shown], **EVALUATE)
    _mark_after(opened, widgets)
    decided = [net_dropdown.input, widgets.test_button.click]
    gr.on(decided, None, [net_dropdown, state], state, js=DECIDE, **JS_ONLY)
    _mark_after(gr.on(decided, handlers.test, [*test, net_dropdown], shown, **LATEST, **EVALUATE), widgets)


def _wire_images(widgets: JudgeWidgets, handlers: JudgeHandlers) -> None:
    state, images, batch = widgets.state, widgets.images, widgets.batch_textbox
    shown = _images_outputs(widgets)
    cell = _mark_after(widgets.matrix_html.pick(handlers.ask_cell, state, shown, **PREDICT), widgets)
    cell.then(None, None, None, js=script("tabs/judge/show_images.js"), **JS_ONLY)
    for button, question in images.view_buttons.items():
        _mark_after(button.click(partial(handlers.ask, question=question), state, shown, **PREDICT), widgets)
    choices = images.question.all()
    inputs = [choice.input for choice in choices]
    _mark_after(gr.on(inputs, handlers.ask_chosen, [state, *choices], shown, **LATEST, **PREDICT), widgets)
    images.back_button.click(partial(handlers.turn, by=-1), state, shown, **PREDICT)
    images.more_button.click(partial(handlers.turn, by=1), state, shown, **PREDICT)
    picked = images.grid_html.pick(
        handlers.pick_image,
        [state, batch, images.click_radio],
        [state, handlers.look_at, images.message_html, batch, widgets.logits_html],
        **PREDICT,
    )
    picked.then(None, handlers.look_at, None, js=OPEN_INSIDE, **JS_ONLY)
    gr.on([batch.submit, batch.blur], handlers.show_batch, [state, batch], widgets.logits_html, **PREDICT)


def _images_outputs(widgets: JudgeWidgets) -> list[Any]:
    images = widgets.images
    return [
        widgets.state,
        images.heading_html,
        images.grid_html,
        images.back_button,
        images.more_button,
        *images.question.all(),
    ]


def _mark_after(event: Any, widgets: JudgeWidgets) -> Any:
    return event.then(None, widgets.state, None, js=script("tabs/judge/mark.js"), **JS_ONLY)
