"""The one smoothing of the loss."""

from dataclasses import replace
from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.runs.records import Point, Run, Snapshot, new_run
from cifar_core.runs.smoothing import MovingMean, smoothed

RUN: Run = new_run("a" * 16, TrainConfig(epochs=2), Path("data"), 1000, 0)  # a mean covers 100 images
POINTS = tuple(Point(step, 40 * step, 3.0 - step % 7 / 4) for step in range(1, 51))


def test_each_mean_covers_the_last_twentieth_of_the_run() -> None:
    means = smoothed(Snapshot(RUN, POINTS, (), None, (), ()))
    assert [x for x, _ in means] == [point.images / 1000 for point in POINTS]
    for place, (_, mean) in enumerate(means):
        window = [point.loss for point in POINTS[: place + 1] if POINTS[place].images - point.images <= 100]
        assert mean == pytest.approx(sum(window) / len(window))


def test_what_was_drawn_once_stays_as_it_is() -> None:
    whole = smoothed(Snapshot(RUN, POINTS, (), None, (), ()))
    growing = MovingMean(RUN)
    assert [mean for place in range(0, 50, 5) for mean in growing.add(POINTS[place : place + 5])] == whole
    assert smoothed(Snapshot(RUN, POINTS[:20], (), None, (), ())) == whole[:20]


def test_a_run_without_points_has_no_means() -> None:
    assert smoothed(Snapshot(replace(RUN, state="running"), (), (), None, (), ())) == []
