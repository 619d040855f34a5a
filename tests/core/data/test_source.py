"""Which data set is in use: what was named, else what was downloaded, else drawn images until CIFAR-10 arrives."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.config import CLASSES
from cifar_core.data import Splits, drawn, mirror, open_splits, source
from cifar_core.data.archive import BATCHES, CIFAR10
from cifar_core.data.background import BackgroundDownload
from cifar_core.data.folder import RepackedError
from cifar_core.data.source import DataSource, find_data
from cifar_core.errors import DataError
from tests.helpers.mirrors import Mirrors, Response, described, tar_of
from tests.helpers.tiny_data import make_official, write_archive, write_folders
from tests.helpers.waiting import until

COUNTS = (100, 40)


pytestmark = pytest.mark.usefixtures("user_cache")


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may begin a download."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a download was begun")

    monkeypatch.setattr(source, "BackgroundDownload", never)


@pytest.fixture
def offline_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, nobody may begin a download."""
    return lambda: monkeypatch.setattr(source, "BackgroundDownload", None)


@pytest.fixture
def archive(mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive that a mirror has, unpacked; its download stands still half-way until `mirrors.go_on`."""
    root = write_archive(tmp_path / "far away")
    files = {f"{CIFAR10.folder}/{name}": (root / CIFAR10.folder / name).read_bytes() for name in BATCHES}
    packed = tar_of(files)
    url = mirrors.add("a", Response(packed, stop_after=len(packed) // 2, stalls=True), Response(packed))
    come_from(monkeypatch, url, archive=described(packed))
    return root


def come_from(monkeypatch: pytest.MonkeyPatch, *urls: str, **options: Any) -> None:
    """The download of CIFAR-10 asks these mirrors."""
    monkeypatch.setattr(source, "BackgroundDownload", partial(BackgroundDownload, mirrors=urls, **options))


def is_drawn(splits: Splits) -> bool:
    return splits.info.kind == "drawn" and (len(splits.train), len(splits.test)) == COUNTS


def same(a: Splits, b: Splits) -> bool:
    return all(
        np.array_equal(one.images, other.images) and np.array_equal(one.labels, other.labels)
        for one, other in zip(a, b, strict=True)
    )


def test_a_named_folder_is_used(tmp_path: Path, downloads: Path, offline: None) -> None:
    write_archive(downloads)  # an earlier download is not asked for
    found = find_data(write_folders(tmp_path / "mine"), downloads=downloads)
    assert (found.splits.info.root, len(found.splits.train)) == (str(tmp_path / "mine"), 12)
    assert (found.status, found.fraction) == ("", None)


@pytest.mark.parametrize("named", ["missing", "empty"])
def test_what_was_named_is_never_silently_replaced(
    tmp_path: Path, downloads: Path, user_cache: Path, offline: None, named: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=named):
        find_data(tmp_path / named, downloads=downloads, drawn_counts=COUNTS)
    assert not downloads.exists() and not user_cache.exists()


def test_a_repacked_archive_is_used_only_where_that_was_allowed(tmp_path: Path, downloads: Path, offline: None) -> None:
    for named in (write_archive(tmp_path / "mine"), None):
        write_archive(downloads)
        with pytest.raises(RepackedError, match="md5"):
            find_data(named, downloads=downloads)
        found = find_data(named, unverified=True, downloads=downloads)
        assert (found.splits.info.verified, len(found.splits.train)) == (False, 100)


def test_an_earlier_download_is_used(downloads: Path, offline: None, monkeypatch: pytest.MonkeyPatch) -> None:
    make_official(write_archive(downloads), monkeypatch)
    found = find_data(None, downloads=downloads)
    assert (found.splits.info.name, found.splits.info.verified) == ("CIFAR-10", True)
    assert (found.status, found.fraction) == ("", None)


def test_an_image_folder_in_the_place_of_downloads_is_used(downloads: Path, offline: None) -> None:
    assert find_data(None, downloads=write_folders(downloads)).splits.info.kind == "folders"


def test_without_any_data_drawn_images_are_there_until_the_real_ones_have_come(
    archive: Path, mirrors: Mirrors, downloads: Path, offline_later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_official(archive, monkeypatch)
    monkeypatch.setattr(mirror, "CHUNK", 1000)
    monkeypatch.setattr(mirror, "REPORT_SECONDS", 0)
    found = find_data(None, downloads=downloads, drawn_counts=COUNTS)
    drawn_splits = found.splits
    assert is_drawn(drawn_splits)
    assert drawn_splits.info.note.endswith("they are not CIFAR-10.")
    assert drawn_splits.folder.parent == downloads / "drawn"

    until(lambda: found.fraction)
    assert found.fraction is not None and 0 < found.fraction < 1
    assert found.status.startswith("Downloading CIFAR-10: ")
    assert found.splits is drawn_splits

    mirrors.go_on.set()
    until(lambda: found.splits is not drawn_splits and not found.status)
    assert found.splits.info.name == "CIFAR-10" and found.splits.info.verified
    assert same(found.splits, open_splits(archive))
    assert found.splits.folder != drawn_splits.folder
    assert found.fraction is None
    assert drawn_splits.train.images.any()  # for runs that train on it

    offline_later()
    assert same(find_data(None, downloads=downloads).splits, found.splits)


def test_an_earlier_download_with_a_hole_in_it_is_left_alone_and_told(
    archive: Path, mirrors: Mirrors, downloads: Path
) -> None:
    write_archive(downloads)
    (downloads / CIFAR10.folder / "data_batch_5").unlink()
    found = find_data(None, downloads=downloads, drawn_counts=COUNTS)
    until(lambda: "is not complete (data_batch_5 is missing); remove or rename it" in found.status)
    assert is_drawn(found.splits)
    assert mirrors.asked == []


def test_a_download_that_fails_leaves_the_drawn_images_and_says_why(
    mirrors: Mirrors, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_from(monkeypatch, mirrors.add("a", Response(status=404)))
    found = find_data(None, downloads=downloads, drawn_counts=COUNTS)
    assert not found.failed
    until(lambda: found.failed)
    assert "404" in found.status and found.status.endswith((".", "`."))
    assert found.fraction is None
    assert is_drawn(found.splits)


def test_an_archive_that_arrives_but_cannot_be_used_leaves_the_drawn_images_and_says_why(
    archive: Path, mirrors: Mirrors, downloads: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = find_data(None, downloads=downloads, drawn_counts=COUNTS)
    mirrors.go_on.set()
    until(lambda: found.status.startswith("CIFAR-10 was downloaded but cannot be used"))
    until(lambda: "md5" in caplog.text)
    assert str(downloads) in caplog.text and str(downloads) not in found.status
    assert is_drawn(found.splits)


def test_while_the_real_images_are_decoded_the_status_says_so(
    downloads: Path, archive: Path, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slowly(root: Path) -> Splits:
        assert go_on.wait(60)
        return open_splits(root, unverified=True)

    monkeypatch.setattr(source, "open_splits", slowly)
    found = find_data(None, downloads=downloads, drawn_counts=COUNTS)
    mirrors.go_on.set()
    until(lambda: found.status == "CIFAR-10 has arrived; its images are being decoded.")
    assert is_drawn(found.splits)
    go_on.set()
    until(lambda: not is_drawn(found.splits) and not found.status)


def test_the_drawn_images_are_drawn_once_only(
    mirrors: Mirrors, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_from(monkeypatch, mirrors.add("a", Response(status=404)))
    first = find_data(None, downloads=downloads, drawn_counts=COUNTS)
    until(lambda: "404" in first.status)
    monkeypatch.setattr(drawn, "draw_set", None)
    second = find_data(None, downloads=downloads, drawn_counts=COUNTS)
    assert same(first.splits, second.splits)
    until(lambda: "404" in second.status)


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "HOME"])
def test_where_downloads_cannot_be_written_the_users_cache_stores_the_drawn_images(
    mirrors: Mirrors, tmp_path: Path, downloads: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    cache = tmp_path / "user cache"
    if variable == "HOME":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", str(tmp_path))
        cache = tmp_path / ".cache"
    downloads.write_text("a file in the way")
    come_from(monkeypatch, mirrors.add("a"))
    found = find_data(None, downloads=downloads, drawn_counts=COUNTS)
    assert is_drawn(found.splits)
    assert found.splits.folder.parent == cache / "cifar_core" / "drawn"
    until(lambda: "cannot be stored" in found.status)  # the download cannot write there either
    assert mirrors.asked == []
    assert is_drawn(found.splits)


def test_where_nothing_can_be_written_that_is_said(tmp_path: Path, downloads: Path, user_cache: Path) -> None:
    for path in (downloads, user_cache):
        path.write_text("a file in the way")
    with pytest.raises(DataError, match="could not be stored in"):
        find_data(None, downloads=downloads, drawn_counts=COUNTS)


def test_splits_that_were_opened_elsewhere_can_be_a_source(tiny: Splits) -> None:
    found = DataSource(tiny)
    assert (found.splits, found.status, found.fraction) == (tiny, "", None)
    assert found.splits.train.classes == CLASSES
