"""The tab Over time as a person uses it: move through a run, play it, watch one that goes on, look inside."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]


def start(page: Any, *, state: str, **settings: object) -> None:
    """Start a training with these settings and wait until it is in `state`."""
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#start")).to_be_enabled()
    for name, value in settings.items():
        field = page.locator(f"#{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#start").click()
    expect(page.locator(f".run-status[data-state={state}]")).to_be_visible(timeout=120_000)


def open_time(page: Any) -> Any:
    """The player, with something in it."""
    page.get_by_role("tab", name="Over time").click()
    player = page.locator("#time-player")
    expect(player.locator(".frame-line")).to_contain_text("Frame ")
    return player


def place_of(player: Any) -> tuple[int, int]:
    """Which frame is shown, and of how many."""
    found = re.match(r"Frame (\d+) of (\d+)\.", player.locator(".frame-line").inner_text())
    assert found
    return int(found[1]), int(found[2])


def numbers(texts: list[str]) -> list[int]:
    return [int(text.replace(",", "")) for text in texts]


def assert_agrees(player: Any) -> None:
    """The numbers that are shown fit each other: the table, the bars, the line and the predictions."""
    rows = [numbers(row.locator("td").all_inner_texts()) for row in player.locator(".confusion tbody tr").all()]
    total, right = sum(map(sum, rows)), sum(row[place] for place, row in enumerate(rows))
    assert (len(rows), total) == (10, 400)
    halves = "|".join(
        f"{100 * right / total + nudge:.1f}" for nudge in (-1e-6, 1e-6)
    )  # 11.25 may be rounded either way
    expect(player.locator(".frame-line")).to_contain_text(re.compile(f"accuracy ({halves})\u00a0% on 400 test images"))
    shares = [f"{100 * row[place] / sum(row):.0f}\u00a0%" for place, row in enumerate(rows)]
    bars = player.locator(".time-classes .number").all_inner_texts()
    assert all(near(shown, share) for shown, share in zip(bars, shares, strict=True))
    columns = [sum(row[place] for row in rows) for place in range(10)]
    assert numbers(player.locator(".confusion tfoot td").all_inner_texts()) == columns
    expect(player.locator(".most")).to_contain_text(f": for {max(columns)} of 400 images.")
    for card in player.locator("article").all():
        answers = [int(text.removesuffix("\u00a0%")) for text in card.locator(".number").all_inner_texts()]
        said = card.locator(".prediction-line").inner_text().split()[1]
        names = card.locator("tr th").all_inner_texts()
        assert abs(sum(answers) - 100) <= 5 and answers[names.index(said)] == max(answers)


def near(shown: str, share: str) -> bool:
    """Halves may be rounded either way."""
    return abs(int(shown.split("\u00a0")[0]) - int(share.split("\u00a0")[0])) <= 1


def test_the_slider_moves_through_a_run_and_play_runs_through_it(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="Over time").click()
    expect(page.locator("#time-message")).to_contain_text("You have no run yet")
    expect(page.locator(".time-player")).to_be_hidden()

    start(page, state="done", epochs=1, batch_size=100, lr=0.02)
    player = open_time(page)
    slider = player.get_by_role("slider", name="Frame of the training")
    count = place_of(player)[1]
    assert count >= 6 and place_of(player)[0] == count
    expect(player.locator(".frame-line")).to_contain_text("After 20 mini-batches, 2,000 images (epoch 1 of 1)")
    assert_agrees(player)

    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(player.locator(".frame-line")).to_contain_text(f"Frame {count - 1} of")
    told = slider.get_attribute("aria-valuetext")
    assert told in player.locator(".frame-line").inner_text()
    page.keyboard.press("Home")
    expect(player.locator(".frame-line")).to_contain_text(f"Frame 1 of {count}. Before training: random weights")
    assert_agrees(player)
    player.get_by_role("button", name="Later").click()
    expect(player.locator(".frame-line")).to_contain_text("Frame 2 of")
    assert_agrees(player)
    player.get_by_role("button", name="Earlier").click()
    expect(player.locator(".frame-line")).to_contain_text("Frame 1 of")
    page.keyboard.press("Enter")  # the button still has the focus, and there is nothing earlier
    expect(player.get_by_role("button", name="Earlier")).to_be_focused()
    expect(player.locator(".frame-line")).to_contain_text("Frame 1 of")

    player.get_by_role("button", name="Play").click()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    expect(player.locator(".frame-line")).to_contain_text(f"Frame {count} of {count}")
    expect(player.get_by_role("button", name="Play")).to_be_visible()
    player.get_by_role("button", name="Play").click()  # from the end: once more from the start
    expect(player.locator(".frame-line")).to_contain_text("Frame 2 of")
    player.get_by_role("button", name="Pause").click()
    assert place_of(player)[0] < count

    page.reload()
    player = open_time(page)
    assert place_of(player) == (count, count)


def test_while_a_run_trains_new_frames_come_and_who_looks_at_an_earlier_one_stays(visit: Visit) -> None:
    page = visit()
    start(page, state="running", epochs=40, batch_size=4)
    player = open_time(page)
    expect(player.locator(".frame-line")).to_contain_text(
        re.compile(r"Frame ([3-9]|\d\d) of"), timeout=60_000
    )  # it follows
    player.get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(player.locator(".frame-line")).to_contain_text("Frame 1 of")
    before = place_of(player)[1]
    expect(player.locator(".frame-line")).not_to_contain_text(f" of {before}.", timeout=60_000)
    assert place_of(player)[0] == 1 and place_of(player)[1] > before
    page.keyboard.press("End")
    place, count = place_of(player)
    assert place == count
    expect(player.locator(".frame-line")).to_contain_text(re.compile(rf"Frame (?!{count} of)\d+ of"), timeout=60_000)

    page.get_by_role("tab", name="Train").click()
    page.locator("#stop").click()
    expect(page.locator(".run-status[data-state=stopped]")).to_be_visible(timeout=60_000)
    player = open_time(page)
    expect(page.locator("#time-run input")).to_have_value(re.compile("stopped"))
    assert_agrees(player)


def test_a_page_asks_for_news_only_while_the_run_goes_on_and_the_tab_is_open(visit: Visit) -> None:
    page = visit()
    start(page, state="running", epochs=100, batch_size=4)
    open_time(page)
    with page.expect_request(lambda request: '"version"' in (request.post_data or "")) as asking:
        pass
    assert json.loads(asking.value.post_data)["event_data"].keys() == {"run", "version"}

    asked: list[str] = []
    page.get_by_role("tab", name="Train").click()
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.wait_for_timeout(5000)
    page.locator("#stop").click()
    expect(page.locator(".run-status[data-state=stopped]")).to_be_visible(timeout=60_000)
    open_time(page)
    expect(page.locator("#time-run input")).to_have_value(re.compile("stopped"))
    page.wait_for_timeout(5000)
    assert [data for data in asked if '"version"' in data] == []


def test_an_image_of_a_frame_is_opened_inside(visit: Visit) -> None:
    page = visit()
    start(page, state="done", epochs=1, batch_size=40)
    player = open_time(page)
    player.get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(player.locator(".frame-line")).to_contain_text("Before training")
    player.get_by_role("button", name=re.compile("Look inside the Net of this frame for test image 2, a ")).click()
    expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true")


def test_the_first_layer_moves_on_the_tab_train_while_it_learns(visit: Visit) -> None:
    page = visit()
    start(page, state="running", epochs=100, batch_size=4)
    strip = page.locator("#live-filters [role=img]")
    expect(strip.locator("img")).to_have_count(6)
    before = strip.locator("img").first.get_attribute("src")
    expect(strip.locator("img").first).not_to_have_attribute("src", before)
    expect(page.locator("#live-filters")).to_contain_text(re.compile(r"The first layer at step [\d,]+:"))
    page.locator("#stop").click()
    expect(page.locator(".run-status[data-state=stopped]")).to_be_visible(timeout=60_000)
    step = re.search(r"step ([\d,]+) of", page.locator("#run-status").inner_text())
    assert step
    expect(page.locator("#live-filters")).to_contain_text(f"at step {step[1]}:")
