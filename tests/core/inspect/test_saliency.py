"""Saliency: the gradient of one logit, by hand and by autograd; SmoothGrad; and a Net that is left alone."""

from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.data import Splits
from cifar_core.errors import ImageError, NetError, WeightsError
from cifar_core.inspect.saliency import Saliency, saliency, smooth_saliency
from cifar_core.net import Net, new_net
from cifar_core.pixels import normalize


def hand_made() -> Net:
    """Logit 3 is 10 * (2 r - 5 g + b) + 40 * (pixel to its right: 2 r - 5 g + b) of one pixel, if that is positive.

    Everything else is zero: the first kernel looks at its upper left pixel only, and each layer hands on one number.
    """
    net = new_net(0)
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        net.conv1.weight[0, :, 0, 0] = torch.tensor([2.0, -5.0, 1.0])
        net.conv2.weight[0, 0, 0, 0] = 1
        net.conv2.weight[0, 0, 0, 1] = 4  # the next pooled place: two pixels further right
        net.fc1.weight[0, 0] = 10
        net.fc2.weight[0, 0] = 1
        net.fc3.weight[3, 0] = 1
        net.fc3.weight[4, 0] = -0.5
    return net


def dot_at(row: int, column: int, *others: tuple[int, int]) -> np.ndarray:
    """Green, but for single magenta pixels, which alone make the hand-made Net's first kernel positive."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :, 1] = 255
    for place in ((row, column), *others):
        image[place] = 255, 0, 255
    return image


def test_the_map_is_the_gradient_that_can_be_worked_out_by_hand() -> None:
    found = saliency(hand_made(), dot_at(1, 0, (0, 3)), 3)
    expected = np.zeros((32, 32), np.float32)
    expected[1, 0] = 10 * 1 * 5  # of |2|, |-5| and |1| the largest counts
    expected[0, 3] = 10 * 4 * 5
    assert found.maximum == 200
    assert found.map.dtype == np.float32 and np.array_equal(found.map, expected / 200)


def test_each_class_has_a_map_of_its_own() -> None:
    image = dot_at(1, 0, (0, 3))
    assert saliency(hand_made(), image, 4).maximum == 100  # minus one half of class 3
    nothing = saliency(hand_made(), image, 5)
    assert nothing.maximum == 0 and not nothing.map.any()


def by_autograd(net: Net, image: np.ndarray, label: int) -> np.ndarray:
    inputs = normalize(torch.from_numpy(image[None])).requires_grad_()
    net(inputs)[0, label].backward()
    assert inputs.grad is not None
    net.zero_grad()
    return inputs.grad[0].abs().amax(0).numpy()


def test_a_trained_nets_map_is_what_autograd_gives(trained: Net, tiny: Splits) -> None:
    for label in (0, 7):
        found, expected = (
            saliency(trained, tiny.test.images[2], label),
            by_autograd(trained, tiny.test.images[2], label),
        )
        assert found.map.shape == (32, 32) and found.map.min() >= 0 and found.map.max() == 1
        assert found.maximum == pytest.approx(expected.max())
        assert np.allclose(found.map * found.maximum, expected, rtol=1e-4, atol=1e-7)


def test_the_gradient_says_how_much_the_score_moves_with_one_pixel(trained: Net, tiny: Splits) -> None:
    inputs = normalize(torch.from_numpy(tiny.test.images[2:3])).double()
    found = saliency(trained, tiny.test.images[2], 7)
    row, column = np.unravel_index(found.map.argmax(), (32, 32))
    net = new_net(0).double()
    net.load_state_dict(trained.state_dict())
    slopes = []
    for channel in range(3):
        step = torch.zeros_like(inputs)
        step[0, channel, row, column] = 1e-6
        with torch.no_grad():
            slopes.append(abs(float((net(inputs + step) - net(inputs - step))[0, 7]) / 2e-6))
    assert max(slopes) == pytest.approx(found.maximum, rel=1e-3)


def test_smoothed_without_noise_it_is_the_plain_gradient(trained: Net, tiny: Splits) -> None:
    plain, smooth = (
        saliency(trained, tiny.test.images[2], 7),
        smooth_saliency(trained, tiny.test.images[2], 7, noise=0),
    )
    assert smooth.maximum == pytest.approx(plain.maximum, rel=1e-5)
    assert np.allclose(smooth.map, plain.map, atol=1e-5)


def test_smoothgrad_is_the_size_of_the_mean_gradient_over_noisy_copies(trained: Net, tiny: Splits) -> None:
    image = tiny.test.images[2]
    found = smooth_saliency(trained, image, 7, samples=4, noise=0.1, seed=5)
    clean = normalize(torch.from_numpy(image[None]))
    sigma = 0.1 * (clean.max() - clean.min())  # a tenth of this image's own range
    noise = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    gradients = []
    for one in noise:
        inputs = (clean + sigma * one).requires_grad_()
        trained(inputs)[0, 7].backward()
        gradients.append(inputs.grad)
    trained.zero_grad()
    expected = torch.stack(gradients).mean(0)[0].abs().amax(0)
    assert found.maximum == pytest.approx(float(expected.max()), rel=1e-4)
    assert np.allclose(found.map * found.maximum, expected.numpy(), rtol=1e-3, atol=1e-6)
    assert found.map.max() == 1


def test_the_same_seed_gives_the_same_map_and_another_one_another(trained: Net, tiny: Splits) -> None:
    first, second, other = (smooth_saliency(trained, tiny.test.images[2], 7, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.map, second.map) and first.maximum == second.maximum
    assert not np.array_equal(first.map, other.map)


def test_smoothgrad_leaves_everybodys_random_numbers_as_they_were(trained: Net, tiny: Splits) -> None:
    state = torch.get_rng_state()
    smooth_saliency(trained, tiny.test.images[0], 1)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("made", [saliency, smooth_saliency])
@pytest.mark.parametrize("training", [True, False])
def test_nothing_of_the_net_is_changed(tiny: Splits, made: Any, training: bool) -> None:
    net = new_net(0).train(training)
    net.fc1.weight.requires_grad_(False)
    net.fc3.weight.grad = torch.ones(10, 84)
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    with torch.no_grad():  # whoever calls may have switched gradients off
        made(net, tiny.test.images[0], 0)
    assert net.training is training
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())
    for name, weight in net.named_parameters():
        assert weight.requires_grad is (name != "fc1.weight")
        assert (weight.grad is None) is (name != "fc3.weight")
    assert torch.equal(net.fc3.weight.grad, torch.ones(10, 84))


@pytest.mark.parametrize("made", [saliency, smooth_saliency])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["conv1.weight", "conv1.bias", "fc3.bias"])
def test_weights_that_are_no_numbers_are_one_sentence(tiny: Splits, made: Any, bad: float, name: str) -> None:
    net = new_net(0)
    with torch.no_grad():
        dict(net.named_parameters())[name].fill_(bad)
    with pytest.raises(WeightsError, match="not finite numbers.*smaller learning rate"):
        made(net, tiny.test.images[0], 0)


def test_a_gradient_too_large_for_a_number_is_the_same_sentence() -> None:
    net = hand_made()
    with torch.no_grad():
        net.fc1.weight[0, 0] = 1e-30  # a tiny number forward, so that the logit stays finite
        net.fc2.weight[0, 0] = net.fc3.weight[3, 0] = 1e20  # 1e40 on the way back
        assert torch.isfinite(net(normalize(torch.from_numpy(dot_at(1, 0)[None])))).all()
    with pytest.raises(WeightsError, match="not finite numbers"):
        saliency(net, dot_at(1, 0), 3)


@pytest.mark.parametrize(
    ("made", "label"), [*((saliency, label) for label in (10, -1, 1.0, True, "3", None)), (smooth_saliency, 10)]
)
def test_a_class_that_is_not_there_is_one_sentence(trained: Net, tiny: Splits, made: Any, label: Any) -> None:
    with pytest.raises(NetError) as caught:
        made(trained, tiny.test.images[0], label)
    assert str(caught.value) == f"The Net has no class {label!r}; they go from 0 to 9."


@pytest.mark.parametrize("made", [saliency, smooth_saliency])
def test_another_array_than_an_image_is_refused(trained: Net, made: Any) -> None:
    with pytest.raises(ImageError, match="The Net sees images of uint8"):
        made(trained, np.zeros((3, 32, 32), np.uint8), 0)


def test_a_image_of_one_colour_has_no_range_to_disturb(trained: Net) -> None:
    grey = np.full((32, 32, 3), 128, np.uint8)
    smooth: Saliency = smooth_saliency(trained, grey, 2)
    assert np.allclose(smooth.map, saliency(trained, grey, 2).map, atol=1e-5)
