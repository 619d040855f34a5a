"""A grid of images: exact to the pixel."""

import re

import numpy as np
import pytest

from cifar_core.data import Splits
from demo.widgets.image_grid import grid_html
from tests.helpers.markup import grid_images, text_of


@pytest.mark.parametrize(("count", "columns"), [(1, 4), (3, 4), (4, 4), (7, 3), (36, 6), (100, 10), (99, 10), (5, 1)])
def test_each_cell_of_a_grid_shows_exactly_its_image(tiny: Splits, count: int, columns: int) -> None:
    images, captions = tiny.train.images[:count], [f"caption {place}" for place in range(count)]
    markup = grid_html(images, captions, range(300, 300 + count), columns=columns)
    assert np.array_equal(grid_images(markup), images)
    assert re.findall(r'data-index="(\d+)"', markup) == [str(300 + place) for place in range(count)]
    assert re.findall(r'class="caption">(.*?)<', markup) == captions == re.findall(r'aria-label="(.*?)"', markup)


def test_an_empty_grid_says_so(tiny: Splits) -> None:
    assert text_of(grid_html(tiny.train.images[:0], [], [], columns=4)) == "There is nothing to show."
