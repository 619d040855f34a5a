"""Looking inside of a Net as a person does: choose, click, walk with the arrow keys, and watch a run's filters move."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cifar_core.inspect.stages import inspect_image
from cifar_core.pretrained import pretrained_net
from demo.widgets.pointer import Pointer
from tests.helpers.serving import Server

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect
SLOW = 30_000
"""milliseconds, where several things come one after the other, or torch is loaded first"""

Visit = Callable[..., Any]


def open_inside(page: Any) -> None:
    page.get_by_role("tab", name="Inside").click()
    expect(page.locator("#inside-stages .stage")).to_have_count(12, timeout=SLOW)


def start_run(page: Any, **settings: object) -> str:
    """Start a training with these settings; its id."""
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#start")).to_be_enabled()
    for name, value in settings.items():
        field = page.locator(f"#{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#start").click()
    page.wait_for_function("location.search.includes('run=')")
    return str(re.search(r"run=(\w+)", page.url)[1])


def hand_over(page: Any, pointer: Pointer) -> None:
    """What another tab does to open a picture here."""
    page.evaluate(
        """text => {
            const named = [...document.querySelectorAll('label')].find(
                (label) => label.innerText.trim() === 'picture to look inside of' ||
                    label.textContent.trim() === 'picture to look inside of');
            const field = named.querySelector('textarea, input');
            field.value = text;
            field.dispatchEvent(new Event('input', {bubbles: true}));
        }""",
        pointer.text(),
    )


def printed(page: Any) -> tuple[list[Decimal], Decimal]:
    """The terms of the sum as they stand there, and what they give."""
    line = page.locator("#inside-unit .sum").inner_text().replace("−", "-")
    *terms, total = (Decimal(term.replace(" ", "")) for term in re.findall(r"[+-]? ?\d+\.\d+", line))
    return terms, total


def test_a_click_into_a_map_shows_the_sum_that_gave_this_number(visit: Visit, server: Server) -> None:
    page = visit()
    open_inside(page)
    page.locator("#inside-pictures .cell").nth(3).click()
    expect(page.locator("#inside-about")).to_contain_text("test image 3", timeout=SLOW)
    stages = inspect_image(pretrained_net(), server.splits.test.images[3])
    expect(page.locator("#inside-about h3")).to_contain_text(
        server.splits.test.classes[stages.stage("logits").values.argmax()]
    )

    clicked = page.locator(".map[data-layer=conv2]").nth(9)
    clicked.scroll_into_view_if_needed()
    box = clicked.locator(".pixels").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.15 * box["height"])
    unit = page.locator("#inside-unit h3")
    expect(unit).to_contain_text("conv2, map 9, row 1, column 7")
    terms, total = printed(page)
    assert len(terms) == 7 and sum(terms) == total
    assert float(total) == pytest.approx(stages.stage("conv2").values[9, 1, 7], abs=0.001)
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


def test_what_is_open_stays_open_with_another_picture(visit: Visit) -> None:
    page = visit()
    open_inside(page)
    asked = page.locator("[data-stage=relu1] details")
    answer = asked.locator("p").inner_text()
    asked.locator("summary").click()
    page.locator("[data-stage=relu1] input[type=checkbox]").check()
    page.locator("#inside-index input").fill("7")
    page.locator("#inside-show").click()
    expect(page.locator("#inside-about")).to_contain_text("test image 7", timeout=SLOW)
    expect(asked.locator("p")).not_to_have_text(answer)
    expect(asked.locator("p")).to_be_visible()
    expect(page.locator("[data-stage=relu1] input[type=checkbox]")).to_be_checked()
    asked.locator("summary").click()
    expect(asked.locator("p")).not_to_be_visible()


def test_a_run_is_watched_from_inside_while_it_trains_and_only_while_one_looks(visit: Visit) -> None:
    page = visit()
    run = start_run(page, epochs=100, lr=0.0003)  # so small that it still learns when one looks
    expect(page.locator(".run-status[data-state=running]")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(3000)  # its first checkpoint
    open_inside(page)
    filters, moment = page.locator("#inside-filters"), page.locator("#inside-about .moment")
    expect(moment).to_contain_text(re.compile(r"run \w+ after [\d,]+ mini-batch"), timeout=SLOW)
    before, shown = filters.locator("p").first.inner_text(), moment.inner_text()
    picture = filters.locator(".maps").get_attribute("style")
    expect(filters.locator("p").first).not_to_have_text(before, timeout=SLOW)
    expect(filters.locator(".maps")).not_to_have_attribute("style", picture, timeout=SLOW)
    expect(moment).not_to_have_text(shown, timeout=SLOW)

    page.get_by_role("tab", name="Browse").click()
    page.wait_for_timeout(1500)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "/queue/join" in request.url else None)
    page.wait_for_timeout(3000)
    assert not [data for data in asked if run in data and "test 0" in data]  # the lesson may ask about the run

    page.get_by_role("tab", name="Train").click()
    page.locator("#stop").click()
    expect(page.locator(".run-status[data-state=stopped]")).to_be_visible(timeout=60_000)
    open_inside(page)
    expect(filters).not_to_contain_text("They change while the run trains", timeout=SLOW)


def test_the_nearest_training_images_are_found_and_opened(visit: Visit, server: Server) -> None:
    page = visit()
    open_inside(page)
    page.locator("#why-search").click()
    cells = page.locator("#why-neighbours .cell")
    expect(cells).to_have_count(5, timeout=SLOW)
    index = cells.first.get_attribute("data-index")
    name = server.splits.train.classes[server.splits.train.labels[int(index)]]
    expect(cells.first).to_contain_text(name)
    cells.first.click()
    expect(page.locator("#inside-about")).to_contain_text(f"train image {index}", timeout=SLOW)
    expect(page.locator("#inside-about")).to_contain_text(f"the truth is {name}", timeout=SLOW)
    # now known, they come by themselves; the nearest to a training image is itself
    expect(cells.first).to_have_attribute("data-index", index)


def test_another_class_can_be_asked_why(visit: Visit, server: Server) -> None:
    page = visit()
    open_inside(page)
    why = page.locator("#why-saliency")
    expect(why).to_contain_text("(the Net's answer)")
    expect(why.locator("img")).to_have_count(3)
    page.locator("#why-class input").click()
    page.get_by_role("option", name=server.splits.test.classes[8]).click()
    expect(why).to_contain_text(f"the score of {server.splits.test.classes[8]}")


def test_another_tab_opens_a_picture_here(visit: Visit) -> None:
    page = visit()
    hand_over(page, Pointer("pretrained", "train 12"))
    expect(page.locator("#inside-about")).to_contain_text("train image 12", timeout=SLOW)
    expect(page.locator("#inside-stages .stage")).to_have_count(12, timeout=SLOW)
    expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true")
    page.locator("#inside-pictures .cell").nth(2).click()
    expect(page.locator("#inside-about")).to_contain_text("test image 2", timeout=SLOW)
    hand_over(page, Pointer("pretrained", "test 400"))
    expect(page.locator("#inside-message")).to_contain_text("they are numbered from 0 to 399", timeout=SLOW)


def test_an_own_picture_is_looked_into_and_a_file_that_is_none_is_told(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    open_inside(page)
    page.get_by_role("tab", name="Your picture").locator("visible=true").click()
    (tmp_path / "text.png").write_text("no picture at all")
    page.locator("#inside-upload input[type=file]").set_input_files(tmp_path / "text.png")
    expect(page.locator("#inside-message")).to_contain_text(re.compile("picture", re.IGNORECASE), timeout=SLOW)
    expect(page.locator("#inside-about")).to_contain_text("test image 0", timeout=SLOW)
    page.locator("#inside-upload").get_by_label(re.compile("clear|remove", re.IGNORECASE)).first.click()
    Image.new("RGB", (64, 48), (200, 40, 40)).save(tmp_path / "red.png")
    page.locator("#inside-upload input[type=file]").set_input_files(tmp_path / "red.png")
    expect(page.locator("#inside-about")).to_contain_text("your picture", timeout=SLOW)
    expect(page.locator("#inside-message .note")).to_have_class(re.compile("empty"))


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_is_cut_off(visit: Visit, dark: bool) -> None:
    page = visit(width=390, height=844, dark=dark)
    open_inside(page)
    page.locator(".map[data-layer=conv1]").first.click()
    expect(page.locator("#inside-unit h3")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = page.locator("#inside-stages .stage, #inside-unit table, #why-saliency img").evaluate_all(
        "parts => parts.filter((part) => part.getBoundingClientRect().right > innerWidth).length"
    )
    assert wide == 0
