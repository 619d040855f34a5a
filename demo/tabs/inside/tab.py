"""The tab that shows what goes on inside a Net for one image, and why it predicts what it predicts."""

import json

import gradio as gr

from cifar_core.runs.registry import NetRegistry
from demo.gradio_compat import PageState
from demo.tabs.inside.handlers import InsideHandlers
from demo.tabs.inside.layout import InsideWidgets, build_widgets
from demo.tabs.inside.why import searching_html
from demo.widgets.events import EVALUATE, JS_ONLY, LATEST, PREDICT, QUIET, refusals_in
from demo.widgets.image_grid import scroll_to
from demo.widgets.look_at import LookAt

_WAITING = f"() => {json.dumps(str(searching_html(0, 0)))}"


def build_inside_tab(
    nets: NetRegistry, owner: gr.BrowserState, data_in_use: gr.Textbox, look_at: PageState[LookAt], tab: gr.Tab
) -> None:
    """Lay out the tab and wire it.

    Whenever `tab` is opened, it shows what `look_at` asks for, and its list of Nets is fresh.
    """
    widgets = build_widgets(nets)
    handlers = InsideHandlers(nets, widgets, look_at)
    _wire_choice(widgets, handlers, owner, data_in_use, tab)
    _wire_parts(widgets, handlers)


def _wire_choice(
    widgets: InsideWidgets, handlers: InsideHandlers, owner: gr.BrowserState, data_in_use: gr.Textbox, tab: gr.Tab
) -> None:
    """Opening the tab, choosing a Net and an image."""
    choice, state, look_at = widgets.choice, widgets.state, handlers.look_at
    shown = refusals_in(widgets.message_html)
    now = [state, *widgets.controls]
    of_image, of_net, tests = widgets.of_image, widgets.of_net, [state, choice.tests_html]
    everything = [*of_net, choice.tests_html]

    tab.select(
        shown(handlers.open),
        [owner, look_at, *now],
        [*everything, look_at, choice.net_dropdown, widgets.architecture_html],
        **PREDICT,
        **LATEST,
    )
    choice.net_dropdown.input(shown(handlers.choose_net), [choice.net_dropdown, *now], everything, **PREDICT)
    data_in_use.change(shown(handlers.change_data), now, everything, **PREDICT)
    choice.next_button.click(shown(handlers.next_tests), state, [*tests, widgets.message_html], **QUIET)
    choice.shuffle_button.click(shown(handlers.shuffle_tests), state, [*tests, widgets.message_html], **QUIET)

    choice.tests_html.pick(shown(handlers.pick_test), now, of_image, **PREDICT, **LATEST)
    by_number = [choice.show_button.click, choice.index_number.submit]
    gr.on(by_number, shown(handlers.show_number), [choice.index_number, *now], of_image, **PREDICT)
    choice.upload_image.input(shown(handlers.upload), [choice.upload_image, *now], of_image, **PREDICT, **LATEST)
    widgets.why.neighbours_html.pick(shown(handlers.pick_train), now, of_image, **PREDICT)
    chosen = [choice.tests_html.pick, *by_number, choice.upload_image.input, widgets.why.neighbours_html.pick]
    for event in chosen:
        event(None, None, None, js=scroll_to("inside-about"), **JS_ONLY)

    widgets.now_button.click(shown(handlers.return_to_now), now, of_net, **PREDICT)
    widgets.filters_html.refresh(shown(handlers.refresh), now, of_net, **PREDICT)


def _wire_parts(widgets: InsideWidgets, handlers: InsideHandlers) -> None:
    """One unit, saliency, and the search."""
    state, unit, why = widgets.state, widgets.unit, widgets.why
    fields = [unit.layer_dropdown.input, unit.channel_number.input, unit.row_number.input, unit.column_number.input]
    widgets.stages_html.pick(handlers.pick_unit, state, [*unit.place, unit.unit_html], **PREDICT, **LATEST)
    widgets.stages_html.pick(None, None, None, js=scroll_to("inside-side"), **JS_ONLY)
    gr.on(fields, handlers.show_unit, [state, *unit.place], unit.unit_html, **PREDICT, **LATEST)
    why.target_dropdown.input(handlers.show_saliency, [state, why.target_dropdown], why.saliency_html, **PREDICT)
    why.search_button.click(None, None, why.search_html, js=_WAITING, **JS_ONLY)
    why.search_button.click(handlers.search, state, [why.search_html, why.neighbours_html], **EVALUATE)
    why.neighbours_html.stale(handlers.show_neighbours, state, why.neighbours_html, **PREDICT)
