"""Where the parts of the Train tab stand: settings on the left, the run that is followed on the right."""

from dataclasses import dataclass

import gradio as gr

from cifar_core.data.source import DataSource
from cifar_core.runs.service import Service
from cifar_core.training.presets import PRESETS
from demo.gradio_compat import StreamedState
from demo.lesson.lesson import lesson_names
from demo.setup.settings import (
    MAIN,
    MORE,
    Settings,
    limits_sentence,
    page_config,
    plan_sentence,
    setting_field,
)
from demo.setup.share import build_share
from demo.tabs.train.guess import STORAGE_KEY, STORAGE_SECRET
from demo.tabs.train.state import TrainState
from demo.widgets.chart import chart
from demo.widgets.templates import message_box, render, script


@dataclass(frozen=True)
class SettingsWidgets:
    """The left column."""

    preset_buttons: dict[str, gr.Button]
    preset_html: gr.HTML
    settings: Settings
    plan_html: gr.HTML
    change_button: gr.Button


@dataclass(frozen=True)
class GuessWidgets:
    """The questions to answer before a run."""

    accuracy_number: gr.Number
    hardest_dropdown: gr.Dropdown
    diverges_radio: gr.Radio
    stored_state: gr.BrowserState
    """all guesses of this browser, by the run's id"""

    @property
    def questions(self) -> list[gr.Number | gr.Dropdown | gr.Radio]:
        """Return the three fields."""
        return [self.accuracy_number, self.hardest_dropdown, self.diverges_radio]


@dataclass(frozen=True)
class RunWidgets:
    """The right column, and what stands below both."""

    start_button: gr.Button
    pause_button: gr.Button
    stop_button: gr.Button
    download_button: gr.Button
    message_html: gr.HTML
    status_html: gr.HTML
    chart_html: gr.HTML
    filters_html: gr.HTML
    log_textbox: gr.Textbox
    train_on_button: gr.Button
    epochs_number: gr.Number
    """how many epochs to train on for"""
    story_html: gr.HTML


@dataclass(frozen=True)
class TrainWidgets:
    """All of the tab."""

    left: SettingsWidgets
    guess: GuessWidgets
    run: RunWidgets
    result_html: gr.HTML
    comparison_html: gr.HTML
    state: StreamedState[TrainState]


def lay_out(service: Service, source: DataSource) -> TrainWidgets:
    """Lay out the tab."""
    gr.Markdown(
        "The Net starts with random weights and guesses. Press **Start** and watch its *loss* fall: the number that "
        "says how wrong its predictions are, about 2.3 for guessing among ten classes."
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300, elem_id="settings"):
            left = _settings_column(service, source)
        with gr.Column(scale=3, min_width=320):
            guess = _guess(source.splits.test.classes)
            run = _run_column()
    return TrainWidgets(
        left=left,
        guess=guess,
        run=run,
        result_html=gr.HTML("", elem_id="result"),
        comparison_html=gr.HTML("", elem_id="predicted"),
        state=StreamedState(TrainState(), label="run that is followed", elem_id="train-state"),
    )


def _settings_column(service: Service, source: DataSource) -> SettingsWidgets:
    with gr.Column(elem_classes="part-presets"):
        gr.Markdown("**Presets** fill in the settings below:", elem_id="presets")
        with gr.Row(elem_classes="commands"):
            presets = {name: gr.Button(preset.label, size="sm", min_width=80) for name, preset in PRESETS.items()}
        about = gr.HTML(message_box(PRESETS["tutorial"].help), elem_id="about-preset")
    settings: Settings = {name: setting_field(name) for name in MAIN}
    with gr.Accordion("Beyond the tutorial", open=False):
        settings |= {name: setting_field(name) for name in MORE}
    words = plan_sentence(service, source, page_config({}, len(source.splits.train)))
    plan = gr.HTML(message_box(words), elem_id="plan")
    gr.HTML(render("widgets/quiet.html.j2", text=limits_sentence(service.limits)), elem_id="limits")
    change = gr.Button(
        "Use this learning rate, momentum and batch size from now on", interactive=False, elem_id="apply", size="sm"
    )
    build_share(settings, lesson_names())
    return SettingsWidgets(presets, about, settings, plan, change)


def _guess(classes: tuple[str, ...]) -> GuessWidgets:
    stored = gr.BrowserState({}, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
    with gr.Accordion(
        "Predict first: how will it end?", open=False, elem_id="prediction", elem_classes="part-prediction"
    ):
        gr.HTML(
            render(
                "widgets/quiet.html.j2",
                text="Enter what you expect, then press Start: at the end the page compares. Whatever you leave empty "
                "is not compared.",
            )
        )
        with gr.Row():
            accuracy = gr.Number(
                None, label="Accuracy in %", minimum=0, maximum=100, elem_id="predict-accuracy", min_width=100
            )
            hardest = gr.Dropdown(
                list(classes), value=None, label="Hardest class", elem_id="predict-hardest", min_width=120
            )
            diverges = gr.Radio(
                ["no", "yes"], value=None, label="Will the loss become NaN?", elem_id="predict-diverges", min_width=120
            )
    return GuessWidgets(accuracy, hardest, diverges, stored)


def _run_column() -> RunWidgets:
    with gr.Row(elem_classes="commands"):
        start = gr.Button("Start", variant="primary", interactive=False, elem_id="start")
        pause = gr.Button("Pause", interactive=False, elem_id="pause")
        stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop")
        download = gr.Button("Download .pth", interactive=False, elem_id="weights")
    message = gr.HTML(message_box(""), elem_id="train-message")
    status = gr.HTML("", elem_id="run-status", min_height=64)
    curve = chart(elem_id="chart", live=True)
    filters = gr.HTML("", elem_id="live-filters", min_height=72)
    log = gr.Textbox(
        label="Log, as the tutorial prints it",
        lines=16,
        max_lines=16,
        interactive=False,
        buttons=["copy"],
        elem_id="log",
    )
    with gr.Row(elem_classes="pager"):
        train_on = gr.Button("Train on for", interactive=False, elem_id="train-on", size="sm")
        epochs = gr.Number(1, label="more epochs", show_label=False, container=False, elem_id="more", min_width=60)
        gr.HTML("more epochs, from where the run stands")
    # the last of the column, because it grows and shrinks
    story = gr.HTML("", elem_id="story", min_height=96, js_on_load=script("tabs/train/story.js"))
    return RunWidgets(start, pause, stop, download, message, status, curve, filters, log, train_on, epochs, story)
