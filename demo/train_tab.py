"""The tab in which the Net is trained: settings on the left, the run that is followed on the right."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from cifar_core.runs.service import Service
from demo.live_chart import live_chart
from demo.run_view import RunWatch, View
from demo.words import note

LOOK_EVERY = 0.2
"""seconds between two looks at the run"""
HEARTBEAT = 5.0
"""seconds after which something is sent even without news, so that Gradio notices a closed page"""
REPORT_IMAGES = 8000
"""images in one line of the log: the tutorial's 2,000 mini-batches of 4"""
REPORTS_AN_EPOCH = 5
"""lines that an epoch has at least, also on a small data set"""

MAIN = ("epochs", "batch_size", "lr", "momentum", "seed", "device")
MORE = ("weight_decay", "augment", "schedule")
NAMES = MAIN + MORE
DEFAULTS = TrainConfig()

_SHOW_RUN_IN_ADDRESS = """(run) => {
    if (!run) return;
    const address = new URL(window.location);
    address.searchParams.set('run', run);
    window.history.replaceState(null, '', address);
}"""


def page_config(values: dict[str, Any], images: int) -> TrainConfig:
    """The recipe that the page's settings ask for; a line of the log covers the same number of images at any batch."""
    config = TrainConfig(**values)
    covered = min(REPORT_IMAGES, images // REPORTS_AN_EPOCH)
    return replace(config, report_every=max(1, covered // config.batch_size))


def build_train_tab(service: Service, source: DataSource, owner: gr.BrowserState, blocks: gr.Blocks) -> None:
    """Lay out the tab and wire it. `owner` holds the visitor's secret key."""
    gr.Markdown(
        "The Net starts with random weights and guesses. Press **Start** and watch its *loss* fall: the number that "
        "says how wrong its answers are, about 2.3 for guessing among ten classes."
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300, elem_id="settings"):
            settings = {name: _setting(name) for name in MAIN}
            with gr.Accordion("Beyond the tutorial", open=False):
                settings |= {name: _setting(name) for name in MORE}
            plan = gr.HTML(note(plan_words(service, source, page_config({}, len(source.splits.train)))), elem_id="plan")
            reset = gr.Button("Back to the tutorial's values", elem_id="reset", size="sm")
        with gr.Column(scale=3, min_width=320):
            with gr.Row(elem_classes="commands"):
                start = gr.Button("Start", variant="primary", interactive=False, elem_id="start")
                stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop")
                weights = gr.DownloadButton("Download .pth", interactive=False, elem_id="weights")
            message = gr.HTML(note(""), elem_id="train-message")
            status = gr.HTML("", elem_id="run-status", min_height=64)
            chart = live_chart(elem_id="chart")
            log = gr.Textbox(
                label="Log, as the tutorial prints it",
                lines=16,
                max_lines=16,
                interactive=False,
                buttons=["copy"],
                elem_id="log",
            )
    result = gr.HTML("", elem_id="result")
    following = gr.Textbox(visible="hidden", elem_id="following", label="run")

    def asked_for(values: tuple[Any, ...], data: Splits) -> TrainConfig:
        return page_config(dict(zip(NAMES, values, strict=True)), len(data.train))

    def do_start(owner_key: str, *values: Any) -> str:
        try:
            data = source.splits
            service.start(str(owner_key), asked_for(values, data), data)
            return note("")
        except CifarError as error:
            return note(str(error), "error")

    def do_stop(owner_key: str, run: str) -> str:
        try:
            service.stop(str(owner_key), str(run))
            return note("")
        except CifarError as error:
            return note(str(error), "error")

    def show_plan(*values: Any) -> str:
        try:
            return note(plan_words(service, source, asked_for(values, source.splits)))
        except CifarError as error:
            return note(str(error), "error")

    async def watch(owner_key: str, request: gr.Request) -> AsyncIterator[list[Any]]:
        """Follow the run for as long as the page is open, sending only what has changed."""
        follower = RunWatch(service, str(owner_key), str(request.query_params.get("run") or ""))
        shown, sent = None, 0.0
        while True:
            view = follower.look()
            if view != shown:
                yield _updates(shown, view)
                shown, sent = view, time.monotonic()
            elif time.monotonic() - sent > HEARTBEAT:
                yield [gr.skip()] * len(watched)
                sent = time.monotonic()
            await asyncio.sleep(LOOK_EVERY)

    inputs = [settings[name] for name in NAMES]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    watched = [start, stop, weights, following, status, chart, log, result]
    start.click(do_start, [owner, *inputs], message, **quiet)
    stop.click(do_stop, [owner, following], message, **quiet)
    following.change(None, following, None, js=_SHOW_RUN_IN_ADDRESS, api_visibility="private")
    reset.click(lambda: [getattr(DEFAULTS, name) for name in NAMES], None, inputs, **quiet)
    gr.on([field.change for field in inputs], show_plan, inputs, plan, trigger_mode="always_last", **quiet)
    blocks.load(owner_key_of, owner, owner, queue=False, **quiet).then(watch, owner, watched, **quiet)


def owner_key_of(stored: object) -> str:
    """The key that this browser has kept, or a new unguessable one."""
    kept = isinstance(stored, str) and stored.isascii() and 16 <= len(stored) <= 100
    return str(stored) if kept else secrets.token_urlsafe(24)


def plan_words(service: Service, source: DataSource, config: TrainConfig) -> str:
    """What these settings mean on the data set in use, before anything is started."""
    images = len(source.splits.train)
    steps = config.steps(images)
    words = (
        f"{config.epochs} × {images:,} images in mini-batches of {config.batch_size}: {steps:,} updates of the "
        f"weights, a line in the log every {config.report_every:,}."
    )
    if steps > service.limits.steps:
        words += f" That is more than the {service.limits.steps:,} updates that one run may have here."
    return words


def _setting(name: str) -> gr.Number | gr.Dropdown:
    about, default = FIELDS[name], getattr(DEFAULTS, name)
    if about.choices:
        choices = [(choice.replace("_", " "), choice) for choice in about.choices]
        return gr.Dropdown(choices, value=default, label=about.label, info=about.help, elem_id=name)
    bounds = f" ({about.low:,g} to {about.high:,g})"
    return gr.Number(default, label=about.label, info=about.help + bounds, elem_id=name)


def _updates(shown: View | None, view: View) -> list[Any]:
    """What to send to start, stop, weights, following, status, chart, log and result."""
    weights: Any = gr.skip()
    if shown is None or view.weights != shown.weights:
        # Gradio serves files from its own cache only; there the file is removed again after a while
        path = save_file_to_cache(view.weights, get_upload_folder()) if view.weights else None
        weights = gr.DownloadButton(value=path, interactive=path is not None)
    stop: Any = gr.skip()
    if shown is None or view.can_stop != shown.can_stop:
        stop = gr.Button(interactive=view.can_stop)
    run, before = view.run.id if view.run else "", shown.run.id if shown and shown.run else None
    parts = [gr.skip() if shown else gr.Button(interactive=True), stop, weights, gr.skip() if run == before else run]
    for name in ("status", "chart", "log", "result"):
        new = getattr(view, name)
        parts.append(gr.skip() if shown and new == getattr(shown, name) else new)
    return parts
