"""The tab Lab: numbers, curves and sentences about a pair show what the store holds."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.mistakes import MISTAKES
from cifar_core.runs.limits import Limits
from cifar_core.runs.pairs import QUIZ_MISTAKES, Pair
from cifar_core.runs.service import Service
from demo.tabs.lab.view import (
    about_html,
    accuracy_of,
    board_html,
    chart_of,
    code_html,
    last_loss,
    numbers_sentence,
    verdict_html,
    version_of,
    words_html,
)
from tests.helpers.markup import text_of
from tests.helpers.pairs import ANN, end, go_to

CONFIG = TrainConfig(epochs=2, batch_size=4)
"""200 mini-batches of 4 from the 400 images of the tiny set"""


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests do what workers write."""
    return Service(tmp_path / "runs", limits=Limits(steps=1000, starts_a_minute=100))


def begin(service: Service, tiny: Splits, mistake: str = "softmax", *, quiz: bool = False) -> Pair:
    baseline, _ = service.start_pair(ANN, CONFIG, mistake, tiny, quiz=quiz)
    return service.pair(ANN, baseline.id)


def now(service: Service, pair: Pair) -> Pair:
    return service.pair(ANN, pair.id)


def ended(service: Service, pair: Pair, baseline: tuple[float, float], faulty: tuple[float, float]) -> Pair:
    for snapshot, (loss, accuracy) in zip((pair.baseline, pair.faulty), (baseline, faulty), strict=True):
        end(service, snapshot.run.id, loss, accuracy)
    return now(service, pair)


def shown(pair: Pair) -> str:
    """Everything that the tab shows of a pair."""
    return board_html(pair) + words_html(pair) + chart_of(pair, 10)


def test_an_unsolved_quiz_looks_the_same_whatever_the_mistake(service: Service, tiny: Splits) -> None:
    pages = set()
    for mistake in QUIZ_MISTAKES:
        pair = ended(service, begin(service, tiny, mistake, quiz=True), (1.3, 0.5), (2.3, 0.1))
        assert pair.secret
        pages.add(shown(pair).replace(pair.baseline.run.id, "").replace(pair.faulty.run.id, ""))
    assert len(pages) == 1
    assert "which mistake is it?" in text_of(pages.pop())


def test_a_solved_quiz_names_its_mistake(service: Service, tiny: Splits) -> None:
    secret = begin(service, tiny, "lr_ten", quiz=True)
    service.solve(ANN, secret.faulty.run.id)
    solved = now(service, secret)
    assert version_of(solved) != version_of(secret)
    assert "Learning rate ten times too large" in shown(solved) and "Learning rate" not in shown(secret)


def test_a_verdict_says_right_or_wrong_and_what_the_mistake_is() -> None:
    right, wrong = (text_of(verdict_html(guess, "softmax")) for guess in ("softmax", "lr_ten"))
    assert right.startswith("✓ Right. It is “Softmax before the loss”.")
    assert wrong.startswith("✗ No, it is not “Learning rate ten times too large”. It is “Softmax before the loss”.")
    assert MISTAKES["softmax"].what in right and MISTAKES["softmax"].what in wrong


def test_the_board_shows_the_numbers_of_both_and_asks_for_news_while_they_are_active(
    service: Service, tiny: Splits
) -> None:
    pair = begin(service, tiny)
    assert "data-active" in board_html(pair) and "Starting" in board_html(pair)
    go_to(service, pair.baseline.run.id, 100, 1.25, 0.48)
    go_to(service, pair.faulty.run.id, 50, 2.25, 0.12)
    page = text_of(shown(now(service, pair)))
    assert "baseline Training epoch 1 of 2, 1 s left 1.25 48.0 %" in page
    assert "faulty Training epoch 1 of 2, 2 s left 2.25 12.0 %" in page
    assert "So far. Baseline: loss 1.25, accuracy 48.0 %. With the mistake: loss 2.25, accuracy 12.0 %." in page
    assert MISTAKES["softmax"].look_for in page
    end(service, pair.baseline.run.id, 1.3, 0.5)
    assert "data-active" in board_html(now(service, pair))
    end(service, pair.faulty.run.id, 2.3, 0.1)
    assert "data-active" not in board_html(now(service, pair))
    page = text_of(shown(now(service, pair)))
    assert "In this pair. Baseline: loss 1.30, accuracy 50.0 %. With the mistake: loss 2.30, accuracy 10.0 %" in page


def test_another_version_whenever_something_is_new(service: Service, tiny: Splits) -> None:
    pair = begin(service, tiny)
    seen = [version_of(pair)]
    for run in (pair.baseline.run.id, pair.faulty.run.id):
        go_to(service, run, 10, 2.0, 0.2)
        seen.append(version_of(now(service, pair)))
        end(service, run, 1.0, 0.5)
        seen.append(version_of(now(service, pair)))
    assert len(set(seen)) == len(seen) and version_of(now(service, pair)) == seen[-1]


def test_a_loss_that_is_no_number_is_said_and_the_rest_is_shown(service: Service, tiny: Splits) -> None:
    pair = begin(service, tiny, "no_zero_grad")
    end(service, pair.baseline.run.id, 1.3, 0.5)
    end(service, pair.faulty.run.id, 45.0, 0.1, "diverged", message="The loss became <NaN>.")
    pair = now(service, pair)
    assert (last_loss(pair.faulty), accuracy_of(pair.faulty)) == ("NaN", None)
    assert "<NaN>" not in board_html(pair)
    page = text_of(shown(pair))
    assert "faulty Diverged The loss became <NaN>. NaN –" in page
    assert "With the mistake: loss NaN. The loss of the faulty run is no number any more" in page


@pytest.mark.parametrize(
    ("mistake", "faulty", "words"),
    [
        ("no_shuffle", (1.34, 0.47), "Two seeds alone could make so small a difference"),
        ("no_normalize", (1.30, 0.21), "The loss does not show it"),
        ("test_data", (1.6, 0.42), "the very images that this Net was trained with"),
        ("softmax", (2.1, 0.35), ""),
    ],
)
def test_the_conclusion_about_a_pair_follows_from_its_numbers(
    service: Service, tiny: Splits, mistake: str, faulty: tuple[float, float], words: str
) -> None:
    sentence = numbers_sentence(ended(service, begin(service, tiny, mistake), (1.3, 0.5), faulty))
    assert words in sentence
    assert bool(words) == (not sentence.endswith("\u00a0%."))


def test_without_a_pair_the_board_says_what_to_do() -> None:
    assert "Run both" in board_html(None) and "data-active" not in board_html(None)
    assert chart_of(None, 10) == "" == words_html(None)


def test_both_runs_are_in_the_chart_and_told_apart_by_more_than_colour(service: Service, tiny: Splits) -> None:
    pair = ended(service, begin(service, tiny), (1.3, 0.5), (2.3, 0.1))
    text = chart_of(pair, 10)
    assert re.findall(r"s,(\w+),(\w+);", text) == [("solid", "baseline"), ("dashed", "faulty")]
    assert "a,2,0.25;" in text and "a,2,0.05;" in text  # the validations
    css = (Path(__file__).parents[4] / "demo/tabs/lab/lab.css").read_text()
    assert ".faulty { border-top: 3px dashed" in css


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_line_that_is_wrong_is_marked_in_words(mistake: str) -> None:
    page = code_html(mistake, TrainConfig(lr=0.02, batch_size=8))
    right, wrong = re.findall(r"<pre.*?</pre>", page, re.DOTALL)
    added = mistake == "shuffled_labels"
    assert right.count("<mark>") == right.count("← as it should be") == (0 if added else 1)
    assert wrong.count("<mark>") == wrong.count("←") == 1
    assert ("one line too many" in wrong) == added
    assert ("here a line is missing" in wrong) == (mistake == "no_zero_grad")
    assert "batch_size=8" in right and MISTAKES[mistake].label in page
    assert not re.search(r"<code>\s|\n\n\n|\s</code>", right)  # the listing is the code and nothing else


def test_a_mistake_that_hardly_shows_is_announced_as_such() -> None:
    for word, mistake in MISTAKES.items():
        assert mistake.what in text_of(about_html(word))
        assert ("hardly shows" in about_html(word)) == mistake.subtle


def test_words_of_a_run_are_never_taken_for_markup(service: Service, tiny: Splits) -> None:
    pair = begin(service, tiny)
    evil = replace(pair.faulty.run, state="failed", message="<script>alert(1)</script>")
    assert "<script" not in board_html(Pair(pair.baseline, replace(pair.faulty, run=evil)))
