"""The files of the CIFAR-10 archive: read by torchvision or, if they were re-packed, without trusting them."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from cifar_core.config import CLASSES
from cifar_core.data.archive import BATCHES
from cifar_core.data.image_set import SIDE, SPLITS, ImageSet
from cifar_core.errors import DataError

SHORT_NAMES = {"airplane": "plane", "automobile": "car"}
"""the archive's names of two classes, and the tutorial's"""

PREPARE = "python -m cifar_core prepare-data"


def reason(error: Exception) -> str:
    """Return what went wrong, in the words of the system or of the error."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def read_verified(folder: Path) -> tuple[ImageSet, ImageSet] | None:
    """Return the archive as torchvision reads it, or None if its md5 sums are not the official ones."""
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


def read_unverified(folder: Path) -> tuple[ImageSet, ImageSet]:
    """Return the same from files of any origin, running nothing in them; raise DataError if they are not CIFAR-10."""
    names = _unpickle(folder / "batches.meta").get("label_names")
    if not isinstance(names, list) or [short_name(name) for name in names] != list(CLASSES):
        raise DataError(
            f"batches.meta in {folder} does not name the ten classes of CIFAR-10, so this is another data set. Save it "
            "as images in train/<class>/ and test/<class>/."
        )
    *train, test = (_read_batch(folder / name) for name in BATCHES if name != "batches.meta")
    images, labels = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return ImageSet(images, labels, CLASSES, "train"), ImageSet(*test, CLASSES, "test")


def short_name(name: Any) -> str:
    word = name.decode("latin1") if isinstance(name, bytes) else str(name)
    return SHORT_NAMES.get(word, word)


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return one file's images, uint8 (n, 32, 32, 3), and labels, int64 (n,), from 0 to 9."""
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
# in the pickle of an array lead to the stand-ins below, which record what is said of the array; every other
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
    """Stands in for numpy.ndarray: first made without content, then given its state."""

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
    """Return the pickled dict at `path`: lists, numbers, words and arrays (as _Array); raise DataError for all else."""
    with open(path, "rb") as file:
        try:
            content = _BatchUnpickler(file, encoding="latin1").load()  # the official files are Python 2's
            return {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in content.items()}
        except Exception as error:  # a damaged or forged pickle can raise anything
            raise DataError(
                f"{path} is no file of CIFAR-10 ({reason(error)}); nothing in it was run. {_GET_ANOTHER}"
            ) from error
