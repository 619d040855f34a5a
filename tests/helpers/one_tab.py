"""One tab of the page by itself, served by the test's own process, so that a test can write what a worker writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from demo.gradio_compat import PageState
from demo.gradio_compat_page import Page
from demo.widgets.events import JS_ONLY
from demo.widgets.look_at import LookAt
from demo.widgets.theme import CSS, theme
from tests.helpers.serving import free_port

Build = Callable[[gr.Textbox, PageState[LookAt], gr.Tab], None]
"""builds a tab: the visitor's key, what Inside is asked to open, and the tab itself"""


@contextmanager
def one_tab(build: Build, label: str, owner: str) -> Iterator[str]:
    """Serve a page with an empty tab First, the tab to be tested, and a tab Inside that says what it is to open.

    Yield its address.
    """
    with Page(analytics_enabled=False) as blocks:
        key = gr.Textbox(owner, visible="hidden")
        look_at = PageState(LookAt(), label="what Inside is to open")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("First", id="first"):
                gr.Markdown("Nothing")
            with gr.Tab(label, id="tested") as tab:
                build(key, look_at, tab)
            with gr.Tab("Inside", id="inside") as inside:
                opened = gr.Textbox(label="opened", elem_id="opened")
        inside.select(None, look_at, opened, js="(lookAt) => JSON.stringify(lookAt)", **JS_ONLY)
    port = free_port()
    blocks.queue().launch(
        server_port=port, theme=theme(), css_paths=CSS, prevent_thread_lock=True, quiet=True, ssr_mode=False
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        blocks.close()


@contextmanager
def visitor(browser: Any, url: str, label: str, **options: Any) -> Iterator[Any]:
    """Open the tab `label` of such a page as a new visitor, who must not meet a script error."""
    errors: list[str] = []
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    page.get_by_role("tab", name=label).click()
    yield page
    context.close()
    assert errors == []


def reopen(page: Any, label: str) -> None:
    """Leave the tab and come back."""
    page.get_by_role("tab", name="First").click()
    page.get_by_role("tab", name=label).click()
