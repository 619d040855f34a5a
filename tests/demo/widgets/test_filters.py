"""The strip of first-layer filters: its own pixels, one scale, and words for who cannot see it."""

import numpy as np
import pytest

from cifar_core.inspect.filters import filter_tiles, largest_weight
from demo.widgets.filters import filter_strip
from demo.widgets.templates import render
from tests.helpers.markup import images_in

WEIGHTS = np.linspace(-1, 0.5, 450).reshape(6, 3, 5, 5).astype(np.float32)


def test_a_strip_has_the_filters_own_colours() -> None:
    images = [next(images_in(tile.src)) for tile in filter_strip(WEIGHTS).tiles]
    assert np.array_equal(images, filter_tiles(WEIGHTS))


def test_strips_with_a_common_scale_give_a_weight_the_same_colour() -> None:
    weak, strong = WEIGHTS / 4, WEIGHTS
    largest = largest_weight(weak, strong)
    assert largest == 1
    (image,) = images_in(filter_strip(weak, largest).tiles[0].src)
    assert np.array_equal(image, filter_tiles(np.concatenate([weak, strong]))[0])
    assert filter_strip(weak).largest == pytest.approx(0.25)


def test_each_tile_says_its_number_and_its_lowest_and_highest_weight() -> None:
    labels = [tile.label for tile in filter_strip(WEIGHTS).tiles]
    assert len(labels) == 6 and labels[0] == "Filter 0: weights from −1.00 to −0.75"
    assert labels[5].endswith("to 0.50")


def test_weights_that_are_not_finite_are_left_out() -> None:
    weights = WEIGHTS.copy()
    weights[0], weights[1, 0, 0, 0] = np.nan, np.inf
    strip = filter_strip(weights)
    assert strip.tiles[0].label == "Filter 0: no finite weights" and "inf" not in strip.tiles[1].label
    assert (next(images_in(strip.tiles[0].src)) == 128).all() and strip.largest == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("numbered", [True, False])
def test_the_macro_draws_six_tiles_under_one_name(numbered: bool) -> None:
    page = render("widgets/filters.html.j2", strip=filter_strip(WEIGHTS), label="The <six> filters", numbered=numbered)
    assert page.count("<img") == 6 and 'aria-label="The &lt;six&gt; filters"' in page
    assert page.count("<figcaption") == 6 * numbered
