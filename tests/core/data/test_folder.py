"""Opening a data folder: both layouts, the cached copy, and every way in which a folder can be the wrong one."""

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import CLASSES
from cifar_core.data import Splits, folder, image_folder, open_splits
from cifar_core.data.folder import RepackedError
from cifar_core.errors import DataError
from cifar_core.image_files import read_image
from cifar_core.images import to_net_input
from tests.helpers.tiny_data import (
    ARCHIVE_CLASSES,
    archive_contents,
    draw,
    make_official,
    tiny_splits,
    write_archive,
    write_folders,
)

BATCHES = "cifar-10-batches-py"


pytestmark = pytest.mark.usefixtures("user_cache")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive whose md5 sums are not the official ones."""
    return write_archive(tmp_path / "data")


@pytest.fixture
def official(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and torchvision takes its md5 sums for the official ones."""
    make_official(root, monkeypatch)
    return root


def repack(root: Path, contents: dict[str, Any], protocol: int = 4) -> Path:
    for name, content in contents.items():
        (root / BATCHES).mkdir(parents=True, exist_ok=True)
        (root / BATCHES / name).write_bytes(pickle.dumps(content, protocol))
    return root


def refusal(path: Path | str, **options: bool) -> str:
    """The sentence with which a folder is refused."""
    with pytest.raises(DataError) as caught:
        open_splits(path, **options)
    assert str(caught.value).endswith((".", "`."))
    return str(caught.value)


def assert_same(one: Splits, other: Splits) -> None:
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels) and a.classes == b.classes


# ------------------------------------------------------------------------------------------------------ the archive


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


# ----------------------------------------------------------------------------------------------------- image folders


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


# ---------------------------------------------------------------------------------- folders that hold no such data


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


# ----------------------------------------------------------------------------------------------------- the cached copy


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
    assert first.folder == root / ".cifar_core"

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


# ------------------------------------------------------------------------------------------------------- the helpers


def test_tiny_images_show_their_class(tmp_path: Path) -> None:
    splits = tiny_splits(tmp_path / "tiny")
    colours = np.stack([splits.train.images[splits.train.labels == c].mean(axis=(0, 1, 2)) for c in range(10)])
    means = splits.test.images.mean(axis=(1, 2))  # (40, 3)
    nearest = np.linalg.norm(means[:, None] - colours, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, splits.test.labels)
    assert ARCHIVE_CLASSES[:2] == ("airplane", "automobile") and len(ARCHIVE_CLASSES) == len(CLASSES)
