"""The state of a training: where it stands, and the numbers that the next step depends on."""

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to load, and the two types below are needed without it
    from torch import Tensor
    from torch.optim import SGD

    from cifar_core.net import Net


@dataclass
class Position:
    """How far a training has come."""

    step: int = 0
    """mini-batches done, over all epochs"""
    epoch: int = 0
    """epochs completed"""
    seen: int = 0
    """images seen in the current epoch"""
    batch: int = 0
    """mini-batches done in the current epoch"""
    running_loss: float = 0.0
    """sum of the losses since the last line of the log"""
    running_count: int = 0
    """how many losses that sum holds"""
    lowest_loss: float = math.inf
    """the best line of the log so far"""
    lines_since: int = 0
    """lines of the log since then"""
    validations: int = 0
    """how often the Net was due to be tested on the validation images so far"""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that is needed to continue later as if nothing had happened (bit for bit on the CPU).

    It holds no random states: order and augmentation follow from seed, epoch and position (`sampler.py`).
    """

    weights: "dict[str, Tensor]"
    """the Net's state dict, on the CPU"""
    momentum: "dict[str, Tensor]"
    """SGD's momentum buffer of each weight, on the CPU; empty before the first step"""
    position: Position
    gradients: "dict[str, Tensor]" = field(default_factory=dict)
    """each weight's gradient, on the CPU, if it outlives its step (see `Mistake.keeps_gradients`); else empty"""


class TrainingState:
    """The weights of `net`, SGD's momentum buffers and, with `keeps_gradients`, the gradients."""

    def __init__(self, net: "Net", optimizer: "SGD", *, keeps_gradients: bool = False) -> None:
        self.net, self.optimizer, self.keeps_gradients = net, optimizer, keeps_gradients

    def copy(self) -> "tuple[dict[str, Tensor], dict[str, Tensor]]":
        """Return copies of the weights and of the momentum buffers (none before the first step), on their device."""
        weights = dict(self.net.named_parameters())
        buffers = {name: self.optimizer.state[weight].get("momentum_buffer") for name, weight in weights.items()}
        return (
            {name: weight.detach().clone() for name, weight in weights.items()},
            {name: buffer.clone() for name, buffer in buffers.items() if buffer is not None},
        )

    def gradients(self) -> "dict[str, Tensor]":
        """Return copies of the gradients if the next step depends on them."""
        if not self.keeps_gradients:
            return {}
        weights = self.net.named_parameters()
        return {name: weight.grad.clone() for name, weight in weights if weight.grad is not None}

    def checkpoint(self, position: Position) -> Checkpoint:
        """Return a copy on the CPU of everything that the next step depends on."""
        parts = (*self.copy(), self.gradients())
        weights, momentum, gradients = ({name: tensor.cpu() for name, tensor in part.items()} for part in parts)
        return Checkpoint(weights, momentum, replace(position), gradients)

    def restore(
        self,
        weights: "dict[str, Tensor]",
        momentum: "dict[str, Tensor]",
        gradients: "dict[str, Tensor] | None" = None,
    ) -> None:
        """Put back what `copy` and `gradients` returned, in place: a CUDA graph knows the addresses."""
        import torch

        for name, weight in self.net.named_parameters():
            with torch.no_grad():
                weight.copy_(weights[name])
            if gradients and name in gradients:
                weight.grad = gradients[name].to(weight.device, copy=True)
            state = self.optimizer.state[weight]
            buffer = state.get("momentum_buffer")
            if buffer is None:
                if name in momentum:
                    state["momentum_buffer"] = momentum[name].to(weight.device, copy=True)
            elif name in momentum:
                buffer.copy_(momentum[name])
            else:  # a buffer of zeros is what SGD starts with
                buffer.zero_()
