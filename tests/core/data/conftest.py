"""What the tests of the data share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.mirrors import Mirrors, running
from tests.helpers.tiny_data import make_official, write_archive


@pytest.fixture
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of the user, for what cannot be stored beside the data."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user cache"))
    return tmp_path / "user cache"


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("CIFAR_MIRRORS", raising=False)
    with running() as server:
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive whose md5 sums are not the official ones."""
    return write_archive(tmp_path / "data")


@pytest.fixture
def official(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and torchvision takes its md5 sums for the official ones."""
    make_official(root, monkeypatch)
    return root
