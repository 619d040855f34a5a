"""A folder of images: read as uploads are, in a fixed order."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import CLASSES
from cifar_core.data import open_splits
from cifar_core.data.image_folder import files_by_class
from cifar_core.image_files import read_image
from cifar_core.images import to_net_input
from tests.helpers.tiny_data import (
    ARCHIVE_CLASSES,
    draw,
    tiny_splits,
    write_folders,
)

pytestmark = pytest.mark.usefixtures("user_cache")


def test_images_of_32_by_32_pixels_are_read_exactly_and_in_sorted_order(tmp_path: Path) -> None:
    splits = open_splits(write_folders(tmp_path / "data", ("zebra", "apple", "moss"), 4, 2))
    assert splits.train.classes == splits.test.classes == ("apple", "moss", "zebra")
    assert splits.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert np.array_equal(splits.train.images[:4], draw(np.full(4, 1), 100))
    assert np.array_equal(splits.test.images[4:], draw(np.full(2, 0), 1))
    about = splits.info
    assert (about.name, about.kind, about.verified, about.note) == ("Image folder", "folders", False, "")


def test_more_images_than_fit_one_portion_stay_in_order(tmp_path: Path) -> None:
    splits = open_splits(write_folders(tmp_path / "data", ("cat", "dog"), 150, 1))
    assert np.array_equal(splits.train.images, np.concatenate([draw(np.full(150, c), 100 * c) for c in (0, 1)]))


def test_folders_named_after_cifar_classes_get_the_ten_classes_in_cifars_order(tmp_path: Path) -> None:
    splits = open_splits(write_folders(tmp_path / "data", ("truck", "automobile", "airplane", "bird"), 2, 1))
    assert splits.train.classes == CLASSES
    assert splits.train.labels.tolist() == [0, 0, 1, 1, 2, 2, 9, 9]
    assert np.array_equal(splits.train.images[:2], draw(np.full(2, 2), 200))


def test_long_and_short_names_mean_the_same_class(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data", ("airplane", "cat"), 2, 1)
    (root / "test" / "airplane").rename(root / "test" / "plane")
    assert open_splits(root).test.labels.tolist() == [0, 3]


def test_photos_of_any_kind_are_read_as_uploads_are(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data", ("cat", "dog"), 1, 1, "jpg")
    photo = Image.fromarray(np.arange(90 * 60 * 3, dtype=np.uint32).reshape(60, 90, 3).astype(np.uint8))
    for name in ("photo.jpeg", "photo.PNG", "photo.bmp", "photo.gif", "photo.webp"):
        photo.save(root / "train" / "cat" / name)
    cats = open_splits(root).train.images[:6]
    paths = sorted((root / "train" / "cat").iterdir())
    assert np.array_equal(cats, np.stack([to_net_input(read_image(path)) for path in paths]))


def test_hidden_files_are_passed_over_and_folders_in_a_class_are_read(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data", ("cat", "dog"), 2, 1)
    (root / "train" / "cat" / ".DS_Store").write_bytes(b"Bud1")
    (root / "train" / ".ipynb_checkpoints").mkdir()
    (root / "train" / "readme.txt").write_text("a file beside the classes")
    (root / "train" / "cat" / "more").mkdir()
    Image.new("RGB", (32, 32), "red").save(root / "train" / "cat" / "more" / "red.png")
    splits = open_splits(root)
    assert splits.train.counts()[[3, 5]].tolist() == [3, 2] and splits.info.note == ""
    assert splits.train.images[2, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("count", "note"), [(1, "1 file could not be read as an image and was left out."), (3, "3 files")]
)
def test_files_that_are_no_images_are_left_out_and_counted(tmp_path: Path, count: int, note: str) -> None:
    root = write_folders(tmp_path / "data", ("cat", "dog"), 3, 2)
    for path in [root / "train" / "cat" / "0001.png", root / "test" / "dog" / "0000.png", root / "test" / "dog" / "x"][
        :count
    ]:
        path.write_bytes(b"no image")
    splits = open_splits(root)
    assert note in splits.info.note
    assert splits.train.labels.tolist() == [3, 3, 5, 5, 5]
    assert np.array_equal(splits.train.images[:2], draw(np.full(3, 0), 0)[[0, 2]])


def test_tiny_images_show_their_class(tmp_path: Path) -> None:
    splits = tiny_splits(tmp_path / "tiny")
    colours = np.stack([splits.train.images[splits.train.labels == c].mean(axis=(0, 1, 2)) for c in range(10)])
    means = splits.test.images.mean(axis=(1, 2))  # (40, 3)
    nearest = np.linalg.norm(means[:, None] - colours, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, splits.test.labels)
    assert ARCHIVE_CLASSES[:2] == ("airplane", "automobile") and len(ARCHIVE_CLASSES) == len(CLASSES)


def test_a_class_folder_whose_name_is_no_utf_8_has_a_name_that_a_page_can_show(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/caf\xe9")
    (name,) = files_by_class(tmp_path)
    assert name.encode("utf-8").decode() == "caf?"
