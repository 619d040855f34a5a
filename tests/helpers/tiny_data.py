"""Tiny data sets in the real formats: the archive as it was pickled in 2009, image folders, and splits opened at once.

The images are noise in a colour and with stripes of their class, so that a Net has something to learn.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import CLASSES
from cifar_core.data.image_set import DatasetInfo, ImageSet, Splits, save

ARCHIVE_CLASSES = ("airplane", "automobile", *CLASSES[2:])
"""the ten classes as the archive's batches.meta names them"""


def draw(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """One image for each label: int (N,) -> uint8 (N, 32, 32, 3), the same for the same seed."""
    random = np.random.default_rng(seed)
    angles = 2 * np.pi * (np.arange(10)[:, None] / 10 + np.arange(3) / 3)
    colours = 128 + 80 * np.cos(angles)  # (10, 3): around the wheel
    stripes = 30 * np.sin(np.arange(32) * np.arange(1, 11)[:, None] / 3)  # (10, 32): wide to narrow
    images = colours[labels][:, None, None] + stripes[labels][:, :, None, None]  # (N, 32, 1, 3)
    images = images + random.normal(0, 20, (len(labels), 32, 32, 3))
    pixels: np.ndarray = images.clip(0, 255).astype(np.uint8)
    return pixels


def mixed_labels(count: int, seed: int = 0) -> np.ndarray:
    """The labels 0 to 9 equally often, in random order: int64 (count,)."""
    return np.random.default_rng(seed).permutation(np.arange(count, dtype=np.int64) % 10)


def archive_contents(train: int = 100, test: int = 40, seed: int = 0) -> dict[str, dict[str, Any]]:
    """The content of each of the archive's seven files, under the file's name."""
    contents: dict[str, dict[str, Any]] = {}
    parts = np.array_split(mixed_labels(train, seed), 5)
    files = [(f"data_batch_{number}", f"training batch {number} of 5", part) for number, part in enumerate(parts, 1)]
    files.append(("test_batch", "testing batch 1 of 1", mixed_labels(test, seed + 1)))
    for index, (name, title, labels) in enumerate(files):
        planes = draw(labels, 10 * seed + index).transpose(0, 3, 1, 2)  # (n, 3, 32, 32)
        contents[name] = {
            "batch_label": title,
            "labels": labels.tolist(),
            "data": np.ascontiguousarray(planes).reshape(-1, 3072),
            "filenames": [f"{ARCHIVE_CLASSES[label]}_s_{at:06d}.png" for at, label in enumerate(labels)],
        }
    meta = {"num_cases_per_batch": len(parts[0]), "label_names": list(ARCHIVE_CLASSES), "num_vis": 3072}
    return {**contents, "batches.meta": meta}


def write_archive(root: Path, train: int = 100, test: int = 40, seed: int = 0) -> Path:
    """`root`, which then holds cifar-10-batches-py with its seven files, pickled as Python 2 did the official ones."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in archive_contents(train, test, seed).items():
        (folder / name).write_bytes(b"\x80\x02" + _python2_pickle(content) + b".")
    return root


def write_folders(
    root: Path,
    classes: Sequence[str] = ("cat", "dog"),
    train_each: int = 6,
    test_each: int = 3,
    suffix: str = "png",
    seed: int = 0,
) -> Path:
    """`root`, which then holds train/<class>/0000.png, 0001.png ... and test/<class>/..., each of 32x32 pixels."""
    for split, each in (("train", train_each), ("test", test_each)):
        for label, name in enumerate(classes):
            folder = root / split / name
            folder.mkdir(parents=True, exist_ok=True)
            images = draw(np.full(each, label % 10), seed + 100 * label + (split == "test"))
            for index, image in enumerate(images):
                Image.fromarray(image).save(folder / f"{index:04d}.{suffix}")
    return root


def tiny_splits(folder: Path, train: int = 100, test: int = 40, seed: int = 0) -> Splits:
    """Splits that pass for the verified CIFAR-10; their `.npy` files are in `folder`."""
    train_labels, test_labels = mixed_labels(train, seed), mixed_labels(test, seed + 1)
    return save(
        folder,
        ImageSet(draw(train_labels, seed), train_labels, CLASSES, "train"),
        ImageSet(draw(test_labels, seed + 1), test_labels, CLASSES, "test"),
        DatasetInfo("CIFAR-10", "archive", True, str(folder), ""),
    )


def make_official(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have torchvision take the md5 sums of the archive in `root` for the official ones."""
    from torchvision.datasets import CIFAR10

    sums = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in (root / "cifar-10-batches-py").iterdir()}
    monkeypatch.setattr(CIFAR10, "train_list", [[f"data_batch_{n}", sums[f"data_batch_{n}"]] for n in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": sums["batches.meta"]})


def _python2_pickle(value: Any) -> bytes:
    """Protocol 2 as Python 2 wrote it, where words are bytes; `python -m pickletools` shows the same of the archive."""
    if isinstance(value, dict):
        return b"}(" + b"".join(_python2_pickle(part) for item in value.items() for part in item) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(_python2_pickle(part) for part in value) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(_python2_pickle(part) for part in value) + b"t"
    if isinstance(value, str):
        return _python2_pickle(value.encode())
    if isinstance(value, bytes):
        short = len(value) < 256
        return (b"U" if short else b"T") + len(value).to_bytes(1 if short else 4, "little") + value
    if isinstance(value, int):
        return b"J" + value.to_bytes(4, "little", signed=True)
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        blank = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _python2_pickle((0,)) + b"U\x01b\x87R"
        # dtype("u1", 0, 1), then its state (3, "|", None, None, None, -1, -1, 0)
        dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
        return (
            blank
            + b"(K\x01"
            + _python2_pickle(value.shape)
            + dtype
            + b"\x89"
            + _python2_pickle(value.tobytes())
            + b"tb"
        )
    raise TypeError(f"{type(value)} is in no file of the archive")
