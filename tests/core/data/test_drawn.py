"""The drawn stand-in for CIFAR-10: the same each time, balanced, and learnable. Nothing here looks at beauty."""

from pathlib import Path

import numpy as np
import pytest

from cifar_core.config import CLASSES
from cifar_core.data import drawn
from cifar_core.data.image_set import Splits, load
from cifar_core.errors import DataError

TRAIN, TEST = 300, 100


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    return drawn.draw_splits(tmp_path_factory.mktemp("drawn"), TRAIN, TEST)


def test_images_are_32_by_32_bytes_in_three_colours_with_the_tutorials_labels(splits: Splits) -> None:
    for image_set, count in ((splits.train, TRAIN), (splits.test, TEST)):
        assert image_set.images.shape == (count, 32, 32, 3) and image_set.images.dtype == np.uint8
        assert image_set.labels.shape == (count,) and image_set.labels.dtype == np.int64
        assert image_set.classes == CLASSES
    assert (splits.train.split, splits.test.split) == ("train", "test")


def test_every_class_has_its_own_drawing() -> None:
    assert tuple(drawing.__name__ for drawing in drawn.DRAWINGS) == CLASSES


def test_the_page_can_say_that_the_images_are_drawn_and_not_cifar_10(splits: Splits) -> None:
    about = splits.info
    assert (about.name, about.kind, about.verified, about.root) == ("Drawn images", "drawn", False, "")
    assert "drawn by this program" in about.note and "not CIFAR-10" in about.note


def test_the_same_images_are_drawn_each_time(splits: Splits, tmp_path: Path) -> None:
    for first, again in zip(splits, drawn.draw_splits(tmp_path, TRAIN, TEST), strict=True):
        assert first.images.tobytes() == again.images.tobytes()
        assert first.labels.tobytes() == again.labels.tobytes()


def test_numpys_global_seed_changes_no_image(splits: Splits) -> None:
    np.random.seed(1)
    assert (drawn.draw_set("test", TEST).images == splits.test.images).all()


def test_every_class_has_as_many_images_as_any_other(splits: Splits) -> None:
    assert splits.train.counts().tolist() == [TRAIN // 10] * 10
    assert splits.test.counts().tolist() == [TEST // 10] * 10


def test_classes_come_in_shuffled_order(splits: Splits) -> None:
    for image_set in splits:
        steps = np.diff(image_set.labels)  # sorted, nearly all would be 0; in turns, nearly all 1
        assert (steps == 0).mean() < 0.3 and (steps == 1).mean() < 0.3


def test_no_image_is_there_twice_neither_in_a_split_nor_in_both(splits: Splits) -> None:
    training_set_of_equal_length = drawn.draw_set("train", TEST)
    for train in (splits.train, training_set_of_equal_length):
        seen = {image.tobytes() for image_set in (train, splits.test) for image in image_set.images}
        assert len(seen) == len(train) + TEST


def test_training_and_test_images_differ_by_more_than_noise(splits: Splits) -> None:
    train, test = (s.images.reshape(len(s), -1).astype(np.int16) for s in splits)  # (N, 3072)
    nearest = min(np.abs(train - image).mean(axis=1).min() for image in test)
    assert nearest > 8  # two images with the same drawing and light differ by about 4


def test_a_second_call_opens_what_was_kept_without_drawing(splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "draw", None)
    again = drawn.draw_splits(splits.folder.parent, TRAIN, TEST)
    assert (again.train.images == splits.train.images).all() and again.info == splits.info


def test_other_counts_or_an_older_version_are_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = drawn.draw_splits(tmp_path, 20, 10)
    assert len(drawn.draw_splits(tmp_path, 30, 10).train) == 30
    assert len(load(first.folder).train) == 20  # for runs that train on it
    monkeypatch.setattr(drawn, "VERSION", drawn.VERSION + 1)
    monkeypatch.setattr(drawn, "draw", lambda label, rng: np.full((32, 32, 3), label, np.uint8))
    newer = drawn.draw_splits(tmp_path, 30, 10)
    assert (newer.train.images[:, 0, 0, 0] == newer.train.labels).all()


def test_an_incomplete_copy_is_drawn_again(tmp_path: Path) -> None:
    first = drawn.draw_splits(tmp_path, 20, 10)
    (first.folder / "test_images.npy").unlink()
    assert len(drawn.draw_splits(tmp_path, 20, 10).test) == 10


@pytest.mark.parametrize("count", [0, -3])
def test_a_set_without_images_is_refused(count: int, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train set holds no images"):
        drawn.draw_splits(tmp_path, count, 10)


@pytest.mark.parametrize("name", CLASSES)
def test_no_two_images_of_a_class_are_alike_and_none_is_flat(name: str, splits: Splits) -> None:
    images = splits.train.images[splits.train.with_labels((name,))].astype(float)  # (30, 32, 32, 3)
    assert images.std(axis=0).mean() > 25  # over the images
    assert images.std(axis=(1, 2)).mean() > 25  # within an image


def test_a_simple_classifier_tells_the_classes_apart_well_above_chance(splits: Splits) -> None:
    """Least squares onto the ten classes, with a ridge: 10 % is chance."""
    train, test = (np.asarray(s.images[:, ::2, ::2], float).reshape(len(s), -1) / 255 - 0.5 for s in splits)
    goal = np.eye(10)[splits.train.labels]  # (300, 10)
    kernel = train @ train.T + 1  # (300, 300)
    scores = (test @ train.T + 1) @ np.linalg.solve(kernel + 30 * np.eye(TRAIN), goal)  # (100, 10)
    assert (scores.argmax(axis=1) == splits.test.labels).mean() > 0.6
