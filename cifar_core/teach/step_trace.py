"""One mini-batch, slowly: everything that happens in one turn of the training loop, number by number.

The step shown is a step of the real training: the loop itself runs up to it, and the same `Step` makes it. So the step
with number 3 of a seed is always the same, for everybody, and nothing needs to be kept between two looks.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet
from cifar_core.errors import ConfigError
from cifar_core.net import Net, new_net
from cifar_core.training.batches import BatchLoader
from cifar_core.training.events import Checkpointed, Control, Position, Progress
from cifar_core.training.loop import train
from cifar_core.training.sampler import EpochSampler, learning_rate, training_labels
from cifar_core.training.step import Step

MOST_STEPS = 200
"""the last step that can be looked at: to reach it takes a third of a second in mini-batches of 4"""
MOST_IMAGES = 16
"""images of a mini-batch that can be looked at"""


@dataclass(frozen=True)
class LayerUpdate:
    """What one step did to one layer's weights or biases. All sizes are lengths of vectors (the L2 norm)."""

    name: str
    """as the Net's state dict names it: conv1.weight"""
    count: int
    """how many numbers it holds"""
    size: float
    """of the weights before the step"""
    gradient: float
    """of the gradient"""
    update: float
    """of the change that the step made"""


@dataclass(frozen=True)
class WeightUpdate:
    """The arithmetic of one weight: buffer = momentum × buffer + gradient, weight = weight - lr × buffer.

    Source: torch.optim.SGD, whose first buffer is the gradient itself.
    """

    name: str
    place: tuple[int, ...]
    """its place in the layer's tensor"""
    before: float
    gradient: float
    """of the loss by this weight, weight decay included"""
    momentum: float
    buffer_before: float | None
    """None before the first step"""
    buffer: float
    lr: float
    after: float


@dataclass(frozen=True, eq=False)
class StepTrace:
    """One turn of the loop."""

    number: int
    """from 1"""
    indices: tuple[int, ...]
    """of the images in the training set"""
    images: np.ndarray
    """uint8 (N, 32, 32, 3), as they went in (mirrored and moved, where that is set)"""
    labels: tuple[int, ...]
    logits: np.ndarray
    """float32 (N, 10)"""
    probabilities: np.ndarray
    """float32 (N, 10), softmax of the logits"""
    losses: tuple[float, ...]
    """the cross entropy of each image, -log of the right class's probability (label smoothing included)"""
    loss: float
    """their mean, which the loop reports"""
    moved: tuple[LayerUpdate, ...]
    """each layer's weights and biases, in the Net's order"""
    weight: WeightUpdate
    loss_after: float
    """the loss of the same mini-batch, asked again after the step"""


def trace_step(config: TrainConfig, image_set: ImageSet, number: int, weight: str, place: int = 0) -> StepTrace:
    """Step `number` (from 1) of the training `config` on `image_set`, on the CPU.

    `weight` names a tensor of the Net (conv1.weight) and `place` one number in it, counted through. Raises ConfigError
    where there is no such step or weight, or the mini-batch is too large to be looked at.
    """
    most = min(MOST_STEPS, config.steps(len(image_set)))
    if isinstance(number, bool) or not isinstance(number, int | float) or number % 1 or not 1 <= number <= most:
        raise ConfigError(f"Choose a step from 1 to {most}; {number!r:.40} is none.")
    if config.batch_size > MOST_IMAGES:
        raise ConfigError(f"To look at every image of a step, take a batch size of at most {MOST_IMAGES}.")
    net = new_net(config.seed)
    parameters = dict(net.named_parameters())
    if weight not in parameters or not 0 <= place < parameters[weight].numel():
        raise ConfigError("There is no such weight; choose a layer, and a number within it.")
    with _one_thread():
        return _look(net, config, image_set, int(number), weight, place)


def _look(net: Net, config: TrainConfig, image_set: ImageSet, number: int, weight: str, place: int) -> StepTrace:
    step, at = _reach(net, config, image_set, number - 1)

    order = EpochSampler.make(config, at.epoch, len(image_set))
    labels = training_labels(config, torch.from_numpy(image_set.labels))
    inputs, targets = BatchLoader(order, torch.from_numpy(image_set.images), labels).batch(at.seen, config.batch_size)
    chosen = slice(at.seen, at.seen + len(targets))
    lr = learning_rate(config, (at.epoch + at.seen / len(image_set)) / config.epochs)
    step.set(lr, config.momentum, config.batch_size)

    weights_before, buffers_before = step.state()
    with torch.no_grad():
        outputs = net(inputs)  # (N, 10)
        losses = [
            step.criterion(step.outputs(one[None]), target[None]).item()
            for one, target in zip(inputs, targets, strict=True)
        ]
    loss = step(inputs, targets).item()
    weights, buffers = step.state()
    with torch.no_grad():
        loss_after = step.criterion(step.outputs(inputs), targets).item()
    gradients = {name: _zero_if_none(tensor) for name, tensor in net.named_parameters()}
    moved = tuple(
        LayerUpdate(
            name, tensor.numel(), *(part.norm().item() for part in (tensor, gradients[name], weights[name] - tensor))
        )
        for name, tensor in weights_before.items()
    )
    before = weights_before[weight].flatten()[place].item()
    update = WeightUpdate(
        name=weight,
        place=tuple(int(part) for part in np.unravel_index(place, tuple(weights[weight].shape))),
        before=before,
        gradient=gradients[weight].flatten()[place].item() + config.weight_decay * before,
        momentum=config.momentum,
        buffer_before=buffers_before[weight].flatten()[place].item() if weight in buffers_before else None,
        buffer=buffers[weight].flatten()[place].item() if weight in buffers else 0.0,
        lr=lr,
        after=weights[weight].flatten()[place].item(),
    )
    return StepTrace(
        number=number,
        indices=tuple(order.indices[chosen].tolist()),
        images=order.pictures(torch.from_numpy(image_set.images), chosen).numpy(),
        labels=tuple(targets.tolist()),
        logits=outputs.numpy(),
        probabilities=torch.softmax(outputs, 1).numpy(),
        losses=tuple(losses),
        loss=loss,
        moved=moved,
        weight=update,
        loss_after=loss_after,
    )


_ALONE = threading.Lock()


@contextmanager
def _one_thread() -> Iterator[None]:
    """On one core, as the worker trains: a mini-batch is too little work to share, and the last digits depend on it.

    One at a time, for torch has one such number for all.
    """
    with _ALONE:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _reach(net: Net, config: TrainConfig, image_set: ImageSet, steps: int) -> tuple[Step, Position]:
    """Let the loop make so many steps; the next `Step`, with the momentum they left, and where it stands."""
    net.to("cpu")
    if steps == 0:
        return Step(net, config, "cpu"), Position()
    control = Control()
    # a report after every step, so that the loop can be stopped at the very one
    for event in train(net, image_set, replace(config, report_every=1, stop_rule="none"), control=control):
        if isinstance(event, Progress) and event.step == steps:
            control.stop = True
        if isinstance(event, Checkpointed):
            step = Step(net, config, "cpu")
            step.restore(event.checkpoint.weights, event.checkpoint.momentum, event.checkpoint.gradients)
            return step, event.checkpoint.position
    raise ConfigError("With these settings the training diverges before this step; choose an earlier one.")


def _zero_if_none(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight) if weight.grad is None else weight.grad.detach().clone()
