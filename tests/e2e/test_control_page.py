"""Commands to a run while it goes, as a person gives them: real clicks in Chromium."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.test_page import expect_state, open_tab, points, set_number, start

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]
CHANGES = "document.querySelector('#chart canvas').dataset.changes"


def test_a_run_is_paused_changed_resumed_and_trained_on(visit: Visit) -> None:
    page = visit()
    start(page, epochs=100)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 3")
    page.get_by_role("button", name="Pause").click()
    expect_state(page, "paused")
    expect(page.get_by_role("button", name="Resume")).to_be_enabled()
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    while_paused = page.locator("#run-status .facts").inner_text()

    set_number(page, "lr", 0.02)
    set_number(page, "batch_size", 100)
    page.get_by_role("button", name="Use this learning rate").click()
    expect(page.locator("#run-status .facts")).to_have_text(while_paused)
    page.get_by_role("button", name="Resume").click()
    page.wait_for_function(f"{CHANGES}.includes('learning rate 0.02') && {CHANGES}.includes('batch 100')")
    page.get_by_role("button", name="Stop").click()
    expect_state(page, "stopped")

    page.locator("#more input").fill("2")
    page.get_by_role("button", name="Train on for").click()
    page.wait_for_function(f"{CHANGES}.includes('epochs')")
    expect_state(page, "done")
    expect(page.locator("#log textarea")).to_have_value(re.compile("Finished Training"))
    expect(page.locator("#result")).to_contain_text("Accuracy on 400 test images")
    assert int(page.locator("#chart canvas").get_attribute("data-validations")) >= 8


def test_a_change_out_of_bounds_gets_a_sentence_and_the_run_goes_on(visit: Visit) -> None:
    page = visit()
    start(page, epochs=100)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 1")
    set_number(page, "lr", 50)
    page.get_by_role("button", name="Use this learning rate").click()
    expect(page.locator("#train-message [role=alert]")).to_contain_text("Learning rate must be a number from")
    before = points(page)
    page.wait_for_function(f"+document.querySelector('#chart canvas').dataset.points > {before}")
    page.get_by_role("button", name="Stop").click()
    expect_state(page, "stopped")


def test_a_paused_run_is_found_paused_after_a_refresh_with_its_settings(visit: Visit) -> None:
    page = visit()
    start(page, epochs=100, batch_size=8, lr=0.002)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 1")
    page.get_by_role("button", name="Pause").click()
    expect_state(page, "paused")
    page.reload()
    open_tab(page, "Train")
    expect_state(page, "paused")
    # else "use this batch size from now on" would ask for another one than is in force
    expect(page.locator("#batch_size input")).to_have_value("8")
    expect(page.locator("#lr input")).to_have_value("0.002")
    page.get_by_role("button", name="Resume").click()
    expect_state(page, "running")
    page.get_by_role("button", name="Stop").click()
    expect_state(page, "stopped")


def test_a_stop_rule_ends_a_run_and_says_so(visit: Visit) -> None:
    page = visit()
    open_tab(page, "Train")
    page.get_by_text("Beyond the tutorial").click()
    page.get_by_label("Stop rule").click()
    page.get_by_role("option", name="accuracy").click()
    set_number(page, "target_accuracy", 1)
    start(page, epochs=100)
    expect_state(page, "done")
    expect(page.locator("#run-status")).to_contain_text("the accuracy was reached")


def test_the_page_says_how_busy_the_server_is_and_how_long_a_run_would_take(visit: Visit) -> None:
    page = visit()
    open_tab(page, "Train")
    expect(page.locator("#plan")).to_contain_text(re.compile(r"yours would get .* and take about \d+"), timeout=30_000)
    expect(page.locator("#limits")).to_contain_text("4 runs active at once")
