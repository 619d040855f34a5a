"""My runs beside the other tabs: whose runs they are, and the way from one to Train."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.test_page import open_tab

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]


def open_runs(page: Any) -> None:
    open_tab(page, "My runs")
    expect(page.locator("#runs-list")).to_contain_text(re.compile("Unlike the tutorial|no runs yet"))


def train(page: Any, *, state: str = "done", **settings: object) -> str:
    """Train with these settings until the run is in `state`; its id."""
    open_tab(page, "Train")
    expect(page.locator("#start")).to_be_enabled()
    before = run_in_address(page)
    for name, value in settings.items():
        field = page.locator(f"#{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#start").click()
    page.wait_for_function("before => (location.search.match(/run=(\\w+)/) || [])[1] != before", arg=before)
    expect(page.locator(f".run-status[data-state={state}]")).to_be_visible(timeout=60_000)
    return str(run_in_address(page))


def run_in_address(page: Any) -> str | None:
    found = re.search(r"run=(\w+)", page.url)
    return found[1] if found else None


def test_another_visitor_sees_none_of_it(visit: Visit) -> None:
    mine = visit()
    run = train(mine, epochs=1, batch_size=50)
    stranger = visit(f"/?run={run}")
    open_runs(stranger)
    expect(stranger.locator("#runs-list")).to_contain_text("You have no runs yet")
    expect(stranger.locator("#delete-run")).to_have_count(0)


def test_a_run_that_is_going_is_shown_in_train_and_not_deleted(visit: Visit) -> None:
    page = visit()
    train(page, epochs=1, batch_size=50)
    going = train(page, state="running", epochs=100, batch_size=4)
    open_runs(page)
    expect(page.locator("#runs-list tbody tr").first).to_contain_text("Training")
    page.locator("#delete-run").click()
    expect(page.locator("#runs-message [role=alert]")).to_contain_text("still active; stop it first")
    page.get_by_role("link", name="Show in Train").click()
    expect(page).to_have_url(re.compile(f"run={going}"))
    expect(page.locator(".run-status[data-state=running]")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run-status[data-state=stopped]")).to_be_visible(timeout=60_000)
