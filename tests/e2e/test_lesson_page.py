"""The lesson beside the page, links that set the page up, and a prediction, as a visitor uses them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from demo.lesson.lesson import lesson

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
    expect(page.locator("#lesson-step input")).to_have_value("3. Thousands of images, a few at a time")
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
    page.wait_for_timeout(500)  # Gradio fills in the fields of a part that has just been opened
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
    expect(told).to_contain_text("✓ as predicted")
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


def focused(page: Any) -> str:
    """What the keyboard is on: its id, or what it says."""
    return str(page.evaluate("(at => at.id || at.textContent.trim())(document.activeElement)"))


def tab_to(page: Any, wanted: str, most: int = 25) -> None:
    """Press Tab until the keyboard is on what has this id, or says this."""
    for _ in range(most):
        if focused(page) == wanted:
            return
        page.keyboard.press("Tab")
        assert focused(page) != "lesson-begin", "the keyboard is taken elsewhere only by another step"
    raise AssertionError(f"{wanted} is not among the next {most} places of the keyboard; it is on {focused(page)}")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)], ids=["desktop", "phone"])
def test_the_lesson_is_walked_to_its_end_by_keyboard_alone(visit: Callable[..., Any], width: int, height: int) -> None:
    page = visit(width=width, height=height)
    tab_to(page, "open-lesson")
    page.keyboard.press("Enter")
    begin, end = page.locator("#lesson-begin"), page.locator("#lesson-end")
    for step in lesson():
        expect(begin).to_contain_text(f"Step {step.number} of {len(lesson())}")
        expect(begin.locator("h3")).to_have_text(step.title)
        if step.number > 1:
            expect(begin).to_be_focused()
        expect(end.locator(".try")).to_have_text([one.label for one in step.tries])
        tab_to(page, step.tries[0].label)
        page.keyboard.press("Enter")  # moves the page's own controls
        asked = re.findall(r"tab=(\w+)", step.tries[0].query)[0]
        tab = page.locator(f"#tabs > .tab-wrapper [data-tab-id={asked}].selected:visible")
        if width < 768:  # the panel has made way for what it shows
            expect(page.locator("#lesson")).not_to_have_class(re.compile(r"\bopen\b"))
            expect(tab).to_have_count(1)
            tab_to(page, "open-lesson", most=200)
            page.keyboard.press("Enter")
            expect(page.locator("#lesson")).to_have_class(re.compile(r"\bopen\b"))
        else:
            expect(tab).to_have_count(1)
        tab_to(page, "Answer")
        page.keyboard.press("Enter")
        expect(end.locator("details p")).to_be_visible()
        tab_to(page, "lesson-next")
        page.keyboard.press("Enter")
    expect(page.locator("#lesson-step input")).to_have_value(re.compile("^✓ 10"))


def test_on_a_phone_a_link_opens_and_hides_tabs_that_are_in_the_menu(visit: Callable[..., Any]) -> None:
    page = visit("?tab=train", width=390, height=844)
    expect(page.get_by_role("tab", name="Train", exact=True)).to_have_attribute("aria-selected", "true")
    page = visit("?lr=0.01&hide=lab,judge", width=390, height=844)
    page.get_by_role("button", name="More tabs").click()
    menu = page.locator("#tabs > .tab-wrapper .overflow-dropdown button")
    expect(menu.filter(has_text="My runs")).to_be_visible()
    expect(menu.filter(has_text="Lab")).to_be_hidden()
    expect(menu.filter(has_text="Judge")).to_be_hidden()
    menu.filter(has_text="Code").click()
    expect(page.get_by_role("tab", name="Code", exact=True)).to_have_attribute("aria-selected", "true")
    page.locator("#open-lesson").click()
    page.locator("#lesson-step input").click()
    page.get_by_role("option", name="Looking at a batch").click()
    page.get_by_role("button", name="Look at the first batch").click()
    expect(page.get_by_role("tab", name="One step", exact=True)).to_have_attribute("aria-selected", "true")
