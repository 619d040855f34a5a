"""The tab Over time as a person uses it: move through a run, play it, watch one that goes on, look inside."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.net import new_net
from cifar_core.runs.records import Run
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.tabs.over_time.tab import build_time_tab
from tests.helpers.nets import ANN, CONFIG, come_to
from tests.helpers.one_tab import one_tab, reopen, visitor
from tests.helpers.runs import remove, write_rows

pytestmark = [
    pytest.mark.browser,
    # what a server in this process leaves behind is no matter of the page
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]
TAB = "Over time"


@pytest.fixture(scope="module")
def nets(tiny: Splits, tmp_path_factory: pytest.TempPathFactory) -> NetRegistry:
    """Nets without workers: the tests do what workers write."""
    return NetRegistry(Service(tmp_path_factory.mktemp("runs")), DataSource(tiny))


@pytest.fixture(scope="module")
def url(nets: NetRegistry) -> Iterator[str]:
    """A page with this tab alone."""
    with one_tab(partial(_build, nets), TAB, ANN) as address:
        yield address


def _build(nets: NetRegistry, owner: Any, look_at: Any, tab: Any) -> None:
    build_time_tab(nets, owner, look_at, tab)


@pytest.fixture
def run(nets: NetRegistry) -> Iterator[Run]:
    """A run that goes on, with six frames."""
    made = nets.service.start(ANN, CONFIG, nets.source.splits)
    for number, step in enumerate((0, 10, 20, 50, 100, 160)):
        come_to(nets, made, step, new_net(number), frame=True)
    yield made
    remove(nets.service.store, made.id)


def player_of(page: Any) -> Any:
    """Return the player, with something in it."""
    player = page.locator("#time-player")
    expect(player.locator(".frame-line")).to_contain_text("Frame ")
    return player


def place_of(player: Any) -> tuple[int, int]:
    """Return which frame is shown, and of how many."""
    found = re.match(r"Frame (\d+) of (\d+)\.", player.locator(".frame-line").inner_text())
    assert found
    return int(found[1]), int(found[2])


def numbers(texts: list[str]) -> list[int]:
    return [int(text.replace(",", "")) for text in texts]


def assert_agrees(player: Any) -> None:
    """Check that what is shown fits together: the table, the bars, the line and the predictions."""
    rows = [numbers(row.locator("td").all_inner_texts()) for row in player.locator(".confusion tbody tr").all()]
    total, right = sum(map(sum, rows)), sum(row[place] for place, row in enumerate(rows))
    assert (len(rows), total) == (10, 120)
    halves = "|".join(f"{100 * right / total + nudge:.1f}" for nudge in (-1e-6, 1e-6))  # rounded either way
    expect(player.locator(".frame-line")).to_contain_text(re.compile(f"accuracy ({halves})\u00a0% on 120 test images"))
    bars = [_percent(text) for text in player.locator(".time-classes .number").all_inner_texts()]
    assert all(
        abs(bar - 100 * row[place] / sum(row)) <= 1 for place, (bar, row) in enumerate(zip(bars, rows, strict=True))
    )
    columns = [sum(row[place] for row in rows) for place in range(10)]
    assert numbers(player.locator(".confusion tfoot td").all_inner_texts()) == columns
    expect(player.locator(".most")).to_contain_text(f": for {max(columns)} of 120 images.")
    cards = player.locator("article").all()
    assert len(cards) == 4
    for card in cards:
        shares = [_percent(text) for text in card.locator(".number").all_inner_texts()]
        predicted = card.locator(".prediction-line").inner_text().split()[1]
        names = card.locator("tr th").all_inner_texts()
        assert abs(sum(shares) - 100) <= 5 and shares[names.index(predicted)] == max(shares)


def _percent(text: str) -> int:
    return int(text.removesuffix("%").strip())


def test_the_slider_moves_through_a_run_and_play_runs_through_it(
    browser: Any, url: str, nets: NetRegistry, request: pytest.FixtureRequest
) -> None:
    with visitor(browser, url, TAB) as page:
        expect(page.locator("#time-message")).to_contain_text("You have no run yet")
        expect(page.locator(".time-player")).to_be_hidden()
        run = request.getfixturevalue("run")
        come_to(nets, run, 200, new_net(9), frame=True)
        write_rows(nets.service.store, run.id, state="done")
        reopen(page, TAB)
        player = player_of(page)
        slider, line = player.get_by_role("slider", name="Frame of the training"), player.locator(".frame-line")
        assert place_of(player) == (7, 7)
        expect(line).to_contain_text("After 200 mini-batches, 800 images (epoch 2 of 2)")
        assert_agrees(player)
        last = player.locator(".filter-strip img").first.get_attribute("src")

        slider.focus()
        page.keyboard.press("ArrowLeft")
        expect(line).to_contain_text("Frame 6 of")
        assert slider.get_attribute("aria-valuetext") in line.inner_text()
        assert player.locator(".filter-strip img").first.get_attribute("src") != last
        page.keyboard.press("Home")
        expect(line).to_contain_text("Frame 1 of 7. Before training: random weights")
        assert_agrees(player)
        player.get_by_role("button", name="Later").click()
        expect(line).to_contain_text("Frame 2 of")
        assert_agrees(player)
        player.get_by_role("button", name="Earlier").click()
        expect(line).to_contain_text("Frame 1 of")
        page.keyboard.press("Enter")  # the button still has the focus, and there is nothing earlier
        expect(player.get_by_role("button", name="Earlier")).to_be_focused()
        expect(line).to_contain_text("Frame 1 of")

        player.get_by_role("button", name="Play").click()
        expect(player.get_by_role("button", name="Pause")).to_be_visible()
        expect(line).to_contain_text("Frame 7 of 7")
        expect(player.get_by_role("button", name="Play")).to_be_visible()
        player.get_by_role("button", name="Play").click()  # from the end: once more from the start
        expect(line).to_contain_text("Frame 2 of")
        player.get_by_role("button", name="Pause").click()
        assert place_of(player)[0] < 7


def test_while_a_run_trains_new_frames_come_and_who_looks_at_an_earlier_one_stays(
    browser: Any, url: str, nets: NetRegistry, run: Run
) -> None:
    with visitor(browser, url, TAB) as page:
        player = player_of(page)
        assert place_of(player) == (6, 6)
        come_to(nets, run, 170, new_net(7), frame=True)
        expect(player.locator(".frame-line")).to_contain_text("Frame 7 of 7")  # it follows
        player.get_by_role("slider").focus()
        page.keyboard.press("Home")
        expect(player.locator(".frame-line")).to_contain_text("Frame 1 of 7")
        come_to(nets, run, 180, new_net(8), frame=True)
        expect(player.locator(".frame-line")).to_contain_text("Frame 1 of 8")
        expect(player.get_by_role("slider")).to_be_focused()
        page.keyboard.press("End")
        expect(player.locator(".frame-line")).to_contain_text("Frame 8 of 8")
        write_rows(nets.service.store, run.id, state="stopped")
        reopen(page, TAB)
        expect(page.locator("#time-run input")).to_have_value(re.compile("stopped"))
        assert_agrees(player)


def test_a_page_asks_for_news_only_while_the_run_goes_on_and_the_tab_is_open(
    browser: Any, url: str, nets: NetRegistry, run: Run
) -> None:
    with visitor(browser, url, TAB) as page:
        player_of(page)
        asked: list[Any] = []

        def note(request: Any) -> None:
            data = request.post_data or ""
            if '"version"' in data:
                asked.append(json.loads(data)["event_data"])

        page.on("request", note)
        page.wait_for_timeout(4500)
        assert len(asked) >= 2 and asked[0].keys() == {"run", "version"}  # while it is seen, it asks

        page.get_by_role("tab", name="First").click()
        page.wait_for_timeout(500)
        asked.clear()
        page.wait_for_timeout(2600)
        assert asked == []
        write_rows(nets.service.store, run.id, state="stopped")
        page.get_by_role("tab", name=TAB).click()
        expect(page.locator("#time-run input")).to_have_value(re.compile("stopped"))
        asked.clear()
        page.wait_for_timeout(2600)
        assert asked == []


def test_an_image_of_a_frame_is_opened_inside(browser: Any, url: str, run: Run) -> None:
    with visitor(browser, url, TAB) as page:
        player = player_of(page)
        player.get_by_role("slider").focus()
        page.keyboard.press("Home")
        expect(player.locator(".frame-line")).to_contain_text("Before training")
        name = re.compile("Look inside the Net of this frame for test image 2, a ")
        player.get_by_role("button", name=name).click()
        expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true")
        expect(page.locator("#opened textarea, #opened input")).not_to_have_value("")
        opened = json.loads(page.locator("#opened textarea, #opened input").input_value())
        assert opened["net"] == {"run": run.id, "step": 0}
        assert opened["image"] == {"split": "test", "index": 2, "png": ""}


def test_a_run_that_is_deleted_meanwhile_gets_a_sentence(browser: Any, url: str, nets: NetRegistry, run: Run) -> None:
    write_rows(nets.service.store, run.id, state="done")  # so that the page does not ask for news by itself
    with visitor(browser, url, TAB) as page:
        player = player_of(page)
        remove(nets.service.store, run.id)
        player.get_by_role("button", name=re.compile("for test image 2, a ")).click()
        expect(page.locator("#time-message [role=alert]")).to_contain_text("There is no such run")
        expect(page.get_by_role("tab", name=TAB)).to_have_attribute("aria-selected", "true")


def test_the_player_fits_a_phone(browser: Any, url: str, run: Run) -> None:
    with visitor(browser, url, TAB, viewport={"width": 390, "height": 844}) as page:
        player = player_of(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        box = player.locator(".time-matrix .scroll")
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_a_run_that_trains_is_watched_over_time_and_its_first_layer_on_the_tab_train(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#start")).to_be_enabled()
    for name, value in {"epochs": 100, "batch_size": 4}.items():
        field = page.locator(f"#{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#start").click()
    expect(page.locator(".run-status[data-state=running]")).to_be_visible()
    strip = page.locator("#live-filters .filter-strip")
    expect(strip.locator("img")).to_have_count(6)
    before = strip.locator("img").first.get_attribute("src")
    expect(strip.locator("img").first).not_to_have_attribute("src", before)
    expect(page.locator("#live-filters")).to_contain_text(re.compile(r"The first layer at step [\d,]+:"))

    page.get_by_role("tab", name=TAB).click()
    player = player_of(page)
    place, count = place_of(player)
    assert place == count
    expect(player.locator(".frame-line")).to_contain_text(re.compile(rf"Frame (?!{count} of)\d+ of"), timeout=60_000)
    page.get_by_role("tab", name="Train").click()
    page.locator("#stop").click()
    expect(page.locator(".run-status[data-state=stopped]")).to_be_visible()
    step = re.search(r"step ([\d,]+) of", page.locator("#run-status").inner_text())
    assert step
    expect(page.locator("#live-filters")).to_contain_text(f"at step {step[1]}:")
