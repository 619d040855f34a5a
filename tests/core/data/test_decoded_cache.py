"""The cached copy: used as long as nothing has changed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cifar_core.data import folder, image_folder, open_splits
from cifar_core.data.decoded_cache import COPIES
from cifar_core.data.image_set import load, sha256_of
from cifar_core.image_files import read_image
from tests.helpers.folders import assert_same, refusal
from tests.helpers.tiny_data import (
    write_archive,
    write_folders,
)

pytestmark = pytest.mark.usefixtures("user_cache")


def test_a_second_start_imports_no_torch(root: Path) -> None:
    open_splits(root, unverified=True)
    code = (
        "import sys; from cifar_core.data import open_splits; splits = open_splits(sys.argv[1], unverified=True); "
        "print(len(splits.train), *sorted({'torch', 'torchvision'} & set(sys.modules)))"
    )
    project = Path(folder.__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code, str(root)], cwd=project, capture_output=True, text=True)
    assert run.stdout.split() == ["100"], run.stderr


def test_images_are_read_once_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_folders(tmp_path / "data")
    (root / "train" / "cat" / "extra.png").write_bytes(b"no image")
    first = open_splits(root)
    assert first.folder.parent == root / ".cifar_core"

    def never(path: Any) -> Image.Image:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(image_folder, "read_image", never)
    second = open_splits(str(root))
    assert_same(first, second)
    assert second.info == first.info and "1 file" in second.info.note


@pytest.mark.parametrize("change", ["written", "touched", "added", "removed", "renamed"])
def test_a_change_in_the_folder_makes_the_cached_copy_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    root = write_folders(tmp_path / "data")
    open_splits(root)
    path = root / "test" / "dog" / "0002.png"
    match change:
        case "written":
            Image.new("RGB", (32, 32)).save(path)
        case "touched":
            os.utime(path, ns=(1, 1))
        case "added":
            Image.new("RGB", (32, 32)).save(path.with_name("new.png"))
        case "removed":
            path.unlink()
        case "renamed":
            path.rename(path.with_name("9999.png"))
    read = []

    def count(path: str) -> Image.Image:
        read.append(path)
        return read_image(path)

    monkeypatch.setattr(image_folder, "read_image", count)
    splits = open_splits(root)
    assert len(read) == len(splits.train) + len(splits.test)
    open_splits(root)
    assert len(read) == len(splits.train) + len(splits.test)


def test_data_that_change_are_decoded_beside_the_copy_that_others_have_open(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data")
    before = open_splits(root)
    files = {path: path.stat() for path in before.folder.iterdir()}
    Image.new("RGB", (32, 32)).save(root / "test" / "dog" / "new.png")
    after = open_splits(root)
    assert after.folder != before.folder and len(after.test) == len(before.test) + 1
    assert {path: path.stat() for path in before.folder.iterdir()} == files
    assert_same(load(before.folder), before)
    assert after.sha256 == sha256_of(*after) != before.sha256 == sha256_of(*before)


def test_only_the_newest_copies_are_kept_and_those_who_have_an_older_one_open_keep_it(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data")
    splits = [open_splits(root)]
    pixels = splits[0].train.images.tobytes()
    for number in range(COPIES + 1):
        Image.new("RGB", (32, 32)).save(root / "test" / "dog" / f"new {number}.png")
        splits.append(open_splits(root))
    kept = {path.parent for path in root.glob(".cifar_core/*/splits.json")}
    assert kept == {each.folder for each in splits[-COPIES:]}
    assert splits[0].train.images.tobytes() == pixels


def test_the_one_copy_that_an_earlier_version_made_is_still_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_folders(tmp_path / "data")
    first = open_splits(root)
    for path in first.folder.iterdir():
        path.rename(root / ".cifar_core" / path.name)
    first.folder.rmdir()
    description = json.loads((root / ".cifar_core/splits.json").read_text())
    del description["sha256"]
    (root / ".cifar_core/splits.json").write_text(json.dumps(description))
    monkeypatch.setattr(image_folder, "read_image", None)
    again = open_splits(root)
    assert (again.folder, again.sha256) == (root / ".cifar_core", first.sha256)
    assert_same(again, first)


def test_a_changed_batch_makes_the_cached_copy_stale(root: Path) -> None:
    assert len(open_splits(root, unverified=True).test) == 40
    write_archive(root, test=30)
    assert len(open_splits(root, unverified=True).test) == 30


def test_a_copy_cached_as_unverified_is_not_served_to_those_who_did_not_accept_it(root: Path) -> None:
    open_splits(root, unverified=True)
    assert "md5" in refusal(root)


def test_a_copy_cached_as_verified_is_served_to_all(official: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_splits(official)
    monkeypatch.setattr(folder, "read_verified", None)
    monkeypatch.setattr(folder, "read_unverified", None)
    assert open_splits(official, unverified=True).info.verified
    assert open_splits(official).info.verified


def test_a_damaged_copy_is_made_anew(root: Path) -> None:
    first = open_splits(root, unverified=True)
    (first.folder / "train_images.npy").write_bytes(b"cut")
    again = open_splits(root, unverified=True)
    assert again.train.images.shape == (100, 32, 32, 3)


def test_data_that_was_moved_is_reported_at_its_new_place(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data")
    open_splits(root)
    moved = root.rename(tmp_path / "moved")
    assert open_splits(moved).info.root == str(moved)


def test_a_folder_that_cannot_be_written_is_cached_for_the_user(
    tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = [write_folders(tmp_path / name, seed=seed) for seed, name in enumerate(("one", "two"))]
    for root in roots:
        (root / ".cifar_core").write_text("a file, where a folder would have to be made")
    splits = [open_splits(root) for root in roots]
    assert all(user_cache / "cifar_core" in split.folder.parents for split in splits)
    monkeypatch.setattr(image_folder, "read_image", None)
    for root, split in zip(roots, splits, strict=True):
        assert_same(open_splits(root), split)


def test_without_any_place_for_the_copy_two_are_named(tmp_path: Path, user_cache: Path) -> None:
    root = write_folders(tmp_path / "data")
    (root / ".cifar_core").touch()
    user_cache.touch()
    sentence = refusal(root)
    assert str(root / ".cifar_core") in sentence and str(user_cache) in sentence and "XDG_CACHE_HOME" in sentence


def test_without_a_cache_variable_the_users_home_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_folders(tmp_path / "data")
    (root / ".cifar_core").touch()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert tmp_path / "home" / ".cache" / "cifar_core" in open_splits(root).folder.parents
