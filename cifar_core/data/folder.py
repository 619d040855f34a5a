"""Open a folder of images in one of two layouts.

    root/cifar-10-batches-py/data_batch_1 ... data_batch_5, test_batch, batches.meta      the unpacked archive
    root/train/<class>/<image> and root/test/<class>/<image>                              an image folder

Both are decoded once. The arrays are cached in `root/.cifar_core`; the next start only maps them into its memory.
"""

import os
from pathlib import Path

from cifar_core.data.archive import BATCHES, CIFAR10, missing_from
from cifar_core.data.batches import PREPARE, read_unverified, read_verified, reason
from cifar_core.data.decoded_cache import file_state, fingerprint, load_cached, save_cached
from cifar_core.data.image_folder import classes_of, decode, files_by_class, left_out, visible
from cifar_core.data.image_set import SPLITS, DatasetInfo, Splits
from cifar_core.errors import DataError


class RepackedError(DataError):
    """The archive's md5 sums are not the official ones; `open_splits(..., unverified=True)` accepts it."""


def open_splits(root: Path | str, *, unverified: bool = False) -> Splits:
    """Return the training set and the test set in the folder `root`.

    `root` holds `cifar-10-batches-py` (or is that folder), or it holds `train` and `test` with one folder per class.
    An archive's files must have the official md5 sums, unless `unverified` accepts a re-packed copy. Images keep the
    order of the archive; in an image folder they are sorted by class and file name.

    Raise DataError, which says what is wrong and what to do, if `root` holds no such data; RepackedError if
    `unverified` would accept it.
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
            f"The folder {root} cannot be read ({reason(error)}). Allow this user to read it, or choose another one."
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
            f"{error.filename or folder} cannot be read ({reason(error)}). Allow this user to read it, or copy the "
            "data to another folder."
        ) from error
    raise DataError(_why_nothing_is_found(folder, names))


def _why_nothing_is_found(folder: Path, names: set[str]) -> str:
    archive = CIFAR10.name
    if any(name.endswith(".part") for name in names):
        return f"A download to {folder} is not finished. `{PREPARE} {folder}` continues it."
    if archive in names:
        return f"{archive} in {folder} is not unpacked. `{PREPARE} {folder}` does it, and so does `tar xzf {archive}`."
    for there, lacking in (SPLITS, SPLITS[::-1]):
        if there in names:
            return (
                f"{folder} holds {there}/ but no {lacking}/. The Net needs both: move some images of every class "
                f"to {lacking}/<class>/."
            )
    if not any(visible(name) for name in names):
        return f"The folder {folder} is empty. Download CIFAR-10 into it with `{PREPARE} {folder}`, or choose another."
    return (
        f"{folder} holds neither {CIFAR10.folder}/ nor train/ and test/ with one folder of images per class. Choose "
        f"the folder that does, or download CIFAR-10 into a new one with `{PREPARE} DEST`."
    )


def _open_archive(root: Path, folder: Path, unverified: bool) -> Splits:
    missing = missing_from(folder)
    if missing:
        raise DataError(
            f"{len(missing)} of the {len(BATCHES)} files of CIFAR-10 are missing from {folder} "
            f"({', '.join(missing)}). Remove that folder, then run `{PREPARE} {folder.parent}` or unpack the archive "
            "again."
        )
    state = fingerprint(file_state(folder / name) for name in BATCHES)
    verified_copy, unverified_copy = f"verified {state}", f"unverified {state}"
    copy = load_cached(root, [verified_copy, unverified_copy] if unverified else [verified_copy])
    if copy is not None:
        return copy

    sets = read_verified(folder)
    if sets is not None:
        return save_cached(root, *sets, DatasetInfo("CIFAR-10", "archive", True, str(root), ""), verified_copy)
    if not unverified:
        raise RepackedError(
            f"The files in {folder} do not have the official archive's md5 sums: they are damaged or were re-packed. "
            f"Remove them and run `{PREPARE} {folder.parent}`, or accept the re-packed copy."
        )
    note = "This copy's md5 sums are not the official ones: it was accepted unverified."
    info = DatasetInfo("CIFAR-10", "archive", False, str(root), note)
    return save_cached(root, *read_unverified(folder), info, unverified_copy)


def _open_image_folder(root: Path) -> Splits:
    files = {split: files_by_class(root / split) for split in SPLITS}
    classes = classes_of(root, files)
    everything = (file for by_class in files.values() for group in by_class.values() for file in group)
    source = f"folders {fingerprint(everything)}"
    copy = load_cached(root, [source])
    if copy is not None:
        return copy
    train, unreadable = decode(root, "train", files["train"], classes)
    test, unreadable_too = decode(root, "test", files["test"], classes)
    note = left_out(unreadable + unreadable_too)
    return save_cached(root, train, test, DatasetInfo("Image folder", "folders", False, str(root), note), source)
