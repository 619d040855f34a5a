"""A stand-in for CIFAR-10, drawn by code: the same ten classes, for a machine that cannot have the real images.

Every image is drawn at four times its size and reduced, so that its edges are soft. Place, size, colours,
background, light and noise are random, from a fixed seed: one version of Pillow and numpy makes the same bytes each
time. The tutorial's Net reaches about 95 % on this test set, against 55 % on CIFAR-10 itself.
"""

import contextlib
from pathlib import Path

import numpy as np

from cifar_core.config import CLASSES
from cifar_core.data import image_set
from cifar_core.data.drawings import DRAWINGS
from cifar_core.data.drawings.canvas import FINE, Canvas
from cifar_core.data.image_set import SIDE, SPLITS, DatasetInfo, ImageSet, Split, Splits
from cifar_core.errors import DataError

VERSION = 1
"""of the drawings: raise it when an image changes, so that cached copies are drawn again"""


def draw_splits(folder: Path, train_count: int = 10_000, test_count: int = 2_000) -> Splits:
    """Draw both splits into a folder of their own in `folder`, or open a complete copy of the same counts there.

    The classes are balanced and shuffled, and no test image is also a training image. Raise DataError if a count is
    below one or the folder cannot be written.
    """
    source = f"drawn {VERSION}: {train_count} + {test_count}"
    folder = folder / f"{VERSION}-{train_count}-{test_count}"  # others may have another copy open
    with contextlib.suppress(DataError):  # there is no such copy yet
        return image_set.load(folder, source)
    note = "These images were drawn by this program as a stand-in; they are not CIFAR-10."
    info = DatasetInfo("Drawn images", "drawn", verified=False, root="", note=note)
    return image_set.save(folder, draw_set("train", train_count), draw_set("test", test_count), info, source)


def draw_set(split: Split, count: int) -> ImageSet:
    """Draw one split of `count` images; the training set and the test set have different seeds."""
    rng = np.random.Generator(np.random.PCG64(SPLITS.index(split)))
    labels = rng.permutation(np.arange(count, dtype=np.int64) % len(CLASSES))  # (count,)
    images = np.zeros((len(labels), SIDE, SIDE, 3), np.uint8)
    for index, label in enumerate(labels):
        images[index] = draw(label, rng)
    return ImageSet(images, labels, CLASSES, split)


def draw(label: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a new image of class `label` (0 to 9): uint8 (32, 32, 3)."""
    canvas = Canvas(rng)
    DRAWINGS[label](canvas)
    pixels = np.asarray(canvas.image.reduce(FINE), np.int16)  # (32, 32, 3)
    ## No two photographs have the same light: each channel is scaled by 0.78 to 1.16, and every pixel gets noise.
    light = rng.integers(54, 71, dtype=np.int16) + rng.integers(-4, 5, 3, dtype=np.int16)  # (3,) in 64ths
    noise = rng.integers(-6, 7, pixels.shape, dtype=np.int16)  # (32, 32, 3)
    return np.clip((pixels * light >> 6) + noise, 0, 255).astype(np.uint8)
