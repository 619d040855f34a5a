"""Classify as a person uses it: a photo, the frame on it, the sliders, and what the Net predicts for that."""

import base64
import io
import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.image_edit import ImageEdit, apply_edit
from cifar_core.image_files import read_image
from cifar_core.images import to_net_input
from cifar_core.predict import predict
from cifar_core.pretrained import pretrained_net
from cifar_core.runs.registry import NetRegistry, OpenNet
from demo.gradio_compat import PageState
from demo.tabs.classify.tab import build_classify_tab
from demo.widgets.look_at import LookAt
from tests.helpers.one_tab import one_tab, visitor
from tests.helpers.out_of_distribution import out_of_distribution_images
from tests.helpers.serving import Server

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]
SLOW = 60_000
"""milliseconds; what a Net that many use may take"""
PARTS = ["Rotate", "Blur", "Shift right", "Shift down", "Brightness", "Noise"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo larger than what is kept of it, wider than high, different in all its parts."""
    small = Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8))
    path = tmp_path / "photo.jpg"
    small.resize((1500, 1000), Image.Resampling.BICUBIC).save(path, quality=95)
    return path


def open_tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def upload(page: Any, path: Path) -> None:
    page.locator("#upload input[type=file]").set_input_files(path)


def bring(page: Any, path: Path) -> None:
    """Open the tab with a photo and wait for the prediction and how sure it is."""
    open_tab(page, "Classify")
    open_tab(page, "Your image")
    upload(page, path)
    expect(page.locator("#upload-result .confidence")).to_contain_text("test images", timeout=SLOW)
    expect(page.locator("#upload-result .confidence b")).to_be_visible(timeout=SLOW)


def set_slider(page: Any, name: str, value: float) -> None:
    page.get_by_role("slider", name=name, exact=True).fill(str(value))


def seen(page: Any) -> np.ndarray:
    """The 32x32 as the browser has it."""
    url = page.locator("#upload-result .enlarged img").get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def expect_seen(page: Any, path: Path, **edit: Any) -> None:
    """The 32x32 on the page is the photo so treated, after a while."""
    wanted = apply_edit(read_image(path), ImageEdit(**edit))
    for _ in range(SLOW // 100):
        if np.array_equal(seen(page), wanted):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the 32x32 is not that of {edit}; {np.abs(seen(page).astype(int) - wanted).max()} off")


def server_events(page: Any) -> list[Any]:
    """Return a list that grows with each event that the page sends to the server from now on."""
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if "/queue/join" in request.url else None)
    return sent


def bars(page: Any) -> dict[str, str]:
    names, shares = page.locator("#upload-result .bars th"), page.locator("#upload-result .bars .number")
    return dict(zip(names.all_inner_texts(), shares.all_inner_texts(), strict=True))


def test_an_upload_a_move_and_a_reset_are_one_event_each(visit: Visit, photo: Path) -> None:
    page = visit()
    open_tab(page, "Classify")
    bring(page, photo)  # by which the Net is evaluated: a busy server would be asked again for that
    remove = page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first
    remove.click()
    expect(page.locator("#upload-result")).to_be_hidden(timeout=SLOW)
    page.wait_for_timeout(1500)  # what all of this leaves to do
    sent = server_events(page)
    upload(page, photo)
    expect(page.locator("#upload-result .confidence b")).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(500)
    assert len(sent) == 1, sent
    event = sent[0]["fn_index"]
    set_slider(page, "Blur", 2)
    expect_seen(page, photo, blur=2)
    page.locator("#crop .frame").focus()
    page.keyboard.press("+")
    expect_seen(page, photo, blur=2, crop_size=0.9)
    page.get_by_role("button", name="Reset").click()
    expect_seen(page, photo)
    page.wait_for_timeout(500)
    assert [one["fn_index"] for one in sent] == [event] * 4
    remove.click()
    expect(page.locator("#upload-result")).to_be_hidden(timeout=SLOW)
    page.wait_for_timeout(500)
    assert [one["fn_index"] for one in sent] == [event] * 5


@pytest.mark.parametrize("size", [(1500, 1000), (700, 1300), (40, 33)])
def test_an_untouched_photo_gets_the_prediction_of_the_endpoint(
    visit: Visit, server: Server, tmp_path: Path, size: tuple[int, int]
) -> None:
    small = Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 9, 3), np.uint8))
    path = tmp_path / "photo.jpg"
    small.resize(size, Image.Resampling.BICUBIC).save(path)
    page = visit()
    bring(page, path)
    told = Client(server.url, verbose=False).predict(handle_file(path), net="pretrained", api_name="/classify")
    assert bars(page) == {
        score["name"]: f"{100 * score['probability']:.1f}\N{NO-BREAK SPACE}%" for score in told["scores"]
    }
    expect(page.locator("#upload-result h3")).to_contain_text(f"The Net predicts {told['answer']}")
    assert np.array_equal(seen(page), to_net_input(read_image(path)))
    logits = page.locator("#upload-result .logits tbody tr").all_inner_texts()
    assert len(logits) == 10 and any("← argmax" in row and told["answer"] in row for row in logits)


def test_the_frame_is_dragged_and_resized_with_the_mouse(visit: Visit, photo: Path) -> None:
    page = visit(height=1200)
    bring(page, photo)
    before = bars(page)
    frame = page.locator("#crop .frame")
    frame.scroll_into_view_if_needed()
    page.wait_for_timeout(800)  # the page scrolls to the photo by itself
    at = frame.bounding_box()
    middle = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 400, middle[1] + 50, steps=4)  # further than there is room
    page.mouse.up()
    expect_seen(page, photo, crop_x=1)
    assert bars(page) != before
    expect(page.get_by_role("slider", name="Across", exact=True)).to_have_value("100")

    at = frame.bounding_box()
    page.mouse.move(at["x"] + 1, at["y"] + 1)  # the corner above on the left; the one below on the right stays
    page.mouse.down()
    page.mouse.move(at["x"] + 1 + at["width"] / 2, at["y"] + 1 + at["width"] / 2, steps=4)
    page.mouse.up()
    expect(page.get_by_role("slider", name="Size", exact=True)).to_have_value("50")
    expect(page.get_by_role("slider", name="Across", exact=True)).to_have_value("100")
    expect(page.get_by_role("slider", name="Down", exact=True)).to_have_value("100")


def test_the_frame_is_moved_and_zoomed_with_keys_and_reset(visit: Visit, photo: Path) -> None:
    page = visit()
    bring(page, photo)
    frame = page.locator("#crop .frame")
    frame.focus()
    page.keyboard.press("+")
    expect_seen(page, photo, crop_size=0.9)
    page.keyboard.press("-")
    expect_seen(page, photo)
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    expect_seen(page, photo, crop_x=0)
    set_slider(page, "Size", 50)
    set_slider(page, "Across", 25)
    set_slider(page, "Down", 100)
    expect_seen(page, photo, crop_size=0.5, crop_x=0.25, crop_y=1)
    set_slider(page, "Blur", 2.5)
    expect_seen(page, photo, crop_size=0.5, crop_x=0.25, crop_y=1, blur=2.5)
    page.get_by_role("button", name="Reset").click()
    expect_seen(page, photo)
    expect(page.get_by_role("slider", name="Size", exact=True)).to_have_value("100")
    expect(page.get_by_role("slider", name="Blur", exact=True)).to_have_value("0")


def test_each_slider_changes_what_the_net_sees_and_the_bars(visit: Visit, photo: Path) -> None:
    page = visit()
    bring(page, photo)
    expect(page.locator("#upload-sliders").get_by_role("slider")).to_have_count(6)
    edit: dict[str, float] = {}
    for name, value in zip(PARTS, (40, 1.2, 5, -4, 0.6, 9), strict=True):
        before = bars(page)
        set_slider(page, name, value)
        edit[name.lower().replace(" ", "_")] = value
        expect_seen(page, photo, **edit)
        assert bars(page) != before
    expect(page.locator("#upload-result .spreads")).to_contain_text("normalized")
    # while one drags, the bars follow, and the last place counts
    slider = page.get_by_role("slider", name="Noise", exact=True)
    slider.scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    at = slider.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(at["x"] + 1, at["y"] + at["height"] / 2, steps=6)
    before = bars(page)
    page.mouse.move(at["x"] + at["width"] - 1, at["y"] + at["height"] / 2, steps=6)
    page.mouse.up()
    expect_seen(page, photo, **(edit | {"noise": float(slider.input_value())}))
    assert bars(page) != before and float(slider.input_value()) > 90


def test_the_sentence_about_an_image_of_none_of_the_ten_is_counted_on_the_nets_own_test_set(
    visit: Visit, server: Server, tmp_path: Path
) -> None:
    net, test = pretrained_net(), server.splits.test
    found = evaluate(net, test)
    page = visit()
    for kind, images in out_of_distribution_images(1).items():
        path = tmp_path / f"{kind}.png"
        Image.fromarray(images[0]).save(path)
        bring(page, path)
        answer = predict(net, images[0], test.classes)
        expect(page.locator("#upload-result .confidence")).to_contain_text(
            f"largest logit is {answer.best.logit:.2f}", timeout=SLOW
        )
        higher = sum(max(row) > answer.best.logit for row in found.logits.tolist())
        wanted = f"lower than for {100 * higher / 400:.1f}\N{NO-BREAK SPACE}% of the 400 test images"
        if higher in (0, 400):
            wanted = "None of the 400" if higher == 0 else "All of the 400"
        expect(page.locator("#upload-result .confidence")).to_contain_text(wanted, timeout=SLOW)


def test_what_cannot_be_read_gets_a_sentence_and_leaves_nothing_of_the_image_before(
    visit: Visit, photo: Path, tmp_path: Path
) -> None:
    page = visit()
    bring(page, photo)
    set_slider(page, "Blur", 3)
    expect_seen(page, photo, blur=3)
    strange = tmp_path / "strange.png"
    strange.write_bytes(b"not an image")
    upload(page, strange)
    said = page.locator("#upload-message [role=alert]")
    expect(said).to_contain_text("that can be read", timeout=SLOW)
    assert str(tmp_path) not in said.inner_text()
    expect(page.locator("#upload-result")).to_be_hidden(timeout=SLOW)
    expect(page.locator("#crop .frame")).to_be_hidden()
    # a new photo begins untouched
    other = tmp_path / "other.png"
    Image.fromarray(np.random.default_rng(4).integers(0, 256, (70, 60, 3), np.uint8)).save(other)
    upload(page, other)
    expect(page.locator("#upload-result")).to_be_visible(timeout=SLOW)
    expect(said).to_have_count(0)
    expect(page.locator("#upload-result .enlarged img")).to_be_visible(timeout=SLOW)
    expect_seen(page, other)
    expect(page.get_by_role("slider", name="Blur", exact=True)).to_have_value("0")
    page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
    expect(page.locator("#upload-result")).to_be_hidden(timeout=SLOW)
    expect(page.locator("#upload-message")).to_contain_text("Bring an image of your own", timeout=SLOW)


def test_what_is_shown_can_be_looked_into(visit: Visit, photo: Path) -> None:
    page = visit()
    bring(page, photo)
    set_slider(page, "Blur", 3)
    expect_seen(page, photo, blur=3)
    page.locator("#upload-inside").click()
    expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true", timeout=SLOW)
    open_tab(page, "Classify")
    open_tab(page, "Test images")
    page.locator("#test-images .cell").nth(2).click()
    page.locator("#test-prediction").get_by_role("button", name="Look inside").click(timeout=SLOW)
    expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true", timeout=SLOW)


def test_another_net_predicts_as_soon_as_it_is_chosen(visit: Visit, photo: Path) -> None:
    page = visit()
    open_tab(page, "Train")
    page.locator("#epochs input").fill("1")
    page.locator("#batch_size input").fill("50")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".run-status[data-state=done]")).to_be_visible(timeout=SLOW)
    bring(page, photo)
    shown, sentence = page.locator("#upload-result .bars"), page.locator("#upload-result .confidence b")
    before = shown.inner_text()
    page.get_by_label("Net", exact=True).click()
    page.get_by_role("option", name=re.compile("finished")).click()
    expect(shown).not_to_have_text(before, timeout=SLOW)
    expect(sentence).to_be_visible(timeout=SLOW)
    expect(page.locator("#upload-result .confidence")).not_to_contain_text("of the run")


def test_where_the_server_is_busy_moves_do_not_wait_and_the_comparison_still_follows(
    browser: Any, photo: Path, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.tabs.classify.handlers.PATIENCE", 0.2)
    service: Any = SimpleNamespace(runs_of=lambda owner: [])
    nets, others_are_done = NetRegistry(service, DataSource(tiny)), threading.Event()
    evaluation = nets.evaluation

    def after_others(opened: OpenNet) -> Evaluation:
        assert others_are_done.wait(SLOW / 1000)
        return evaluation(opened)

    monkeypatch.setattr(nets, "evaluation", after_others)

    def build(owner: gr.Textbox, look_at: PageState[LookAt], tab: gr.Tab) -> None:
        build_classify_tab(nets, owner, gr.Textbox("", visible="hidden"), look_at, tab)

    with one_tab(build, "Classify", "") as url, visitor(browser, url, "Classify") as page:
        open_tab(page, "Your image")
        upload(page, photo)
        for blur in (1, 2, 3):
            set_slider(page, "Blur", blur)
            expect_seen(page, photo, blur=blur)
        expect(page.locator("#upload-result .confidence")).to_contain_text("Comparing with the test images")
        others_are_done.set()
        expect(page.locator("#upload-result .confidence b")).to_be_visible(timeout=SLOW)
        expect_seen(page, photo, blur=3)


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_of_it_is_cut_off_on_a_phone(visit: Visit, photo: Path, dark: bool) -> None:
    page = visit(width=390, height=844, dark=dark)
    bring(page, photo)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#upload-prediction").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#upload-prediction').scrollIntoView()")
    # the bars and the sliders that move them fit on the screen together
    expect(page.locator("#upload-result .bars tr").first).to_be_in_viewport()
    expect(page.get_by_role("slider", name="Noise", exact=True)).to_be_in_viewport()
    widths = page.locator("#upload-row").evaluate(
        "row => [...row.querySelectorAll('.sliders, .bars, .spreads, .stage')]"
        ".map(part => part.getBoundingClientRect().right)"
    )
    assert len(widths) == 5 and max(widths) <= 390
