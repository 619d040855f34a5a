"""Opening a folder of pictures in either of two layouts.

    root/cifar-10-batches-py/data_batch_1 ... data_batch_5, test_batch, batches.meta      the unpacked archive
    root/train/<class>/<picture> and root/test/<class>/<picture>                          an image folder

Both are decoded once. The arrays are kept in `root/.cifar_core`, and the next start only maps them into its memory.
"""

import hashlib
import os
import pickle
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from cifar_core import pictures
from cifar_core.config import CLASSES
from cifar_core.data.archive import BATCHES, CIFAR10, missing_from
from cifar_core.data.image_set import SIDE, SPLITS, About, ImageSet, Split, Splits, load, save
from cifar_core.errors import DataError, PictureError

SHORT_NAMES = {"airplane": "plane", "automobile": "car"}
"""the archive's names of two classes, and the tutorial's"""

PREPARE = "python -m cifar_core prepare-data"

_VERSION = 1  # of the decoding; a new number makes every kept copy a stale one

_File = tuple[str, int, int]  # path, bytes, time of the last change in ns


def open_splits(root: Path | str, *, unverified: bool = False) -> Splits:
    """The training set and the test set in the folder `root`.

    `root` holds `cifar-10-batches-py` (or is that folder), or it holds `train` and `test` with one folder a class. An
    archive's files must have the official md5 sums, unless `unverified` accepts a re-packed copy. Images keep the order
    of the archive; in an image folder they are sorted by class and file name.

    Raises DataError, saying what is wrong and what to do, where no such data can be read from `root`.
    """
    try:
        folder = Path(root).expanduser().resolve()
        with os.scandir(folder) as entries:
            names = {entry.name for entry in entries}
    except FileNotFoundError:
        raise DataError(
            f"There is no folder {root}. Check the path, or download CIFAR-10 into it with `{PREPARE} {root}`."
        ) from None
    except NotADirectoryError:
        raise DataError(
            f"{root} is a file, not a folder. Unpack it if it is an archive, and name the folder that holds the data."
        ) from None
    except (OSError, RuntimeError, ValueError) as error:  # no permission, no home for ~, a path that cannot exist
        raise DataError(
            f"The folder {root} cannot be read ({_reason(error)}). Allow this user to read it, or choose another one."
        ) from error
    try:
        if names.intersection(BATCHES):
            return _open_archive(folder, folder, unverified)
        if CIFAR10.folder in names:
            return _open_archive(folder, folder / CIFAR10.folder, unverified)
        if names.issuperset(SPLITS):
            return _open_image_folder(folder)
    except OSError as error:
        raise DataError(
            f"{error.filename or folder} cannot be read ({_reason(error)}). Allow this user to read it, or copy the "
            "data to another folder."
        ) from error
    raise DataError(_why_nothing_is_found(folder, names))


def _why_nothing_is_found(folder: Path, names: set[str]) -> str:
    archive = CIFAR10.name
    if any(name.endswith(".part") for name in names):
        return f"A download to {folder} is not finished. `{PREPARE} {folder}` goes on where it stopped."
    if archive in names:
        return f"{archive} in {folder} is not unpacked. `{PREPARE} {folder}` does it, and so does `tar xzf {archive}`."
    for there, lacking in (SPLITS, SPLITS[::-1]):
        if there in names:
            return (
                f"{folder} holds {there}/ but no {lacking}/. The Net needs both: move some pictures of every class "
                f"to {lacking}/<class>/."
            )
    if not any(_visible(name) for name in names):
        return f"The folder {folder} is empty. Download CIFAR-10 into it with `{PREPARE} {folder}`, or choose another."
    return (
        f"{folder} holds neither {CIFAR10.folder}/ nor train/ and test/ with one folder of pictures a class. Choose "
        f"the folder that does, or download CIFAR-10 into a new one with `{PREPARE} DEST`."
    )


def _visible(name: str) -> bool:
    return not name.startswith(".")  # .DS_Store, .ipynb_checkpoints, our own .cifar_core


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


# ---------------------------------------------------------------------------------------------------- the archive


def _open_archive(root: Path, folder: Path, unverified: bool) -> Splits:
    missing = missing_from(folder)
    if missing:
        raise DataError(
            f"{len(missing)} of the {len(BATCHES)} files of CIFAR-10 are missing from {folder} "
            f"({', '.join(missing)}). Remove that folder, then run `{PREPARE} {folder.parent}` or unpack the archive "
            "again."
        )
    state = _fingerprint(_file(folder / name) for name in BATCHES)
    verified_copy, unverified_copy = f"verified {state}", f"unverified {state}"
    kept = _kept(root, [verified_copy, unverified_copy] if unverified else [verified_copy])
    if kept is not None:
        return kept

    sets = _read_verified(folder)
    if sets is not None:
        return _keep(root, *sets, About("CIFAR-10", "archive", True, str(root), ""), verified_copy)
    if not unverified:
        raise DataError(
            f"The files in {folder} do not have the official archive's md5 sums: they are damaged or were re-packed. "
            f"Remove them and run `{PREPARE} {folder.parent}`, or accept a re-packed copy with --unverified."
        )
    note = "This copy's md5 sums are not the official ones: it was accepted unverified."
    about = About("CIFAR-10", "archive", False, str(root), note)
    return _keep(root, *_read_unverified(folder), about, unverified_copy)


def _read_verified(folder: Path) -> tuple[ImageSet, ImageSet] | None:
    """The archive as torchvision reads it, or None where its md5 sums are not the official ones."""
    # takes seconds, and is needed only once
    from torchvision.datasets import CIFAR10 as TorchvisionCIFAR10

    class Archive(TorchvisionCIFAR10):
        base_folder = folder.name  # the official name, unless somebody renamed the folder

    sets = []
    for split in SPLITS:
        try:
            with warnings.catch_warnings():
                # the official pickles say align=0 where NumPy 2.4 wants align=False
                warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
                dataset = Archive(folder.parent, train=split == "train")
        except RuntimeError:  # "Dataset not found or corrupted": all files are there, so they differ
            return None
        images = np.ascontiguousarray(dataset.data)  # (N, 32, 32, 3)
        sets.append(ImageSet(images, np.array(dataset.targets, np.int64), CLASSES, split))
    return sets[0], sets[1]


def _read_unverified(folder: Path) -> tuple[ImageSet, ImageSet]:
    """The same from files of any origin, without running anything in them. DataError where they are not CIFAR-10's."""
    names = _unpickle(folder / "batches.meta").get("label_names")
    if not isinstance(names, list) or [_short_name(name) for name in names] != list(CLASSES):
        raise DataError(
            f"batches.meta in {folder} does not name the ten classes of CIFAR-10, so this is another data set. Save it "
            "as pictures in train/<class>/ and test/<class>/."
        )
    *train, test = (_read_batch(folder / name) for name in BATCHES if name != "batches.meta")
    images, labels = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return ImageSet(images, labels, CLASSES, "train"), ImageSet(*test, CLASSES, "test")


def _short_name(name: Any) -> str:
    word = name.decode("latin1") if isinstance(name, bytes) else str(name)
    return SHORT_NAMES.get(word, word)


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """One file's images, uint8 (n, 32, 32, 3), and labels, int64 (n,), from 0 to 9."""
    batch = _unpickle(path)
    data = batch["data"].numbers if isinstance(batch.get("data"), _Array) else None
    labels = batch["labels"].numbers.tolist() if isinstance(batch.get("labels"), _Array) else batch.get("labels")
    if data is None or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3 * SIDE * SIDE:
        raise DataError(f"{path} holds no images of 3072 bytes each, so it is no batch of CIFAR-10. {_GET_ANOTHER}")
    if not isinstance(labels, list) or len(labels) != len(data):
        raise DataError(f"{path} does not hold one label for each of its {len(data)} images. {_GET_ANOTHER}")
    if not all(type(label) is int and 0 <= label < len(CLASSES) for label in labels):
        raise DataError(f"{path} holds a label that is not a whole number from 0 to 9. {_GET_ANOTHER}")
    planes = data.reshape(-1, 3, SIDE, SIDE)  # all of the red, then all of the green, then all of the blue
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), np.array(labels, np.int64)


_GET_ANOTHER = f"Get another copy, or the official one with `{PREPARE} DEST`."


# A pickle is a program: loading one calls whatever functions it names. Here it gets no function at all. The few names
# that the pickle of an array contains lead to the stand-ins below, which note what is said of the array; every other
# name ends the loading. NumPy's own functions are kept out too, since a forged dtype can make them read wild pointers.


class _Dtype:
    """Stands in for numpy.dtype, for whole numbers only."""

    def __init__(self, code: str, *flags: Any) -> None:
        if code not in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"):
            raise pickle.UnpicklingError(f"it holds an array of {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])

    def numbers(self, data: bytes | str) -> np.ndarray:
        return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, self.dtype)


class _Array:
    """Stands in for numpy.ndarray: first made without content, then told its state."""

    numbers = np.empty(0)

    def __init__(self, *blank: Any) -> None:
        pass

    def __setstate__(self, state: tuple[int, tuple[int, ...], _Dtype, bool, bytes | str]) -> None:
        _version, shape, dtype, columns_first, data = state
        self.numbers = dtype.numbers(data).reshape(shape, order="F" if columns_first else "C")


def _from_buffer(data: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str, *axes: Any) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", data))
    return array


def _scalar(dtype: _Dtype, data: bytes | str) -> int:
    return int(dtype.numbers(data)[0])


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it holds bytes written as {encoding!r}")
    return text.encode("latin1")


_STAND_INS = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray._reconstruct": _Array,  # protocols 0 to 4
    "numpy.core.numeric._frombuffer": _from_buffer,  # protocol 5
    "numpy.core.multiarray.scalar": _scalar,
    "_codecs.encode": _encode,  # how protocols 0 to 2 write Python 3's bytes
}


class _BatchUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        # NumPy 2 calls its core _core
        full_name = f"{module}.{name}".replace("numpy._core.", "numpy.core.")
        if full_name not in _STAND_INS:
            raise pickle.UnpicklingError(f"it asks for {full_name}, which no file of CIFAR-10 does")
        return _STAND_INS[full_name]


def _unpickle(path: Path) -> dict[str, Any]:
    """What the pickled dict at `path` holds: lists, numbers, words and arrays (as _Array); DataError for all else."""
    with open(path, "rb") as file:
        try:
            content = _BatchUnpickler(file, encoding="latin1").load()  # the official files are Python 2's
            return {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in content.items()}
        except Exception as error:  # a damaged or forged pickle can raise anything
            raise DataError(
                f"{path} is no file of CIFAR-10 ({_reason(error)}); nothing in it was run. {_GET_ANOTHER}"
            ) from error


# ---------------------------------------------------------------------------------------------------- image folders


def _open_image_folder(root: Path) -> Splits:
    files = {split: _files_by_class(root / split) for split in SPLITS}
    classes = _classes(root, files)
    everything = (file for by_class in files.values() for found in by_class.values() for file in found)
    source = f"folders {_fingerprint(everything)}"
    kept = _kept(root, [source])
    if kept is not None:
        return kept
    train, unreadable = _decode(root, "train", files["train"], classes)
    test, unreadable_too = _decode(root, "test", files["test"], classes)
    note = _note(unreadable + unreadable_too)
    return _keep(root, train, test, About("Image folder", "folders", False, str(root), note), source)


def _files_by_class(folder: Path) -> dict[str, list[_File]]:
    """What lies in each class's folder and the folders in it, sorted, hidden files left out."""
    by_class: dict[str, list[_File]] = {}
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir() and _visible(entry.name):
                by_class.setdefault(_short_name(entry.name), []).extend(sorted(_files_below(entry.path)))
    return by_class


def _files_below(folder: str) -> Iterator[_File]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _visible(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(entry.path)
            elif entry.is_file():
                state = entry.stat()
                yield entry.path, state.st_size, state.st_mtime_ns


def _classes(root: Path, files: dict[Split, dict[str, list[_File]]]) -> tuple[str, ...]:
    """CIFAR-10's ten classes where all folders are named after some of them, else the folders' names, sorted."""
    for split, by_class in files.items():
        if not by_class:
            raise DataError(
                f"{root / split} holds no folder. Put each class's pictures into one of their own, as in "
                f"{split}/cat/1.png."
            )
    train, test = files["train"], files["test"]
    for there, lacking, odd in (("train", "test", train.keys() - test), ("test", "train", test.keys() - train)):
        if odd:
            raise DataError(
                f"train/ and test/ in {root} must hold the same classes, but {min(odd)!r} is in {there}/ only. Add it "
                f"to {lacking}/ or remove it from {there}/."
            )
    if len(train) == 1:
        raise DataError(
            f"{root} holds pictures of one class only, {min(train)!r}. The Net tells classes apart: add a folder for "
            "another one to train/ and to test/."
        )
    if len(train) > len(CLASSES):
        raise DataError(
            f"{root} holds {len(train)} classes, and the Net tells at most {len(CLASSES)} apart. Keep that many "
            "folders in train/ and in test/."
        )
    for split, by_class in files.items():
        for name, found in by_class.items():
            if not found:
                raise DataError(f"The folder of {name!r} in {root / split} is empty. Put pictures into it.")
    return CLASSES if train.keys() <= set(CLASSES) else tuple(sorted(train))


def _decode(
    root: Path, split: Split, by_class: dict[str, list[_File]], classes: tuple[str, ...]
) -> tuple[ImageSet, int]:
    """All pictures of one split, as the Net sees a picture that somebody uploads; and how many could not be read."""
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
                f"None of the files of {name!r} in {root / split} could be read as a picture. Put PNG or JPEG pictures "
                "there, or remove that class."
            )
    return ImageSet(images[readable], labels[readable], classes, split), int(np.sum(~readable))


def _net_inputs(paths: list[str]) -> list[np.ndarray | None]:
    return [_net_input(path) for path in paths]


def _net_input(path: str) -> np.ndarray | None:
    try:
        return pictures.to_net_input(pictures.read_picture(path))
    except PictureError:
        return None


def _note(unreadable: int) -> str:
    if unreadable == 1:
        return "1 file could not be read as a picture and was left out."
    return f"{unreadable:,} files could not be read as pictures and were left out." if unreadable else ""


# ---------------------------------------------------------------------------------------------------- the kept copy


def _file(path: Path) -> _File:
    state = path.stat()
    return str(path), state.st_size, state.st_mtime_ns


def _fingerprint(files: Iterable[_File]) -> str:
    """Changes whenever a file is added, removed, renamed, moved or written to; reads none of them."""
    digest = hashlib.sha1(f"{_VERSION}".encode(), usedforsecurity=False)
    for path, size, changed in files:
        digest.update(os.fsencode(f"\0{path}\0{size}\0{changed}"))
    return digest.hexdigest()


def _cache_folders(root: Path) -> Iterator[Path]:
    """Beside the data, or where that cannot be written, in the user's own cache."""
    yield root / ".cifar_core"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    try:
        yield cache.expanduser() / "cifar_core" / hashlib.sha1(os.fsencode(root), usedforsecurity=False).hexdigest()
    except RuntimeError:  # a user without a home
        return


def _kept(root: Path, sources: list[str]) -> Splits | None:
    """The copy that was made of one of `sources`, if there is one."""
    for folder in _cache_folders(root):
        for source in sources:
            try:
                return load(folder, source)
            except DataError:
                continue
    return None


def _keep(root: Path, train: ImageSet, test: ImageSet, about: About, source: str) -> Splits:
    for folder in _cache_folders(root):
        try:
            return save(folder, train, test, about, source)
        except DataError as error:
            failure = error
    places = " or in ".join(str(folder) for folder in _cache_folders(root))
    raise DataError(
        f"The decoded images can be kept neither in {places}. Free some space there, or let the environment variable "
        "XDG_CACHE_HOME name a folder that can be written."
    ) from failure
