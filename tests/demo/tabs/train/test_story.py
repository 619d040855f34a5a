"""The story beside the curve: every sentence names its numbers, and every page tells the same."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.runs.service import Service
from cifar_core.teach import findings as core
from demo.tabs.train.run_watch import RunWatch
from demo.tabs.train.story import EMPTY, sentence, story_html
from tests.helpers.markup import EVIL_CLASSES, text_of
from tests.helpers.run_steps import ANN, CONFIG, end, go_to
from tests.helpers.run_views import shown

EXAMPLES: dict[core.Finding, tuple[str, ...]] = {
    core.Guessing(2.301, math.log(10)): ("2.30", "10 classes", "only guesses"),
    core.Falling(1.854, 1.72, 8000): ("1.85", "1.72", "8,000 images", "is falling"),
    core.Flat(1.234, 8000): ("1.23", "8,000 images", "stays"),
    core.Rising(1.2, 1.9, 400): ("1.20", "1.90", "400 images", "is rising"),
    core.Noisy(1.1, 2.4): ("1.10", "2.40", "jump"),
    core.Diverged(1077, 9.51): ("1,077", "9.51", "learning rate"),
    core.Diverged(3, None): ("After 3 mini-batches", "no longer a number"),
    core.ValidationAccuracy(0.452, 0.0157, 0.123, 1000): ("45.2\u00a0%", "1.6\u00a0%", "12.3\u00a0%", "1,000"),
    core.Overfitting(0.7, 8000, 0.6): ("70.0\u00a0%", "8,000", "60.0\u00a0%", "by heart"),
    core.OneClass(6, 0.72): ("72.0\u00a0%", "frog"),
    core.MostConfused(3, 5, 31, 100): ("dog for a cat", "31 of 100"),
    core.AfterChange("lr", 0.01, 1.42, 1.35): ("learning rate became 0.01", "1.42", "1.35"),
}


@pytest.mark.parametrize("finding", EXAMPLES, ids=lambda finding: type(finding).__name__)
def test_a_sentence_names_the_numbers_it_stands_on(finding: core.Finding) -> None:
    words = sentence(finding, CLASSES)
    for part in EXAMPLES[finding]:
        assert part in words
    assert words.endswith(".") and words[0].isupper()


def test_every_kind_of_finding_has_its_words() -> None:
    assert {type(finding) for finding in EXAMPLES} == set(get_args(core.Finding))


@pytest.mark.parametrize("finding", [core.Falling(2, 1, 8), core.Flat(1, 8), core.Rising(1, 2, 8)])
def test_of_a_run_that_has_ended_the_course_is_told_as_past(finding: core.Finding) -> None:
    words = sentence(finding, CLASSES, active=False)
    assert re.search(r"\b(was|stayed)\b", words) and not re.search(r"\b(is|stays)\b", words)


def test_a_class_name_is_never_taken_for_markup() -> None:
    markup = story_html((core.OneClass(4, 0.9), core.MostConfused(0, 3, 1, 2)), EVIL_CLASSES, active=True)
    assert "<script" not in markup and "&lt;script" in markup and "<b>" not in markup


def test_before_there_is_something_to_say_the_place_says_what_it_is_for(service: Service, tiny: Splits) -> None:
    service.start(ANN, CONFIG, tiny)
    assert EMPTY in shown(service).story


def test_the_story_goes_on_with_the_log_and_not_with_every_point(service: Service, tiny: Splits) -> None:
    run, watch = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN)
    go_to(service, run, 30)
    told = watch.look().story
    assert "is falling" in told
    go_to(service, run, 49)
    assert watch.look().story == told
    go_to(service, run, 50)
    assert watch.look().story != told


@pytest.mark.parametrize("step", [30, 77, 180])
def test_a_page_opened_later_tells_the_same(service: Service, tiny: Splits, step: int) -> None:
    run, watch = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN)
    for at in range(10, step, 7):
        go_to(service, run, at)
        watch.look()
    go_to(service, run, step)
    assert watch.look().story == shown(service).story
    end(service, run, tiny)
    assert watch.look().story == shown(service).story
    assert "at the end" in text_of(shown(service).story)


def test_a_run_whose_pictures_are_gone_still_has_a_story(service: Service, tiny: Splits, tmp_path: Path) -> None:
    run = service.start(ANN, CONFIG, replace(tiny, folder=tmp_path / "gone"))
    go_to(service, run, 60)
    assert "is falling" in shown(service).story
