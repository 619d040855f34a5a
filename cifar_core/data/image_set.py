"""ImageSet: the images of one split as plain arrays, and Splits: training and test set together.

Decoded once, the arrays are stored as `.npy` files. Every process maps the same files into its memory, so that a web
server and two training workers share one copy, and a second start reads nothing.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from cifar_core.errors import DataError

SIDE = 32
"""the height and width of every image, in pixels"""

Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = ("train", "test")


@dataclass(frozen=True, eq=False)
class ImageSet:
    """One split of a data set, unnormalized, in its original order."""

    images: np.ndarray
    """uint8 (N, 32, 32, 3): height, width, then red, green, blue from 0 to 255"""
    labels: np.ndarray
    """int64 (N,): each image's class, an index into `classes`"""
    classes: tuple[str, ...]
    """two to ten names, the tutorial's for CIFAR-10"""
    split: Split
    """train or test"""

    def __len__(self) -> int:
        return len(self.labels)

    def __post_init__(self) -> None:
        count = len(self.labels)
        if self.images.shape != (count, SIDE, SIDE, 3) or self.images.dtype != np.uint8:
            raise DataError(f"Images must be uint8 ({count}, 32, 32, 3), not {self.images.dtype} {self.images.shape}.")
        if not 2 <= len(self.classes) <= 10:
            raise DataError(f"The Net tells two to ten classes apart; this data has {len(self.classes)}.")
        if count == 0:
            raise DataError(f"The {self.split} set holds no images.")
        if self.labels.min() < 0 or self.labels.max() >= len(self.classes):
            raise DataError(f"A label in the {self.split} set is not one of the {len(self.classes)} classes.")

    def counts(self) -> np.ndarray:
        """Return how many images each class has: int64 (classes,)."""
        return np.bincount(self.labels, minlength=len(self.classes))

    def with_labels(self, names: tuple[str, ...]) -> np.ndarray:
        """Return the indices, in order, of the images whose class is one of `names`: int64 (M,)."""
        return np.flatnonzero(np.isin(self.labels, [self.classes.index(name) for name in names]))

    def first(self, count: int) -> "ImageSet":
        """Return the first `count` images."""
        return ImageSet(self.images[:count], self.labels[:count], self.classes, self.split)

    def sample(self, count: int) -> "ImageSet":
        """Return at most `count` images, evenly spread over the set, which may be sorted by class."""
        indices = np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64)
        return ImageSet(self.images[indices], self.labels[indices], self.classes, self.split)


@dataclass(frozen=True)
class DatasetInfo:
    """Where a data set came from, in words and paths that the page can show."""

    name: str
    """CIFAR-10, Image folder, Drawn images"""
    kind: Literal["archive", "folders", "drawn"]
    verified: bool
    """True if the md5 sums of the original archive were checked"""
    root: str
    """the folder it was read from; empty for the drawn set"""
    note: str
    """one sentence for the page, or empty"""


@dataclass(frozen=True, eq=False)
class Splits:
    """The training set and the test set of one source, and what is known of it."""

    train: ImageSet
    test: ImageSet
    info: DatasetInfo
    folder: Path
    """where the `.npy` files are; `load(folder)` opens the same splits in any process"""
    sha256: str = ""
    """the sum of all images and labels, as `sha256_of` returns it; empty if they do not come from such a folder"""

    def __iter__(self) -> Iterator[ImageSet]:
        return iter((self.train, self.test))

    def split(self, name: str) -> ImageSet:
        """Return the split called `name`; raise DataError if there is none."""
        if name not in SPLITS:
            raise DataError(f"The split must be train or test; {name!r:.40} is neither.")
        return self.train if name == "train" else self.test


def save(folder: Path, train: ImageSet, test: ImageSet, info: DatasetInfo, source: str = "") -> Splits:
    """Write both splits as `.npy` files into `folder`, and open them from there.

    `source` says what was decoded (names, sizes, times); `load` compares it. `splits.json` is written last, so that a
    folder with that file is complete. Raise DataError if the folder cannot be written.
    """
    files = {f"{s.split}_{part}.npy": getattr(s, part) for s in (train, test) for part in ("images", "labels")}
    sha256 = sha256_of(train, test)
    description = {"classes": train.classes, "about": asdict(info), "source": source, "sha256": sha256}
    partial = folder / f"partial-{os.getpid()}"  # another process may be decoding the same data
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "splits.json").unlink(missing_ok=True)
        for name, array in files.items():
            with open(partial, "wb") as file:  # an open file, because numpy adds .npy to a name
                np.save(file, array)
            os.replace(partial, folder / name)
        partial.write_text(json.dumps(description))
        os.replace(partial, folder / "splits.json")
    except OSError as error:
        raise DataError(f"The decoded images could not be stored in {folder} ({error.strerror}).") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return load(folder)


def load(folder: Path, source: str | None = None) -> Splits:
    """Open what `save` wrote, mapped into memory: nothing is read before it is used.

    Raise DataError, which names no path, if the folder is incomplete or (with `source` given) of another source.
    """
    try:
        description = json.loads((folder / "splits.json").read_text())
        if source is not None and description["source"] != source:
            raise DataError("The decoded images are of other data.")
        classes = tuple(description["classes"])
        info = DatasetInfo(**description["about"])
        # mode "c" (copy on write) shares the pages between processes and, unlike "r", gives arrays torch can wrap
        arrays = {p: np.load(folder / f"{p}.npy", mmap_mode="c", allow_pickle=False) for p in _PARTS}
        train, test = (
            ImageSet(arrays[f"{split}_images"], np.asarray(arrays[f"{split}_labels"]), classes, split)
            for split in SPLITS
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise DataError("The decoded images are incomplete or missing.") from error
    # an earlier version did not write the sum
    return Splits(train, test, info, folder, description.get("sha256") or sha256_of(train, test))


def sha256_of(train: ImageSet, test: ImageSet) -> str:
    """Return the sum over the bytes of training images and labels, then test images and labels (labels as int64).

    It reads them all: a third of a second for CIFAR-10.
    """
    digest = hashlib.sha256()
    for part in (train, test):
        digest.update(np.ascontiguousarray(part.images).data)
        digest.update(part.labels.astype("<i8").data)
    return digest.hexdigest()


_PARTS = tuple(f"{split}_{part}" for split in SPLITS for part in ("images", "labels"))
