"""Looking inside of a Net as a person does: choose, click, walk with the arrow keys, and watch a run's filters move."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.inspect.filters import first_filters
from cifar_core.inspect.stages import inspect_image
from cifar_core.net import new_net
from cifar_core.pretrained import pretrained_net
from cifar_core.runs.records import Filters
from cifar_core.runs.registry import NetRegistry, OpenNet
from cifar_core.runs.service import Service
from demo.gradio_compat import PageState
from demo.tabs.inside.tab import build_inside_tab
from demo.widgets.look_at import LookAt
from tests.helpers.nets import ANN, BOB, CONFIG, come_to, run_of
from tests.helpers.one_tab import one_tab
from tests.helpers.runs import write_rows

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect
WATCHED = 2500
"""milliseconds in which a page that is live asks two or three times"""


@dataclass
class Served:
    """The tab by itself, and what it shows."""

    url: str
    nets: NetRegistry


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny: Splits) -> Iterator[Served]:
    nets = NetRegistry(Service(tmp_path_factory.mktemp("runs")), DataSource(tiny))

    def build(owner: gr.Textbox, look_at: PageState[LookAt], tab: gr.Tab) -> None:
        data_in_use = gr.Textbox("", visible="hidden")
        build_inside_tab(nets, owner, data_in_use, look_at, tab)  # type: ignore[arg-type]
        asked = gr.Textbox("", elem_id="asked")
        hand_over = gr.Button("hand over", elem_id="hand-over")
        hand_over.click(None, asked, look_at, js="(asked) => JSON.parse(asked)")

    with one_tab(build, "Inside the Net", ANN) as url:
        yield Served(url, nets)


@pytest.fixture
def visit(browser: Any, served: Served) -> Iterator[Callable[..., Any]]:
    """Opens the tab as a new visitor; afterwards no visit may have met a script error."""
    contexts, errors = [], []

    def open_tab(*, width: int = 1280, height: int = 800, dark: bool = False) -> Any:
        contexts.append(
            browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        )
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(served.url)
        open_inside(page)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert errors == []


def open_inside(page: Any) -> None:
    page.get_by_role("tab", name="Inside the Net").click()
    expect(page.locator("#inside-stages .stage")).to_have_count(12)
    expect(page.locator("#why-saliency img")).to_have_count(3)


def hand_over(page: Any, run: str, image: dict[str, Any]) -> None:
    """What another tab does to open an image here."""
    page.locator("#asked textarea").fill(json.dumps({"net": {"run": run, "step": None}, "image": image}))
    page.locator("#hand-over").click()
    page.get_by_role("tab", name="First").click()
    page.get_by_role("tab", name="Inside the Net").click()


def asked_within(page: Any, milliseconds: int) -> int:
    """How many events the page sends in that time."""
    sent: list[str] = []

    def count(request: Any) -> None:
        if "/queue/join" in request.url:
            sent.append(request.url)

    page.on("request", count)
    page.wait_for_timeout(milliseconds)
    page.remove_listener("request", count)
    return len(sent)


def printed(page: Any) -> tuple[list[Decimal], Decimal]:
    """The terms of the sum as they stand there, and what they give."""
    line = page.locator("#inside-unit .sum").inner_text().replace("−", "-")
    *terms, total = (Decimal(term.replace(" ", "")) for term in re.findall(r"[+-]? ?\d+\.\d+", line))
    return terms, total


def test_a_click_into_a_map_shows_the_sum_that_gave_this_number(visit: Any, served: Served) -> None:
    page, test = visit(), served.nets.source.splits.test
    page.locator("#inside-images .cell").nth(3).click()
    expect(page.locator("#inside-about")).to_contain_text("test image 3")
    numbers = inspect_image(pretrained_net(), test.images[3])
    expect(page.locator("#inside-about h3")).to_contain_text(test.classes[numbers.stage("logits").values.argmax()])

    clicked = page.locator(".map[data-layer=conv2]").nth(9)
    clicked.scroll_into_view_if_needed()
    box = clicked.locator(".pixels").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.15 * box["height"])
    unit = page.locator("#inside-unit h3")
    expect(unit).to_contain_text("conv2, map 9, row 1, column 7")
    terms, total = printed(page)
    assert len(terms) == 7 and sum(terms) == total
    assert float(total) == pytest.approx(numbers.stage("conv2").values[9, 1, 7], abs=0.001)
    expect(page.locator("#unit-row input")).to_have_value("1")

    # by keyboard: the arrow keys from the map, and the fields
    clicked.press("ArrowRight")
    expect(unit).to_contain_text("conv2, map 9, row 1, column 8")
    clicked.press("ArrowDown")
    expect(unit).to_contain_text("conv2, map 9, row 2, column 8")
    page.locator("#unit-map input").fill("4")
    expect(unit).to_contain_text("conv2, map 4, row 2, column 8")
    page.locator("#unit-row input").fill("10")
    expect(page.locator("#inside-unit")).to_contain_text("There is no row 10 in conv2")


def test_each_map_shows_its_own_part_of_the_sheet_and_turns_grey_by_a_switch(visit: Any) -> None:
    page = visit()
    placed = """parts => parts.map((part) => {
        const {backgroundImage, backgroundPosition, backgroundSize} = getComputedStyle(part);
        return [backgroundImage.startsWith('url("data:image/png'), backgroundPosition, backgroundSize].join(' ');
    })"""
    parts = page.locator("#inside-stages .pixels").evaluate_all(placed)
    assert len(parts) == 3 + 3 * 6 + 3 * 16 + 4 and len(set(parts)) == len(parts)
    assert all(part.startswith("true") for part in parts)
    relu = page.locator("[data-stage=relu1] .pixels")
    before = relu.evaluate_all(placed)
    page.locator("[data-stage=relu1] input[type=checkbox]").check()
    assert not set(relu.evaluate_all(placed)) & set(parts)
    page.locator("[data-stage=relu1] input[type=checkbox]").uncheck()
    assert relu.evaluate_all(placed) == before


def test_what_is_open_stays_open_with_another_image(visit: Any) -> None:
    page = visit()
    asked = page.locator("[data-stage=relu1] details")
    answer = asked.locator("p").inner_text()
    asked.locator("summary").click()
    page.locator("[data-stage=relu1] input[type=checkbox]").check()
    page.locator("#inside-index input").fill("7")
    page.locator("#inside-show").click()
    expect(page.locator("#inside-about")).to_contain_text("test image 7")
    expect(asked.locator("p")).not_to_have_text(answer)
    expect(asked.locator("p")).to_be_visible()
    expect(page.locator("[data-stage=relu1] input[type=checkbox]")).to_be_checked()
    asked.locator("summary").click()
    expect(asked.locator("p")).not_to_be_visible()


def test_a_run_is_watched_from_inside_while_it_trains_and_only_while_one_looks(visit: Any, served: Served) -> None:
    nets, page = served.nets, visit()
    run = nets.service.start(BOB, CONFIG, served.nets.source.splits)
    come_to(nets, run, 10, new_net(1))
    hand_over(page, run.id, {"split": "test", "index": 3, "png": ""})
    about, filters = page.locator("#inside-about"), page.locator("#inside-filters")
    expect(about).to_contain_text(f"{run.name} after 10 mini-batches")
    expect(filters).to_contain_text("They change while the run trains")
    # newer filters come once a second, and everything with a newer checkpoint
    tile = filters.locator("img").first.get_attribute("src")
    write_rows(nets.service.store, run.id, filters=Filters(13, first_filters(new_net(2))))
    expect(filters).to_contain_text("After 13 mini-batches")
    expect(filters.locator("img").first).not_to_have_attribute("src", tile)
    expect(about).to_contain_text("after 10 mini-batches")
    sheet = page.locator("#inside-stages .stages").get_attribute("style")
    come_to(nets, run, 16, new_net(2))
    expect(about).to_contain_text("after 16 mini-batches")
    expect(about).to_contain_text("test image 3")
    expect(page.locator("#inside-stages .stages")).not_to_have_attribute("style", sheet)
    assert asked_within(page, WATCHED) >= 1

    page.get_by_role("tab", name="First").click()
    page.wait_for_timeout(500)
    assert asked_within(page, WATCHED) == 0
    page.get_by_role("tab", name="Inside the Net").click()
    expect(filters).to_be_visible()
    assert asked_within(page, WATCHED) >= 1
    write_rows(nets.service.store, run.id, state="stopped")
    expect(filters).not_to_contain_text("They change while the run trains")
    page.wait_for_timeout(500)
    assert asked_within(page, WATCHED) == 0


def test_the_nearest_training_images_are_found_and_opened(visit: Any, served: Served) -> None:
    page, train = visit(), served.nets.source.splits.train
    page.locator("#why-search").click()
    cells = page.locator("#why-neighbours .cell")
    expect(cells).to_have_count(5)
    index = cells.first.get_attribute("data-index")
    name = train.classes[train.labels[int(index)]]
    expect(cells.first).to_contain_text(name)
    cells.first.click()
    expect(page.locator("#inside-about")).to_contain_text(f"train image {index}")
    expect(page.locator("#inside-about")).to_contain_text(f"the true class is {name}")
    # now known, they come by themselves; the nearest to a training image is itself
    expect(cells.first).to_have_attribute("data-index", index)


def test_a_search_that_ends_after_another_image_was_chosen_shows_that_images_neighbours(
    visit: Any, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, page = run_of(served.nets, BOB, 6), visit()
    hand_over(page, run.id, {"split": "test", "index": 1, "png": ""})
    expect(page.locator("#inside-about")).to_contain_text("test image 1")
    page_goes_on, original = Event(), served.nets.features

    def slow(opened: OpenNet) -> Iterator[Any]:
        page_goes_on.wait(20)
        yield from original(opened)

    monkeypatch.setattr(served.nets, "features", slow)
    page.locator("#why-search").click()
    expect(page.locator("#why-searching")).to_contain_text("Waiting")
    page.locator("#inside-images .cell").nth(4).click()
    expect(page.locator("#inside-about")).to_contain_text("test image 4")
    page_goes_on.set()
    expect(page.locator("#why-neighbours")).to_contain_text("Nearest to test image 4")
    expect(page.locator("#why-searching")).to_be_empty()


def test_another_class_can_be_asked_why(visit: Any, served: Served) -> None:
    page, classes = visit(), served.nets.source.splits.test.classes
    why = page.locator("#why-saliency")
    expect(why).to_contain_text("(the prediction)")
    page.locator("#why-class input").click()
    page.get_by_role("option", name=classes[8]).click()
    expect(why).to_contain_text(f"the score of {classes[8]}")


def test_another_tab_opens_an_image_here_once(visit: Any) -> None:
    page = visit()
    hand_over(page, "pretrained", {"split": "train", "index": 12, "png": ""})
    about = page.locator("#inside-about")
    expect(about).to_contain_text("train image 12")
    page.locator("#inside-images .cell").nth(2).click()
    expect(about).to_contain_text("test image 2")
    page.get_by_role("tab", name="First").click()
    open_inside(page)
    expect(about).to_contain_text("test image 2")
    hand_over(page, "pretrained", {"split": "test", "index": 400, "png": ""})
    expect(page.locator("#inside-message")).to_contain_text("they go from 0 to 119")


def test_an_own_image_is_looked_into_and_a_file_that_is_none_gets_a_sentence(visit: Any, tmp_path: Path) -> None:
    page = visit()
    page.get_by_role("tab", name="Your image").click()
    (tmp_path / "text.png").write_text("no image at all")
    page.locator("#inside-upload input[type=file]").set_input_files(tmp_path / "text.png")
    expect(page.locator("#inside-message .error")).to_be_visible()
    expect(page.locator("#inside-about")).to_contain_text("test image 0")
    page.locator("#inside-upload").get_by_label(re.compile("clear|remove", re.IGNORECASE)).first.click()
    Image.new("RGB", (64, 48), (200, 40, 40)).save(tmp_path / "red.png")
    page.locator("#inside-upload input[type=file]").set_input_files(tmp_path / "red.png")
    expect(page.locator("#inside-about")).to_contain_text("your image")
    expect(page.locator("#inside-message .note")).to_have_class(re.compile("empty"))


def test_the_test_images_are_turned_page_by_page(visit: Any) -> None:
    page = visit()
    first = page.locator("#inside-images .cell").first
    expect(first).to_have_attribute("data-index", "0")
    page.locator("#inside-next").click()
    expect(first).to_have_attribute("data-index", "12")
    first.click()
    expect(page.locator("#inside-about")).to_contain_text("test image 12")
    page.locator("#inside-next").click()
    expect(first).to_have_attribute("data-index", "24")


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_is_cut_off(visit: Any, dark: bool) -> None:
    page = visit(width=390, height=844, dark=dark)
    page.locator(".map[data-layer=conv1]").first.click()
    expect(page.locator("#inside-unit h3")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = page.locator("#inside-stages .stage, #inside-unit table, #why-saliency img").evaluate_all(
        "parts => parts.filter((part) => part.getBoundingClientRect().right > innerWidth).length"
    )
    assert wide == 0
