"""The tab in which classic mistakes are made on purpose."""

from typing import Any

import gradio as gr

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError, RunError, StoreError
from cifar_core.mistakes import MISTAKES
from cifar_core.runs.service import Service
from demo.tabs.lab.pair import (
    ASKED,
    DEFAULTS,
    SETTINGS,
    Pair,
    lab_config,
    make_room,
    newest_pair,
    read_pair,
    solve,
    start_pair,
    start_quiz,
    stop_pair,
)
from demo.tabs.lab.view import SECRET_CODE, about_html, board_html, code_html, verdict_html, version_of
from demo.widgets.image_grid import scroll_to
from demo.widgets.templates import message_box

_LOOK = """
// asked for only while somebody can see it and one of the two runs goes on
const looking = setInterval(() => {
    if (!element.isConnected) return clearInterval(looking);
    const board = element.querySelector('[data-going]');
    if (board && !document.hidden && element.checkVisibility()) trigger('look', {version: board.dataset.version});
}, 1000);
"""
FIRST = next(iter(MISTAKES))


def build_lab_tab(service: Service, source: DataSource, owner: gr.BrowserState, tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `owner` holds the visitor's secret key."""
    gr.Markdown(
        "Every line of the training loop has its reason. Here one line is made wrong on purpose, and two Nets train "
        "side by side: a healthy one, and its twin with the mistake. Both have the same seed, images and settings, so "
        "what differs comes from that one line. Then try the quiz: which mistake made this curve?"
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300, elem_id="lab-settings"):
            labels = [(mistake.label, word) for word, mistake in MISTAKES.items()]
            choice = gr.Radio(labels, value=FIRST, label="Mistake", elem_id="lab-mistake")
            about = gr.HTML(about_html(FIRST), elem_id="lab-about")
            with gr.Row(elem_id="lab-numbers"):
                fields = [
                    gr.Number(getattr(DEFAULTS, name), label=FIELDS[name].label, min_width=120, elem_id=f"lab-{name}")
                    for name in SETTINGS
                ]
            with gr.Row(elem_classes="commands"):
                run = gr.Button("Run both", variant="primary", elem_id="lab-run")
                stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="lab-stop")
                quiz = gr.Button("Quiz me", elem_id="lab-quiz")
        with gr.Column(scale=4, min_width=320):
            message = gr.HTML(message_box(""), elem_id="lab-message")
            board = gr.HTML(board_html(None), js_on_load=_LOOK, label="Two runs", elem_id="lab-board")
            with gr.Column(visible=False) as answering:
                labels = [(MISTAKES[word].label, word) for word in ASKED]
                guess = gr.Radio(labels, label="Your answer", elem_id="lab-guess")
                with gr.Row(elem_classes="commands"):
                    answer = gr.Button("Answer", variant="primary", elem_id="lab-answer")
                    another = gr.Button("Another", visible=False, elem_id="lab-another")
                verdict = gr.HTML(message_box(""), elem_id="lab-verdict")
    code = gr.HTML(code_html(FIRST, DEFAULTS), elem_id="lab-code")
    shown = gr.Textbox("", visible="hidden", label="the two runs that are shown")
    commands = gr.Textbox("", visible="hidden", label="what may be done with them now")
    same = gr.skip()

    def classes() -> int:
        return len(source.splits.test.classes)

    def view(pair: Pair) -> list[str]:
        """The board and the commands of a pair."""
        return [board_html(pair, classes()), commands_of(pair)]

    def open_pair(owner_key: str, pair: str) -> list[Any]:
        """The tab as it is now: the pair that was shown, or the newest there is."""
        try:
            text = pair or newest_pair(service, str(owner_key))
            if not text:
                return [same] * 6
            found = read_pair(service, str(owner_key), text)
            if found.secret:
                return [text, *view(found), same, same, message_box(SECRET_CODE)]
            word, config = found.word, found.healthy.run.config
            return [text, *view(found), word, about_html(word), code_html(word, config)]
        except CifarError as error:
            return ["", message_box(str(error), "error"), "", same, same, same]

    def look(owner_key: str, pair: str, event: gr.EventData) -> list[Any]:
        """News of the pair, where there are any."""
        try:
            found = read_pair(service, str(owner_key), pair)
        except StoreError:  # for the moment; what was shown stays
            return [same, same]
        except RunError as error:
            return [message_box(str(error), "error"), ""]
        return [same, same] if getattr(event, "version", None) == version_of(found) else view(found)

    def config_of(values: tuple[Any, ...]) -> TrainConfig:
        return lab_config(dict(zip(SETTINGS, values, strict=True)), len(source.splits.train))

    def begun(owner_key: str, before: str, text: str, code: str) -> list[Any]:
        """A new pair takes the place of the one before."""
        make_room(service, owner_key, before)
        return [message_box(""), text, *view(read_pair(service, owner_key, text)), None, message_box(""), code]

    def run_both(owner_key: str, before: str, word: str, *values: Any) -> list[Any]:
        try:
            config = config_of(values)
            text = start_pair(service, str(owner_key), config, str(word), source.splits, quiz=False)
            return begun(str(owner_key), before, text, code_html(str(word), config))
        except CifarError as error:
            return [message_box(str(error), "error"), *[same] * 6]

    def ask_quiz(owner_key: str, before: str) -> list[Any]:
        try:
            text = start_quiz(service, str(owner_key), source.splits)
            return begun(str(owner_key), before, text, message_box(SECRET_CODE))
        except CifarError as error:
            return [message_box(str(error), "error"), *[same] * 6]

    def do_stop(owner_key: str, pair: str) -> str:
        try:
            stop_pair(service, str(owner_key), pair)
            return message_box("")
        except CifarError as error:
            return message_box(str(error), "error")

    def judge_answer(owner_key: str, pair: str, said: str | None) -> list[Any]:
        if said not in MISTAKES:
            return [message_box("Choose one of the mistakes first.", "error"), same, same, same]
        try:
            found = solve(service, str(owner_key), read_pair(service, str(owner_key), pair))
            return [verdict_html(said, found.word), *view(found), code_html(found.word, found.healthy.run.config)]
        except CifarError as error:
            return [message_box(str(error), "error"), same, same, same]

    def show_choice(word: str, pair: str, *values: Any) -> list[Any]:
        """The words and the code of a mistake that was chosen, with the settings as they stand."""
        if word not in MISTAKES:
            return [same, same]
        try:
            config = config_of(values)
        except CifarError:
            config = DEFAULTS
        return [about_html(word), code_html(word, config)]

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    last: dict[str, Any] = {"trigger_mode": "always_last"}
    parts = [message, shown, board, commands, guess, verdict, code]
    tab.select(open_pair, [owner, shown], [shown, board, commands, choice, about, code], **quiet)
    choice.input(show_choice, [choice, shown, *fields], [about, code], **last, **quiet)
    board.look(look, [owner, shown], [board, commands], **quiet)
    show: dict[str, Any] = {"js": scroll_to("lab-board"), "api_visibility": "private"}
    run.click(run_both, [owner, shown, choice, *fields], parts, **quiet).then(None, None, None, **show)
    for button in (quiz, another):
        button.click(ask_quiz, [owner, shown], parts, **quiet).then(None, None, None, **show)
    stop.click(do_stop, [owner, shown], message, **quiet)
    answer.click(judge_answer, [owner, shown, guess], [verdict, board, commands, code], **quiet)
    commands.change(buttons_for, commands, [stop, answering, guess, answer, another], **quiet)


def commands_of(pair: Pair) -> str:
    """What may be done with a pair now, as words: stop, answer, another."""
    may = {"stop": pair.going, "answer": pair.secret, "another": pair.was_quiz}
    return " ".join(word for word, on in may.items() if on)


def buttons_for(commands: str) -> list[Any]:
    """How stop, the quiz's part, its choices, answer and another should be."""
    may = set(commands.split())
    return [
        gr.Button(interactive="stop" in may),
        gr.Column(visible=bool(may & {"answer", "another"})),
        gr.Radio(interactive="answer" in may),
        gr.Button(visible="answer" in may),
        gr.Button(visible="another" in may),
    ]
