"""The chart as a browser draws it, on a page of its own: a live one that grows, and two that compare."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from cifar_core.config import TrainConfig
from cifar_core.runs.records import Point, new_run
from cifar_core.runs.smoothing import MovingMean
from cifar_core.training.events import Changed, Validated
from demo.widgets.chart import (
    Series,
    chart,
    chart_head,
    chart_marks,
    chart_points,
    chart_text,
    chart_validations,
    told_apart,
)
from demo.widgets.theme import CSS, theme

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

RUN = new_run("a", TrainConfig(epochs=2), Path("/nowhere"), 400, 0)
POINTS = [Point(at, 4 * at, 2.3 - at / 150 + 0.2 * (at % 3)) for at in range(2, 201, 2)]
EVIL = "<img src=x onerror=alert(1)>; , |"


def live_text(count: int) -> str:
    """A run as it is after so many points."""
    points = POINTS[:count]
    validations = [Validated(at, 4 * at, at, 400) for at in range(50, 2 * count, 50)]
    changes = [Changed(60, 240, "lr", 0.01, 200)] if count > 30 else []
    text = chart_points(points, MovingMean(RUN).add(points)) + chart_validations(validations)
    return chart_head(RUN) + text + chart_marks(changes)


def falling(name: str, last: float) -> Series:
    """A line from guessing down to `last`."""
    losses = tuple((at / 50, 2.3 + (last - 2.3) * at / 100) for at in range(1, 101))
    return Series(name, losses, tuple((at / 2, 0.1 + at / 10 / last) for at in range(1, 5)))


PAIR = [falling("baseline", 1.2), Series("faulty", ((0.5, 2.3), (1.5, 9.0)), ((1.0, 0.1),), dashed=True)]
MANY = told_apart([falling(f"run {number}", 1.2 + number / 100) for number in range(9)] + [falling(EVIL, 1.3)])


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A page with the three charts and a button that lets the live one grow."""
    with gr.Blocks() as blocks:
        grow = gr.Button("Grow", elem_id="grow")
        empty = gr.Button("Empty", elem_id="empty")
        live, pair = chart(elem_id="live", live=True), chart(elem_id="pair")
        many, none = chart(elem_id="many"), chart(elem_id="none")
        pair.value, many.value = chart_text(PAIR, 2, classes=10), chart_text(MANY)
        none.value = chart_text([])

        def growing() -> Iterator[str]:
            for count in (0, 10, 60, 100):
                yield live_text(count)

        grow.click(growing, None, live)
        empty.click(lambda: "", None, many)
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, theme=theme(), css_paths=CSS)
    yield str(url)
    blocks.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    with browser.new_context(viewport={"width": 1000, "height": 1600}) as context:
        opened, errors = context.new_page(), []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.goto(address)
        expect(opened.locator("#live canvas")).to_be_visible()
        yield opened
        assert errors == []


def inked(canvas: Any) -> int:
    """How many pixels are drawn."""
    return int(
        canvas.evaluate(
            """canvas => {
                const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                return pixels.filter((value, place) => place % 4 === 3 && value).length;
            }"""
        )
    )


def test_a_live_chart_grows_and_says_its_newest_numbers(page: Any) -> None:
    canvas = page.locator("#live canvas")
    expect(canvas).to_have_attribute("aria-label", "Loss curve. No loss yet.")
    before = inked(canvas)
    page.locator("#grow").click()
    expect(canvas).to_have_attribute("data-points", "100")
    expect(canvas).to_have_attribute("data-validations", "3")
    expect(canvas).to_have_attribute("data-changes", "learning rate 0.01")
    expect(canvas).to_have_attribute(
        "aria-label", re.compile(r"^Loss curve\. Loss \d\.\d{3} at step 200\. Accuracy 37")
    )
    expect(page.locator("#live .latest")).to_contain_text("at step 200")
    assert inked(canvas) > before + 1000


def test_a_pair_has_both_panels_their_last_numbers_and_a_sentence_on_what_left_the_chart(page: Any) -> None:
    loss, accuracy = page.locator("#pair canvas").all()
    expect(loss).to_have_attribute(
        "aria-label",
        "Training loss, running mean over 2 epochs: baseline 1.200 after 2 epochs; faulty 9.000 after 1.5 epochs",
    )
    expect(accuracy).to_have_attribute("aria-label", re.compile("baseline .* after 2 epochs; faulty 10.0 % after 1 "))
    assert loss.get_attribute("data-points") == "102" and accuracy.get_attribute("data-points") == "5"
    off = page.locator("#pair .off")
    expect(off.first).to_have_text("↑ faulty: up to 9.000")
    expect(off.last).to_have_text("")
    assert inked(loss) > 1000 < inked(accuracy)


def test_all_runs_are_named_as_they_are_and_look_different(page: Any) -> None:
    names = page.locator("#many .curve-names li")
    expect(names).to_have_text([one.name for one in MANY])
    looks = names.locator("i").evaluate_all("parts => parts.map(part => part.style.borderTop)")
    assert len(set(looks)) == len(looks) == 10
    assert page.locator("#many img").count() == 0


def test_a_chart_without_series_is_not_there_and_goes_when_they_go(page: Any) -> None:
    expect(page.locator("#none section")).to_be_hidden()
    expect(page.locator("#many section")).to_be_visible()
    page.locator("#empty").click()
    expect(page.locator("#many section")).to_be_hidden()


def test_dark_draws_in_other_colours_and_a_phone_cuts_nothing_off(page: Any) -> None:
    canvas = page.locator("#pair canvas").first
    pixels: Callable[[], str] = lambda: str(canvas.evaluate("canvas => canvas.toDataURL()"))  # noqa: E731
    light = pixels()
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function("before => document.querySelector('#pair canvas').toDataURL() != before", arg=light)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("document.querySelector('#pair canvas').width <= 390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    font = canvas.evaluate("canvas => canvas.getContext('2d').font")
    assert font.startswith("12px")
