"""A step recorded as a CUDA graph: the GPU replays some sixty operations after one call, not after sixty.

Source: the PyTorch notes on 'CUDA Graphs'.
"""

import torch
from torch import Tensor

from cifar_core.training.state import TrainingState
from cifar_core.training.step import StepFn


class Captured:
    """A step that is captured once for each size of mini-batch, and replayed from then on."""

    def __init__(self, step: StepFn, state: TrainingState) -> None:
        self.step, self.state = step, state
        self.graphs: dict[int, StepFn] = {}
        """by batch size"""
        self.momentum = state.optimizer.param_groups[0]["momentum"]

    def __call__(self, inputs: Tensor, labels: Tensor) -> Tensor:
        momentum = self.state.optimizer.param_groups[0]["momentum"]
        if momentum != self.momentum:
            self.graphs.clear()  # the momentum was captured as a fixed number
            self.momentum = momentum
        if len(labels) not in self.graphs:
            before = self.state.copy()
            self.graphs[len(labels)] = capture(self.step, inputs, labels)
            self.state.restore(*before)  # capturing trains on the mini-batch a few times
        return self.graphs[len(labels)](inputs, labels)


def capture(step: StepFn, inputs: Tensor, labels: Tensor) -> StepFn:
    """Return what replays `step` for mini-batches of this shape. The weights move meanwhile."""
    # a graph reads and writes fixed places in memory
    inputs, labels = inputs.clone(), labels.clone()
    # the first rounds let the libraries choose their algorithms, on a side stream as the notes advise
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(inputs, labels)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(inputs, labels)

    def replay(new_inputs: Tensor, new_labels: Tensor) -> Tensor:
        inputs.copy_(new_inputs)
        labels.copy_(new_labels)
        graph.replay()
        return loss.clone()

    return replay
