"""What the tests of Judge share: a registry, and an evaluation with right and wrong predictions of all kinds."""

from pathlib import Path

import numpy as np
import pytest

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.data.image_set import ImageSet
from cifar_core.data.source import DataSource
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.net import Net
from cifar_core.runs.limits import Limits
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service


@pytest.fixture
def nets(tmp_path: Path, tiny: Splits) -> NetRegistry:
    """Nets of a service without workers: the tests do what workers write."""
    return NetRegistry(Service(tmp_path / "runs", limits=Limits(steps=1000)), DataSource(tiny))


@pytest.fixture(scope="module")
def evaluation(tiny: Splits, trained: Net) -> Evaluation:
    """A trained Net's evaluation on 120 images, a third of them with other labels."""
    labels = tiny.test.labels.copy()
    labels[::3] = (labels[::3] + np.arange(len(labels[::3])) % 4) % 10
    return evaluate(trained, ImageSet(tiny.test.images, labels, CLASSES, "test"))
