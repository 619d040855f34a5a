"""One mini-batch, step by step: everything that happens in one turn of the training loop, number by number.

The step is one of the real training: the loop itself runs up to it, and the same `Learner` makes it. So step 3 of a
seed is always the same, for everybody, and nothing needs to be stored.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet
from cifar_core.errors import ConfigError
from cifar_core.field import whole_number
from cifar_core.net import new_net
from cifar_core.teach.one_thread import one_thread
from cifar_core.training.batches import TrainingImages
from cifar_core.training.control import Control
from cifar_core.training.events import Checkpointed, Progress
from cifar_core.training.learner import Learner
from cifar_core.training.loop import train
from cifar_core.training.schedule import learning_rate
from cifar_core.training.state import Checkpoint, Position

Tensors = dict[str, Tensor]
"""by the names in the Net's state dict"""

MOST_STEPS = 200
"""the last step that can be traced: to reach it takes a third of a second in mini-batches of 4"""
MOST_IMAGES = 16
"""images of the largest mini-batch that can be traced"""


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
    """uint8 (N, 32, 32, 3), as they went in (mirrored and moved with augmentation)"""
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
    """the loss of the same mini-batch after the step"""


def before_step(config: TrainConfig, image_set: ImageSet, number: int) -> Checkpoint:
    """Return where the training `config` on `image_set`, made on the CPU, stands before its step `number` (from 1).

    Raise ConfigError if there is no such step, or it cannot be looked at: the mini-batch is too large, or the CPU too
    slow.
    """
    number = whole_number("Step", number, 1, min(MOST_STEPS, config.steps(len(image_set))))
    if config.batch_size > MOST_IMAGES:
        raise ConfigError(f"To look at every image of a step, take a batch size of at most {MOST_IMAGES}.")
    config.check_device("cpu")
    with one_thread():
        return _train_until(config, image_set, number - 1)


def trace_step(config: TrainConfig, image_set: ImageSet, before: Checkpoint, weight: str, place: int = 0) -> StepTrace:
    """Return the step that follows `before`, what `before_step` gave for the same training.

    `weight` names a tensor of the Net (conv1.weight) and `place` one number in it, counted through. Raise ConfigError
    if there is no such weight.
    """
    if weight not in before.weights or not 0 <= place < before.weights[weight].numel():
        raise ConfigError("There is no such weight; choose a layer, and a number within it.")
    with one_thread():
        return _trace(config, image_set, before, weight, place)


def _trace(config: TrainConfig, image_set: ImageSet, start: Checkpoint, weight: str, place: int) -> StepTrace:
    net, at = new_net(config.seed), start.position
    learner = Learner(net, config, "cpu")
    learner.state.restore(start.weights, start.momentum, start.gradients)
    loader = TrainingImages(image_set, config, "cpu").loader(at.epoch)
    inputs, labels = loader.batch(at.seen, config.batch_size)
    chosen = slice(at.seen, at.seen + len(labels))
    lr = learning_rate(config, (at.epoch + at.seen / len(image_set)) / config.epochs)
    learner.set(lr, config.momentum, config.batch_size)

    before = learner.state.copy()
    with torch.no_grad():
        outputs = net(inputs)  # (N, 10)
        losses = [
            learner.criterion(net(one[None]), label[None]).item() for one, label in zip(inputs, labels, strict=True)
        ]
    loss = learner.step(inputs, labels).item()
    after = learner.state.copy()
    with torch.no_grad():
        loss_after = learner.criterion(net(inputs), labels).item()
    gradients = {
        name: torch.zeros_like(tensor) if tensor.grad is None else tensor.grad.clone()
        for name, tensor in net.named_parameters()
    }
    layers = tuple(
        LayerUpdate(
            name, tensor.numel(), *(part.norm().item() for part in (tensor, gradients[name], after[0][name] - tensor))
        )
        for name, tensor in before[0].items()
    )
    return StepTrace(
        number=at.step + 1,
        indices=tuple(loader.sampler.indices[chosen].tolist()),
        images=loader.sampler.images_at(chosen, loader.images).numpy(),
        labels=tuple(labels.tolist()),
        logits=outputs.numpy(),
        probabilities=torch.softmax(outputs, 1).numpy(),
        losses=tuple(losses),
        loss=loss,
        moved=layers,
        weight=_weight_update((weight, place), config, lr, before, gradients, after),
        loss_after=loss_after,
    )


def _weight_update(
    chosen: tuple[str, int],
    config: TrainConfig,
    lr: float,
    before: tuple[Tensors, Tensors],
    gradients: Tensors,
    after: tuple[Tensors, Tensors],
) -> WeightUpdate:
    """`before` and `after`: the weights and SGD's buffers."""
    name, place = chosen

    def number(tensors: Tensors) -> float:
        return tensors[name].flatten()[place].item()

    weight = number(before[0])
    return WeightUpdate(
        name=name,
        place=tuple(int(part) for part in np.unravel_index(place, tuple(after[0][name].shape))),
        before=weight,
        gradient=number(gradients) + config.weight_decay * weight,
        momentum=config.momentum,
        buffer_before=number(before[1]) if name in before[1] else None,
        buffer=number(after[1]) if name in after[1] else 0.0,
        lr=lr,
        after=number(after[0]),
    )


def _train_until(config: TrainConfig, image_set: ImageSet, steps: int) -> Checkpoint:
    """Let the loop make `steps` steps; return where it stands."""
    net = new_net(config.seed)
    if steps == 0:
        return Learner(net, config, "cpu").state.checkpoint(Position())
    control = Control()
    # a report after every step, so that the loop can be stopped at the right one
    for event in train(net, image_set, replace(config, report_every=1, stop_rule="none"), control=control):
        if isinstance(event, Progress) and event.step == steps:
            control.stop = True
        if isinstance(event, Checkpointed):
            return event.checkpoint
    raise ConfigError("With these settings the training diverges before this step; choose an earlier one.")
