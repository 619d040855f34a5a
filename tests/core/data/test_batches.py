"""The archive's files: read as torchvision reads them, or without trusting them."""

import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.config import CLASSES
from cifar_core.data import open_splits
from cifar_core.data.folder import RepackedError
from tests.helpers.folders import BATCHES, assert_same, refusal, repack
from tests.helpers.tiny_data import (
    ARCHIVE_CLASSES,
    archive_contents,
    make_official,
    write_archive,
)

pytestmark = pytest.mark.usefixtures("user_cache")


@pytest.mark.parametrize("unverified", [False, True])
def test_an_official_archive_is_verified_and_equals_torchvisions_reading(official: Path, unverified: bool) -> None:
    from torchvision.datasets import CIFAR10

    splits = open_splits(official, unverified=unverified)
    for image_set in splits:
        with warnings.catch_warnings(action="ignore"):
            expected = CIFAR10(official, train=image_set.split == "train")
        assert np.array_equal(image_set.images, expected.data)
        assert image_set.labels.tolist() == expected.targets
        assert image_set.images.flags.c_contiguous and image_set.classes == CLASSES
    about = splits.info
    assert (about.name, about.kind, about.verified, about.note) == ("CIFAR-10", "archive", True, "")
    assert about.root == str(official)


@pytest.mark.filterwarnings("error")
def test_python_2s_pickles_are_read_without_a_warning(official: Path) -> None:
    assert len(open_splits(official).train) == 100


def test_images_keep_the_archives_order_and_colours(root: Path) -> None:
    splits = open_splits(root, unverified=True)
    contents = archive_contents()
    assert splits.train.labels.tolist() == sum((contents[f"data_batch_{n}"]["labels"] for n in range(1, 6)), [])
    assert splits.test.labels.tolist() == contents["test_batch"]["labels"]
    red, green, blue = contents["data_batch_2"]["data"][3].reshape(3, 32, 32)
    assert np.array_equal(splits.train.images[20 + 3], np.stack([red, green, blue], axis=2))


def test_a_repacked_copy_is_refused_unless_unverified_ones_are_accepted(root: Path) -> None:
    sentence = refusal(root)
    assert "md5" in sentence and "accept" in sentence and "prepare-data" in sentence
    with pytest.raises(RepackedError):
        open_splits(root)
    about = open_splits(root, unverified=True).info
    assert about.kind == "archive" and not about.verified and "unverified" in about.note


def test_an_unverified_copy_has_the_pixels_that_torchvision_would_read(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unverified = open_splits(root, unverified=True)
    assert not unverified.info.verified
    other = write_archive(tmp_path / "again")
    make_official(other, monkeypatch)
    assert_same(unverified, open_splits(other))


@pytest.mark.parametrize("renamed", [False, True])
def test_the_archives_own_folder_can_be_named_too(official: Path, renamed: bool) -> None:
    batches = official / BATCHES
    if renamed:
        batches = batches.rename(official / "cifar")
    splits = open_splits(batches)
    assert splits.info.verified and splits.info.root == str(batches)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_copy_repacked_by_any_pickle_protocol_is_readable(root: Path, tmp_path: Path, protocol: int) -> None:
    again = repack(tmp_path / "again", archive_contents(), protocol)
    assert_same(open_splits(again, unverified=True), open_splits(root, unverified=True))


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize(
    "change",
    [
        lambda content: {key.encode(): value for key, value in content.items()},
        lambda content: {**content, "labels": np.array(content["labels"])},
        lambda content: {**content, "labels": np.array(content["labels"], ">i4")},
        lambda content: {**content, "labels": list(np.array(content["labels"]))},
        lambda content: {**content, "data": np.asfortranarray(content["data"])},
    ],
    ids=["bytes keys", "label array", "big-endian labels", "numpy labels", "columns first"],
)
def test_other_ways_to_repack_the_same_are_readable(
    root: Path, tmp_path: Path, protocol: int, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    contents = archive_contents()
    changed = {name: content if name == "batches.meta" else change(content) for name, content in contents.items()}
    again = repack(tmp_path / "again", changed, protocol)
    assert_same(open_splits(again, unverified=True), open_splits(root, unverified=True))


def test_the_names_of_the_classes_may_be_bytes(root: Path) -> None:
    repack(root, {"batches.meta": {b"label_names": [name.encode() for name in ARCHIVE_CLASSES]}})
    assert open_splits(root, unverified=True).train.classes == CLASSES


@pytest.mark.parametrize("unverified", [False, True])
def test_a_half_unpacked_archive_names_what_is_missing(root: Path, unverified: bool) -> None:
    (root / BATCHES / "data_batch_4").unlink()
    (root / BATCHES / "batches.meta").unlink()
    sentence = refusal(root, unverified=unverified)
    assert "2 of the 7 files" in sentence and "data_batch_4" in sentence and "batches.meta" in sentence


class Calls:
    """Pickled, it is a call that whoever loads it makes."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


@pytest.mark.parametrize(("name", "protocol"), [("data_batch_1", 2), ("batches.meta", 4)])
@pytest.mark.parametrize(
    "call",
    [
        lambda path: Calls(os.mkdir, str(path)),
        lambda path: Calls(eval, f"__import__('os').mkdir({str(path)!r})"),
        lambda path: Calls(np.ndarray.tofile, np.zeros(1), str(path)),
        lambda path: Calls(np.save, str(path), [0]),
    ],
    ids=["os.mkdir", "eval", "tofile", "numpy.save"],
)
def test_code_in_a_pickle_is_not_run(
    root: Path, tmp_path: Path, name: str, protocol: int, call: Callable[[Path], Calls]
) -> None:
    trace = tmp_path / "trace.npy"
    content = {**archive_contents()[name], "extra": call(trace)}
    repack(root, {name: content}, protocol)
    sentence = refusal(root, unverified=True)
    assert name in sentence and "asks for" in sentence and not trace.exists()
    pickle.loads((root / BATCHES / name).read_bytes())
    assert trace.exists()  # so the attack is a real one


blank_array: Any = np.zeros(1).__reduce__()[0]  # numpy's own _reconstruct, wherever this version keeps it


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.array([print]), "array of 'O8'"),
        (np.zeros(2, [("a", "O")]), "array of 'V8'"),
        (np.zeros(2), "array of 'f8'"),
        (Calls(blank_array, np.ndarray, (0,), b"b"), "no images"),
    ],
    ids=["objects", "fields", "floats", "never filled"],
)
def test_arrays_of_anything_but_whole_numbers_are_refused(root: Path, array: Any, word: str) -> None:
    repack(root, {"test_batch": {**archive_contents()["test_batch"], "data": array}})
    sentence = refusal(root, unverified=True)
    assert "test_batch" in sentence and word in sentence


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-20_000], lambda data: b"", lambda data: b"<html>404</html>", lambda data: b"\x80\x02K\x01."],
    ids=["cut", "empty", "a web page", "no dict"],
)
def test_a_damaged_batch_is_refused(root: Path, damage: Callable[[bytes], bytes]) -> None:
    path = root / BATCHES / "data_batch_3"
    path.write_bytes(damage(path.read_bytes()))
    sentence = refusal(root, unverified=True)
    assert "data_batch_3" in sentence and "prepare-data" in sentence


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("data", np.zeros((40, 3071), np.uint8), "3072"),
        ("data", np.zeros((40, 3072), np.int32), "3072"),
        ("data", np.zeros(40 * 3072, np.uint8), "3072"),
        ("data", np.zeros((40, 1, 3072), np.uint8), "3072"),
        ("data", [1, 2], "3072"),
        ("labels", [0] * 39, "one label for each of its 40"),
        ("labels", "0" * 40, "one label"),
        ("labels", [0] * 39 + [10], "0 to 9"),
        ("labels", [0] * 39 + [-1], "0 to 9"),
        ("labels", [0] * 39 + [0.5], "0 to 9"),
        ("labels", [0] * 39 + [2**70], "0 to 9"),
    ],
)
def test_a_batch_that_holds_something_else_is_refused(root: Path, key: str, value: Any, word: str) -> None:
    repack(root, {"test_batch": {**archive_contents()["test_batch"], key: value}})
    sentence = refusal(root, unverified=True)
    assert "test_batch" in sentence and word in sentence


@pytest.mark.parametrize(
    "meta", [{}, {"label_names": ["apple", "bee"]}, {"label_names": list(CLASSES[::-1])}, {"label_names": 3}]
)
def test_an_archive_of_other_classes_is_refused(root: Path, meta: dict[str, Any]) -> None:
    repack(root, {"batches.meta": meta})
    assert "ten classes" in refusal(root, unverified=True)
