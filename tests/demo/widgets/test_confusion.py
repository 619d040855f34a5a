"""The confusion table of Judge and Over time: its numbers, their shades, and what is said to who cannot see them."""

import re
from pathlib import Path

import numpy as np
import pytest

from demo.widgets.confusion import SCALE, STEPS, confusion_table, shades
from demo.widgets.templates import DEMO, render
from tests.helpers.markup import buttons_in, text_of

CSS = (Path(DEMO) / "widgets/confusion.css").read_text()
CAT_AND_DOG = ("cat", "dog")


def matrix(counts: list[list[int]], classes: tuple[str, ...] = ("cat", "dog", "owl")) -> str:
    return render("tabs/judge/matrix.html.j2", table=confusion_table(np.array(counts), classes))


def test_each_number_is_a_button_that_says_what_it_counts() -> None:
    cells = buttons_in(matrix([[3, 1, 0], [0, 0, 2], [0, 0, 0]]))
    assert [number for _, number in cells] == list("310002000")
    names = [cell["aria-label"] for cell, _ in cells]
    assert names[:3] == [
        "3 of 4 images of class cat, correctly predicted as cat",
        "1 of 4 images of class cat, predicted as dog",
        "0 of 4 images of class cat, predicted as owl",
    ]
    assert names[8] == "0 of 0 images of class owl, correctly predicted as owl"
    assert [(cell["data-truth"], cell["data-predicted"]) for cell, _ in cells][:2] == [("cat", "cat"), ("cat", "dog")]
    assert [cell["tabindex"] for cell, _ in cells] == ["0"] + ["-1"] * 8


def test_a_stronger_colour_stands_for_a_larger_share_of_the_row() -> None:
    row = np.array([[0, 9, 10, 19, 20, 690, 252]])
    assert shades(row) == [[0, 0, 1, 1, 2, 6, 5]]
    assert shades(np.array([[1000, 0], [0, 0]])) == [[7, 0], [0, 0]]
    cells = buttons_in(matrix([[90, 10], [1, 99]], CAT_AND_DOG))
    assert [cell["class"] for cell, _ in cells] == [f"count shade-{shade}" for shade in (7, 4, 1, 7)]
    scale = text_of(matrix([[1, 0], [0, 1]], CAT_AND_DOG).split('"scale"')[1])
    assert [int(number) for number in re.findall(r"(\d+) %", scale)] == [
        round(100 * step) for step in (STEPS[0], *STEPS)
    ]
    assert len(SCALE) == len(STEPS) + 1


def test_long_names_stand_upright_and_short_ones_do_not() -> None:
    assert 'class="upright"' in matrix([[1, 0], [0, 1]], ("cat", "submarine"))
    assert 'class="upright"' not in matrix([[1, 0], [0, 1]], CAT_AND_DOG)


@pytest.mark.parametrize("mode", [":root", ".dark"])
def test_numbers_can_be_read_on_every_colour(mode: str) -> None:
    rule = re.search(rf"^{re.escape(mode)} {{(.*?)}}", CSS, re.MULTILINE | re.DOTALL)
    assert rule
    colours = dict(re.findall(r"--(\w+-\d): (#\w{6})", rule[1]))
    papers = [_luminance(colours[f"shade-{place}"]) for place in range(len(STEPS) + 1)]
    inks = [_luminance(colours[f"ink-{place}"]) for place in range(len(STEPS) + 1)]
    for paper, ink in zip(papers, inks, strict=True):
        light, dark = max(paper, ink), min(paper, ink)
        assert (light + 0.05) / (dark + 0.05) >= 4.5
    assert papers == sorted(papers, reverse=mode == ":root")  # away from the page's own colour, step by step


def _luminance(colour: str) -> float:
    """Return the relative luminance as in WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
