"""Data folders for tests: re-packed, refused, compared."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.data import Splits, open_splits
from cifar_core.errors import DataError

BATCHES = "cifar-10-batches-py"


def repack(root: Path, contents: dict[str, Any], protocol: int = 4) -> Path:
    for name, content in contents.items():
        (root / BATCHES).mkdir(parents=True, exist_ok=True)
        (root / BATCHES / name).write_bytes(pickle.dumps(content, protocol))
    return root


def refusal(path: Path | str, **options: bool) -> str:
    """The sentence with which a folder is refused."""
    with pytest.raises(DataError) as caught:
        open_splits(path, **options)
    assert str(caught.value).endswith((".", "`."))
    return str(caught.value)


def assert_same(one: Splits, other: Splits) -> None:
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels) and a.classes == b.classes
