"""A training on disk, to be continued later: weights, momentum and position in one file."""

from dataclasses import asdict
from pathlib import Path

import torch

from cifar_core.errors import WeightsError
from cifar_core.net import Net, save_weights
from cifar_core.training.state import Checkpoint, Position


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write `checkpoint` so that `load_checkpoint` reads it. The file appears whole or not at all.

    Raise WeightsError if it cannot be written.
    """
    content = {
        "weights": checkpoint.weights,
        "momentum": checkpoint.momentum,
        "position": asdict(checkpoint.position),
        "gradients": checkpoint.gradients,
    }
    save_weights(content, path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint that `save_checkpoint` wrote. Raise WeightsError if the file is missing or no such one.

    Nothing in the file is executed (weights_only).
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        weights, position, gradients = content["weights"], content["position"], content.get("gradients", {})
        if "probes" in position:  # what `validations` was called in files of earlier versions
            position["validations"] = position.pop("probes")
        checkpoint = Checkpoint(weights, content["momentum"], Position(**position), gradients)
        net = Net()
        net.load_state_dict(weights)
        for part in (checkpoint.momentum, gradients):  # has the same names and shapes, or is empty
            net.load_state_dict(part or weights)
        if not all(value >= 0 for value in asdict(checkpoint.position).values()):
            raise ValueError("a negative position")
    except Exception as error:  # a foreign file can make torch.load fail in any way
        raise WeightsError(f"{path.name} is no checkpoint of this Net; start the training anew.") from error
    return checkpoint
