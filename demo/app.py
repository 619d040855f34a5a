"""The page as a whole: header, tabs, endpoints. The only module that knows every tab."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import gradio as gr

from cifar_core.data.source import DataSource
from cifar_core.errors import StoreError
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.endpoints import build_endpoints
from demo.gradio_compat import PageState
from demo.gradio_compat_page import Page
from demo.lesson.panel import OPEN_LESSON, build_lesson_panel, wire_lesson
from demo.lesson.values import values_of
from demo.open_pages import OpenPages
from demo.setup.apply import build_setup, wire_setup
from demo.tabs.browse.tab import build_browse_tab
from demo.tabs.classify.tab import build_classify_tab
from demo.tabs.code.tab import build_code_tab
from demo.tabs.inside.tab import build_inside_tab
from demo.tabs.judge.tab import build_judge_tab
from demo.tabs.lab.tab import build_lab_tab
from demo.tabs.my_runs.tab import build_runs_tab
from demo.tabs.one_step.tab import build_one_step_tab
from demo.tabs.over_time.tab import build_time_tab
from demo.tabs.train.tab import build_train_tab
from demo.widgets.download import download_button
from demo.widgets.events import JS_ONLY, QUIET
from demo.widgets.look_at import LookAt
from demo.widgets.moving import MovingKeys
from demo.widgets.owner import owner_state
from demo.widgets.templates import render, script

TITLE = "Learn image classification by doing it"
HEARTBEAT = 5.0
"""seconds after which the header is sent even if nothing has changed, so that the page knows that it is connected"""


def build_app(service: Service, source: DataSource, nets: NetRegistry, pages: OpenPages) -> gr.Blocks:
    """Return the page, ready to be launched behind a gate that knows the same `pages`."""
    with Page(title=TITLE, analytics_enabled=False, fill_width=False) as blocks:
        with gr.Row(elem_classes="title-line"):
            gr.HTML(render("title.html.j2", title=TITLE), elem_id="title")
            open_lesson = gr.Button("Open the lesson", size="sm", elem_id="open-lesson", elem_classes="part-lesson")
        # Placed first because Gradio searches components in page order on every update.
        setup, lesson = build_setup(), build_lesson_panel()
        header = gr.HTML(header_html(service, source), js_on_load=script("reconnect.js"), elem_id="header")
        build_endpoints(service, source, nets)  # before the tabs, whose private handlers would else take their names
        owner, moving = owner_state(), MovingKeys(service)
        saved = download_button()
        data_in_use = gr.Textbox(data_key(source), visible="hidden", label="data set in use")
        look_at = PageState(LookAt(), label="what Inside is to open")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Browse", id="browse"):
                build_browse_tab(source, data_in_use)
            with gr.Tab("Train", id="train"):
                train = build_train_tab(service, source, owner, saved, blocks, pages, moving)
            with gr.Tab("Classify", id="classify") as classify_tab:
                build_classify_tab(nets, owner, data_in_use, look_at, classify_tab)
            with gr.Tab("Inside", id="inside") as inside_tab:
                build_inside_tab(nets, owner, data_in_use, look_at, inside_tab)
            with gr.Tab("Judge", id="judge") as judge_tab:
                build_judge_tab(nets, owner, look_at, judge_tab)
            with gr.Tab("Over time", id="time") as time_tab:
                build_time_tab(nets, owner, look_at, time_tab)
            with gr.Tab("One step", id="step") as step_tab:
                build_one_step_tab(source, train.settings, step_tab)
            with gr.Tab("Lab", id="lab") as lab_tab:
                build_lab_tab(nets, owner, lab_tab)
            with gr.Tab("Code", id="code") as code_tab:
                build_code_tab(nets, owner, train.settings, saved, code_tab)
            with gr.Tab("My runs", id="runs") as runs_tab:
                build_runs_tab(service, owner, saved, runs_tab, moving)
        blocks.load(header_watch(service, source, pages), None, [header, data_in_use], **QUIET)
        wire_setup(setup, train.settings, blocks)
        open_lesson.click(None, None, None, js=OPEN_LESSON, **JS_ONLY)
        batch_size = train.settings["batch_size"]
        refresh = [train.state.change, train.result.change, train.story.change, batch_size.change]
        wire_lesson(
            lesson,
            train.settings,
            lambda state, size: values_of(nets, state.run, size),
            [train.state, batch_size],
            refresh,
            blocks,
        )
    return blocks


def header_watch(
    service: Service, source: DataSource, pages: OpenPages
) -> Callable[[gr.Request], AsyncIterator[tuple[str, str]]]:
    """Return what keeps the header true for as long as a page is open: its HTML, and the key of the data set in use."""

    async def watch(request: gr.Request) -> AsyncIterator[tuple[str, str]]:
        watching, beat, sent = pages.watch(request.session_hash, "header"), 0, 0.0
        now = shown = ("", data_key(source))
        while watching.goes_on:
            due = time.monotonic() - sent > HEARTBEAT
            beat += due
            with suppress(StoreError):  # for the moment; what was shown stays
                now = await asyncio.to_thread(header_html, service, source, beat), data_key(source)
            if now != shown:
                shown, sent = now, time.monotonic()
                yield now
            await asyncio.sleep(1)

    return watch


def header_html(service: Service, source: DataSource, beat: int = 0) -> str:
    """Return the line on top: data set, device and why, how many runs are active. `beat` shows that it is new."""
    splits = source.splits
    workers = service.workers()
    device = f"{workers[0].name} ({workers[0].device.upper()})" if workers else "starting …"
    active = service.active_count()
    parts = [
        ("Data", f"{splits.info.name}: {len(splits.train):,} + {len(splits.test):,} images", splits.info.note),
        ("Device", device, workers[0].reason if workers else ""),
        ("Training now", {0: "no runs", 1: "1 run"}.get(active, f"{active} runs"), ""),
    ]
    status = source.status
    if source.failed:
        status += " Or start the server with --data and a folder that holds CIFAR-10."
    return render("header.html.j2", parts=parts, status=status, fraction=source.fraction, beat=beat)


def data_key(source: DataSource) -> str:
    """Return a text that changes whenever another data set is in use; it tells a browser nothing of the server."""
    return hashlib.sha256(str(source.splits.folder).encode()).hexdigest()[:12]
