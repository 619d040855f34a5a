"""What the tests of the Train tab share."""

from pathlib import Path

import pytest

from cifar_core.data import Splits
from cifar_core.data.image_set import ImageSet, save
from cifar_core.runs.limits import Limits
from cifar_core.runs.service import Service
from tests.helpers.markup import EVIL_CLASSES


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests do what workers write."""
    return Service(tmp_path / "runs", limits=Limits(steps=1000))


@pytest.fixture
def evil(tmp_path: Path, tiny: Splits) -> Splits:
    """Splits whose class names would break a page that trusted them."""
    train, test = (ImageSet(part.images, part.labels, EVIL_CLASSES, part.split) for part in tiny)
    return save(tmp_path / "evil", train, test, tiny.info)
