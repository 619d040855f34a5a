"""The Judge tab as a person uses it: test a Net, click a number, look at the images behind it."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]
SHORT: dict[str, Any] = {"epochs": 1, "batch_size": 50, "lr": 0.01}
"""40 mini-batches: some predictions are right and many are wrong"""

SLOW = 60_000
"""milliseconds; what takes a second alone takes longer beside other work"""
TRAINED = 180_000


def visitor(visit: Visit, **options: Any) -> Any:
    """A new visitor's page, with patience."""
    page = visit(**options)
    page.set_default_timeout(SLOW)
    return page


def start(page: Any, state: str = "done", **settings: object) -> str:
    """Train with these settings until the run is in `state`; its id."""
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#start")).to_be_enabled(timeout=SLOW)
    before = (re.findall(r"run=(\w+)", page.url) or [None])[0]
    for name, value in settings.items():
        field = page.locator(f"#{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#start").click()
    page.wait_for_function("before => (location.search.match(/run=(\\w+)/) || [])[1] != before", arg=before)
    expect(page.locator(f".run-status[data-state={state}]")).to_be_visible(timeout=TRAINED)
    return re.findall(r"run=(\w+)", page.url)[0]


def open_judge(page: Any) -> None:
    page.get_by_role("tab", name="Judge").click()
    expect(page.locator("#confusion [data-truth]")).to_have_count(100, timeout=SLOW)


def reopen_until(page: Any, so: Callable[[], bool]) -> None:
    """Leave the tab and come back, until it is so."""
    for _ in range(TRAINED // 1000):
        page.get_by_role("tab", name="Browse").click()
        page.get_by_role("tab", name="Judge").click()
        page.wait_for_timeout(1000)
        if so():
            return
    raise AssertionError("It never became so.")


def matrix(page: Any) -> np.ndarray:
    """The numbers of the confusion matrix on the screen."""
    return np.array(page.locator("#confusion [data-truth]").all_inner_texts(), int).reshape(10, 10)


def right_predictions(page: Any) -> int:
    """How many right predictions the page tells of."""
    told = re.findall(r"predicts ([\d,]+) of 400", page.locator("#overall").inner_text())
    return int(told[0].replace(",", ""))


def some_mistake(page: Any) -> Any:
    """The cell with the most mistakes."""
    counts = matrix(page)
    np.fill_diagonal(counts, 0)
    return page.locator("#confusion [data-truth]").nth(int(counts.argmax()))


def expect_images_of(page: Any, cell: Any) -> None:
    """As many images as the cell says, each of its two classes, the most confident first."""
    count = int(cell.inner_text())
    truth, predicted = cell.get_attribute("data-truth"), cell.get_attribute("data-predicted")
    expect(page.locator("#found-heading")).to_contain_text(re.compile(rf"(?<!\d){count} image"), timeout=SLOW)
    expect(page.locator("#found-pictures .cell")).to_have_count(min(count, 15), timeout=SLOW)
    captions = page.locator("#found-pictures .caption").all_inner_texts()
    assert {caption.split("\n")[0] for caption in captions} == {f"{truth} → {predicted}"}
    confidences = [float(caption.split("\n")[1].rstrip("%\u00a0 ")) for caption in captions]
    assert confidences == sorted(confidences, reverse=True)
    expect(cell).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    expect(page.locator("#confusion [aria-pressed=true]")).to_have_count(1, timeout=SLOW)


def choose_net(page: Any, name: str) -> None:
    page.locator("#judge-net input").click()
    page.get_by_role("option", name=name).click()


def test_a_number_of_the_matrix_opens_its_images_and_an_image_opens_the_net(visit: Visit) -> None:
    page = visitor(visit)
    run = start(page, **SHORT)
    open_judge(page)
    expect(page.locator("#judge-net input")).to_have_value(re.compile(f"My run {run[:4]}"), timeout=SLOW)
    expect(page.locator("#overall")).to_contain_text(f"Run {run[:4]} after step 40 of 40", timeout=SLOW)
    counts = matrix(page)
    assert counts.sum() == 400 and counts.trace() == right_predictions(page)

    expect(page.locator("#found-heading")).to_contain_text(
        f"{400 - counts.trace():,} images; shown: 1 to 15", timeout=SLOW
    )
    page.locator("#found-more").click()
    expect(page.locator("#found-heading")).to_contain_text("shown: 16 to", timeout=SLOW)
    cell = some_mistake(page)
    cell.click()
    expect_images_of(page, cell)

    page.get_by_role("button", name="Least certain").click()
    expect(page.locator("#found-heading")).to_contain_text("400 images; shown: 1 to 15", timeout=SLOW)
    expect(page.locator("#confusion [aria-pressed=true]")).to_have_count(0, timeout=SLOW)
    cell.click()
    expect_images_of(page, cell)
    page.locator("#found-pictures .cell").first.click()
    expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true", timeout=SLOW)

    open_judge(page)
    expect_images_of(page, cell)
    assert np.array_equal(matrix(page), counts)


def test_what_is_shown_belongs_to_the_net_that_is_chosen(visit: Visit) -> None:
    page = visitor(visit)
    run = start(page, **SHORT)
    open_judge(page)
    first = matrix(page)
    page.get_by_role("button", name="Least certain").click()
    choose_net(page, "Pretrained")
    expect(page.locator("#overall")).to_contain_text("The pretrained Net:", timeout=SLOW)
    expect(page.locator("#judge-message")).to_contain_text(
        "Tested the pretrained Net on all 400 test images.", timeout=SLOW
    )
    right = right_predictions(page)
    assert matrix(page).trace() == right
    heading = page.locator("#found-heading")
    expect(heading).to_contain_text("All predictions · least certain first")  # the question stays
    page.get_by_role("button", name="Most confident mistakes").click()
    mistakes = re.compile(rf"Mistakes · most confident first\s*{400 - right} images")
    expect(heading).to_contain_text(mistakes, timeout=SLOW)
    page.get_by_role("tab", name="Browse").click()
    open_judge(page)
    expect(page.locator("#judge-net input")).to_have_value(re.compile("Pretrained"))  # not the newest run again
    choose_net(page, f"My run {run[:4]}")
    expect(page.locator("#overall")).to_contain_text(f"Run {run[:4]}", timeout=SLOW)
    assert np.array_equal(matrix(page), first)


def test_a_run_that_is_training_is_tested_as_it_is_and_keeps_its_images_while_it_moves_on(visit: Visit) -> None:
    page = visitor(visit)
    run = start(page, "running", epochs=100, batch_size=4)
    chosen = page.locator("#judge-net input")
    reopen_until(page, lambda: run[:4] in chosen.input_value())  # it has its first weights
    expect(page.locator("#judge-message")).to_contain_text("It is still training: press Test it again", timeout=SLOW)
    told = page.locator("#overall h3").inner_text()
    cell = some_mistake(page)

    moved = page.locator("#judge-message").get_by_text("The run has trained on since")
    reopen_until(page, lambda: moved.count() > 0)
    assert page.locator("#overall h3").inner_text() == told
    cell.click()
    expect_images_of(page, cell)
    page.locator("#judge-test").click()
    expect(page.locator("#overall h3")).not_to_have_text(told, timeout=SLOW)
    cell = some_mistake(page)  # of another matrix now
    cell.click()
    expect_images_of(page, cell)

    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run-status[data-state=stopped]")).to_be_visible(timeout=TRAINED)


def test_a_run_that_is_deleted_meanwhile_gets_a_sentence_and_other_nets_work_on(visit: Visit) -> None:
    page = visitor(visit)
    run = start(page, **SHORT)
    open_judge(page)
    other = page.context.new_page()
    other.goto(page.url.split("?")[0])
    other.get_by_role("tab", name="My runs").click()
    other.locator("#delete-run").click()
    expect(other.locator("#delete-run")).to_contain_text("Really delete", timeout=SLOW)
    other.locator("#delete-run").click()
    expect(other.locator("#runs-message")).to_contain_text("is deleted", timeout=SLOW)

    some_mistake(page).click()
    expect(page.locator("#found-heading [role=alert]")).to_contain_text("There is no such run", timeout=SLOW)
    expect(page.locator("#found-pictures .cell")).to_have_count(0, timeout=SLOW)
    page.locator("#judge-test").click()
    expect(page.locator("#judge-message [role=alert]")).to_contain_text("There is no such run", timeout=SLOW)
    expect(page.locator("#overall")).to_be_hidden(timeout=SLOW)
    page.get_by_role("tab", name="Browse").click()
    page.get_by_role("tab", name="Judge").click()
    expect(page.locator("#overall")).to_contain_text("The pretrained Net", timeout=SLOW)
    expect(page.locator("#judge-net input")).not_to_have_value(re.compile(run[:4]), timeout=SLOW)
    expect(page.locator("#found-pictures .cell")).to_have_count(15, timeout=SLOW)


def test_a_batch_is_made_of_images_that_are_clicked_or_named(visit: Visit) -> None:
    page = visitor(visit)
    open_judge(page)
    logits = page.locator("#batch-logits")
    expect(logits.locator("thead img")).to_have_count(4, timeout=SLOW)
    expect(logits).to_contain_text("_, predicted = torch.max(outputs, 1)", timeout=SLOW)
    page.get_by_label("puts it into the batch below").check()
    clicked = page.locator("#found-pictures .cell").nth(2)
    index, caption = clicked.get_attribute("data-index"), clicked.locator(".caption").inner_text()
    clicked.click()
    expect(page.locator("#batch input, #batch textarea")).to_have_value(f"1, 2, 3, {index}", timeout=SLOW)
    truth, predicted = caption.split("\n")[0].split(" → ")
    expect(logits).to_contain_text(re.compile(rf"GroundTruth:.* {truth} *\n", re.MULTILINE), timeout=SLOW)
    expect(logits).to_contain_text(re.compile(rf"Predicted:.* {predicted} *$"), timeout=SLOW)
    expect(page.get_by_role("tab", name="Judge")).to_have_attribute("aria-selected", "true", timeout=SLOW)
    field = page.locator("#batch input, #batch textarea")
    field.fill("1, 400")
    field.press("Enter")
    expect(logits.locator("[role=alert]")).to_contain_text("There is no test image 400", timeout=SLOW)
    field.fill("399")
    field.press("Enter")
    expect(logits.locator("thead img")).to_have_count(1, timeout=SLOW)


def test_the_matrix_works_with_the_keyboard_and_fits_a_phone(visit: Visit) -> None:
    page = visitor(visit, width=390, height=844)
    page.get_by_role("tab", name="Train").click()  # the tabs that have no room are in a menu
    page.locator(".overflow-menu > button").click()
    page.locator(".overflow-dropdown button", has_text="Judge").click()
    cells = page.locator("#confusion [data-truth]")
    expect(cells).to_have_count(100, timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator("#confusion .scroll")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")  # all ten columns at once
    cells.first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    expect(cells.nth(1)).to_be_focused()
    expect(page.locator("#confusion [tabindex='0']")).to_have_count(1, timeout=SLOW)
    page.keyboard.press("Enter")
    expect(cells.nth(1)).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    told = re.compile(rf"{cells.nth(1).inner_text()} image|No test image")
    expect(page.locator("#found-heading")).to_contain_text(told, timeout=SLOW)
