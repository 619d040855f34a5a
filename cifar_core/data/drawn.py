"""A stand-in for CIFAR-10, drawn by code: the same ten classes, for a machine that cannot have the real pictures.

Every picture is painted at four times its size and reduced, so that its edges are soft. Place, size, colours,
background, light and noise are random, from a fixed seed: one version of Pillow and numpy makes the same bytes each
time. With its defaults the tutorial's Net gets about 95 % of the test set right, where CIFAR-10 itself gives it 55 %.
"""

import contextlib
from pathlib import Path

import numpy as np

from cifar_core.config import CLASSES
from cifar_core.data import image_set
from cifar_core.data.canvas import FINE, Canvas
from cifar_core.data.drawings import DRAWINGS
from cifar_core.data.image_set import SIDE, SPLITS, DatasetInfo, ImageSet, Split, Splits
from cifar_core.errors import DataError

VERSION = 1
"""of the drawings: raise it when a picture changes, so that kept copies are drawn again"""


def draw_splits(folder: Path, train_count: int = 10_000, test_count: int = 2_000) -> Splits:
    """Both splits of drawn pictures, kept in `folder`; a complete copy of the same counts there is opened instead.

    The classes are balanced and shuffled, and no test picture is also a training picture. Raises DataError where a
    count is below one or the folder cannot be written.
    """
    source = f"drawn {VERSION}: {train_count} + {test_count}"
    with contextlib.suppress(DataError):  # there is no such copy yet
        return image_set.load(folder, source)
    note = "These pictures were drawn by this program as a stand-in; they are not CIFAR-10."
    about = DatasetInfo("Drawn pictures", "drawn", verified=False, root="", note=note)
    return image_set.save(folder, draw_set("train", train_count), draw_set("test", test_count), about, source)


def draw_set(split: Split, count: int) -> ImageSet:
    """One split of `count` pictures; the training set and the test set are drawn from different seeds."""
    rng = np.random.Generator(np.random.PCG64(SPLITS.index(split)))
    labels = rng.permutation(np.arange(count, dtype=np.int64) % len(CLASSES))  # (count,)
    images = np.zeros((len(labels), SIDE, SIDE, 3), np.uint8)
    for index, label in enumerate(labels):
        images[index] = draw(label, rng)
    return ImageSet(images, labels, CLASSES, split)


def draw(label: int, rng: np.random.Generator) -> np.ndarray:
    """A new picture of class `label` (0 to 9): uint8 (32, 32, 3)."""
    brush = Canvas(rng)
    DRAWINGS[label](brush)
    pixels = np.asarray(brush.canvas.reduce(FINE), np.int16)  # (32, 32, 3)
    ## No two photographs have the same light: each channel is scaled by 0.78 to 1.16, and every pixel gets noise.
    light = rng.integers(54, 71, dtype=np.int16) + rng.integers(-4, 5, 3, dtype=np.int16)  # (3,) in 64ths
    noise = rng.integers(-6, 7, pixels.shape, dtype=np.int16)  # (32, 32, 3)
    return np.clip((pixels * light >> 6) + noise, 0, 255).astype(np.uint8)
