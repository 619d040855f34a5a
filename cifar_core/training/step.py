"""One mini-batch: the five lines in which a Net learns, and what makes them fast without changing what they say."""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_core.config import TrainConfig
from cifar_core.net import Net

NATIVE_UP_TO = 4
"""images in a mini-batch up to which torch's own convolution is faster on a CPU than oneDNN's: 1.3 times at 4 images,
as fast at 8, slower from 16 on"""

LOSS_SCALE = 1024.0
"""float16 knows no positive number below 6e-8, and gradients are small: so they are computed this much larger. Source:
Micikevicius and others, 'Mixed Precision Training' (2018)"""

Learn = Callable[[Tensor, Tensor], Tensor]
"""inputs float32 (N, 3, 32, 32) and labels int64 (N,) in; the loss, a tensor of one number, out"""


class Step:
    """Call it with a mini-batch: the Net's weights have moved one step, and the loss before that step comes back.

    The loss stays on the device, so that nobody waits for it. `net` must lie on `device` already.
    """

    def __init__(self, net: Net, config: TrainConfig, device: str) -> None:
        self.net, self.device, self.precision, self.batch_size = net, device, config.precision, config.batch_size
        self.mistake = config.mistake
        self.criterion = nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)
        # A GPU reads the learning rate from its own memory, so that a recorded step can be replayed with another one.
        self.lr = torch.tensor(config.lr, device=device) if device == "cuda" else config.lr
        trained = copy.deepcopy(net) if self.mistake == "other_parameters" else net
        self.optimizer = torch.optim.SGD(
            trained.parameters(),
            lr=self.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            fused=device in ("cpu", "cuda"),  # all weights in one call, not a call for each
        )
        self.record: Callable[[Learn, Tensor, Tensor], Learn] | None = capture if device == "cuda" else None
        if self.mistake == "no_zero_grad":
            self.record = None  # its gradients outlive the step, and a recorded one has them in a place of its own
        self.recorded: dict[int, Learn] = {}  # by batch size

    def outputs(self, inputs: Tensor) -> Tensor:
        """What goes into the loss: the Net's logits, float32 (N, 10)."""
        outputs: Tensor = self.net(inputs)
        return F.softmax(outputs, dim=1) if self.mistake == "softmax" else outputs

    def learn(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The heart of the tutorial's loop."""
        ## Gradients add up until they are cleared, so each mini-batch starts from zero ...
        if self.mistake != "no_zero_grad":
            self.optimizer.zero_grad()
        ## ... then: what does the Net answer, how wrong is that, which way would each weight have to move,
        ## and one small step that way.
        with self._precision():
            loss: Tensor = self.criterion(self.outputs(inputs), labels)
        if self.precision == "float16":
            (loss * LOSS_SCALE).backward()  # type: ignore[no-untyped-call]
            for weight in self.net.parameters():
                assert weight.grad is not None, "every weight has a gradient after backward"
                weight.grad /= LOSS_SCALE
        else:
            loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()

    def __call__(self, inputs: Tensor, labels: Tensor) -> Tensor:
        if self.record is None:
            with convolutions(self.device, self.batch_size):
                return self.learn(inputs, labels)
        learn = self.recorded.get(len(labels))
        if learn is None:
            before = self.state()
            learn = self.recorded[len(labels)] = self.record(self.learn, inputs, labels)
            self.restore(*before)
        return learn(inputs, labels)

    def set(self, lr: float, momentum: float, batch_size: int) -> None:
        """Use these from now on."""
        self.batch_size = batch_size
        (group,) = self.optimizer.param_groups
        if isinstance(self.lr, Tensor):
            self.lr.fill_(lr)
        else:
            group["lr"] = lr
        if momentum != group["momentum"]:
            group["momentum"] = momentum
            self.recorded.clear()  # the momentum was recorded as a fixed number

    def state(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Copies of the weights and of SGD's momentum buffers (none before the first step), where they lie."""
        buffers = {
            name: self.optimizer.state[weight].get("momentum_buffer") for name, weight in self.net.named_parameters()
        }
        return (
            {name: weight.detach().clone() for name, weight in self.net.named_parameters()},
            {name: buffer.clone() for name, buffer in buffers.items() if buffer is not None},
        )

    def gradients(self) -> dict[str, Tensor]:
        """Copies of the gradients where the next step depends on them: where the mistake is not to clear them."""
        if self.mistake != "no_zero_grad":
            return {}
        weights = self.net.named_parameters()
        return {name: weight.grad.clone() for name, weight in weights if weight.grad is not None}

    @torch.no_grad()
    def restore(
        self, weights: dict[str, Tensor], momentum: dict[str, Tensor], gradients: dict[str, Tensor] | None = None
    ) -> None:
        """Put back what `state` gave, into the same memory where there is some: a recorded step knows that place."""
        for name, weight in self.net.named_parameters():
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

    def _precision(self) -> AbstractContextManager[object]:
        """Convolutions and matrix products in 16 bits where that was asked for; weights and loss keep 32."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device, getattr(torch, self.precision), cache_enabled=False)


@contextmanager
def convolutions(device: str, batch_size: int) -> Iterator[None]:
    """Choose torch's own convolution on the CPU for very small mini-batches. Which of the two ran in the forward pass
    runs in the backward pass too; their results differ in the last digits."""
    mkldnn, before = torch.backends.mkldnn, torch.backends.mkldnn.enabled
    if device != "cpu" or batch_size > NATIVE_UP_TO or not before:
        yield
        return
    mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        mkldnn.enabled = before


def capture(learn: Learn, inputs: Tensor, labels: Tensor) -> Learn:
    """Record `learn` for mini-batches of this shape as a CUDA graph: the GPU then replays some sixty operations after
    one call, instead of being called sixty times. Source: the PyTorch notes on 'CUDA Graphs'.

    Recording trains on the mini-batch a few times; the caller puts the weights back.
    """
    # a graph reads and writes fixed places in memory
    inputs, labels = inputs.clone(), labels.clone()
    # the first rounds let the libraries choose their ways, on a stream of their own as the notes ask for
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            learn(inputs, labels)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = learn(inputs, labels)

    def replay(new_inputs: Tensor, new_labels: Tensor) -> Tensor:
        inputs.copy_(new_inputs)
        labels.copy_(new_labels)
        graph.replay()
        return loss.clone()

    return replay
