"""One unit of a convolution: its sum is the map's value, and it sees what its receptive field says."""

from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.data import Splits
from cifar_core.errors import ImageError, NetError
from cifar_core.inspect.stages import inspect_image
from cifar_core.inspect.unit import ReceptiveField, unit
from cifar_core.net import Net, new_net

PLACES = [
    ("conv1", 0, 0, 0),
    ("conv1", 5, 27, 27),
    ("conv1", 3, 4, 19),
    ("conv2", 0, 0, 0),
    ("conv2", 15, 9, 9),
    ("conv2", 7, 2, 8),
]


@pytest.mark.parametrize("place", PLACES)
def test_the_products_add_up_to_the_maps_value(trained: Net, tiny: Splits, place: tuple[str, int, int, int]) -> None:
    layer, channel, row, column = place
    for image in tiny.test.images[:4]:
        look, found = inspect_image(trained, image), unit(trained, image, *place)
        stages = {stage.name: stage.values for stage in look.stages}
        below, kept = (stages["input"], look.pool1_mask) if layer == "conv1" else (stages["pool1"], look.pool2_mask)
        weight, bias = trained.state_dict()[f"{layer}.weight"], trained.state_dict()[f"{layer}.bias"]
        assert np.array_equal(found.kernel, weight[channel].numpy()) and found.bias == bias[channel]
        assert np.array_equal(found.patch, below[:, row : row + 5, column : column + 5])
        assert found.patch.shape == found.kernel.shape == (len(below), 5, 5)
        assert np.array_equal(found.products, found.patch * found.kernel)
        assert found.sums == pytest.approx(np.array([products.sum() for products in found.products]))
        assert found.total == pytest.approx(found.sums.sum() + found.bias, abs=1e-6)
        assert found.total == pytest.approx(stages[layer][channel, row, column], abs=1e-5)
        assert found.activation == pytest.approx(stages[f"relu{layer[-1]}"][channel, row, column], abs=1e-5)
        assert found.selected is bool(kept[channel, row, column])


def test_a_negative_total_is_0_after_relu_and_a_positive_one_is_itself(trained: Net, tiny: Splits) -> None:
    units = [unit(trained, tiny.test.images[0], "conv1", channel, 9, 9) for channel in range(6)]
    assert {found.total > 0 for found in units} == {True, False}
    assert all(found.activation == (found.total if found.total > 0 else 0) for found in units)


def test_the_pool_keeps_one_unit_of_each_square(trained: Net, tiny: Splits) -> None:
    square = [unit(trained, tiny.test.images[0], "conv2", 4, row, column) for row in (6, 7) for column in (2, 3)]
    assert [found.selected for found in square].count(True) == 1
    largest = max(square, key=lambda found: found.activation)
    assert largest.activation > 0 and largest.selected


def seen_by(layer: str, row: int, column: int) -> ReceptiveField:
    """What of 20 random images changes a unit's value, by the gradients through the real layers."""
    net = new_net(0)
    with torch.no_grad():
        for name in ("conv1", "conv2"):
            getattr(net, name).weight.abs_()
            getattr(net, name).bias.fill_(1)  # no unit is silent
    images = torch.rand(20, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    maps = net.conv1(images)
    if layer == "conv2":
        maps = net.conv2(net.pool(torch.relu(maps)))
    (gradient,) = torch.autograd.grad(maps[:, 0, row, column].sum(), images)
    rows, columns = gradient.abs().amax((0, 1)).nonzero().T
    assert rows.max() - rows.min() == columns.max() - columns.min()
    return ReceptiveField(int(rows.min()), int(columns.min()), int(rows.max() - rows.min()) + 1)


@pytest.mark.parametrize("place", PLACES)
def test_the_receptive_field_is_where_a_pixel_makes_a_difference(
    trained: Net, tiny: Splits, place: tuple[str, int, int, int]
) -> None:
    layer, _, row, column = place
    field = unit(trained, tiny.test.images[0], *place).receptive_field
    assert field == seen_by(layer, row, column)
    assert field.side == {"conv1": 5, "conv2": 14}[layer] and field.top + field.side <= 32


@pytest.mark.parametrize(
    ("layer", "channel", "row", "column", "sentence"),
    [
        ("fc1", 0, 0, 0, "no convolution 'fc1'; choose conv1 or conv2"),
        (None, 0, 0, 0, "no convolution None"),
        ("conv1", 6, 0, 0, "no channel 6 in conv1; they go from 0 to 5"),
        ("conv2", -1, 0, 0, "no channel -1 in conv2; they go from 0 to 15"),
        ("conv1", 0, 28, 0, "no row 28 in conv1; they go from 0 to 27"),
        ("conv2", 0, 0, 10, "no column 10 in conv2; they go from 0 to 9"),
        ("conv1", 0, 1.0, 0, "no row 1.0"),
        ("conv1", True, 0, 0, "no channel True"),
        ("conv1", 0, "3", 0, "no row '3'"),
        ("conv1", 0, 0, None, "no column None"),
    ],
)
def test_a_unit_that_is_not_there_is_one_sentence(
    trained: Net, tiny: Splits, layer: Any, channel: Any, row: Any, column: Any, sentence: str
) -> None:
    with pytest.raises(NetError) as caught:
        unit(trained, tiny.test.images[0], layer, channel, row, column)
    assert sentence in str(caught.value) and str(caught.value).endswith(".")


def test_another_array_than_an_image_has_no_units(trained: Net) -> None:
    with pytest.raises(ImageError, match="The Net sees images of uint8"):
        unit(trained, np.zeros((3, 32, 32), np.uint8), "conv1", 0, 0, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_give_a_unit_that_is_none(tiny: Splits, bad: float) -> None:
    net = new_net(0)
    with torch.no_grad():
        net.conv1.weight.fill_(bad)
    found = unit(net, tiny.test.images[0], "conv2", 0, 0, 0)
    assert np.isnan(found.total) and np.isnan(found.activation) and np.isfinite(found.kernel).all()
    first = unit(net, tiny.test.images[0], "conv1", 0, 0, 0)
    assert not np.isfinite(first.total) and not np.isfinite(first.sums).any()


def test_a_unit_keeps_its_kernel_when_the_net_trains_on(tiny: Splits) -> None:
    net = new_net(0)
    found = unit(net, tiny.test.images[0], "conv1", 2, 0, 0)
    with torch.no_grad():
        net.conv1.weight.add_(1)
    assert np.array_equal(found.kernel, new_net(0).conv1.weight[2].detach().numpy())
