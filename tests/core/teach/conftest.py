"""What the tests of the receipts share."""

import pytest

from cifar_core.data import Splits
from cifar_core.teach.receipt import Receipt
from tests.helpers.receipts import CHANGES, a_receipt
from tests.helpers.tiny_data import tiny_splits


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """100 training and 40 test images."""
    return tiny_splits(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def fresh(small: Splits) -> Receipt:
    """Of a run with changes: 36 mini-batches (31 of five images, then 5 of up to ten) and three lines."""
    return a_receipt(small, changes=CHANGES)
