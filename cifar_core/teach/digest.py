"""The sha256 sums by which a receipt knows its data and its weights."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.data import image_set
from cifar_core.data.image_set import Splits

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DataFacts:
    """What tells one data set from another."""

    name: str
    sha256: str
    """over the bytes of training images, training labels, test images and test labels (int64), one after the other"""
    train: int
    """images"""
    test: int
    """images"""
    classes: tuple[str, ...]


def data_facts(splits: Splits) -> DataFacts:
    """Return the facts of a data set. The first time this reads its bytes: a third of a second for CIFAR-10."""
    try:
        written = (splits.folder / "splits.json").stat().st_mtime_ns
    except OSError:
        written = 0  # loading it raises the error that says what is wrong
    sha256 = _data_sha256(splits.folder, written)
    return DataFacts(splits.info.name, sha256, len(splits.train), len(splits.test), splits.train.classes)


@lru_cache(8)
def _data_sha256(folder: Path, written: int) -> str:
    """Return the sum that DataFacts describes; `written`, the time of writing, has new data in `folder` read again."""
    return image_set.sha256_of(*image_set.load(folder))


def weights_sha256(weights: "Mapping[str, Tensor]") -> str:
    """Return the sum over each weight's name, shape and numbers (little-endian float32), whatever the file format.

    In Python: for name, tensor in state_dict.items(): update(f"{name} {tuple(tensor.shape)}".encode()), and
    update(tensor.numpy().astype("<f4").tobytes()).
    """
    digest = hashlib.sha256()
    for name, tensor in weights.items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().numpy().astype("<f4").tobytes())
    return digest.hexdigest()
