"""The tab Lab: classic mistakes, made on purpose."""

import gradio as gr

from cifar_core.runs.registry import NetRegistry
from demo.tabs.lab.handlers import Lab
from demo.tabs.lab.layout import lay_out
from demo.widgets.events import JS_ONLY, LATEST, QUIET, refusals_in
from demo.widgets.image_grid import scroll_to


def build_lab_tab(nets: NetRegistry, owner: gr.BrowserState, tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `owner` holds the visitor's secret key."""
    parts = lay_out()
    lab = Lab(nets, parts)
    refusing, refusing_below = refusals_in(parts.message_html), refusals_in(parts.verdict_html)
    buttons = [parts.stop_button, parts.quiz_column, parts.guess_radio, parts.answer_button, parts.another_button]
    board = [parts.board_html, parts.chart, parts.words_html, parts.state, *buttons]
    pair = [parts.message_html, *board, parts.verdict_html, parts.code_html]
    chosen = [parts.mistake_radio, *parts.setting_numbers]

    opening = [*board, parts.mistake_radio, parts.about_html, parts.code_html]
    tab.select(lab.open_tab, [owner, parts.state], opening, **QUIET)
    parts.mistake_radio.input(lab.choose, chosen, [parts.about_html, parts.code_html], **QUIET | LATEST)
    parts.board_html.look(lab.look, [owner, parts.state], board, **QUIET)
    started = [
        parts.run_button.click(refusing(lab.run_both), [owner, parts.state, *chosen], pair, **QUIET),
        parts.quiz_button.click(refusing(lab.start_quiz), [owner, parts.state], pair, **QUIET),
        parts.another_button.click(refusing(lab.start_quiz), [owner, parts.state], pair, **QUIET),
    ]
    for event in started:
        event.then(None, None, None, js=scroll_to("lab-board"), **JS_ONLY)
    parts.stop_button.click(refusing(lab.stop), [owner, parts.state], [parts.message_html], **QUIET)
    answering = [owner, parts.state, parts.guess_radio]
    parts.answer_button.click(refusing_below(lab.answer), answering, pair, **QUIET)
