"""The Net with its loss function, its optimizer and its step, put together as the settings say."""

import torch
from torch import Tensor, nn

from cifar_core.config import TrainConfig
from cifar_core.mistakes import mistake_of
from cifar_core.net import Net
from cifar_core.training.convolution import convolutions
from cifar_core.training.cuda_graph import Captured
from cifar_core.training.precision import in_precision
from cifar_core.training.state import TrainingState
from cifar_core.training.step import Step, StepFn


class Learner:
    """What a training changes with every step. A mistake made on purpose sits in one of the parts (`mistakes.py`)."""

    def __init__(self, net: Net, config: TrainConfig, device: str) -> None:
        """`net` must be on `device` already."""
        mistake = mistake_of(config)
        self.device, self.batch_size = device, config.batch_size
        self.criterion = mistake.criterion(nn.CrossEntropyLoss(label_smoothing=config.label_smoothing))
        self.optimizer = torch.optim.SGD(
            mistake.parameters(net),
            # A GPU reads the learning rate from its own memory, so that a captured step can be replayed with another.
            lr=torch.tensor(config.lr, device=device) if device == "cuda" else config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            fused=device in ("cpu", "cuda"),  # all weights in one call, not a call for each
        )
        self.state = TrainingState(net, self.optimizer, keeps_gradients=mistake.keeps_gradients)
        step = Step(net, self.criterion, mistake.optimizer(self.optimizer))
        self.fast_step: StepFn = in_precision(step, config.precision, device, tuple(net.parameters()))
        if device == "cuda" and not mistake.keeps_gradients:  # a captured step has gradients in a place of its own
            self.fast_step = Captured(self.fast_step, self.state)

    def set(self, lr: float, momentum: float, batch_size: int) -> None:
        """Use these from the next step on."""
        self.batch_size = batch_size
        (group,) = self.optimizer.param_groups
        group["momentum"] = momentum
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr

    def step(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Learn from one mini-batch; return the loss before that."""
        with convolutions(self.device, self.batch_size):
            return self.fast_step(inputs, labels)
