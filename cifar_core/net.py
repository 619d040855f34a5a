"""Net, the tutorial's small convolutional network, and its weights on disk."""

import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_core import durable
from cifar_core.errors import WeightsError

MAX_WEIGHTS_BYTES = 8_000_000
"""the Net's own file has about 250 kB; nothing much larger can be one"""


class Net(nn.Module):
    """Two convolutions and three fully connected layers: an image in, ten scores out.

    Source: the PyTorch tutorial 'Training a classifier'.
    """

    def __init__(self) -> None:
        super().__init__()
        ## The layers are only declared here; their order of use is written in forward.
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Normalized images, float32 (N, 3, 32, 32), become logits, float32 (N, 10)."""
        ## A 5x5 kernel fits into 32 pixels at 28 places; pooling keeps the largest of each 2x2 square.
        x = self.pool(F.relu(self.conv1(x)))  # (N, 6, 28, 28), pooled (N, 6, 14, 14)
        x = self.pool(F.relu(self.conv2(x)))  # (N, 16, 10, 10), pooled (N, 16, 5, 5)
        ## 16 maps of 5 by 5 numbers laid out as one row of 400.
        x = x.view(-1, 16 * 5 * 5)  # (N, 400)
        x = F.relu(self.fc1(x))  # (N, 120)
        x = F.relu(self.fc2(x))  # (N, 84)
        ## No softmax here: CrossEntropyLoss has it inside, and the largest logit is the prediction either way.
        return self.fc3(x)  # (N, 10)


@dataclass(frozen=True)
class Layer:
    """One row of the Net's table."""

    name: str
    code: str
    """the layer as the tutorial writes it"""
    output: tuple[int, ...]
    """shape for one image: (channels, height, width) or (numbers,)"""
    weight: tuple[int, ...]
    """shape of its weights; their first number is also that of its biases. Empty if nothing is learned"""

    @property
    def parameters(self) -> int:
        """How many numbers training adjusts in it: weights and biases."""
        return math.prod(self.weight) + self.weight[0] if self.weight else 0

    @property
    def arithmetic(self) -> str:
        """How its parameters are counted, weights and biases: `6×3×5×5 + 6 = 456`; empty if nothing is learned."""
        if not self.weight:
            return ""
        return f"{'×'.join(map(str, self.weight))} + {self.weight[0]} = {self.parameters:,}"


def layers() -> tuple[Layer, ...]:
    """Return the Net's layers from the image to the ten scores; their parameters add up to 62,006."""
    return (
        Layer("conv1", "nn.Conv2d(3, 6, 5)", (6, 28, 28), (6, 3, 5, 5)),
        Layer("pool", "nn.MaxPool2d(2, 2)", (6, 14, 14), ()),
        Layer("conv2", "nn.Conv2d(6, 16, 5)", (16, 10, 10), (16, 6, 5, 5)),
        Layer("pool", "nn.MaxPool2d(2, 2)", (16, 5, 5), ()),
        Layer("fc1", "nn.Linear(16 * 5 * 5, 120)", (120,), (120, 400)),
        Layer("fc2", "nn.Linear(120, 84)", (84,), (84, 120)),
        Layer("fc3", "nn.Linear(84, 10)", (10,), (10, 84)),
    )


PARAMETERS = sum(layer.parameters for layer in layers())
"""how many numbers training adjusts: 62,006"""


def new_net(seed: int) -> Net:
    """Return an untrained Net on the CPU with the weights of `torch.manual_seed(seed); Net()`."""
    with torch.random.fork_rng(devices=[]):  # leaves the caller's own random numbers as they were
        torch.manual_seed(seed)
        return Net()


def save_weights(weights: dict[str, Any], path: Path) -> None:
    """Write a state dict so that the tutorial's own `net.load_state_dict(torch.load(path))` reads it.

    The file appears whole or not at all, and outlives a power cut. Raise WeightsError if it cannot be written.
    """
    content = io.BytesIO()
    torch.save(weights, content)  # into memory first: of a full disk torch itself says nothing that can be told apart
    try:
        durable.write(path, content.getvalue())
    except OSError as error:
        raise WeightsError(
            f"The weights could not be written to {path.name}; does the folder exist, and is the disk full?"
        ) from error


def load_net(source: Path | bytes) -> Net:
    """Return a Net on the CPU with the weights of a `.pth` file that holds its plain state dict.

    Nothing in the file is executed (weights_only). Raise WeightsError if it is missing, no weights file, or one of
    another network.
    """
    try:
        content = source if isinstance(source, bytes) else _read(source)
        if _unpacked_bytes(content) > MAX_WEIGHTS_BYTES:
            raise WeightsError(_TOO_LARGE)
        return _net_with(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    except WeightsError:
        raise
    except Exception as error:  # a foreign file can make torch fail in any way
        raise WeightsError(
            "This is not a weights file that can be read safely; "
            "save one with torch.save(net.state_dict(), 'net.pth') and take that."
        ) from error


def _net_with(weights: Any) -> Net:
    net = Net()
    expected = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise WeightsError("This file holds no state dict; save the weights with torch.save(net.state_dict(), path).")
    if {name: tuple(tensor.shape) for name, tensor in weights.items()} != expected:
        raise WeightsError("These weights belong to another network: their names or shapes are not the tutorial Net's.")
    if not all(tensor.is_floating_point() for tensor in weights.values()):
        raise WeightsError("These weights are not floating-point numbers, so they cannot be the Net's.")
    net.load_state_dict(weights)
    return net


_TOO_LARGE = "This file is far too large for this Net's weights (about 250 kB)."


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_WEIGHTS_BYTES:
            raise WeightsError(_TOO_LARGE)
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be read ({error.strerror}); check the path.") from error


def _unpacked_bytes(content: bytes) -> int:
    """Return the size of a file with its parts unpacked: torch saves a zip archive, and reads a compressed one too."""
    file = io.BytesIO(content)
    if not zipfile.is_zipfile(file):
        return len(content)
    with zipfile.ZipFile(file) as archive:
        return sum(part.file_size for part in archive.infolist())
