"""The tab One step as a person uses it: step by step, another weight, another batch size, and on to the whole run."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.teach.step_trace import StepTrace, before_step, trace_step
from tests.helpers.serving import Server

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]


def open_step(page: Any) -> None:
    page.get_by_role("tab", name="One step").click()
    expect(page.locator("#step-controls")).to_be_visible()


def set_number(page: Any, name: str, value: object) -> None:
    """Fill in a setting of the tab Train."""
    page.get_by_role("tab", name="Train").click()
    field = page.locator(f"#{name} input")
    field.fill(str(value))
    field.blur()


def shows_step(page: Any, number: int) -> None:
    expect(page.locator("#step-summary")).to_contain_text(f"Step {number}:")
    expect(page.locator("#step-number input")).to_have_value(str(number))


def traced(server: Server, config: TrainConfig, number: int) -> StepTrace:
    images = server.splits.train
    return trace_step(config, images, before_step(config, images, number), "conv1.weight")


def test_the_steps_of_the_training_one_after_the_other(visit: Visit, server: Server) -> None:
    page = visit()
    open_step(page)
    shows_step(page, 1)
    first = traced(server, TrainConfig(), 1)
    pictures = page.locator("#step-forward figure")
    expect(pictures).to_have_count(4)
    for at, (index, label) in enumerate(zip(first.indices, first.labels, strict=True)):
        expect(pictures.nth(at)).to_contain_text(f"label {label}")
        expect(pictures.nth(at)).to_contain_text(f"image {index:,}")
    expect(page.locator("#step-forward")).to_contain_text(f"{first.losses[0]:.3f}")
    expect(page.locator("#step-backward")).to_contain_text("before the first step there is no buffer")
    for code in ("optimizer.zero_grad()", "outputs = net(inputs)", "loss = criterion(outputs, labels)"):
        expect(page.locator("#step-forward .step-code", has_text=code)).to_be_visible()
    for code in ("loss.backward()", "optimizer.step()"):
        expect(page.locator("#step-backward .step-code", has_text=code)).to_be_visible()

    page.get_by_role("button", name="Next step", exact=True).click()
    shows_step(page, 2)
    second = traced(server, TrainConfig(), 2)
    expect(pictures.first).to_contain_text(f"image {second.indices[0]:,}")
    expect(page.locator("#step-backward")).to_contain_text("momentum × buffer of the step before + gradient")
    for _ in range(3):  # faster than the answers come
        page.get_by_role("button", name="Next step", exact=True).click()
    shows_step(page, 5)
    page.get_by_role("button", name="Ten steps", exact=True).click()
    shows_step(page, 15)
    page.locator("#step-back").click()
    shows_step(page, 14)
    page.locator("#step-first").click()
    shows_step(page, 1)
    page.locator("#step-back").click()
    shows_step(page, 1)
    page.locator("#step-number input").fill("500")
    expect(page.locator("#step-message")).to_contain_text("The steps 1 to 200 can be shown; this is step 200.")
    shows_step(page, 200)


def test_another_weight_is_followed(visit: Visit) -> None:
    page = visit()
    open_step(page)
    shows_step(page, 1)
    backward = page.locator("#step-backward")
    expect(backward).to_contain_text("filter 0, red, row 0, column 0")
    page.locator("#step-place input").fill("153")
    expect(backward).to_contain_text("filter 2, red, row 0, column 3")
    page.locator("#step-weight input").click()
    page.get_by_role("option", name="fc3.bias").click()
    expect(page.get_by_label("Number in it (0 to 9)")).to_have_value("0")
    expect(backward).to_contain_text("fc3.bias, the bias of the output for plane")
    expect(backward.locator("[data-chosen] th").first).to_have_text("fc3.bias")
    page.get_by_role("button", name="Next step", exact=True).click()
    shows_step(page, 2)
    expect(backward).to_contain_text("fc3.bias, the bias of the output for plane")
    page.locator("#step-place input").fill("77")
    expect(page.locator("#step-message")).to_contain_text("fc3.bias has the numbers 0 to 9; this is number 9.")
    expect(backward).to_contain_text("the bias of the output for truck")


def test_the_step_belongs_to_the_settings_on_the_tab_train(visit: Visit, server: Server) -> None:
    page = visit()
    open_step(page)
    shows_step(page, 1)
    set_number(page, "seed", 7)
    open_step(page)
    step = traced(server, TrainConfig(seed=7), 1)
    expect(page.locator("#step-forward figure").first).to_contain_text(f"image {step.indices[0]:,}")

    set_number(page, "batch_size", 64)
    open_step(page)
    expect(page.locator("#step-message")).to_contain_text("The batch size on the tab Train is 64")
    expect(page.locator(".step-row")).to_have_count(0)
    page.get_by_role("button", name="Show the step for batch size 4 instead").click()
    shows_step(page, 1)
    expect(page.locator("#step-forward figure")).to_have_count(4)
    expect(page.locator("#step-message")).to_contain_text("Shown with batch size 4; the tab Train keeps its own.")
    expect(page.locator("#step-backward")).to_contain_text("another run than this one")

    set_number(page, "batch_size", 16)
    open_step(page)
    expect(page.locator("#step-forward figure")).to_have_count(16)
    set_number(page, "lr", 5)
    open_step(page)
    expect(page.locator("#step-message")).to_contain_text(re.compile("Learning rate must be .* on the tab Train"))
    expect(page.locator(".step-row")).to_have_count(0)


def test_let_it_run_leads_to_the_tab_train(visit: Visit) -> None:
    page = visit()
    open_step(page)
    shows_step(page, 1)
    expect(page.locator("#step-backward")).to_contain_text("gives exactly this run")
    page.get_by_role("button", name="Let it run").click()
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#start")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_nothing_is_wider_than_the_page(visit: Visit, width: int, height: int) -> None:
    page = visit()
    set_number(page, "batch_size", 16)
    open_step(page)
    expect(page.locator("#step-forward figure")).to_have_count(16)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")  # the tabs move into their menu
    cut = """() => [...document.querySelectorAll('#step-controls button, .step-row :is(p, pre, .step-sizes)')]
        .filter((part) => part.getBoundingClientRect().right > innerWidth + 1).length"""
    assert page.evaluate(cut) == 0
