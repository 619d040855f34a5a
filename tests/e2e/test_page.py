"""The page as a person uses it: real clicks in Chromium, and what can then be seen."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.data import ImageSet
from cifar_core.net import load_net
from tests.helpers.serving import Server

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]


def open_tab(page: Any, name: str) -> None:
    """Click on a tab; on a narrow page first on the menu in which the tabs are that have no room."""
    tab, menu = page.get_by_role("tab", name=name, exact=True), page.locator("#tabs > .tab-wrapper .overflow-menu")
    in_menu = menu.locator(".overflow-dropdown button", has_text=name)
    expect(tab.or_(menu.locator("> button")).first).to_be_visible()
    if page.viewport_size["width"] < 768 and not tab.count():
        menu.locator("> button").click()
        tab = in_menu
    tab.click()


def shown_images(page: Any, grid: str) -> dict[int, np.ndarray]:
    """The pictures in a grid as the browser has them: index and pixels."""
    cells = page.locator(f"{grid} .cells")
    sheet_url = cells.evaluate("element => getComputedStyle(element).getPropertyValue('--sheet')")
    columns = int(cells.evaluate("element => getComputedStyle(element).getPropertyValue('--columns')"))
    (encoded,) = re.findall(r"base64,([^)\"]+)", sheet_url)
    image_grid = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    indices = page.locator(f"{grid} .cell").evaluate_all("cells => cells.map(cell => Number(cell.dataset.index))")
    found = {}
    for place, index in enumerate(indices):
        row, column = divmod(place, columns)
        found[index] = image_grid[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
    return found


def expect_same_bytes(page: Any, image_set: ImageSet, count: int) -> None:
    expect(page.locator("#images .cell")).to_have_count(count)
    pictures = shown_images(page, "#images")
    captions = page.locator("#images .caption").all_inner_texts()
    for caption, (index, pixels) in zip(captions, pictures.items(), strict=True):
        assert np.array_equal(pixels, image_set.images[index])
        assert caption == image_set.classes[image_set.labels[index]]


def points(page: Any) -> int:
    """How many points of the loss curve are drawn."""
    return int(page.locator("#chart canvas").get_attribute("data-points") or 0)


def set_number(page: Any, elem_id: str, value: object) -> None:
    field = page.locator(f"#{elem_id} input")
    field.fill(str(value))
    field.blur()


def start(page: Any, **settings: object) -> None:
    """Open Train, fill in the settings, press Start."""
    open_tab(page, "Train")
    for name, value in settings.items():
        set_number(page, name, value)
    expect(page.get_by_role("button", name="Start")).to_be_enabled()
    page.get_by_role("button", name="Start").click()


def expect_state(page: Any, state: str) -> None:
    expect(page.locator(f".run-status[data-state={state}]")).to_be_visible(timeout=240_000)


def test_the_first_page_shows_the_bytes_of_the_data_set(visit: Visit, server: Server) -> None:
    page = visit()
    expect_same_bytes(page, server.splits.train, 36)
    expect(page.locator("#header")).to_contain_text("CIFAR-10: 2,000 + 400 images")
    expect(page.locator("#header")).to_contain_text("(CPU)")
    expect(page.locator("#about-set")).to_contain_text("Number of datapoints: 2000")
    expect(page.locator("#counts .bars tr").first).to_have_text(re.compile(r"plane\s*200"))


def test_browsing_turns_pages_chooses_classes_and_shuffles_again(visit: Visit, server: Server) -> None:
    page = visit()
    first = list(shown_images(page, "#images"))
    page.get_by_role("button", name="Next →").click()
    expect(page.locator("#page-number input")).to_have_value("2")
    expect(page.locator("#images .cell").first).not_to_have_attribute("data-index", str(first[0]))
    assert not set(first) & set(shown_images(page, "#images"))
    page.get_by_role("button", name="← Previous").click()
    expect(page.locator("#images .cell").first).to_have_attribute("data-index", str(first[0]))

    page.get_by_role("button", name="Shuffle again").click()
    expect(page.locator("#browse-seed input")).not_to_have_value("0")
    expect(page.locator("#images .cell").first).not_to_have_attribute("data-index", str(first[0]))
    set_number(page, "browse-seed", 0)
    expect(page.locator("#images .cell").first).to_have_attribute("data-index", str(first[0]))

    page.get_by_label("Test set").check()
    expect(page.locator("#where")).to_contain_text("400 images")
    page.get_by_label("Classes").click()
    page.get_by_role("option", name="ship").click()
    expect(page.locator("#where")).to_contain_text("40 images")
    assert set(page.locator("#images .caption").all_inner_texts()) == {"ship"}
    expect_same_bytes(page, server.splits.test, 36)


def test_an_image_is_shown_large_with_its_numbers_by_keyboard_too(visit: Visit, server: Server) -> None:
    page = visit()
    cell = page.locator("#images .cell").nth(7)
    index = int(cell.get_attribute("data-index"))
    cell.focus()
    page.keyboard.press("Enter")
    detail = page.locator("#detail")
    image = server.splits.train.images[index]
    expect(detail).to_contain_text(f"{index:,}")
    expect(detail).to_contain_text("torch.Size([3, 32, 32])")
    expect(detail).to_contain_text("torch.float32")
    low, high = image.min() / 255, image.max() / 255
    expect(detail).to_contain_text(f"{low:.3f} … {high:.3f}")
    expect(detail).to_contain_text(f"{(low - 0.5) / 0.5:.3f} … {(high - 0.5) / 0.5:.3f}")
    source = detail.locator("img").get_attribute("src")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))), image)


def test_a_whole_training_is_watched_to_its_end_and_its_weights_downloaded(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    start(page, epochs=4)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 3")
    before = points(page)
    expect_state(page, "running")
    page.wait_for_function(f"+document.querySelector('#chart canvas').dataset.points > {before}")
    expect(page.locator("#run-status")).to_contain_text("images/s")
    expect_state(page, "done")
    log = page.locator("#log textarea")
    expect(log).to_have_value(re.compile(r"GroundTruth: .*\nPredicted: .*\nAccuracy of the network on the 400 test"))
    expect(log).to_have_value(re.compile("Finished Training"))
    expect(page.locator("#chart canvas")).to_have_attribute(
        "aria-label", re.compile(r"Loss .* at step 2,000\. Accuracy \d+")
    )
    expect(page.locator("#result")).to_contain_text("Accuracy on 400 test images")
    expect(page.locator("#result .bars tr")).to_have_count(10)
    expect(page.locator("#result .cell")).to_have_count(4)
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .pth").click()
    path = tmp_path / "net.pth"
    download.value.save_as(path)
    assert download.value.suggested_filename.endswith(".pth")
    load_net(path)
    assert set(torch.load(path, weights_only=True)) >= {"conv1.weight", "fc3.bias"}


def test_the_log_has_the_tutorials_lines(visit: Visit) -> None:
    page = visit()
    start(page, epochs=2)
    expect(page.locator("#plan")).to_contain_text("a line in the log every 100")
    expect_state(page, "done")
    lines = page.locator("#log textarea").input_value().splitlines()
    assert [re.sub(r"\d\.\d{3}$", "", line) for line in lines[:10]] == [
        f"[{epoch}, {batch:5d}] loss: " for epoch in (1, 2) for batch in (100, 200, 300, 400, 500)
    ]
    assert lines[10] == "Finished Training"


def test_stop_halts_the_training_and_tests_what_was_learned(visit: Visit) -> None:
    page = visit()
    start(page, epochs=100)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 2")
    page.get_by_role("button", name="Stop").click()
    expect_state(page, "stopped")
    expect(page.locator("#result")).to_contain_text("Accuracy on 400 test images")
    expect(page.get_by_role("button", name="Start")).to_be_enabled()


def test_a_refresh_in_the_middle_shows_the_same_run_still_going(visit: Visit) -> None:
    page = visit()
    start(page, epochs=100)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 5")
    expect(page).to_have_url(re.compile(r"\?run=[0-9a-f]{16}"))
    before = points(page)
    page.reload()
    open_tab(page, "Train")
    page.wait_for_function(f"+document.querySelector('#chart canvas').dataset.points >= {before}")
    expect_state(page, "running")
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    page.get_by_role("button", name="Stop").click()
    expect_state(page, "stopped")


def test_another_visitor_sees_nothing_of_a_run_and_with_its_link_may_only_watch(visit: Visit) -> None:
    mine = visit()
    start(mine, epochs=100)
    mine.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 2")
    expect(mine).to_have_url(re.compile("run="))
    stranger = visit()
    open_tab(stranger, "Train")
    expect(stranger.locator("#run-status")).to_contain_text("No training yet")
    assert points(stranger) == 0

    watcher = visit("/?" + mine.url.split("?")[1])
    open_tab(watcher, "Train")
    watcher.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 2")
    expect(watcher.locator("#run-status")).to_contain_text("view only")
    expect(watcher.get_by_role("button", name="Stop")).to_be_disabled()
    expect(watcher.locator("#epochs input")).to_have_value("100")  # its settings have been filled in
    start(watcher, epochs=1, batch_size=50)
    expect_state(watcher, "done")
    expect_state(mine, "running")
    mine.get_by_role("button", name="Stop").click()
    expect_state(mine, "stopped")


def test_a_bad_setting_gets_a_sentence_and_nothing_is_lost(visit: Visit) -> None:
    page = visit()
    start(page, lr=7, momentum=0.5)
    expect(page.locator("#train-message [role=alert]")).to_contain_text(
        "Learning rate must be a number from 1e-06 to 1"
    )
    expect(page.locator("#plan [role=alert]")).to_contain_text("Learning rate")
    expect(page.locator("#momentum input")).to_have_value("0.5")
    expect(page.locator("#run-status")).to_contain_text("No training yet")
    page.get_by_role("button", name="The tutorial's").click()
    expect(page.locator("#lr input")).to_have_value("0.001")
    expect(page.locator("#momentum input")).to_have_value("0.9")
    expect(page.locator("#plan")).to_contain_text("1,000 updates")
    start(page, batch_size=100)
    expect(page.locator("#train-message [role=alert]")).to_have_count(0)
    expect_state(page, "done")


def test_a_preset_fills_in_the_settings_and_says_how_long_it_takes(visit: Visit) -> None:
    page = visit()
    open_tab(page, "Train")
    page.get_by_role("button", name="Best known").click()
    expect(page.locator("#epochs input")).to_have_value("200")
    expect(page.locator("#about-preset")).to_contain_text("76 %")
    expect(page.locator("#plan")).to_contain_text("take about")
    page.get_by_role("button", name="Quick").click()
    expect(page.locator("#batch_size input")).to_have_value("64")
    expect(page.locator("#about-preset")).to_contain_text("one minute")
    page.get_by_text("Beyond the tutorial").click()
    expect(page.locator("#weight_decay input")).to_have_value("0.0005")
    page.get_by_role("button", name="The tutorial's").click()
    expect(page.locator("#weight_decay input")).to_have_value("0")
    expect(page.locator("#lr input")).to_have_value("0.001")


def test_a_test_image_is_classified_with_its_truth(visit: Visit, server: Server) -> None:
    page = visit()
    open_tab(page, "Classify")
    page.locator("#test-images .cell").nth(2).click()
    answer = page.locator("#test-prediction")
    expect(answer).to_contain_text("The Net predicts")
    truth = server.splits.test.classes[server.splits.test.labels[2]]
    expect(answer.locator(".verdict")).to_contain_text(f"the truth is {truth}")
    expect(answer.locator("table.bars tr")).to_have_count(10)
    shares = [float(text.rstrip("%").strip()) for text in answer.locator("table.bars .number").all_inner_texts()]
    assert shares == sorted(shares, reverse=True) and abs(sum(shares) - 100) < 1
    expect(answer.locator(".logits")).to_contain_text("← argmax")
    first = page.locator("#test-images .cell").first.get_attribute("data-index")
    page.locator("#test-next").click()
    expect(page.locator("#test-images .cell").first).not_to_have_attribute("data-index", first)
    page.locator("#test-shuffle").click()
    expect(page.locator("#test-images .cell").first).not_to_have_attribute("data-index", "12")


def test_my_run_predicts_while_it_is_still_training(visit: Visit) -> None:
    page = visit()
    start(page, epochs=100)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 2")
    open_tab(page, "Classify")
    page.get_by_label("Net", exact=True).click()
    page.get_by_role("option", name=re.compile("training")).click()
    page.locator("#test-images .cell").first.click()
    expect(page.locator("#test-prediction")).to_contain_text("The Net predicts")
    before = page.locator("#test-prediction .logits").inner_text()
    open_tab(page, "Train")
    page.get_by_role("button", name="Stop").click()
    expect_state(page, "stopped")
    open_tab(page, "Classify")
    page.get_by_role("button", name="Predict again").click()
    expect(page.locator("#test-prediction .logits")).not_to_have_text(before)


@pytest.mark.parametrize("tab", ["Browse", "Train", "Classify"])
def test_nothing_is_cut_off_on_a_phone(visit: Visit, tab: str) -> None:
    page = visit(width=390, height=844)
    open_tab(page, tab)
    if tab == "Browse":
        page.locator("#images .cell").first.click()
        expect(page.locator("#detail img")).to_be_in_viewport()
    if tab == "Train":
        expect(page.get_by_role("button", name="Start")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_does_not_jump_while_a_run_streams(visit: Visit) -> None:
    page = visit()
    start(page, epochs=100)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 2")
    heights = page.evaluate(
        """async () => {
            const seen = new Set(), top = () => document.querySelector('#log').getBoundingClientRect().top + scrollY;
            const points = () => +document.querySelector('#chart canvas').dataset.points, begun = points();
            while (points() < begun + 20) {
                seen.add(Math.round(top()));
                await new Promise((done) => setTimeout(done, 30));
            }
            return [...seen];
        }"""
    )
    assert len(heights) == 1, heights
    page.get_by_role("button", name="Stop").click()
    expect_state(page, "stopped")


def test_a_page_that_watches_asks_for_nothing_by_itself_and_leaves_the_fields_alone(visit: Visit) -> None:
    page = visit()
    start(page, epochs=100)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 3")
    page.get_by_role("button", name="Pause").click()
    expect_state(page, "paused")
    set_number(page, "lr", 0.05)
    page.wait_for_timeout(1500)  # what follows from the click and the field
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "/queue/join" in request.url else None)
    page.wait_for_timeout(4000)
    assert len(asked) <= 1, asked  # how busy the server is, every five seconds
    expect(page.locator("#lr input")).to_have_value("0.05")


@pytest.mark.real_data
def test_real_cifar10_is_browsed_trained_and_classified(visit: Visit, real_server: Server, tmp_path: Path) -> None:
    page = visit(url=real_server.url)
    expect_same_bytes(page, real_server.splits.train, 36)
    start(page, epochs=1, batch_size=32, lr=0.01)
    page.wait_for_function("+document.querySelector('#chart canvas').dataset.points > 3")
    expect_state(page, "done")
    expect(page.locator("#result")).to_contain_text("Accuracy on 10,000 test images")
    accuracy = float(page.locator("#result strong").inner_text().rstrip("%").strip())
    assert 35 < accuracy < 60, accuracy
    open_tab(page, "Classify")
    page.locator("#test-images .cell").first.click()
    expect(page.locator("#test-prediction .verdict")).to_contain_text("the truth is cat")
