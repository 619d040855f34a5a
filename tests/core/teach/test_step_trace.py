"""One step, traced: its numbers are those of the real loop, and its arithmetic adds up."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import ConfigError
from cifar_core.mistakes import MISTAKES
from cifar_core.net import new_net
from cifar_core.pixels import normalize
from cifar_core.teach.step_trace import StepTrace, before_step, trace_step
from cifar_core.training.events import Progress, Reported
from cifar_core.training.loop import train

CONFIG = TrainConfig(epochs=2, batch_size=4, lr=0.01, seed=5)
MIXED = replace(CONFIG, weight_decay=0.01, label_smoothing=0.1, augment="flip_shift", schedule="one_cycle")


def look(
    tiny: Splits, number: int, config: TrainConfig = CONFIG, weight: str = "fc3.bias", place: int = 2
) -> StepTrace:
    images = tiny.train.first(50)
    return trace_step(config, images, before_step(config, images, number), weight, place)


@pytest.mark.parametrize("config", [CONFIG, MIXED], ids=["plain", "mixed"])
@pytest.mark.parametrize("number", [1, 2, 13, 14, 20])  # 13 is the last of the first epoch, with two images
def test_its_loss_is_the_loops_own(tiny: Splits, config: TrainConfig, number: int) -> None:
    wanted = []
    for event in train(new_net(5), tiny.train.first(50), replace(config, report_every=1)):
        if isinstance(event, Reported):
            wanted.append(event.loss)
    step = look(tiny, number, config)
    assert step.loss == wanted[number - 1]
    assert len(step.labels) == len(step.indices) == len(step.images) == (2 if number == 13 else 4)


def test_the_images_are_those_of_the_training_set_and_the_logits_the_nets(tiny: Splits) -> None:
    step = look(tiny, 1)
    assert np.array_equal(step.images, tiny.train.images[list(step.indices)])
    assert step.labels == tuple(tiny.train.labels[list(step.indices)])
    with torch.no_grad():
        logits = new_net(5)(normalize(torch.from_numpy(step.images)))
    assert np.allclose(step.logits, logits.numpy(), atol=1e-6)
    assert np.allclose(step.probabilities, torch.softmax(logits, 1).numpy(), atol=1e-6)


def test_the_loss_is_the_mean_of_minus_log_of_the_right_probabilities(tiny: Splits) -> None:
    step = look(tiny, 3)
    right = step.probabilities[np.arange(4), list(step.labels)]
    assert step.losses == pytest.approx([-math.log(probability) for probability in right], rel=1e-5)
    assert step.loss == pytest.approx(sum(step.losses) / 4, rel=1e-6)


@pytest.mark.parametrize("config", [CONFIG, MIXED], ids=["plain", "mixed"])
@pytest.mark.parametrize("number", [1, 2, 9])
def test_the_arithmetic_of_a_weight_adds_up(tiny: Splits, config: TrainConfig, number: int) -> None:
    weight = look(tiny, number, config, "conv1.weight", 100).weight
    assert weight.place == (1, 1, 0, 0)
    carried = 0.0 if weight.buffer_before is None else weight.momentum * weight.buffer_before
    assert (weight.buffer_before is None) == (number == 1)
    assert weight.buffer == pytest.approx(carried + weight.gradient, rel=1e-4, abs=1e-9)
    assert weight.after == pytest.approx(weight.before - weight.lr * weight.buffer, rel=1e-6, abs=1e-9)


def test_one_step_continues_where_the_one_before_ended(tiny: Splits) -> None:
    one, two = look(tiny, 6).weight, look(tiny, 7).weight
    assert (two.before, two.buffer_before) == (one.after, one.buffer)


def test_the_sizes_are_those_of_gradient_and_update(tiny: Splits) -> None:
    step = look(tiny, 1)
    net = new_net(5)
    inputs, labels = normalize(torch.from_numpy(step.images)), torch.tensor(step.labels)
    F.cross_entropy(net(inputs), labels).backward()  # type: ignore[no-untyped-call]
    assert [moved.name for moved in step.moved] == [name for name, _ in net.named_parameters()]
    for moved, weight in zip(step.moved, net.parameters(), strict=True):
        assert weight.grad is not None and moved.count == weight.numel()
        assert moved.gradient == pytest.approx(weight.grad.norm().item(), rel=1e-4)
        assert moved.size == pytest.approx(weight.norm().item(), rel=1e-6)
        assert moved.update == pytest.approx(CONFIG.lr * moved.gradient, rel=1e-3)  # the first buffer is the gradient


def test_after_the_step_the_same_images_give_a_smaller_loss(tiny: Splits) -> None:
    step = look(tiny, 1)
    assert step.loss_after < step.loss


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_step_with_a_mistake_is_that_of_the_training_with_the_mistake(tiny: Splits, mistake: str) -> None:
    config = replace(CONFIG, mistake=mistake)
    losses = [e.loss for e in train(new_net(5), tiny.train.first(50), replace(config)) if isinstance(e, Progress)]
    assert look(tiny, 5, config).loss == losses[4]


def test_an_optimizer_of_another_net_moves_nothing(tiny: Splits) -> None:
    step = look(tiny, 2, replace(CONFIG, mistake="other_parameters"))
    assert all(moved.update == 0 and moved.gradient > 0 for moved in step.moved)
    assert step.weight.after == step.weight.before and step.loss_after == step.loss


def test_a_step_weight_or_batch_that_cannot_be_looked_at_is_refused_in_a_sentence(tiny: Splits) -> None:
    for number in (0, 27, 1.5, True, float("nan")):  # two epochs have 26
        with pytest.raises(ConfigError, match=r"from 1 to 26"):
            look(tiny, number)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="at most 16"):
        look(tiny, 1, replace(CONFIG, batch_size=17))
    with pytest.raises(ConfigError, match="take float32 or bfloat16"):
        look(tiny, 1, replace(CONFIG, precision="float16"))
    for weight, place in (("conv3.weight", 0), ("fc3.bias", 10), ("fc3.bias", -1)):
        with pytest.raises(ConfigError, match="no such weight"):
            look(tiny, 1, CONFIG, weight, place)
