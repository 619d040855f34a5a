"""How the tab Lab looks."""

from dataclasses import dataclass

import gradio as gr

from cifar_core.config import FIELDS
from cifar_core.mistakes import MISTAKES
from cifar_core.runs.pairs import PAIR_DEFAULTS, PAIR_SETTINGS, QUIZ_MISTAKES
from demo.gradio_compat import PageState
from demo.tabs.lab.state import LabState
from demo.tabs.lab.view import about_html, board_html, code_html
from demo.widgets.chart import chart
from demo.widgets.templates import message_box, script

FIRST = next(iter(MISTAKES))
"""the mistake that is chosen at first"""


@dataclass(frozen=True, eq=False)
class Parts:
    """The components of the tab."""

    mistake_radio: gr.Radio
    about_html: gr.HTML
    setting_numbers: list[gr.Number]
    run_button: gr.Button
    stop_button: gr.Button
    quiz_button: gr.Button
    message_html: gr.HTML
    board_html: gr.HTML
    chart: gr.HTML
    words_html: gr.HTML
    quiz_column: gr.Column
    guess_radio: gr.Radio
    answer_button: gr.Button
    another_button: gr.Button
    verdict_html: gr.HTML
    code_html: gr.HTML
    state: PageState[LabState]


def lay_out() -> Parts:
    """Lay out the tab."""
    gr.Markdown(
        "Every line of the training loop has its reason. Here one line is made wrong on purpose, and two Nets train "
        "side by side: a baseline, and a faulty run with the mistake. Both have the same seed, images and settings, so "
        "what differs comes from that one line. Then try the quiz: which mistake made this curve?"
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300, elem_id="lab-settings"):
            mistakes = [(mistake.label, word) for word, mistake in MISTAKES.items()]
            mistake_radio = gr.Radio(mistakes, value=FIRST, label="Mistake", elem_id="lab-mistake")
            mistake_html = gr.HTML(about_html(FIRST), elem_id="lab-about")
            with gr.Row(elem_id="lab-numbers"):
                numbers = [_number(name) for name in PAIR_SETTINGS]
            with gr.Row(elem_classes="commands"):
                run_button = gr.Button("Run both", variant="primary", elem_id="lab-run")
                stop_button = gr.Button("Stop", variant="stop", interactive=False, elem_id="lab-stop")
                quiz_button = gr.Button("Quiz me", elem_id="lab-quiz")
        with gr.Column(scale=4, min_width=320):
            message_html = gr.HTML(message_box(""), elem_id="lab-message")
            board = gr.HTML(
                board_html(None), js_on_load=script("tabs/lab/lab.js"), label="Two runs", elem_id="lab-board"
            )
            curves = chart(elem_id="lab-chart")
            words_html = gr.HTML("", elem_id="lab-words")
            with gr.Column(visible=False) as quiz_column:
                answers = [(MISTAKES[word].label, word) for word in QUIZ_MISTAKES]
                guess_radio = gr.Radio(answers, label="Your answer", elem_id="lab-guess")
                with gr.Row(elem_classes="commands"):
                    answer_button = gr.Button("Answer", variant="primary", elem_id="lab-answer")
                    another_button = gr.Button("Another", visible=False, elem_id="lab-another")
                verdict_html = gr.HTML(message_box(""), elem_id="lab-verdict")
    return Parts(
        mistake_radio=mistake_radio,
        about_html=mistake_html,
        setting_numbers=numbers,
        run_button=run_button,
        stop_button=stop_button,
        quiz_button=quiz_button,
        message_html=message_html,
        board_html=board,
        chart=curves,
        words_html=words_html,
        quiz_column=quiz_column,
        guess_radio=guess_radio,
        answer_button=answer_button,
        another_button=another_button,
        verdict_html=verdict_html,
        code_html=gr.HTML(code_html(FIRST, PAIR_DEFAULTS), elem_id="lab-code"),
        state=PageState(LabState(), label="what Lab knows"),
    )


def _number(name: str) -> gr.Number:
    default = getattr(PAIR_DEFAULTS, name)
    return gr.Number(default, label=FIELDS[name].label, min_width=120, elem_id=f"lab-{name}")
