"""Several runs beside each other: which settings differ, how they did, and the drawing of their curves."""

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.runs.records import Point, Snapshot, TestResult, new_run
from cifar_core.runs.service import Service
from cifar_core.training.events import Changed, Validated
from demo.tabs.my_runs.compare import (
    NO_RUNS,
    TICK,
    accuracy_words,
    comparison_html,
    curve_of,
    differences_html,
    differing,
    list_html,
    setting_words,
    smoothed,
    snapshots_of,
    unlike_tutorial,
)
from demo.widgets.download import slug
from demo.widgets.figures import MOST_CURVES, Curve, class_counts, compare_curves

ANN, BOB = "ann" * 8, "bob" * 8
EVIL = "<img src=x onerror=alert(1)> & 'co' $\\frac{"


def a_snapshot(
    name: str = "a",
    *,
    losses: tuple[float, ...] = (),
    changes: tuple[Changed, ...] = (),
    result: TestResult | None = None,
    probes: tuple[Validated, ...] = (),
    settings: dict[str, Any] | None = None,
    **values: Any,
) -> Snapshot:
    """A run on 400 images, with a point of the curve every 40 images."""
    run = replace(new_run(name, TrainConfig(**settings or {}), Path("/nowhere"), 400, 0), **{"name": name} | values)
    points = tuple(Point(10 * at, 40 * at, loss) for at, loss in enumerate(losses, 1))
    return Snapshot(run, points, (), result, probes, changes)


def cells(table: str) -> dict[str, list[str]]:
    """Each row's first cell, and the texts of the others."""
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    texts = [[re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]
    return {first: rest for first, *rest in texts}


def test_settings_that_are_the_same_have_no_row_and_those_that_differ_have_one() -> None:
    one, two = a_snapshot("one", settings={"lr": 0.01}), a_snapshot("two", settings={"batch_size": 64})
    assert differing([one, two]) == ["batch_size", "lr"]
    table = cells(differences_html([one, two]))
    assert table["What differs"] == ["one", "two"]
    assert (table["Batch size"], table["Learning rate"]) == (["4", "64"], ["0.01", "0.001"])
    assert "Epochs" not in table and "Settings" not in table


def test_runs_with_the_same_settings_are_said_to_be_the_same() -> None:
    table = cells(differences_html([a_snapshot("one"), a_snapshot("two")]))
    assert table["Settings"] == ["the same", "the same"]


def test_a_change_in_the_middle_of_a_run_differs_from_one_made_elsewhere() -> None:
    early = a_snapshot("early", changes=(Changed(500, 2000, "lr", 0.01, 200),))
    late = a_snapshot("late", changes=(Changed(1500, 6000, "lr", 0.01, 200),))
    assert setting_words(early, "lr") == "0.001 → 0.01 after step 500"
    assert setting_words(late, "lr") == "0.001 → 0.01 after step 1,500"
    assert differing([early, late]) == ["lr"]
    assert unlike_tutorial(early) == "learning rate 0.001 → 0.01 after step 500"


def test_epochs_added_later_are_told() -> None:
    on = a_snapshot(settings={"epochs": 5}, changes=(Changed(200, 800, "epochs", 5, 500),))
    assert setting_words(on, "epochs") == "5, trained on after step 200"


def test_a_setting_that_nothing_reads_does_not_differ() -> None:
    plain, other = a_snapshot(settings={"patience": 5}), a_snapshot(settings={"patience": 9})
    assert differing([plain, other]) == []
    patient = a_snapshot(settings={"patience": 9, "stop_rule": "patience"})
    assert differing([plain, patient]) == ["stop_rule", "patience"]
    assert (setting_words(plain, "patience"), setting_words(patient, "patience")) == ("–", "9")


def test_how_often_a_line_is_logged_is_no_difference() -> None:
    assert differing([a_snapshot(), a_snapshot(settings={"report_every": 5})]) == []


def test_the_list_names_what_is_unlike_the_tutorial() -> None:
    assert unlike_tutorial(a_snapshot()).startswith("nothing")
    told = unlike_tutorial(a_snapshot(settings={"lr": 0.01, "augment": "flip_shift"}))
    assert told == "learning rate 0.01 · augmentation flip shift"
    table = cells(list_html([a_snapshot("mine", settings={"seed": 3}, busy=65.0, state="failed")]))
    assert table["mine"] == ["seed 3", "–", "1 min 05 s", "Failed"]


def test_the_accuracy_is_that_of_all_test_images_or_says_that_it_is_not() -> None:
    tested = TestResult(40, 45, 120, (), ())
    assert accuracy_words(a_snapshot(state="done", step=40, result=tested, accuracy=0.375)) == "37.5\xa0%"
    assert accuracy_words(a_snapshot(state="running", step=40, accuracy=0.5)) == "50.0\xa0% so far"
    assert accuracy_words(a_snapshot(state="running", step=90, result=tested, accuracy=0.5)) == "50.0\xa0% so far"
    assert accuracy_words(a_snapshot(state="diverged", step=90, result=tested, accuracy=0.5)) == "–"
    assert accuracy_words(a_snapshot()) == "–"


def test_another_data_set_is_a_difference_too(tiny: Splits) -> None:
    table = cells(differences_html([a_snapshot("one", data=str(tiny.folder)), a_snapshot("two")]))
    assert table["Data"][0].startswith(tiny.info.name)
    assert table["Data"][1] == "no longer on this server"


def test_the_loss_is_averaged_over_the_last_twentieth_of_the_run() -> None:
    # 4 epochs of 400 images: a twentieth is 80 images, two points further back than the newest
    curve = smoothed(a_snapshot(losses=(4.0, 2.0, 3.0, 1.0), settings={"epochs": 4}))
    assert curve == [(0.1, 4.0), (0.2, 3.0), (pytest.approx(0.3), 3.0), (0.4, 2.0)]


def test_names_are_shown_as_they_are_and_never_run() -> None:
    evil, other = a_snapshot(EVIL, losses=(2.0, 1.0)), a_snapshot("other", losses=(2.0, 1.0))
    for shown in (list_html([evil]), comparison_html([evil, other])):
        assert "<img" not in shown
        assert "&lt;img src=x onerror=alert(1)&gt; &amp;" in shown


def test_the_drawing_has_both_curves_a_legend_and_its_numbers_in_words() -> None:
    probes = (Validated(20, 100, 20, 100), Validated(40, 200, 45, 100))
    one = a_snapshot("run one", losses=(2.0, 1.5), probes=probes)
    drawn = compare_curves([curve_of(one), curve_of(a_snapshot("second"))])
    for name in ("run one", "second"):
        assert f"</i>{name}</li>" in drawn
    assert "run one 1.750 after 0.2 epochs; second has none yet" in drawn
    assert "run one 45.0% after 0.5 epochs; second has none yet" in drawn
    colours = re.findall(r"solid (#\w{6})", drawn)
    assert len(set(colours)) == 2
    pictures = re.findall(r"<svg.*?</svg>", drawn, re.DOTALL)
    assert len(pictures) == 2 and all(colours[0] in picture for picture in pictures)
    assert "currentColor" in pictures[0] and "#010203" not in drawn and "<style" not in drawn
    for picture in pictures:
        ElementTree.fromstring(picture.replace("xlink:href", "href"))


def test_as_many_lines_as_allowed_look_different() -> None:
    line = ((0.1, 2.0), (0.2, 1.0))
    drawn = compare_curves([Curve(f"run {number}", line, ()) for number in range(MOST_CURVES)])
    looks = re.findall(r"border-top: 3px ([^\"]*)", drawn)
    assert len(set(looks)) == len(looks) == MOST_CURVES


def test_one_diverging_run_does_not_flatten_the_others() -> None:
    tame = Curve("tame", ((0.1, 2.3), (0.2, 1.2)), ())
    drawn = compare_curves([tame, Curve("wild", ((0.1, 2.3), (0.2, 5e6)), ())])
    heights = re.findall(r"<text[^>]*>([^<]*)</text>", drawn.split("</svg>")[0].split("epochs</text>")[1])
    assert heights[-1] == "4.0" and 1 <= float(heights[0]) <= 1.5
    assert "wild 5000000.000" in drawn


def test_a_long_curve_is_drawn_with_few_points_and_its_last() -> None:
    long = Curve("long", tuple((at / 50, 2.0 + at % 7) for at in range(10_001)), ())
    drawn = compare_curves([long])
    assert len(drawn) < 50_000
    assert f"long {2 + 10_000 % 7}.000 after 200 epochs" in drawn


def test_two_drawings_at_once_are_what_they_are_alone() -> None:
    curve = Curve("a", ((0.1, 2.3), (0.2, 1.2)), ((0.1, 0.1),))

    def draw() -> set[str]:
        drawn = (compare_curves([curve]), class_counts(["plane"], [3]))
        # the names of clip paths are hashes of the layout, which may differ in a last digit
        return {re.sub(r"p[0-9a-f]{10}", "clip", one) for one in drawn}

    alone, seen = draw(), []
    threads = [threading.Thread(target=lambda: seen.append(draw())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [alone] * 8


def test_without_runs_stands_a_sentence() -> None:
    assert NO_RUNS in list_html([])
    assert TICK in comparison_html([])
    assert TICK in comparison_html([a_snapshot(losses=(2.0,))])


def test_only_own_runs_that_are_still_there_are_compared(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, device="cpu")
    mine, other = (service.start(owner, TrainConfig(), tiny) for owner in (ANN, BOB))
    assert [found.run.id for found in snapshots_of(service, ANN, [mine.id])] == [mine.id]
    with pytest.raises(RunError, match="Only the one who started"):
        snapshots_of(service, ANN, [mine.id, other.id])
    with pytest.raises(RunError, match="no such run"):
        snapshots_of(service, ANN, ["gone"])
    with pytest.raises(RunError, match=f"at most {MOST_CURVES} runs"):
        snapshots_of(service, ANN, [mine.id] * (MOST_CURVES + 1))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("run ab12", "run-ab12"),
        ("My best: lr=0.01!", "run-my-best-lr-0-01"),
        ("../../etc/passwd", "run-etc-passwd"),
        ("学习率", "run-unnamed"),
        ("run", "run-run"),
    ],
)
def test_any_name_becomes_a_plain_file_name(name: str, file: str) -> None:
    assert slug(name) == file
