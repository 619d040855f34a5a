"""A step in 16 bits: convolutions and matrix products take half the bits; weights and loss stay at 32."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cifar_core.training.step import Optimizer, Step, StepFn

LOSS_SCALE = 1024.0
"""float16 knows no positive number below 6e-8, and gradients are small: so they are computed this much larger. Source:
Micikevicius and others, 'Mixed Precision Training' (2018)"""


def in_precision(step: Step, precision: str, device: str, weights: Sequence[Tensor]) -> StepFn:
    """Return `step` computed in float32, bfloat16 or float16; `weights` are those that get gradients."""
    if precision == "float32":
        return step
    dtype = getattr(torch, precision)
    net, criterion = autocast(step.net, device, dtype), autocast(step.criterion, device, dtype)
    if precision == "bfloat16":
        return Step(net, criterion, step.optimizer)
    scaled = Step(
        net, lambda outputs, labels: LOSS_SCALE * criterion(outputs, labels), Unscaled(step.optimizer, weights)
    )
    return lambda inputs, labels: scaled(inputs, labels) / LOSS_SCALE


def autocast(function: Callable[..., Tensor], device: str, dtype: torch.dtype) -> Callable[..., Tensor]:
    """Return `function` with its convolutions and matrix products in `dtype`."""

    def with_fewer_bits(*inputs: Tensor) -> Tensor:
        with torch.autocast(device, dtype, cache_enabled=False):
            return function(*inputs)

    return with_fewer_bits


class Unscaled:
    """An optimizer for gradients that were computed LOSS_SCALE times too large."""

    def __init__(self, optimizer: Optimizer, weights: Sequence[Tensor]) -> None:
        self.optimizer, self.weights = optimizer, weights

    def zero_grad(self) -> None:
        self.optimizer.zero_grad()

    def step(self) -> None:
        for weight in self.weights:
            assert weight.grad is not None, "every weight has a gradient after backward"
            weight.grad /= LOSS_SCALE
        self.optimizer.step()
