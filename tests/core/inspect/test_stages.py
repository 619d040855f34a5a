"""Looking inside: every stage is what the Net itself computes, and the Net is left alone."""

import inspect
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.errors import ImageError, NetError, WeightsError
from cifar_core.inspect.filters import filter_tiles, first_filters
from cifar_core.inspect.stages import Inspection, inspect_image
from cifar_core.net import PARAMETERS, Net, new_net
from cifar_core.pixels import normalize
from cifar_core.predict import predict
from tests.helpers import tutorial

SHAPES = {
    "input": (3, 32, 32),
    "conv1": (6, 28, 28),
    "relu1": (6, 28, 28),
    "pool1": (6, 14, 14),
    "conv2": (16, 10, 10),
    "relu2": (16, 10, 10),
    "pool2": (16, 5, 5),
    "flatten": (400,),
    "fc1": (120,),
    "fc2": (84,),
    "logits": (10,),
    "probabilities": (10,),
}


@pytest.fixture(scope="module")
def look(trained: Net, tiny: Splits) -> Inspection:
    return inspect_image(trained, tiny.test.images[0])


def test_the_stages_have_their_order_shape_and_type(look: Inspection) -> None:
    assert [(stage.name, stage.shape) for stage in look.stages] == list(SHAPES.items())
    assert all(stage.values.dtype == np.float32 for stage in look.stages)
    assert look.finite


def test_the_input_is_what_the_tutorials_transform_makes(look: Inspection, tiny: Splits) -> None:
    expected = tutorial.transform(Image.fromarray(tiny.test.images[0]))
    assert np.array_equal(look.stage("input").values, expected.numpy())
    assert np.array_equal(look.pixels, tiny.test.images[0])


def test_the_logits_are_the_nets_own_to_the_last_bit(trained: Net, tiny: Splits) -> None:
    for image in tiny.test.images[:5]:
        with torch.no_grad():
            logits = trained(normalize(torch.from_numpy(image[None])))[0]
        assert np.array_equal(inspect_image(trained, image).stage("logits").values, logits.numpy())


def test_each_stage_is_what_a_hook_on_the_nets_own_layer_sees(trained: Net, look: Inspection, tiny: Splits) -> None:
    seen: list[tuple[Tensor, Tensor]] = []
    handles = [
        layer.register_forward_hook(lambda layer, given, output: seen.append((given[0][0], output[0])))
        for layer in trained.children()
    ]
    with torch.no_grad():
        trained(normalize(torch.from_numpy(tiny.test.images[:1])))
    for handle in handles:
        handle.remove()
    expected = {
        "input": seen[0][0],
        "conv1": seen[0][1],
        "relu1": seen[1][0],
        "pool1": seen[1][1],
        "conv2": seen[2][1],
        "relu2": seen[3][0],
        "pool2": seen[3][1],
        "flatten": seen[4][0],
        "fc1": seen[5][0],
        "fc2": seen[6][0],
        "logits": seen[6][1],
    }
    for name, values in expected.items():
        assert np.array_equal(look.stage(name).values, values.numpy()), name


def test_each_stages_code_stands_in_forward_and_makes_its_values(trained: Net, look: Inspection) -> None:
    source = inspect.getsource(Net.forward)
    x = torch.from_numpy(look.stage("input").values)[None]
    for stage in look.stages[1:-1]:
        assert stage.code in source
        with torch.no_grad():
            made = eval(stage.code, {"self": trained, "F": F, "x": x})
        assert np.array_equal(made[0].numpy(), stage.values), stage.name
        if f"x = {stage.code}  #" in source:  # a whole line: the next one starts from what it made
            x = made
    assert np.allclose(torch.softmax(made, 1)[0].numpy(), look.stage("probabilities").values)


def test_relu_and_pool_do_what_their_names_say(look: Inspection) -> None:
    for number in "12":
        maps = look.stage(f"conv{number}").values
        assert (maps < 0).any() and np.array_equal(look.stage(f"relu{number}").values, maps.clip(min=0))
        channels, side, _ = maps.shape
        squares = maps.clip(min=0).reshape(channels, side // 2, 2, side // 2, 2)
        assert np.array_equal(look.stage(f"pool{number}").values, squares.max(axis=(2, 4)))


def test_the_probabilities_are_those_of_classify(trained: Net, look: Inspection, tiny: Splits) -> None:
    for classes in (CLASSES, ("cat", "dog", "owl")):
        found = inspect_image(trained, tiny.test.images[0], len(classes)).stage("probabilities").values
        expected = [score.probability for score in predict(trained, tiny.test.images[0], classes).scores]
        assert np.array_equal(found, np.array(expected, np.float32))
    assert look.stage("probabilities").values.sum() == pytest.approx(1)


def test_the_parameters_of_all_stages_are_those_of_the_nets_table(look: Inspection) -> None:
    learned = {stage.name: stage.layer.arithmetic for stage in look.stages if stage.layer}
    assert learned == {
        "conv1": "6×3×5×5 + 6 = 456",
        "conv2": "16×6×5×5 + 16 = 2,416",
        "fc1": "120×400 + 120 = 48,120",
        "fc2": "84×120 + 84 = 10,164",
        "logits": "10×84 + 10 = 850",
    }
    assert sum(stage.layer.parameters for stage in look.stages if stage.layer) == PARAMETERS


def squares(maps: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (C, H/2, W/2, 4): each 2x2 square as one reads it."""
    channels, height, width = maps.shape
    parts = maps.reshape(channels, height // 2, 2, width // 2, 2)
    return parts.swapaxes(2, 3).reshape(channels, height // 2, width // 2, 4)


def test_each_pool_keeps_one_of_four_and_the_largest_of_them(look: Inspection) -> None:
    for kept, number in ((look.pool1_mask, 1), (look.pool2_mask, 2)):
        relu, pool = look.stage(f"relu{number}").values, look.stage(f"pool{number}").values
        assert kept.dtype == np.bool_ and kept.shape == relu.shape
        assert (squares(kept).sum(axis=3) == 1).all()
        assert np.array_equal(squares(relu)[squares(kept)].reshape(pool.shape), pool)


def test_of_equal_values_the_pool_keeps_the_one_whose_gradient_torch_lets_pass(trained: Net, look: Inspection) -> None:
    relu = torch.from_numpy(look.stage("relu1").values)[None].requires_grad_()
    trained.pool(relu).sum().backward()
    assert relu.grad is not None and np.array_equal(look.pool1_mask, relu.grad[0].numpy() == 1)
    emptied = squares(look.stage("relu1").values).max(axis=3) == 0
    assert emptied.any() and squares(look.pool1_mask)[emptied][:, 0].all()  # the upper left zero


@pytest.mark.parametrize("training", [True, False])
def test_a_look_changes_nothing_of_the_net(trained: Net, tiny: Splits, training: bool) -> None:
    net = new_net(0).train(training)
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    inspect_image(net, tiny.test.images[0])
    assert net.training is training and all(layer.training is training for layer in net.children())
    assert not any(layer._forward_hooks for layer in net.children())
    assert all(weight.requires_grad and weight.grad is None for weight in net.parameters())
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())


def test_what_others_ask_the_same_net_meanwhile_does_not_mix_in(tiny: Splits) -> None:
    net = new_net(0)
    busy: list[bool] = []
    expected = inspect_image(net, tiny.test.images[0])

    def ask_something_else(layer: nn.Module, given: Any, output: Tensor) -> None:
        if not busy:
            busy.append(True)
            net(normalize(torch.from_numpy(tiny.test.images[1:2])))

    net.fc1.register_forward_hook(ask_something_else)
    found = inspect_image(net, tiny.test.images[0])
    assert busy
    for stage in found.stages:
        assert np.array_equal(stage.values, expected.stage(stage.name).values), stage.name


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_shown_as_they_are(tiny: Splits, bad: float) -> None:
    net = new_net(0)
    with torch.no_grad():
        net.conv1.bias[2] = bad  # type: ignore[index]
    look = inspect_image(net, tiny.test.images[0])
    assert not look.finite
    assert np.isfinite(look.stage("input").values).all() and not np.isfinite(look.stage("conv1").values[2]).any()
    assert np.isnan(look.stage("probabilities").values).all()
    assert (squares(look.pool1_mask).sum(axis=3) == 1).all() and (squares(look.pool2_mask).sum(axis=3) == 1).all()


def test_one_number_that_is_none_is_enough_to_say_so(tiny: Splits) -> None:
    net = new_net(0)
    with torch.no_grad():
        net.fc3.bias[3] = -np.inf
    look = inspect_image(net, tiny.test.images[0])
    assert np.isfinite(look.stage("probabilities").values).all() and not look.finite


def test_another_array_than_a_image_is_refused_as_in_classify(trained: Net) -> None:
    for image in (np.zeros((3, 32, 32), np.uint8), np.zeros((32, 32, 3), np.float32), np.zeros((32, 32), np.uint8)):
        with pytest.raises(ImageError) as caught:
            inspect_image(trained, image)
        with pytest.raises(ImageError) as classifys:
            predict(trained, image, CLASSES)
        assert str(caught.value) == str(classifys.value)


def test_a_stage_that_is_not_there_is_one_sentence_with_those_that_are(look: Inspection) -> None:
    with pytest.raises(NetError, match="no stage 'conv3'; choose one of input, conv1, .*probabilities"):
        look.stage("conv3")


def test_a_filters_tile_has_its_weights_around_grey_on_one_scale() -> None:
    weights = np.zeros((2, 3, 5, 5), np.float32)
    weights[0, :, 1, 2] = 0.5, -0.5, 0.25  # red up, green down, blue half up
    weights[1, 0, 4, 0] = 0.125
    tiles = filter_tiles(weights)
    assert tiles.dtype == np.uint8 and tiles.shape == (2, 5, 5, 3)
    assert tiles[0, 1, 2].tolist() == [255, 1, 192]  # 128 + 127, 128 - 127, 128 + 63.5 rounded to even
    assert tiles[1, 4, 0].tolist() == [160, 128, 128]  # 128 + 31.75: on the scale of the first filter
    assert (tiles == 128).sum() == 2 * 75 - 4


def test_a_filter_and_its_negative_are_equally_far_from_grey() -> None:
    weights = new_net(0).conv1.weight.detach().numpy()
    tiles, negatives = filter_tiles(weights).astype(int), filter_tiles(-weights).astype(int)
    assert np.abs(tiles + negatives - 256).max() == 0 and np.abs(tiles - 128).max() == 127


def test_weights_of_zero_are_all_grey() -> None:
    assert (filter_tiles(np.zeros((6, 3, 5, 5), np.float32)) == 128).all()


def test_filter_weights_that_are_no_numbers_are_grey_and_leave_the_others_scale() -> None:
    weights = new_net(0).conv1.weight.detach().numpy().copy()
    expected = filter_tiles(weights)
    weak = np.unravel_index(np.abs(weights).argmin(), weights.shape)
    for bad in (np.nan, np.inf, -np.inf):
        weights[weak] = bad
        tiles = filter_tiles(weights)
        number, channel, row, column = weak
        assert tiles[number, row, column, channel] == 128
        tiles[number, row, column, channel] = expected[number, row, column, channel]
        assert np.array_equal(tiles, expected)
    assert (filter_tiles(np.full((6, 3, 5, 5), np.nan)) == 128).all()


def test_filters_of_another_shape_have_no_colours() -> None:
    with pytest.raises(WeightsError, match=r"shape \(N, 3, 5, 5\), not \(16, 6, 5, 5\)"):
        filter_tiles(new_net(0).conv2.weight.detach().numpy())
    with pytest.raises(WeightsError, match=r"not \(3, 5, 5\)"):
        filter_tiles(first_filters(new_net(0))[0])


def test_the_first_filters_are_the_nets_own_and_do_not_change_with_it() -> None:
    net = new_net(0)
    filters = first_filters(net)
    assert filters.shape == (6, 3, 5, 5) and np.array_equal(filters, net.conv1.weight.detach().numpy())
    with torch.no_grad():
        net.conv1.weight.add_(1)
    assert np.array_equal(filters, new_net(0).conv1.weight.detach().numpy())
