"""A real server in a process of its own, and a real browser in front of it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.serving import CHROMIUM, CHROMIUM_OPTIONS, Server, serve
from tests.helpers.tiny_data import write_archive

# as in `python -m demo`: Gradio summarises all events after every event, with a warning of pandas' own
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")

PATIENCE = 30_000
"""milliseconds that the page may take for anything; a machine that is busy with other tests is slow, not wrong"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with 2,000 + 400 small pictures, shared by all tests: each visitor has runs of his own."""
    data = write_archive(tmp_path_factory.mktemp("data"), train=2000, test=400)
    yield from serve(tmp_path_factory.mktemp("served"), data)


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory, real_folder: Path) -> Iterator[Server]:
    """A server with the real CIFAR-10."""
    yield from serve(tmp_path_factory.mktemp("served-real"), real_folder)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, or a skip that says what is missing."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)"
    )
    if CHROMIUM is None:
        pytest.skip("No Chromium is installed, so the page is not tested as a person uses it.")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """Opens the page as a new visitor; afterwards none of the visits may have met a script error."""
    contexts, errors = [], []

    def open_page(
        address: str = "", *, url: str | None = None, width: int = 1280, height: int = 800, dark: bool = False
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((url or server.url) + address)
        # the tab that the address names opens once the page has read it
        opened = "#start:visible" if "tab=train" in address else "#images .cell:visible, #start:visible"
        page.locator(opened).first.wait_for()
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:  # no run goes on behind the back of the next test
            page.evaluate("document.querySelector('#stop')?.click()")
            page.evaluate("document.querySelector('#lab-stop')?.click()")
        if any(page.locator("#stop:not([disabled])").count() for page in context.pages):
            context.pages[0].wait_for_timeout(200)
        context.close()
    assert errors == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a browser test again, twice at most, where it fails; the end of the report names it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))
