"""One unit of a convolution: the numbers of its sum add up as printed, and to the Net's own."""

import re
from decimal import Decimal

import numpy as np
import pytest

from cifar_core.data import Splits
from cifar_core.inspect.stages import inspect_image
from cifar_core.inspect.unit import unit
from cifar_core.net import Net, new_net
from demo.tabs.inside.state import Place
from demo.tabs.inside.unit import unit_html
from tests.helpers.markup import images_in, text_of

PLACES = [("conv1", 0, 0, 0), ("conv1", 5, 27, 27), ("conv1", 3, 4, 19), ("conv2", 0, 0, 0), ("conv2", 15, 9, 9)]


def page_of(net: Net, image: np.ndarray, place: tuple[str, int, int, int]) -> str:
    return str(unit_html(unit(net, image, *place), image, Place(*place)))


def value_of(page: str, name: str = "value") -> Decimal:
    found = re.search(rf'class="{name}">([^<]+)<', page)
    assert found
    return Decimal(found[1].replace("−", "-"))


def channels_of(page: str) -> list[str]:
    return re.findall(r'<section class="channel".*?</section>', page, re.DOTALL)


def numbers(words: str) -> list[Decimal]:
    return [Decimal(number) for number in re.findall(r"-?\d+\.\d+", words)]


def test_an_inspection_that_is_given_is_not_made_again(trained: Net, tiny: Splits) -> None:
    image = tiny.test.images[0]
    inspection = inspect_image(trained, image)
    for place in PLACES:
        with_it, without = unit(trained, image, *place, inspection=inspection), unit(trained, image, *place)
        assert with_it.total == without.total and np.array_equal(with_it.products, without.products)


@pytest.mark.parametrize("place", PLACES)
def test_the_printed_numbers_of_a_unit_add_up_exactly_and_to_the_maps_value(
    trained: Net, tiny: Splits, place: tuple[str, int, int, int]
) -> None:
    layer, channel, row, column = place
    for image in tiny.test.images[:5]:
        page = page_of(trained, image, place)
        value = value_of(page)
        in_map = inspect_image(trained, image).stage(layer).values[channel, row, column]
        assert float(value) == pytest.approx(in_map, abs=0.00051)
        # the line with the sum: a term for each channel below and the bias, and what they give
        line = re.search(r'<p class="sum">(.*?)</p>', page, re.DOTALL)
        assert line
        *terms, total = numbers(text_of(line[1]).replace("- ", "-").replace("+ ", ""))
        assert len(terms) == {"conv1": 4, "conv2": 7}[layer]
        assert sum(terms) == total == value
        # and in each channel the 25 products give the term
        for term, part in zip(terms, channels_of(page), strict=False):
            tables = re.findall(r"<table.*?</table>", part, re.DOTALL)
            products = numbers(text_of(tables[2]))
            assert len(products) == 25 and sum(products) == term
            assert numbers(text_of(part.split("add up to")[1])) == [term]


def test_patch_and_kernel_are_printed_beside_their_products(trained: Net, tiny: Splits) -> None:
    image, place = tiny.test.images[1], ("conv2", 4, 3, 2)
    found, parts = unit(trained, image, *place), channels_of(page_of(trained, image, place))
    assert len(parts) == 6
    for at, part in enumerate(parts):
        for table, values in zip(re.findall(r"<table.*?</table>", part), (found.patch, found.kernel), strict=False):
            printed = [float(number) for number in re.findall(r">(-?\d\d?\.\d+)<", table.replace("−", "-"))]
            assert np.allclose(printed, values[at].ravel(), atol=0.0051)
        assert f"<b>map {at}</b>" in part


def test_each_printed_product_is_less_than_a_thousandth_off(trained: Net, tiny: Splits) -> None:
    image, place = tiny.test.images[2], ("conv1", 1, 5, 5)
    tables = [
        table for table in re.findall(r"<table.*?</table>", page_of(trained, image, place)) if "= product" in table
    ]
    printed = [float(number) for table in tables for number in re.findall(r">(-?\d\.\d{3})<", table.replace("−", "-"))]
    assert np.allclose(printed, unit(trained, image, *place).products.ravel(), atol=0.00101)


def test_a_negative_sum_becomes_0_after_relu(trained: Net, tiny: Splits) -> None:
    image = tiny.test.images[0]
    for channel in range(6):
        place = ("conv1", channel, 9, 9)
        found, page = unit(trained, image, *place), page_of(trained, image, place)
        assert value_of(page, "after") == max(value_of(page), 0)
        assert ("becomes 0" in page) is (found.total <= 0)
        assert ("The max-pool selects it" in page) is found.selected


@pytest.mark.parametrize(
    ("place", "frame"),
    [
        (("conv1", 0, 4, 19), "left:59.375%;top:12.5%;width:15.625%;height:15.625%"),
        (("conv2", 7, 9, 0), "left:0%;top:56.25%;width:43.75%;height:43.75%"),
    ],
)
def test_a_frame_shows_where_on_the_image_the_unit_looks(
    trained: Net, tiny: Splits, place: tuple[str, int, int, int], frame: str
) -> None:
    image = tiny.test.images[0]
    page, field = page_of(trained, image, place), unit(trained, image, *place).receptive_field
    assert frame in page
    whole, patch = images_in(page)
    assert np.array_equal(whole, image)
    assert np.array_equal(patch, image[field.top : field.top + field.side, field.left : field.left + field.side])
    bottom, right = field.top + field.side - 1, field.left + field.side - 1
    assert f"rows {field.top} to {bottom}, columns {field.left} to {right}" in page


def test_a_unit_that_is_not_finite_has_a_sentence(tiny: Splits) -> None:
    net = new_net(0)
    net.conv1.weight.data.fill_(float("nan"))
    assert "diverged" in page_of(net, tiny.test.images[0], ("conv1", 0, 0, 0))
