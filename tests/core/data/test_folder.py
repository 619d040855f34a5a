"""Every way in which a folder can be the wrong one, each refused in a sentence that helps."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cifar_core.data import open_splits
from tests.helpers.folders import BATCHES, refusal
from tests.helpers.tiny_data import (
    write_folders,
)

pytestmark = pytest.mark.usefixtures("user_cache")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    sentence = refusal(tmp_path / "nowhere")
    assert "no folder" in sentence and "nowhere" in sentence and "prepare-data" in sentence


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"")
    assert "is a file, not a folder" in refusal(str(tmp_path / "cifar-10-python.tar.gz"))


@pytest.mark.parametrize("path", ["a\0b", "~nobody-of-this-name/data"])
def test_a_path_that_cannot_exist_is_refused(path: str) -> None:
    assert "cannot be read" in refusal(path)


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be read" in refusal(tmp_path / "loop")


@pytest.mark.parametrize("locked", ["data", "data/train/dog"])
def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: str) -> None:
    write_folders(tmp_path / "data")

    def scandir(path: Any, scandir: Any = os.scandir) -> Any:
        if Path(path) == tmp_path / locked:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir)
    sentence = refusal(tmp_path / "data")
    assert "Permission denied" in sentence and str(tmp_path / locked) in sentence and "Allow" in sentence


def test_an_empty_folder_is_told_as_empty(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".DS_Store").touch()
    sentence = refusal(tmp_path / "data")
    assert "is empty" in sentence and "prepare-data" in sentence


def test_an_unfinished_download_can_be_continued(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-python.tar.gz.part").write_bytes(b"1234")
    sentence = refusal(tmp_path)
    assert "not finished" in sentence and f"prepare-data {tmp_path}" in sentence


def test_an_archive_must_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"1234")
    sentence = refusal(tmp_path)
    assert "not unpacked" in sentence and "tar xzf" in sentence


def test_some_other_folder_is_told_what_would_be_right(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    sentence = refusal(tmp_path)
    assert BATCHES in sentence and "train/ and test/" in sentence


@pytest.mark.parametrize(("there", "lacking"), [("train", "test"), ("test", "train")])
def test_training_and_test_images_are_both_needed(tmp_path: Path, there: str, lacking: str) -> None:
    root = write_folders(tmp_path / "data")
    (root / lacking).rename(tmp_path / "elsewhere")
    assert f"holds {there}/ but no {lacking}/" in refusal(root)


def test_images_must_lie_in_folders_of_classes(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data", ("cat", "dog"), 1, 0)
    for name in ("cat", "dog"):
        (root / "test" / name).rmdir()
    Image.new("RGB", (32, 32)).save(root / "test" / "1.png")
    assert f"{root / 'test'} holds no folder" in refusal(root)


@pytest.mark.parametrize(("there", "lacking"), [("train", "test"), ("test", "train")])
def test_training_and_test_classes_must_be_the_same(tmp_path: Path, there: str, lacking: str) -> None:
    root = write_folders(tmp_path / "data", ("cat", "dog", "zebra"))
    (root / lacking / "zebra").rename(tmp_path / "zebra")
    assert f"'zebra' is in {there}/ only" in refusal(root)


def test_one_class_is_too_few(tmp_path: Path) -> None:
    sentence = refusal(write_folders(tmp_path / "data", ("cat",)))
    assert "one class only" in sentence and "'cat'" in sentence


def test_ten_classes_are_enough_and_eleven_too_many(tmp_path: Path) -> None:
    names = [f"class {letter}" for letter in "abcdefghijk"]
    assert open_splits(write_folders(tmp_path / "ten", names[:10], 1, 1)).train.classes == tuple(names[:10])
    sentence = refusal(write_folders(tmp_path / "eleven", names, 1, 1))
    assert "11 classes" in sentence and "at most 10" in sentence


def test_a_class_without_files_is_refused(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data", ("cat", "dog"), 2, 0)
    assert "folder of 'cat'" in refusal(root) and "is empty" in refusal(root)


def test_a_class_without_one_readable_image_is_refused(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data", ("cat", "dog"), 2, 2)
    for path in (root / "test" / "dog").iterdir():
        path.write_bytes(b"no image")
    sentence = refusal(root)
    assert "None of the files of 'dog'" in sentence and str(root / "test") in sentence
