"""The tab Lab as a person uses it: make a mistake on purpose, see what it does, guess one in the quiz."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from cifar_core.mistakes import MISTAKES
from cifar_core.runs.pairs import QUIZ_MISTAKES

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]
PATIENCE = 120_000
"""milliseconds for two runs to end; far more than they take"""


def open_lab(page: Any) -> Any:
    """The board on which a pair is shown."""
    page.get_by_role("tab", name="Lab").click()
    board = page.locator("#lab-board")
    expect(board.locator(".lab-board")).to_be_visible()
    return board


def fill(page: Any, **settings: object) -> None:
    for name, value in settings.items():
        field = page.locator(f"#lab-{name} input")
        field.fill(str(value))
        field.blur()


def asked_for(page: Any, wait: int) -> int:
    """How often the page asks for news of the pair within `wait` milliseconds."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "queue/join" in request.url else None)
    page.wait_for_timeout(wait)
    return sum('"version"' in data for data in asked)


def test_a_baseline_and_a_run_with_a_mistake_train_side_by_side(visit: Visit) -> None:
    page = visit()
    board = open_lab(page)
    expect(board).to_contain_text("Choose a mistake")
    page.get_by_label("Optimizer of another Net").check()
    expect(page.locator("#lab-about")).to_contain_text(MISTAKES["other_parameters"].what)
    marked = page.locator("#lab-code mark")
    expect(marked).to_have_text(
        [re.compile(r"SGD\(net.parameters.*← as it should be"), re.compile(r"SGD\(Net\(\).parameters.*← the mistake")]
    )
    fill(page, epochs=2, batch_size=40, lr=0.01)
    page.locator("#lab-run").click()
    title = "A baseline, and a run with one mistake: Optimizer of another Net"
    expect(board.locator("h3")).to_have_text(title)
    expect(board.locator(".chip.done")).to_have_count(2, timeout=PATIENCE)
    words = page.locator("#lab-words")
    expect(words).to_contain_text(MISTAKES["other_parameters"].look_for)
    expect(words).to_contain_text(
        re.compile(r"In this pair\. Baseline: loss .*With the mistake: loss 2\.[23]\d, accuracy ")
    )
    loss = page.locator("#lab-chart canvas").first
    expect(loss).to_have_attribute("aria-label", re.compile(r"baseline.*faulty", re.IGNORECASE))
    expect(page.locator("#lab-stop")).to_be_disabled()
    assert asked_for(page, 2000) == 0

    page.reload()  # the newest pair is found again, and what was chosen for it
    board = open_lab(page)
    expect(board.locator("h3")).to_have_text(title)
    expect(page.get_by_label("Optimizer of another Net")).to_be_checked()
    expect(marked).to_have_count(2)

    fill(page, lr=9)
    page.locator("#lab-run").click()
    expect(page.locator("#lab-message")).to_contain_text("Learning rate must be a number from")
    expect(board.locator(".chip.done")).to_have_count(2)


def test_a_page_asks_for_news_only_while_the_pair_goes_on_and_the_tab_is_open(visit: Visit) -> None:
    page = visit()
    board = open_lab(page)
    assert asked_for(page, 2000) == 0
    fill(page, epochs=200, batch_size=4)
    page.locator("#lab-run").click()
    expect(board.locator(".chip.running")).to_have_count(2, timeout=PATIENCE)
    assert asked_for(page, 2500) >= 1
    page.get_by_role("tab", name="Browse").click()
    page.wait_for_timeout(1000)
    assert asked_for(page, 2000) == 0
    open_lab(page)
    page.locator("#lab-stop").click()
    expect(board.locator(".chip.stopped")).to_have_count(2, timeout=PATIENCE)
    expect(page.locator("#lab-stop")).to_be_disabled()


def test_a_quiz_keeps_its_secret_until_it_is_answered(visit: Visit) -> None:
    page = visit()
    board = open_lab(page)
    page.locator("#lab-quiz").click()
    expect(board.locator("h3")).to_have_text("Quiz: which mistake is it?")
    expect(page.locator("#lab-code mark")).to_have_count(0)
    page.locator("#lab-answer").click()
    verdict, guess = page.locator("#lab-verdict"), page.locator("#lab-guess")
    expect(verdict).to_contain_text("Choose one of the mistakes first.")
    assert all(mistake.label not in board.inner_text() for mistake in MISTAKES.values())
    page.get_by_role("tab", name="My runs").click()
    expect(page.locator("#runs-list")).to_contain_text("quiz")
    shown = page.locator("#runs-list").inner_text()
    assert not any(mistake.label.lower() in shown.lower() or word in shown for word, mistake in MISTAKES.items())

    open_lab(page)
    first = MISTAKES[QUIZ_MISTAKES[0]].label
    guess.get_by_label(first).check()
    page.locator("#lab-answer").click()
    expect(verdict).to_contain_text(re.compile("✓ Right|✗ No, it is not “"))
    answered = re.search("It is “(.*?)”", verdict.inner_text())
    assert answered
    solved = next(mistake for mistake in MISTAKES.values() if mistake.label == answered[1])
    assert ("✓ Right" in verdict.inner_text()) == (solved.label == first)
    expect(board.locator("h3")).to_contain_text(solved.label)
    expect(page.locator("#lab-words")).to_contain_text(solved.look_for)
    expect(page.locator("#lab-code h3")).to_contain_text(solved.label)
    expect(page.locator("#lab-answer")).to_be_hidden()

    page.locator("#lab-another").click()
    expect(board.locator("h3")).to_have_text("Quiz: which mistake is it?")
    expect(page.locator("#lab-verdict .note:not(.empty)")).to_have_count(0)
    expect(guess.locator("input:checked")).to_have_count(0)
    page.locator("#lab-stop").click()
    expect(board.locator(".chip.stopped")).to_have_count(2, timeout=PATIENCE)
