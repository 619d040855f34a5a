"""A folder of images: one folder per class, any readable format; each image is prepared as an uploaded one is."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cifar_core.config import CLASSES
from cifar_core.data.batches import short_name
from cifar_core.data.decoded_cache import FileState
from cifar_core.data.image_set import SIDE, ImageSet, Split
from cifar_core.errors import DataError, ImageError
from cifar_core.image_files import read_image
from cifar_core.images import to_net_input


def visible(name: str) -> bool:
    return not name.startswith(".")  # .DS_Store, .ipynb_checkpoints, our own .cifar_core


def files_by_class(folder: Path) -> dict[str, list[FileState]]:
    """Return the files in each class's folder and the folders in it, sorted, without hidden ones."""
    by_class: dict[str, list[FileState]] = {}
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir() and visible(entry.name):
                # a name that is no UTF-8 shows its odd bytes as question marks: no page and no file could hold them
                name = entry.name.encode("utf-8", "replace").decode()
                by_class.setdefault(short_name(name), []).extend(sorted(_files_below(entry.path)))
    return by_class


def _files_below(folder: str) -> Iterator[FileState]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not visible(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(entry.path)
            elif entry.is_file():
                state = entry.stat()
                yield entry.path, state.st_size, state.st_mtime_ns


def classes_of(root: Path, files: dict[Split, dict[str, list[FileState]]]) -> tuple[str, ...]:
    """Return CIFAR-10's ten classes if all folders are named after some of them, else the folders' names, sorted."""
    for split, by_class in files.items():
        if not by_class:
            raise DataError(
                f"{root / split} holds no folder. Put each class's images into one of their own, as in "
                f"{split}/cat/1.png."
            )
    train, test = files["train"], files["test"]
    for there, lacking, only in (("train", "test", train.keys() - test), ("test", "train", test.keys() - train)):
        if only:
            raise DataError(
                f"train/ and test/ in {root} must hold the same classes, but {min(only)!r} is in {there}/ only. Add it "
                f"to {lacking}/ or remove it from {there}/."
            )
    if len(train) == 1:
        raise DataError(
            f"{root} holds images of one class only, {min(train)!r}. The Net tells classes apart: add a folder for "
            "another one to train/ and to test/."
        )
    if len(train) > len(CLASSES):
        raise DataError(
            f"{root} holds {len(train)} classes, and the Net tells at most {len(CLASSES)} apart. Keep that many "
            "folders in train/ and in test/."
        )
    for split, by_class in files.items():
        for name, group in by_class.items():
            if not group:
                raise DataError(f"The folder of {name!r} in {root / split} is empty. Put images into it.")
    return CLASSES if train.keys() <= set(CLASSES) else tuple(sorted(train))


def decode(
    root: Path, split: Split, by_class: dict[str, list[FileState]], classes: tuple[str, ...]
) -> tuple[ImageSet, int]:
    """Return all images of one split, as the Net sees an uploaded image, and how many files could not be read."""
    order = [name for name in classes if name in by_class]
    paths = [path for name in order for path, _, _ in by_class[name]]
    labels = np.repeat([classes.index(name) for name in order], [len(by_class[name]) for name in order])  # (N,)
    images = np.zeros((len(paths), SIDE, SIDE, 3), np.uint8)
    readable = np.zeros(len(paths), bool)
    # Threads help with photos, which Pillow decodes without holding the interpreter's lock. Files of 32x32 pixels take
    # turns for that lock, hence 64 of them at a time.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        starts = range(0, len(paths), 64)
        for start, chunk in zip(starts, pool.map(_net_inputs, (paths[i : i + 64] for i in starts)), strict=True):
            for index, image in enumerate(chunk, start):
                if image is not None:
                    images[index], readable[index] = image, True
    for name in order:
        if not readable[labels == classes.index(name)].any():
            raise DataError(
                f"None of the files of {name!r} in {root / split} could be read as an image. Put PNG or JPEG images "
                "there, or remove that class."
            )
    return ImageSet(images[readable], labels[readable], classes, split), int(np.sum(~readable))


def _net_inputs(paths: list[str]) -> list[np.ndarray | None]:
    return [_net_input(path) for path in paths]


def _net_input(path: str) -> np.ndarray | None:
    try:
        return to_net_input(read_image(path))
    except ImageError:
        return None


def left_out(unreadable: int) -> str:
    if unreadable == 1:
        return "1 file could not be read as an image and was left out."
    return f"{unreadable:,} files could not be read as images and were left out." if unreadable else ""
