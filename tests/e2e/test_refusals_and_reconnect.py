"""What a visitor sees of a refusal, and of a connection that breaks."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.helpers.image_making import PHOTO, image_file

SENTENCE = "Too many images were uploaded from your network just now; try again in a minute."


def answer(page: Any, path: str, status: int, body: str, kind: str) -> None:
    """Let the server refuse what is sent to `path`, in the gate's own form."""
    page.route(f"**/gradio_api/{path}*", lambda route: route.fulfill(status=status, content_type=kind, body=body))


def test_a_refused_click_is_a_sentence_in_the_page_and_the_button_works_again(visit: Callable[..., Any]) -> None:
    page = visit("?tab=train")
    expect(page.locator("#start")).to_be_enabled()
    answer(page, "queue/join", 429, json.dumps({"detail": SENTENCE}), "application/json")
    page.click("#start")
    expect(page.get_by_test_id("toast-body").first).to_contain_text(SENTENCE)
    page.unroute("**/gradio_api/queue/join*")
    page.click("#start")
    expect(page.locator("#stop")).to_be_enabled()


def test_a_refused_upload_is_a_sentence_in_the_page_and_the_next_one_works(visit: Callable[..., Any]) -> None:
    page = visit("?tab=classify")
    page.get_by_role("tab", name="Your image").click()
    answer(page, "upload?", 429, SENTENCE, "text/plain")
    file = {"name": "photo.png", "mimeType": "image/png", "buffer": image_file(PHOTO, "PNG")}
    page.set_input_files("#upload input[type=file]", file)
    expect(page.get_by_test_id("toast-body").first).to_contain_text(SENTENCE)
    page.unroute("**/gradio_api/upload?*")
    page.set_input_files("#upload input[type=file]", file)
    expect(page.locator("#upload-prediction")).to_contain_text("%")


def test_after_a_while_without_network_the_curve_goes_on_by_itself(visit: Callable[..., Any]) -> None:
    page = visit("?tab=train&epochs=100")
    expect(page.locator("#start")).to_be_enabled()
    page.click("#start")
    expect(page.locator("#run-status")).to_contain_text("epoch")
    page.context.set_offline(True)
    page.wait_for_timeout(3000)
    before = page.locator("#run-status").inner_text()
    page.context.set_offline(False)
    expect(page.locator("#stop")).to_be_enabled()
    expect(page.locator("#run-status")).not_to_have_text(before)
    expect(page.locator("#run-status")).to_contain_text("epoch")


def test_a_page_that_hears_nothing_though_nothing_broke_loads_itself_again(visit: Callable[..., Any]) -> None:
    """As after a laptop's sleep: the connection looks open, and no news comes any more."""
    page = visit("?tab=train")
    expect(page.locator("#start")).to_be_enabled()
    page.evaluate("window.seenBefore = true")
    # to the page, time passes faster than news can come
    page.evaluate(
        "(() => { const now = Date.now; let ahead = 0; setInterval(() => { ahead += 15000; }, 1000); "
        "Date.now = () => now() + ahead; })()"
    )
    page.wait_for_function("!window.seenBefore")
    expect(page.locator("#start")).to_be_enabled()
