"""The text of a chart: what grows with a run, and what compares several. How it is drawn is tested in a browser."""

from dataclasses import replace
from pathlib import Path

import pytest

from cifar_core.config import CHANGEABLE, TrainConfig
from cifar_core.runs.records import Point, Snapshot, new_run
from cifar_core.runs.smoothing import MovingMean
from cifar_core.training.events import Changed, Validated
from demo.widgets.chart import (
    COLOURS,
    HIGHEST_LOSS,
    MAX_POINTS,
    MAX_SERIES,
    Series,
    chart_head,
    chart_marks,
    chart_points,
    chart_text,
    chart_validations,
    series_of,
    told_apart,
)

RUN = new_run("a", TrainConfig(epochs=4), Path("/nowhere"), 400, 0)


def parts_of(text: str) -> list[list[str]]:
    """The parts of a chart's text, each cut at its commas."""
    assert text.endswith(";")
    return [part.split(",") for part in text[:-1].split(";")]


def axes_of(text: str) -> list[float]:
    """Epochs, images an epoch, lowest and highest loss, lowest and highest accuracy, classes."""
    return [float(number) for number in parts_of(text)[0]]


def test_parts_of_a_live_chart_are_short_and_end_with_a_semicolon() -> None:
    assert chart_head(RUN) == "4,400;"
    assert chart_points([], []) == chart_validations([]) == chart_marks([]) == ""
    points = [Point(2, 8, 2.302585), Point(2000, 8000, 1e-5), Point(2001, 8004, 3e26)]
    means = [(0.1, 2.302585), (0.2, 1.25), (0.3, 1e26)]
    assert chart_points(points, means) == "2,8,2.303,2.303;2000,8000,1e-05,1.25;2001,8004,3e+26,1e+26;"
    validations = [Validated(2000, 8000, 541, 1000), Validated(4000, 16000, 2, 3)]
    assert chart_validations(validations) == "a,8000,0.541;a,16000,0.6667;"
    values = (("lr", 0.00001), ("momentum", 0.99), ("batch_size", 1024.0), ("epochs", 12.0))
    changes = [Changed(2000, 8000, name, value, 9000) for name, value in values]
    assert chart_marks(changes) == (
        "c,8000,learning rate 1e-05;c,8000,momentum 0.99;c,8000,batch 1024;c,8000,epochs 12;"
    )


def test_a_live_chart_is_the_same_text_however_the_points_come() -> None:
    points = [Point(at, 4 * at, 2.3 - at / 400) for at in range(1, 401)]
    whole, parts = MovingMean(RUN), MovingMean(RUN)
    text = "".join(chart_points(part, parts.add(part)) for part in (points[:7], points[7:8], points[8:]))
    assert text == chart_points(points, whole.add(points))


def test_every_setting_that_may_change_has_a_name_on_the_curve() -> None:
    for name in (*CHANGEABLE, "epochs"):
        mark = chart_marks([Changed(1, 4, name, 1, 9)])
        assert mark.count(",") == 2 and mark.count(";") == 1 and "_" not in mark


def test_a_series_has_the_smoothed_loss_and_the_accuracy_over_epochs() -> None:
    points = tuple(Point(10 * at, 40 * at, loss) for at, loss in enumerate((4.0, 2.0, 3.0, 1.0), 1))
    snapshot = Snapshot(replace(RUN, name="mine"), points, (), None, (Validated(20, 100, 20, 80),), ())
    series = series_of(snapshot)
    assert series.name == "mine" and not series.dashed
    assert [x for x, _ in series.losses] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [y for _, y in series.losses] == [4.0, 3.0, 3.0, 2.0]
    assert series.accuracies == ((0.25, 0.25),)
    assert series_of(snapshot, "faulty", dashed=True) == replace(series, name="faulty", dashed=True)


def test_compared_runs_stand_one_after_the_other_with_their_names() -> None:
    one = Series("run one", ((0.1, 2.0), (1, 1.5)), ((1, 0.5),))
    two = Series("a;b,c\nd <b>", ((0.2, 1.25),), (), dashed=True)
    head, *rest = parts_of(chart_text([one, two]))
    assert rest == [
        ["s", "solid", "run one"],
        ["0.1", "2"],
        ["1", "1.5"],
        ["a", "1", "0.5"],
        ["s", "dashed", "a%3Bb%2Cc%0Ad %3Cb%3E"],
        ["0.2", "1.25"],
    ]
    assert chart_text([]) == ""


def test_fitted_axes_hold_all_curves_and_one_that_diverges_does_not_flatten_the_others() -> None:
    tame = Series("tame", ((0.1, 2.3), (0.2, 1.2)), ((0.2, 0.41),))
    assert axes_of(chart_text([tame])) == [1, 1, 1, 2.5, 0.4, 0.5, 0]
    wild = Series("wild", ((0.1, 2.3), (3.2, 5e6)), ((3.2, 0.1),))
    assert axes_of(chart_text([tame, wild])) == [4, 1, 1, HIGHEST_LOSS, 0.1, 0.5, 0]
    for odd in (Series("none", (), ()), Series("off", ((1, 99.0),), ()), Series("right", ((1, 0.0),), ((1, 1.0),))):
        _, _, low, high, lowest, best, _ = axes_of(chart_text([odd]))
        assert 0 <= low < high <= HIGHEST_LOSS and 0 <= lowest < best <= 1


def test_fixed_axes_do_not_move_with_the_curves() -> None:
    early = chart_text([Series("a", ((0.1, 2.3),), ())], 4, classes=10)
    late = chart_text([Series("a", ((0.1, 2.3), (4, 7.0)), ((4, 0.9),))], 4, classes=10)
    assert axes_of(early) == axes_of(late) == [4, 1, 0, 3, 0, 1, 10]


def test_a_long_curve_is_sent_with_few_points_and_its_last() -> None:
    curve = tuple((at / 50, 2.0 + at % 7) for at in range(10_001))
    rows = [row for row in parts_of(chart_text([Series("long", curve, ())])) if len(row) == 2]
    assert len(rows) <= MAX_POINTS + 1
    assert [float(number) for number in rows[-1]] == [200, 2 + 10_000 % 7]
    for length in (0, 1, 2, 399, 400, 401, 402):
        rows = parts_of(chart_text([Series("short", curve[:length], ())]))[2:]
        assert len(rows) <= MAX_POINTS + 1
        assert not length or float(rows[-1][0]) == pytest.approx(curve[length - 1][0])


def test_as_many_lines_as_allowed_look_different() -> None:
    series = told_apart([Series(f"run {number}", (), ()) for number in range(MAX_SERIES)])
    looks = {(place % COLOURS, one.dashed) for place, one in enumerate(series)}
    assert len(looks) == MAX_SERIES
