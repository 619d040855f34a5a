"""The tab Lab: a pair of runs is begun, found and stopped whole; numbers, curves and words say what the store says."""

import html
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import CifarError, ConfigError, RunError
from cifar_core.mistakes import MISTAKES
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Point, TestResult
from cifar_core.runs.service import Service
from cifar_core.training.events import Validated
from demo.tabs.lab.pair import (
    ASKED,
    HEALTHY,
    QUIZ,
    Pair,
    lab_config,
    newest_pair,
    read_pair,
    solve,
    start_pair,
    start_quiz,
    stop_pair,
)
from demo.tabs.lab.tab import buttons_for, commands_of
from demo.tabs.lab.twin_chart import STRETCHES, Line, path, stretched, twin_chart
from demo.tabs.lab.view import (
    about_html,
    accuracy_of,
    board_html,
    code_html,
    last_loss,
    numbers_words,
    verdict_html,
    version_of,
)

ANN, BOB = "ann" * 8, "bob" * 8
CONFIG = TrainConfig(epochs=2, batch_size=4)
"""200 mini-batches of 4 from the 400 images of the tiny set"""


def escaped_text_of(markup: str) -> str:
    """What is to be read of some HTML."""
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", " ", markup)).strip()


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests do what workers write."""
    return Service(tmp_path / "runs", limits=Limits(steps=1000, starts_a_minute=100))


def text_of(page: str) -> str:
    """What a person reads of a page."""
    return html.unescape(escaped_text_of(page))


def begin(service: Service, tiny: Splits, mistake: str = "softmax", *, quiz: bool = False) -> str:
    return start_pair(service, ANN, CONFIG, mistake, tiny, quiz=quiz)


def go_to(service: Service, run: str, step: int, loss: float, accuracy: float) -> None:
    """Write what a worker writes when it comes to `step`: a loss at every step, and a probe of 100 images."""
    points = [Point(at, 4 * at, loss) for at in range(1, step + 1)]
    probe = Validated(step, 4 * step, round(100 * accuracy), 100)
    at: dict[str, Any] = {"step": step, "epoch": 1 + step // 101, "seen": 4 * step, "accuracy": accuracy}
    service.store.update(run, points=points, probes=[probe], state="running", speed=400.0, **at)


def end(service: Service, run: str, loss: float, accuracy: float, state: str = "done") -> None:
    """Write a whole run, and its test on 200 images."""
    go_to(service, run, 200, loss, accuracy / 2)  # the probe says something else than the test
    if state != "diverged":
        service.store.add_result(run, TestResult(200, round(200 * accuracy), 200, (accuracy,) * 10, (0, 1, 2, 3)))
    service.store.update(run, state=state, ended=1.0)


def ended(service: Service, text: str, healthy: tuple[float, float], wrong: tuple[float, float]) -> Pair:
    for run, (loss, accuracy) in zip(text.split(), (healthy, wrong), strict=True):
        end(service, run, loss, accuracy)
    return read_pair(service, ANN, text)


## -- pairs


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_pair_is_two_runs_that_differ_in_the_mistake_alone(service: Service, tiny: Splits, mistake: str) -> None:
    pair = read_pair(service, ANN, begin(service, tiny, mistake))
    assert pair.healthy.run.config == CONFIG
    assert pair.wrong.run.config == replace(CONFIG, mistake=mistake)
    assert pair.healthy.run.name == HEALTHY and pair.wrong.run.name.lower() == MISTAKES[mistake].label.lower()
    assert pair.going and not pair.secret and not pair.was_quiz
    assert [run.id for run in service.runs_of(ANN)] == [pair.wrong.run.id, pair.healthy.run.id]


def test_where_there_is_no_room_for_both_none_is_started(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", limits=Limits(active_per_owner=3))
    begin(service, tiny)
    with pytest.raises(RunError, match="2 active runs, and 3 are allowed"):
        begin(service, tiny, "lr_ten")
    assert len(service.runs_of(ANN)) == 2
    with pytest.raises(ConfigError, match="Choose a mistake"):
        begin(service, tiny, "none")


def test_the_newest_pair_is_found_again_among_other_runs(service: Service, tiny: Splits) -> None:
    assert newest_pair(service, ANN) == ""
    first = begin(service, tiny, "lr_ten")
    stop_pair(service, ANN, first)
    for run in first.split():
        end(service, run, 2.3, 0.1)
    second = begin(service, tiny, "softmax")
    service.start(ANN, CONFIG, tiny)
    assert newest_pair(service, ANN) == second and newest_pair(service, BOB) == ""
    for run in second.split():
        service.store.update(run, state="done")
        service.delete(ANN, run)
    assert newest_pair(service, ANN) == first


def test_stopping_a_pair_asks_both(service: Service, tiny: Splits) -> None:
    text = begin(service, tiny)
    stop_pair(service, ANN, text)
    assert {request.run for worker in range(8) for request in service.store.requests(worker)} == set(text.split())


@pytest.mark.parametrize("text", ["", "one", "one two", "one two three", "\u00e9 \u00e9", "None"])
def test_what_is_no_pair_is_refused_with_a_sentence(service: Service, text: str) -> None:
    with pytest.raises(RunError):
        read_pair(service, ANN, text)


def test_other_peoples_runs_and_runs_that_are_no_twins_are_refused(service: Service, tiny: Splits) -> None:
    healthy, wrong = begin(service, tiny).split()
    with pytest.raises(RunError, match="Only the one who started"):
        read_pair(service, BOB, f"{healthy} {wrong}")
    with pytest.raises(RunError, match="not the baseline"):
        read_pair(service, ANN, f"{wrong} {healthy}")
    other = service.start(ANN, replace(CONFIG, seed=1, mistake="softmax"), tiny).id
    with pytest.raises(RunError, match="no pair"):
        read_pair(service, ANN, f"{healthy} {other}")
    service.store.update(healthy, state="done")
    service.delete(ANN, healthy)
    with pytest.raises(RunError, match="may have been removed"):
        read_pair(service, ANN, f"{healthy} {wrong}")


def test_the_settings_are_checked_and_the_log_has_lines() -> None:
    config = lab_config({"epochs": 3, "batch_size": 16, "lr": 0.01, "seed": 5}, 50_000)
    assert (config.epochs, config.lr, config.seed, config.report_every) == (3, 0.01, 5, 500)
    assert config.mistake == "none" and lab_config({"batch_size": 1000}, 400).report_every == 1
    for values in ({"epochs": None}, {"lr": "x"}, {"seed": -1}, {"batch_size": 0}):
        with pytest.raises(CifarError):
            lab_config(values, 50_000)


## -- the quiz


def test_a_quiz_asks_about_a_mistake_that_can_be_seen_and_about_any_of_them(service: Service, tiny: Splits) -> None:
    assert set(ASKED) == {word for word, mistake in MISTAKES.items() if not mistake.subtle}
    drawn = set()
    for _ in range(80):
        text = start_quiz(service, f"owner {_:020}", tiny)
        drawn.add(service.solve(f"owner {_:020}", text.split()[1]).config.mistake)
        for run in text.split():
            service.store.update(run, state="done")
    assert drawn == set(ASKED)


def test_an_open_quiz_shows_the_same_whatever_the_mistake(service: Service, tiny: Splits) -> None:
    shown = set()
    for mistake in ASKED:
        text = begin(service, tiny, mistake, quiz=True)
        pair = ended(service, text, (1.3, 0.5), (2.3, 0.1))
        assert pair.secret and commands_of(pair) == "answer" and service.find(text.split()[1]).name == QUIZ
        page = board_html(pair) + version_of(pair)
        shown.add(page.replace(pair.healthy.run.id, "").replace(pair.wrong.run.id, ""))
    assert len(shown) == 1
    assert "which mistake is it?" in text_of(shown.pop())


def test_an_answer_opens_the_secret_for_good(service: Service, tiny: Splits) -> None:
    text = begin(service, tiny, "lr_ten", quiz=True)
    before = read_pair(service, ANN, text)
    with pytest.raises(RunError):
        solve(service, BOB, before)
    found = solve(service, ANN, before)
    assert found == read_pair(service, ANN, text) == solve(service, ANN, found)
    assert not found.secret and found.was_quiz and commands_of(found) == "stop another"
    assert found.wrong.run.name == "quiz: learning rate ten times too large"
    assert version_of(found) != version_of(before)
    assert "Learning rate ten times too large" in board_html(found) and "Learning rate" not in board_html(before)


def test_a_verdict_says_right_or_wrong_and_what_the_mistake_is() -> None:
    right, wrong = (text_of(verdict_html(said, "softmax")) for said in ("softmax", "lr_ten"))
    assert right.startswith("✓ Right. It is “Softmax before the loss”.")
    assert wrong.startswith("✗ No, it is not “Learning rate ten times too large”. It is “Softmax before the loss”.")
    assert MISTAKES["softmax"].what in right and MISTAKES["softmax"].what in wrong


def test_the_buttons_follow_from_what_may_be_done() -> None:
    def state(commands: str) -> list[bool]:
        stop, column, guess, answer, another = buttons_for(commands)
        return [stop.interactive, column.visible, guess.interactive, answer.visible, another.visible]

    assert state("") == [False, False, False, False, False]
    assert state("stop") == [True, False, False, False, False]
    assert state("stop answer") == [True, True, True, True, False]
    assert state("another") == [False, True, False, False, True]


## -- the board


def test_the_board_shows_the_numbers_of_both_and_asks_for_news_while_they_go_on(service: Service, tiny: Splits) -> None:
    text = begin(service, tiny)
    waiting = board_html(read_pair(service, ANN, text))
    assert "data-going" in waiting and "Starting" in waiting
    healthy, wrong = text.split()
    go_to(service, healthy, 100, 1.25, 0.48)
    go_to(service, wrong, 50, 2.25, 0.12)
    page = board_html(read_pair(service, ANN, text))
    said = text_of(page)
    assert "healthy Training epoch 1 of 2, 1 s left 1.25 48.0\u00a0% " in said
    assert "mistake Training epoch 1 of 2, 2 s left 2.25 12.0\u00a0% " in said
    assert (
        "So far. Healthy: loss 1.25, accuracy 48.0\u00a0%. With the mistake: loss 2.25, accuracy 12.0\u00a0%." in said
    )
    assert "data-going" in page and MISTAKES["softmax"].look_for in said
    end(service, healthy, 1.3, 0.5)
    assert "data-going" in board_html(read_pair(service, ANN, text))
    end(service, wrong, 2.3, 0.1)
    page = board_html(read_pair(service, ANN, text))
    assert "data-going" not in page
    assert (
        "In this pair. Healthy: loss 1.30, accuracy 50.0\u00a0%. With the mistake: loss 2.30, accuracy 10.0"
        in text_of(page)
    )


def test_another_version_whenever_something_is_new(service: Service, tiny: Splits) -> None:
    text = begin(service, tiny)
    seen = [version_of(read_pair(service, ANN, text))]
    for run in text.split():
        go_to(service, run, 10, 2.0, 0.2)
        seen.append(version_of(read_pair(service, ANN, text)))
        end(service, run, 1.0, 0.5)
        seen.append(version_of(read_pair(service, ANN, text)))
    assert len(set(seen)) == len(seen) and version_of(read_pair(service, ANN, text)) == seen[-1]


def test_a_loss_that_is_no_number_is_said_and_the_rest_is_shown(service: Service, tiny: Splits) -> None:
    text = begin(service, tiny, "no_zero_grad")
    healthy, wrong = text.split()
    end(service, healthy, 1.3, 0.5)
    end(service, wrong, 45.0, 0.1, "diverged")
    service.store.update(wrong, message="The loss became <NaN>.")
    pair = read_pair(service, ANN, text)
    assert (last_loss(pair.wrong), accuracy_of(pair.wrong)) == ("NaN", None)
    said = text_of(board_html(pair))
    assert "mistake Diverged The loss became <NaN>. NaN –" in said
    assert (
        "Healthy: loss 1.30, accuracy 50.0\u00a0%. With the mistake: loss NaN. The twin's loss is no number any more"
        in said
    )
    assert "mistake: up to 45.00" in said


@pytest.mark.parametrize(
    ("mistake", "wrong", "words"),
    [
        ("no_shuffle", (1.34, 0.47), "two seeds could make as well"),
        ("no_normalize", (1.30, 0.21), "The loss does not show it"),
        ("test_data", (1.6, 0.42), "the very images that this Net was trained with"),
        ("softmax", (2.1, 0.35), ""),
    ],
)
def test_the_verdict_on_a_pair_follows_from_its_numbers(
    service: Service, tiny: Splits, mistake: str, wrong: tuple[float, float], words: str
) -> None:
    text = begin(service, tiny, mistake)
    said = numbers_words(ended(service, text, (1.3, 0.5), wrong))
    assert words in said
    assert bool(words) == (not said.endswith("\u00a0%."))


def test_without_a_pair_the_board_says_what_to_do() -> None:
    assert "Run both" in board_html(None) and "data-going" not in board_html(None)


## -- the code


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_line_that_is_wrong_is_marked_in_words(mistake: str) -> None:
    page = code_html(mistake, TrainConfig(lr=0.02, batch_size=8))
    right, wrong = re.findall(r"<pre.*?</pre>", page, re.DOTALL)
    added = mistake == "shuffled_labels"
    assert right.count("<mark>") == right.count("← as it should be") == (0 if added else 1)
    assert wrong.count("<mark>") == wrong.count("←") == 1
    assert ("one line too many" in wrong) == added and ("here a line is missing" in wrong) == (
        mistake == "no_zero_grad"
    )
    assert "batch_size=8" in right and MISTAKES[mistake].label in page


def test_a_mistake_that_hardly_shows_is_announced_as_such() -> None:
    for word, mistake in MISTAKES.items():
        assert mistake.what in text_of(about_html(word))
        assert ("hardly shows" in about_html(word)) == mistake.subtle


## -- the chart


def test_each_stretch_of_a_run_is_one_point_which_never_moves_again() -> None:
    points = [(at / 1500, at / 1000) for at in range(1, 3001)]  # two epochs
    half = stretched(points[:1503], 2)
    whole = stretched(points, 2)
    assert len(whole) == STRETCHES and len(half) == STRETCHES // 2 and whole[: len(half)] == half
    assert whole[-1][0] == 2 and whole[-1][1] == pytest.approx(sum(range(2981, 3001)) / 20 / 1000)
    assert stretched([], 2) == () and stretched(points[:1], 2) == ()


def test_a_curve_is_drawn_from_left_to_right_within_the_axes() -> None:
    assert path(((0.0, 3.0), (1.0, 1.5), (2.0, 0.0)), 2, 3.0) == "M0.0 0.0L50.0 50.0L100.0 100.0"
    assert path(((1.0, 99.0),), 2, 3.0) == "M50.0 0.0" and path((), 2, 3.0) == ""
    assert path(((1.0, 1.5),), 2, 3.0, dots=True) == "M50.0 50.0h0"


def chart(healthy: float, mistake: float, epochs: int = 2) -> str:
    lines = [Line(name, ((0.5, y),), ((0.5, y / 10),)) for name, y in (("healthy", healthy), ("mis<take", mistake))]
    return twin_chart(lines, epochs, 10)


def test_the_chart_tells_its_numbers_to_those_who_do_not_see_it() -> None:
    labels = re.findall(r'role="img" aria-label="([^"]*)"', chart(1.25, 2.5))
    assert labels == [
        "Training loss over 2 epochs: healthy 1.25 after 0.5; mis&lt;take 2.50 after 0.5",
        "Accuracy on test images over 2 epochs: healthy 12.5\u00a0% after 0.5; mis&lt;take 25.0\u00a0% after 0.5",
    ]
    nothing = twin_chart([Line("a", (), ()), Line("b", (), ())], 2, 10)
    assert "a has no number yet; b has no number yet" in nothing and "nan" not in nothing.lower()


def test_the_axes_stand_from_the_start(service: Service) -> None:
    def axes(page: str) -> list[str]:
        return re.findall(r'<div class="(?:up|across)">.*?</div>|<path class="guess"[^>]*>', page)

    empty = twin_chart([Line("a", (), ()), Line("b", (), ())], 2, 10)
    assert len(axes(empty)) == 6 and axes(empty) == axes(chart(1.0, 250.0))
    assert f"M0 {round(100 - 100 * math.log(10) / 3, 1):g}H100" in empty
    many = text_of(re.findall(r'<div class="across">.*?</div>', chart(1, 2, epochs=200))[0])
    assert many.split() == ["0", "40", "80", "120", "160", "200", "epochs"]


def test_the_two_lines_are_told_apart_by_more_than_colour_and_their_labels_do_not_meet() -> None:
    def tops(page: str) -> list[float]:
        return [float(top) for top in re.findall(r'class="(?:first|second)" style="top:([\d.]+)%"', page)]

    for page in (chart(1.25, 1.25), chart(0.0, 0.0), chart(3.0, 99.0), chart(1.3, 1.2)):
        ends = tops(page)
        for one, other in ((ends[0], ends[1]), (ends[2], ends[3])):
            assert abs(one - other) >= 9.9 and min(one, other) >= 0 and max(one, other) <= 100
    assert tops(chart(0.3, 2.7))[:2] == [90, 10]
    css = (Path(__file__).parents[4] / "demo/tabs/lab/lab.css").read_text()
    assert "stroke-dasharray" in css and "dashed var(--lab-second)" in css


def test_a_line_that_leaves_the_chart_is_said_to() -> None:
    assert "↑ mis&lt;take: up to 1,234" in chart(1.0, 1234.2)
    assert "up to" not in chart(1.0, 2.9)
