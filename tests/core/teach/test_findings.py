"""What is said of a run follows from its numbers by the rules, each shown on numbers made for it."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.config import TrainConfig
from cifar_core.runs.records import Frame, Point, Run, new_run
from cifar_core.teach.findings import (
    AfterChange,
    Diverged,
    Falling,
    Finding,
    Flat,
    Guessing,
    MostConfused,
    Noisy,
    OneClass,
    Overfitting,
    Rising,
    ValidationAccuracy,
    findings,
)
from cifar_core.training.events import Changed, Validated

approx: Any = pytest.approx
RUN = replace(new_run("a" * 16, TrainConfig(), Path("data"), 1000, 0), state="running")


def curve(*losses: float, every: int = 10) -> list[Point]:
    return [Point(every * n, 4 * every * n, loss) for n, loss in enumerate(losses, 1)]


def wobbling(level: float, count: int, by: float = 0.05, seed: int = 0) -> list[float]:
    return (level + np.random.default_rng(seed).normal(0, by, count)).tolist()


def kinds(found: tuple[Finding, ...]) -> set[type]:
    return {type(finding) for finding in found}


def first(points: list[Point], run: Run = RUN, classes: int = 10) -> Finding:
    return findings(run, points, classes=classes)[0]


def test_before_there_are_ten_points_nothing_is_said() -> None:
    assert findings(RUN, []) == findings(RUN, curve(*wobbling(2, 9))) == ()
    assert findings(RUN, curve(*wobbling(2, 10))) != ()


def test_a_loss_that_goes_down_is_falling_from_one_mean_to_the_other() -> None:
    points = curve(*[2.0] * 20, *[1.8, 1.6] * 10)
    assert first(points) == Falling(approx(2.0), approx(1.7), points[-1].images - points[0].images)


def test_a_loss_that_goes_up_is_rising() -> None:
    assert isinstance(first(curve(*wobbling(1.2, 20), *wobbling(1.9, 20, seed=1))), Rising)


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_only_wobbles_is_flat(seed: int) -> None:
    level = [1.5 + (-1) ** n * 0.1 for n in range(40)]
    assert first(curve(*level)) == Flat(approx(1.5), approx(4 * 10 * 39))
    assert isinstance(first(curve(*wobbling(1.5, 20, 0.2, seed), *wobbling(1.49, 20, 0.2, seed))), Flat)


def test_a_loss_at_the_logarithm_of_the_classes_is_guessing() -> None:
    assert first(curve(*wobbling(2.303, 40, 0.01))) == Guessing(approx(2.303, abs=0.01), math.log(10))
    assert isinstance(first(curve(*wobbling(math.log(2), 40, 0.01)), classes=2), Guessing)
    assert not isinstance(first(curve(*wobbling(2.303, 40, 0.01)), classes=2), Guessing)


def test_what_was_long_ago_does_not_count() -> None:
    assert isinstance(first(curve(*wobbling(2.3, 100), *[1.5, 1.6] * 20)), Flat)


def test_points_that_scatter_widely_are_called_noisy_with_their_range() -> None:
    noisy = [finding for finding in findings(RUN, curve(*[1.0, 2.0] * 20)) if isinstance(finding, Noisy)]
    assert noisy == [Noisy(1.0, 2.0)]
    assert Noisy not in kinds(findings(RUN, curve(*[1.45, 1.55] * 20)))


def test_a_run_that_diverged_has_one_thing_to_say() -> None:
    diverged = replace(RUN, state="diverged", step=77)
    assert findings(diverged, curve(2.0, 9.5)) == (Diverged(77, 9.5),)
    assert findings(diverged, []) == (Diverged(77, None),)


def test_accuracy_is_told_with_its_error_and_where_it_began() -> None:
    probes = [Validated(10, 400, 200, 1000), Validated(20, 800, 500, 1000)]
    (told,) = [f for f in findings(RUN, curve(*wobbling(1.5, 20)), probes) if isinstance(f, ValidationAccuracy)]
    assert told == ValidationAccuracy(0.5, approx(math.sqrt(0.25 / 1000)), 0.2, 1000)


def test_overfitting_is_said_when_the_loss_falls_and_the_accuracy_too() -> None:
    points = curve(*wobbling(1.0, 20), *wobbling(0.5, 20))
    best_at = points[19].images
    worse = [Validated(200, best_at, 700, 1000), Validated(400, points[-1].images, 600, 1000)]
    told = [finding for finding in findings(RUN, points, worse) if isinstance(finding, Overfitting)]
    assert told == [Overfitting(0.7, best_at, 0.6)]
    hardly = [worse[0], Validated(400, points[-1].images, 670, 1000)]  # within what chance does with 1,000 images
    assert Overfitting not in kinds(findings(RUN, points, hardly))
    rising = curve(*wobbling(0.5, 20), *wobbling(1.0, 20))
    assert Overfitting not in kinds(findings(RUN, rising, worse))


def frame(confusion: list[list[int]]) -> Frame:
    return Frame(5, 20, np.array(confusion), np.zeros((4, 3), np.float32), np.zeros((6, 3, 5, 5), np.float32))


def test_the_pair_confused_most_often_is_named_with_its_counts() -> None:
    (told,) = [
        finding
        for finding in findings(RUN, curve(*wobbling(1.5, 20)), frame=frame([[8, 1, 1], [4, 5, 1], [0, 2, 8]]))
        if isinstance(finding, MostConfused)
    ]
    assert told == MostConfused(true=1, predicted=0, count=4, of=10)


def test_a_net_with_one_answer_is_told_so_instead() -> None:
    found = findings(RUN, curve(*wobbling(1.5, 20)), frame=frame([[10, 0, 0], [9, 1, 0], [4, 1, 5]]))
    assert OneClass(0, approx(23 / 30)) in found and MostConfused not in kinds(found)


def test_a_net_without_mistakes_confuses_nothing() -> None:
    assert MostConfused not in kinds(
        findings(RUN, curve(*wobbling(0.1, 20)), frame=frame([[3, 0, 0], [0, 3, 0], [0, 0, 3]]))
    )


def test_after_a_change_the_loss_before_and_since_are_compared_while_it_is_news() -> None:
    points = curve(*[2.0] * 20, *[1.5] * 10)
    change = Changed(200, 800, "lr", 0.01, 1000)
    assert AfterChange("lr", 0.01, 2.0, 1.5) in findings(RUN, points, changes=[change])
    assert AfterChange not in kinds(findings(RUN, points[:22], changes=[change]))  # too early to say
    assert AfterChange not in kinds(findings(RUN, curve(*[2.0] * 20, *[1.5] * 100), changes=[change]))
