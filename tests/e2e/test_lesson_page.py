"""The lesson beside the page, links that set the page up, and a prediction, as a visitor uses them."""

from collections.abc import Callable
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api").expect


def open_lesson(page: Any) -> None:
    page.locator("#open-lesson").click()
    expect(page.locator("#lesson-begin")).to_contain_text("Step 1 of 10")


def test_the_lesson_moves_the_real_controls_and_remembers_its_place(visit: Callable[..., Any]) -> None:
    page = visit()
    open_lesson(page)
    for number in (2, 3):
        page.locator("#lesson-next").click()
        expect(page.locator("#lesson-begin")).to_contain_text(f"Step {number} of 10")
    expect(page.locator("#lesson-begin")).to_contain_text("2,000 / 4 = 500 steps")
    page.get_by_role("button", name="Set batches of 64").click()
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#batch_size input")).to_have_value("64")
    expect(page.locator("#lesson-begin")).to_contain_text("2,000 / 64 = 32 steps")
    page.get_by_role("button", name="Set batches of 4 again").click()
    expect(page.locator("#batch_size input")).to_have_value("4")
    page.get_by_role("button", name="Set batches of 64").click()  # a second time counts too
    expect(page.locator("#batch_size input")).to_have_value("64")
    page.reload()
    page.locator("#open-lesson").click()
    expect(page.locator("#lesson-begin")).to_contain_text("Step 3 of 10")
    expect(page.locator("#lesson-step input")).to_have_value("3. Thousands of pictures, a few at a time")
    page.locator("#lesson-back").click()
    expect(page.locator("#lesson-begin")).to_contain_text("Step 2 of 10")


def test_an_answer_is_folded_until_it_is_asked_for(visit: Callable[..., Any]) -> None:
    page = visit("?step=2")
    page.locator("#open-lesson").click()
    answer = page.locator("#lesson-end details p")
    expect(answer).to_be_hidden()
    page.locator("#lesson-end summary").press("Enter")
    expect(answer).to_be_visible()


def test_a_teachers_link_sets_locks_hides_and_says_what_cannot_be(visit: Callable[..., Any]) -> None:
    page = visit("?lr=0.01&momentum=9&lock=lr,momentum&hide=seed,lab&tab=train&title=Group%20A")
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#setup-title")).to_have_text("Group A")
    expect(page.locator("#setup-message")).to_contain_text("Momentum must be a number from 0 to 0.999; 9 is not.")
    expect(page.locator("#lr input")).to_have_value("0.01")
    expect(page.locator("#lr input")).to_be_disabled()
    expect(page.locator("#lr")).to_contain_text("locked by the link")
    expect(page.locator("#momentum input")).to_have_value("0.9")
    expect(page.locator("#epochs input")).to_be_enabled()
    expect(page.locator("#seed")).to_be_hidden()
    expect(page.get_by_role("tab", name="Lab")).to_have_count(0)
    expect(page.get_by_role("button", name="Best known")).to_be_hidden()  # it would fill in what is locked


def test_a_link_made_on_the_page_opens_the_same_set_up_in_another_browser(visit: Callable[..., Any]) -> None:
    page = visit("?tab=train")
    page.locator("#lr input").fill("0.02")
    page.get_by_role("button", name="Share this set-up as a link").click()
    page.locator("#share-title textarea, #share-title input").fill("Try this")
    page.locator("#share-make").click()
    link = page.locator("#share-link textarea, #share-link input")
    expect(link).to_have_value(f"{page.url.split('?')[0]}?lr=0.02&title=Try+this")
    address = link.input_value()
    other = visit("?" + address.split("?")[1])
    expect(other.locator("#setup-title")).to_have_text("Try this")
    other.get_by_role("tab", name="Train").click()
    expect(other.locator("#lr input")).to_have_value("0.02")


def test_a_prediction_is_compared_when_the_run_has_ended(visit: Callable[..., Any]) -> None:
    page = visit("?tab=train&epochs=1&batch_size=20")
    page.get_by_role("button", name="Predict first").click()
    page.locator("#predict-accuracy input").fill("1")
    page.get_by_label("no", exact=True).check()
    expect(page.locator("#start")).to_be_enabled()
    page.locator("#start").click()
    told = page.locator("#predicted")
    expect(told).to_contain_text("points too low", timeout=60_000)
    expect(told).to_contain_text("✓ as you said")
    expect(page.locator("#predict-accuracy input")).to_have_value("")
    expect(page.locator("#story")).to_contain_text("test images right")
    page.reload()
    expect(page.locator("#predicted")).to_contain_text("points too low")


def test_on_a_phone_the_lesson_makes_way_for_what_it_shows(visit: Callable[..., Any]) -> None:
    page = visit(width=390, height=844)
    open_lesson(page)
    page.get_by_role("button", name="Show me the training page").click()
    expect(page.locator("#start")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
