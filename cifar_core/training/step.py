"""One mini-batch: the five lines in which a Net learns, as the tutorial has them.

Other files wrap these lines without changing them: `precision.py`, `convolution.py`, `cuda_graph.py`, `mistakes.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

LossFn = Callable[[Tensor, Tensor], Tensor]  # outputs (N, 10) and labels (N,) in; the loss, one number, out
StepFn = Callable[[Tensor, Tensor], Tensor]  # inputs (N, 3, 32, 32) and labels (N,) in; the loss before the step out


class Optimizer(Protocol):
    """What a step needs of torch.optim.SGD."""

    def zero_grad(self) -> None: ...
    def step(self) -> object: ...


@dataclass
class Step:
    """Call it with a mini-batch: it moves the Net's weights one step."""

    net: Callable[[Tensor], Tensor]
    criterion: LossFn
    optimizer: Optimizer

    def __call__(self, inputs: Tensor, labels: Tensor) -> Tensor:
        ## Gradients add up until they are cleared, so each mini-batch starts from zero ...
        self.optimizer.zero_grad()
        ## ... then: what does the Net predict, how wrong is that, which way would each weight have to move,
        ## and one small step that way.
        outputs = self.net(inputs)  # (N, 10)
        loss = self.criterion(outputs, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()  # it stays on the device, so that nobody waits for it
