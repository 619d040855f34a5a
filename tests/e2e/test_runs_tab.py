"""My runs beside the other tabs: whose runs they are, and the way from one to Train."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.test_page import open_tab
from tests.helpers.serving import Server

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


def test_two_tabs_of_a_first_visit_are_one_visitor(browser: Any, server: Server) -> None:
    context = browser.new_context()
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(server.url, wait_until="commit")
    for page in (first, second):
        open_tab(page, "Train")
        expect(page.locator("#start")).to_be_enabled()
    train(first, epochs=1, batch_size=100)
    open_runs(second)
    expect(second.locator("#runs-list tbody tr")).to_have_count(1)
    context.close()


def test_ones_runs_are_used_on_another_device_by_an_address_that_works_once(visit: Visit, server: Server) -> None:
    mine = visit()
    run = train(mine, epochs=1, batch_size=100)
    open_runs(mine)
    mine.get_by_role("button", name="Use my runs on another device").click()
    address = mine.locator("#move-address textarea, #move-address input")
    expect(address).to_have_value(re.compile(r"^http://.*\?move=[\w-]{20,}&tab=train$"))
    way = address.input_value().removeprefix(server.url)
    other = visit(way)
    expect(other.locator("#run-status")).to_contain_text("The runs of your other device are yours here, too")
    expect(other).to_have_url(re.compile(rf"[?&]run={run}"))
    assert "move=" not in other.url
    other.reload()
    open_runs(other)
    expect(other.locator("#runs-list tbody tr")).to_have_count(1)
    expect(other.locator("#delete-run")).to_be_enabled()
    stranger = visit(way)
    expect(stranger.locator("#run-status")).to_contain_text("has been used already")
    open_runs(stranger)
    expect(stranger.locator("#runs-list")).to_contain_text("You have no runs yet")
