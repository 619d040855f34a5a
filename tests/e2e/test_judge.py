"""The tab Judge as a person uses it: test a Net, click a number, look at the images behind it."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.net import new_net
from cifar_core.runs.records import Run
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.tabs.judge.tab import build_judge_tab
from tests.helpers.nets import ANN, come_to, run_of
from tests.helpers.one_tab import one_tab, reopen, visitor
from tests.helpers.runs import remove

pytestmark = [
    pytest.mark.browser,
    # what a server in this process leaves behind is no matter of the page
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def nets(tiny: Splits, tmp_path_factory: pytest.TempPathFactory) -> NetRegistry:
    """Nets without workers: the tests do what workers write."""
    return NetRegistry(Service(tmp_path_factory.mktemp("runs")), DataSource(tiny))


@pytest.fixture(scope="module")
def url(nets: NetRegistry) -> Iterator[str]:
    """A page with this tab alone."""
    with one_tab(partial(_build, nets), "Judge", ANN) as address:
        yield address


def _build(nets: NetRegistry, owner: Any, look_at: Any, tab: Any) -> None:
    build_judge_tab(nets, owner, look_at, tab)


@pytest.fixture
def run(nets: NetRegistry) -> Iterator[Run]:
    """The visitor's only run: a Net that knows little, at step 10 of 200."""
    made = run_of(nets, ANN, 3)
    yield made
    remove(nets.service.store, made.id)


def matrix(page: Any) -> np.ndarray:
    """Return the numbers of the confusion matrix on the screen, once all are there."""
    cells = page.locator("#confusion [data-truth]")
    expect(cells).to_have_count(100)
    return np.array(cells.all_inner_texts(), int).reshape(10, 10)


def right_predictions(page: Any) -> int:
    """Return how many right predictions the page tells of."""
    words = page.locator("#overall").inner_text()
    return int(re.findall(r"predicts ([\d,]+) of 120", words)[0].replace(",", ""))


def some_mistake(page: Any) -> Any:
    """Return the cell with the most mistakes."""
    counts = matrix(page)
    np.fill_diagonal(counts, 0)
    return page.locator("#confusion [data-truth]").nth(int(counts.argmax()))


def expect_images_of(page: Any, cell: Any) -> None:
    """Expect as many images as the cell says, each of its two classes, the most confident first."""
    count = int(cell.inner_text())
    truth, predicted = cell.get_attribute("data-truth"), cell.get_attribute("data-predicted")
    expect(page.locator("#found-heading")).to_contain_text(re.compile(rf"(?<!\d){count} image"))
    expect(page.locator("#found-heading")).to_contain_text(f"truth {truth} · the Net predicts {predicted}")
    expect(page.locator("#found-pictures .cell")).to_have_count(min(count, 15))
    captions = page.locator("#found-pictures .caption").all_inner_texts()
    assert {caption.split("\n")[0] for caption in captions} == {f"{truth} → {predicted}"}
    confidences = [float(caption.split("\n")[1].rstrip("%\u00a0 ")) for caption in captions]
    assert confidences == sorted(confidences, reverse=True)
    expect(cell).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#confusion [aria-pressed=true]")).to_have_count(1)


def choose_net(page: Any, name: str) -> None:
    page.locator("#judge-net input").click()
    page.get_by_role("option", name=name).click()


def test_a_number_of_the_matrix_opens_its_images_and_an_image_opens_the_net(browser: Any, url: str, run: Run) -> None:
    with visitor(browser, url, "Judge") as page:
        expect(page.locator("#overall")).to_contain_text(f"Run {run.name[4:]} after step 10 of 200")
        expect(page.locator("#judge-net input")).to_have_value(re.compile(f"My {run.name}"))
        counts = matrix(page)
        assert counts.sum() == 120 and counts.trace() == right_predictions(page)
        heading = page.locator("#found-heading")
        expect(heading).to_contain_text(f"{120 - counts.trace():,} images; shown: 1 to 15")
        page.locator("#found-more").click()
        expect(heading).to_contain_text("shown: 16 to")
        cell = some_mistake(page)
        cell.click()
        expect_images_of(page, cell)

        page.get_by_role("button", name="Least certain").click()
        expect(heading).to_contain_text("120 images; shown: 1 to 15")
        expect(page.locator("#confusion [aria-pressed=true]")).to_have_count(0)
        cell.click()
        expect_images_of(page, cell)
        image = page.locator("#found-pictures .cell").first
        index = int(image.get_attribute("data-index"))
        image.click()
        expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true")
        expect(page.locator("#opened textarea, #opened input")).not_to_have_value("")
        opened = json.loads(page.locator("#opened textarea, #opened input").input_value())
        assert opened["net"] == {"run": run.id, "step": None}
        assert opened["image"] == {"split": "test", "index": index, "png": ""}

        reopen(page, "Judge")
        expect_images_of(page, cell)
        assert np.array_equal(matrix(page), counts)


def test_what_is_shown_belongs_to_the_net_that_is_chosen(browser: Any, url: str, run: Run) -> None:
    with visitor(browser, url, "Judge") as page:
        first = matrix(page)
        heading = page.locator("#found-heading")
        page.get_by_role("button", name="Least certain").click()
        expect(heading).to_contain_text("least certain first")
        choose_net(page, "Pretrained")
        expect(page.locator("#overall")).to_contain_text("The pretrained Net:")
        expect(page.locator("#judge-message")).to_contain_text("Tested the pretrained Net on all 120 test images.")
        right = right_predictions(page)
        assert matrix(page).trace() == right
        expect(heading).to_contain_text("All predictions · least certain first")  # the question stays
        page.get_by_role("button", name="Most confident mistakes").click()
        expect(heading).to_contain_text(re.compile(rf"Mistakes · most confident first\s*{120 - right} images"))
        reopen(page, "Judge")
        expect(page.locator("#judge-net input")).to_have_value(re.compile("Pretrained"))  # not the newest run again
        choose_net(page, f"My {run.name}")
        expect(page.locator("#overall")).to_contain_text(f"Run {run.name[4:]}")
        assert np.array_equal(matrix(page), first)


def test_a_run_that_is_training_is_tested_as_it_is_and_its_images_stay_while_it_moves_on(
    browser: Any, url: str, nets: NetRegistry, run: Run
) -> None:
    with visitor(browser, url, "Judge") as page:
        message = page.locator("#judge-message")
        expect(message).to_contain_text("It is still training: press Test it again")
        title = page.locator("#overall h3").inner_text()
        cell = some_mistake(page)
        come_to(nets, run, 20, new_net(5))
        reopen(page, "Judge")
        expect(message).to_contain_text("Shown is the test after step 10. The run has trained on since")
        assert page.locator("#overall h3").inner_text() == title
        cell.click()
        expect_images_of(page, cell)
        page.locator("#judge-test").click()
        expect(page.locator("#overall h3")).to_contain_text("after step 20 of 200")
        cell = some_mistake(page)  # of another matrix now
        cell.click()
        expect_images_of(page, cell)


def test_a_run_that_is_deleted_meanwhile_gets_a_sentence_and_other_nets_work_on(
    browser: Any, url: str, nets: NetRegistry, run: Run
) -> None:
    with visitor(browser, url, "Judge") as page:
        cell = some_mistake(page)
        remove(nets.service.store, run.id)
        cell.click()
        expect(page.locator("#found-heading [role=alert]")).to_contain_text("There is no such run")
        expect(page.locator("#found-pictures .cell")).to_have_count(0)
        page.locator("#judge-test").click()
        expect(page.locator("#judge-message [role=alert]")).to_contain_text("There is no such run")
        expect(page.locator("#overall")).to_be_hidden()
        reopen(page, "Judge")
        expect(page.locator("#overall")).to_contain_text("The pretrained Net")
        expect(page.locator("#judge-net input")).to_have_value(re.compile("Pretrained"))
        expect(page.locator("#found-pictures .cell")).to_have_count(15)


def test_a_batch_is_made_of_images_that_are_clicked_or_named(browser: Any, url: str) -> None:
    with visitor(browser, url, "Judge") as page:
        logits, field = page.locator("#batch-logits"), page.locator("#batch input, #batch textarea")
        expect(logits.locator("thead img")).to_have_count(4)
        expect(logits).to_contain_text("_, predicted = torch.max(outputs, 1)")
        page.get_by_label("puts it into the batch below").check()
        clicked = page.locator("#found-pictures .cell").nth(2)
        index, caption = clicked.get_attribute("data-index"), clicked.locator(".caption").inner_text()
        clicked.click()
        expect(field).to_have_value(re.compile(rf"(\d+, ){{3}}{index}$"))
        truth, predicted = caption.split("\n")[0].split(" → ")
        expect(logits).to_contain_text(re.compile(rf"GroundTruth:.* {truth} *\n", re.MULTILINE))
        expect(logits).to_contain_text(re.compile(rf"Predicted:.* {predicted}\s*$"))
        expect(page.get_by_role("tab", name="Judge")).to_have_attribute("aria-selected", "true")
        field.fill("1, 120")
        field.press("Enter")
        expect(logits.locator("[role=alert]")).to_contain_text("There is no test image 120")
        field.fill("119")
        field.press("Enter")
        expect(logits.locator("thead img")).to_have_count(1)


def test_the_matrix_works_with_the_keyboard_and_fits_a_phone(browser: Any, url: str) -> None:
    with visitor(browser, url, "Judge", viewport={"width": 390, "height": 844}) as page:
        cells = page.locator("#confusion [data-truth]")
        expect(cells).to_have_count(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        box = page.locator("#confusion .scroll")
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")  # all ten columns at once
        cells.first.focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowUp"):
            page.keyboard.press(key)
        expect(cells.nth(1)).to_be_focused()
        expect(page.locator("#confusion [tabindex='0']")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(cells.nth(1)).to_have_attribute("aria-pressed", "true")
        images = re.compile(rf"{cells.nth(1).inner_text()} image|No test image")
        expect(page.locator("#found-heading")).to_contain_text(images)
        expect(page.locator("#found")).to_be_in_viewport()


def test_an_image_of_judge_is_opened_inside(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="Judge").click()
    image = page.locator("#found-pictures .cell").nth(3)
    expect(image).to_be_visible()
    index = image.get_attribute("data-index")
    image.click()
    expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text(re.compile(rf"test image {index}\b")).locator("visible=true").first).to_be_visible()
