"""Inspect every stage that one image passes on its way through the Net.

Nothing is computed a second time here: Net.forward runs as it is, and hooks record what goes into each layer and what
comes out.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_core.errors import NetError
from cifar_core.net import Layer, Net, layers
from cifar_core.pixels import net_input


@dataclass(frozen=True, eq=False)
class Stage:
    """The numbers of one image at one place of the Net."""

    name: str
    """input, conv1, relu1, pool1, conv2, relu2, pool2, flatten, fc1, fc2, logits or probabilities"""
    code: str
    """the tutorial's code that computes it; `x` is the value before that line"""
    values: np.ndarray
    """float32, of the stage's own shape: (channels, height, width) or (numbers,)"""
    layer: Layer | None = None
    """the row of the Net's table whose parameters are used; None if nothing is learned"""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return self.values.shape


@dataclass(frozen=True, eq=False)
class Inspection:
    """One image on its way through a Net."""

    pixels: np.ndarray
    """uint8 (32, 32, 3): what the Net saw"""
    stages: tuple[Stage, ...]
    """twelve, from the input to the probabilities"""
    pool1_mask: np.ndarray
    """bool (6, 28, 28): True where the first pool took its value; one of each 2x2 square"""
    pool2_mask: np.ndarray
    """bool (16, 10, 10): the same for the second pool"""

    @property
    def finite(self) -> bool:
        """False if any number on the way is NaN or infinite: the Net's training has diverged."""
        return all(bool(np.isfinite(stage.values).all()) for stage in self.stages)

    def stage(self, name: str) -> Stage:
        """Return the stage called `name`; raise NetError if there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        names = ", ".join(stage.name for stage in self.stages)
        raise NetError(f"The Net has no stage {name!r:.40}; choose one of {names}.")


def inspect_image(net: Net, pixels: np.ndarray, classes: int = 10) -> Inspection:
    """Pass `pixels`, uint8 (32, 32, 3), through `net`, which is on the CPU, and record every stage.

    The probabilities are those of the first `classes` logits, as in `predict`. Weights that are NaN or infinite go
    through as they are: the stages then hold NaN, and `Inspection.finite` is False. Raise ImageError for another array.
    """
    ## Each row of the table is called once, in this order. What F.relu and view compute between two layers is what the
    ## next layer is given.
    conv1, pool1, conv2, pool2, fc1, fc2, fc3 = _calls(net, net_input(pixels))
    row1, _, row2, _, row3, row4, row5 = layers()
    logits = fc3.output
    probabilities = torch.softmax(logits[:, :classes].double(), 1)
    rows: tuple[tuple[str, str, Tensor, Layer | None], ...] = (
        ("input", "transform(image)", conv1.input, None),
        ("conv1", "self.conv1(x)", conv1.output, row1),
        ("relu1", "F.relu(self.conv1(x))", pool1.input, None),
        ("pool1", "self.pool(F.relu(self.conv1(x)))", pool1.output, None),
        ("conv2", "self.conv2(x)", conv2.output, row2),
        ("relu2", "F.relu(self.conv2(x))", pool2.input, None),
        ("pool2", "self.pool(F.relu(self.conv2(x)))", pool2.output, None),
        ("flatten", "x.view(-1, 16 * 5 * 5)", fc1.input, None),
        ("fc1", "F.relu(self.fc1(x))", fc2.input, row3),
        ("fc2", "F.relu(self.fc2(x))", fc3.input, row4),
        ("logits", "self.fc3(x)", logits, row5),
        # the tutorial leaves this one to CrossEntropyLoss
        ("probabilities", "torch.softmax(x, 1)", probabilities, None),
    )
    stages = tuple(Stage(name, code, values[0].float().numpy(), layer) for name, code, values, layer in rows)
    return Inspection(pixels, stages, _pool_mask(net.pool, pool1.input), _pool_mask(net.pool, pool2.input))


@dataclass(frozen=True, eq=False)
class _Call:
    """What one layer was given and what it returned."""

    input: Tensor
    output: Tensor


def _calls(net: Net, inputs: Tensor) -> list[_Call]:
    """Run Net.forward on `inputs`, (1, 3, 32, 32); return its layers' calls in the order of `layers()`."""
    calls: list[_Call] = []

    def record(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        calls.append(_Call(inputs[0], output))

    # the hooks are put on a copy, because another thread may use the same Net
    watched = copy.deepcopy(net)
    for layer in watched.children():
        layer.register_forward_hook(record)
    with torch.no_grad():
        watched(inputs)
    return calls


def _pool_mask(pool: nn.MaxPool2d, maps: Tensor) -> np.ndarray:
    """Return which values `pool` takes: float32 (1, C, H, W) -> bool (C, H, W), True once in each square.

    Of equal values torch takes the first in reading order: of a square of zeros, the upper left one.
    """
    _, places = F.max_pool2d(maps, pool.kernel_size, pool.stride, return_indices=True)  # each is row * W + column
    mask = torch.zeros_like(maps, dtype=torch.bool)
    mask.flatten(2).scatter_(2, places.flatten(2), True)
    return mask[0].numpy()
