"""Evaluations with known numbers, and data with awkward classes."""

from pathlib import Path
from typing import Any

import numpy as np

from cifar_core.data import Splits
from cifar_core.data.image_set import DatasetInfo, ImageSet, save
from cifar_core.evaluate import Evaluation
from tests.helpers.tiny_data import draw

EVIL = ("<b>", "a&b", '"q"', "it's")
"""classes whose names would break a page that trusted them"""


def evaluation_with(counts: Any, classes: tuple[str, ...] = ("cat", "dog", "owl")) -> Evaluation:
    """Return an evaluation with this confusion matrix, every confidence 90 % or more."""
    pairs = [(t, p) for t, row in enumerate(counts) for p, count in enumerate(row) for _ in range(count)]
    logits = np.zeros((len(pairs), 10), np.float32)
    for place, (_, predicted) in enumerate(pairs):
        logits[place, predicted] = 5 + place % 3
    return Evaluation(logits, np.array([truth for truth, _ in pairs], np.int64), classes)


def few_classes(folder: Path, classes: tuple[str, ...] = EVIL) -> Splits:
    """Return data with four classes; the last has no test images."""
    train, test = np.arange(40) % 4, np.arange(15) % 3
    return save(
        folder,
        ImageSet(draw(train), train, classes, "train"),
        ImageSet(draw(test, 1), test, classes, "test"),
        DatasetInfo("Image folder", "folders", True, "", ""),
    )
