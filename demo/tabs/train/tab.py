"""The tab in which the Net is trained: settings on the left, the run that is followed on the right."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from cifar_core.config import CHANGEABLE, TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from cifar_core.runs.service import Service
from cifar_core.training.presets import PRESETS
from demo.lesson.lesson import lesson_names
from demo.setup.settings import (
    MAIN,
    MORE,
    NAMES,
    Settings,
    limits_sentence,
    page_config,
    plan_sentence,
    preset_values,
    setting_field,
)
from demo.setup.share import build_share
from demo.tabs.train.guess import build_guess, compared, kept_with
from demo.tabs.train.run_view import RunWatch, View
from demo.widgets.chart import chart as loss_chart
from demo.widgets.templates import message_box

LOOK_EVERY = 0.2
"""seconds between two looks at the run"""
HEARTBEAT = 5.0
"""seconds after which something is sent even without news, so that Gradio notices a closed page"""
PLAN_EVERY = 5.0
"""seconds between two looks at how busy the server is"""
RESUME = "Resume"
"""what the pause button says while the run rests"""
_LIVE = "element.setAttribute('role', 'status'); element.setAttribute('aria-live', 'polite');"
"""lets a screen reader tell what is new there, when it has finished what it is saying"""

_SHOW_RUN_IN_ADDRESS = """(run) => {
    if (!run) return;
    const address = new URL(window.location);
    address.searchParams.set('run', run);
    window.history.replaceState(null, '', address);
}"""


@dataclass(frozen=True, eq=False)
class TrainParts:
    """What the rest of the page needs of this tab."""

    settings: Settings
    following: gr.Textbox
    """the run that is followed"""
    result: gr.HTML
    story: gr.HTML


def build_train_tab(service: Service, source: DataSource, owner: gr.BrowserState, blocks: gr.Blocks) -> TrainParts:
    """Lay out the tab and wire it; what others need of it. `owner` holds the visitor's secret key."""
    gr.Markdown(
        "The Net starts with random weights and guesses. Press **Start** and watch its *loss* fall: the number that "
        "says how wrong its answers are, about 2.3 for guessing among ten classes."
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300, elem_id="settings"):
            with gr.Column(elem_classes="part-presets"):
                gr.HTML("<b>Presets</b> that fill in the settings below:", elem_id="presets")
                with gr.Row(elem_classes="commands"):
                    presets = {
                        name: gr.Button(recipe.label, size="sm", min_width=80) for name, recipe in PRESETS.items()
                    }
                about_preset = gr.HTML(message_box(PRESETS["tutorial"].help), elem_id="about-preset")
            settings: Settings = {name: setting_field(name) for name in MAIN}
            with gr.Accordion("Beyond the tutorial", open=False):
                settings |= {name: setting_field(name) for name in MORE}
            plan = gr.HTML(
                message_box(plan_sentence(service, source, page_config({}, len(source.splits.train)))), elem_id="plan"
            )
            gr.HTML(f'<p class="quiet">{limits_sentence(service.limits)}</p>', elem_id="limits")
            apply = gr.Button(
                "Use this learning rate, momentum and batch size from now on",
                interactive=False,
                elem_id="apply",
                size="sm",
            )
            build_share(settings, lesson_names())
        with gr.Column(scale=3, min_width=320):
            prediction = build_guess(source)
            with gr.Row(elem_classes="commands"):
                start = gr.Button("Start", variant="primary", interactive=False, elem_id="start")
                pause = gr.Button("Pause", interactive=False, elem_id="pause")
                stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop")
                weights = gr.DownloadButton("Download .pth", interactive=False, elem_id="weights")
            message = gr.HTML(message_box(""), elem_id="train-message")
            status = gr.HTML("", elem_id="run-status", min_height=64)
            chart = loss_chart(elem_id="chart", live=True)
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
                more = gr.Number(
                    1, label="more epochs", show_label=False, container=False, elem_id="more", min_width=60
                )
                gr.HTML("more epochs, from where the run stands")
            # the last of the column, because it grows and shrinks
            story = gr.HTML("", elem_id="story", min_height=96, js_on_load=_LIVE)
    result = gr.HTML("", elem_id="result")
    comparison = gr.HTML("", elem_id="predicted")
    following = gr.Textbox(visible="hidden", elem_id="following", label="run")
    in_force = gr.Textbox(visible="hidden", label="settings in force")
    commands = gr.Textbox(visible="hidden", elem_id="commands", label="what may be done now")

    def asked_for(values: tuple[Any, ...], data: Splits) -> TrainConfig:
        return page_config(dict(zip(NAMES, values, strict=True)), len(data.train))

    def do_start(owner_key: str, *values: Any) -> str:
        try:
            data = source.splits
            service.start(str(owner_key), asked_for(values, data), data)
            return message_box("")
        except CifarError as error:
            return message_box(str(error), "error")

    def keep_prediction(owner_key: str, refused: str, kept: Any, *answers: Any) -> list[Any]:
        """What was predicted belongs to the run just started; the questions are empty again for the next."""
        newest = service.runs_of(str(owner_key), limit=1)
        if refused != message_box("") or not newest:
            return [gr.skip()] * (1 + len(answers))
        return [kept_with(kept, newest[0].id, answers), *[None] * len(answers)]

    def told(command: Callable[..., object], owner_key: str, run: str, *values: Any, **settings: Any) -> str:
        """Give a command about the run that is followed; the sentence to show, empty where it was obeyed."""
        try:
            command(str(owner_key), str(run), *values, **settings)
            return message_box("")
        except CifarError as error:
            return message_box(str(error), "error")

    def do_stop(owner_key: str, run: str) -> str:
        return told(service.stop, owner_key, run)

    def do_pause_or_resume(owner_key: str, run: str, label: str) -> str:
        return told(service.resume if label == RESUME else service.pause, owner_key, run)

    def do_change(owner_key: str, run: str, *values: Any) -> str:
        return told(service.change, owner_key, run, **dict(zip(CHANGEABLE, values, strict=True)))

    def do_train_on(owner_key: str, run: str, epochs: Any) -> str:
        return told(service.train_on, owner_key, run, epochs)

    def show_plan(*values: Any) -> str:
        try:
            return message_box(plan_sentence(service, source, asked_for(values, source.splits)))
        except CifarError as error:
            return message_box(str(error), "error")

    def show_commands(commands: str, run: str) -> list[Any]:
        weights = None
        with suppress(CifarError):
            weights = service.weights_file(str(run)) if "weights" in commands.split() else None
        return buttons_for(commands, weights)

    def settings_in_force(run: str, *values: Any) -> str:
        """Those of a run that is going, where the fields say something else, as after a refresh; else nothing."""
        try:
            snapshot = service.snapshot(str(run))
        except CifarError:
            return ""
        in_force = [getattr(snapshot.config, name) for name in NAMES]
        return json.dumps(in_force) if snapshot.run.active and in_force != list(values) else ""

    def show_settings(in_force: str) -> list[Any]:
        values = json.loads(in_force) if in_force else []
        return values if isinstance(values, list) and len(values) == len(NAMES) else [gr.skip()] * len(NAMES)

    async def watch(owner_key: str, request: gr.Request) -> AsyncIterator[list[str]]:
        """Follow the run for as long as the page is open, telling whenever something is new."""
        follower = RunWatch(service, str(owner_key), str(request.query_params.get("run") or ""))
        shown, sent = None, 0.0
        while True:
            view = follower.look()
            if view != shown:
                shown, sent = view, time.monotonic()
                yield told_of(view)
            elif time.monotonic() - sent > HEARTBEAT:
                sent = time.monotonic()
                yield told_of(view)
            await asyncio.sleep(LOOK_EVERY)

    inputs = [settings[name] for name in NAMES]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    watched = [following, commands, status, chart, filters, story, log, result]
    commands.change(show_commands, [commands, following], [start, pause, stop, apply, train_on, weights], **quiet)
    start.click(do_start, [owner, *inputs], message, **quiet).then(
        keep_prediction,
        [owner, message, prediction.kept, *prediction.asked],
        [prediction.kept, *prediction.asked],
        **quiet,
    )
    ended = [following.change, commands.change, prediction.kept.change]
    # "multiple", as in other places where an event has two listeners: if both waited for their turn, each end of one
    # would wake the other, and Gradio's page would ask for ever
    gr.on(ended, partial(compared, service), [following, prediction.kept], comparison, trigger_mode="multiple", **quiet)
    stop.click(do_stop, [owner, following], message, **quiet)
    pause.click(do_pause_or_resume, [owner, following, pause], message, **quiet)
    apply.click(do_change, [owner, following, *(settings[name] for name in CHANGEABLE)], message, **quiet)
    train_on.click(do_train_on, [owner, following, more], message, **quiet)
    following.change(None, following, None, js=_SHOW_RUN_IN_ADDRESS, api_visibility="private")
    # in two steps, so that the fields are touched only where that is needed (see setup_page.py)
    following.change(settings_in_force, [following, *inputs], in_force, trigger_mode="multiple", **quiet)
    in_force.change(show_settings, in_force, inputs, **quiet)
    for name, button in presets.items():
        button.click(
            lambda name=name: [message_box(PRESETS[name].help), *preset_values(name).values()],
            None,
            [about_preset, *inputs],
            **quiet,
        )
    triggers = [blocks.load, *(field.change for field in inputs), gr.Timer(PLAN_EVERY).tick]
    gr.on(triggers, show_plan, inputs, plan, trigger_mode="always_last", **quiet)
    blocks.load(owner_key_of, owner, owner, queue=False, **quiet).then(watch, owner, watched, **quiet)
    return TrainParts(settings, following, result, story)


def owner_key_of(stored: object) -> str:
    """The key that this browser has kept, or a new unguessable one."""
    kept = isinstance(stored, str) and stored.isascii() and 16 <= len(stored) <= 100
    return str(stored) if kept else secrets.token_urlsafe(24)


def told_of(view: View) -> list[str]:
    """A view as plain texts: following, commands, status, chart, filters, story, log, result.

    Every update sends them all, because a text that has not changed costs nothing and one that has grown costs its
    tail; an update of a button, or a gr.skip(), would cost twenty times as much.
    """
    commands = sorted(view.commands | ({"weights"} if view.weights else set()))
    run = view.run.id if view.run else ""
    return [
        run,
        " ".join(["start", *commands]),
        view.status,
        view.chart,
        view.filters,
        view.story,
        view.log,
        view.result,
    ]


def buttons_for(commands: str, weights: Path | None) -> list[Any]:
    """How start, pause, stop, apply, train_on and the download should be, for the words in `commands`."""
    may = set(commands.split())
    # Gradio serves files from its own cache only; there the file is removed again after a while
    path = save_file_to_cache(weights, get_upload_folder()) if weights else None
    return [
        gr.Button(interactive="start" in may),
        gr.Button(RESUME if "resume" in may else "Pause", interactive=bool(may & {"pause", "resume"})),
        gr.Button(interactive="stop" in may),
        gr.Button(interactive="change" in may),
        gr.Button(interactive="train_on" in may),
        gr.DownloadButton(value=path, interactive=path is not None),
    ]
