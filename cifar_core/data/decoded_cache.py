"""The cache of a data folder's decoded arrays: valid as long as none of its files has changed.

Each state of the data has a copy in a folder of its own, because a run that has begun goes on with the images it began
with: another process may have them open, and a file that changes under it would be the end of that process.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cifar_core.data.image_set import DatasetInfo, ImageSet, Splits, load, save
from cifar_core.errors import DataError

FileState = tuple[str, int, int]
"""path, bytes, time of the last change in ns"""

_VERSION = 1  # of the decoding; a new number makes every cached copy invalid

COPIES = 4
"""decoded copies of one data folder that are kept: the newest ones"""


def file_state(path: Path) -> FileState:
    state = path.stat()
    return str(path), state.st_size, state.st_mtime_ns


def fingerprint(files: Iterable[FileState]) -> str:
    """Return a sum that changes if a file is added, removed, renamed, moved or written to; read none of them."""
    digest = hashlib.sha1(f"{_VERSION}".encode(), usedforsecurity=False)
    for path, size, changed in files:
        digest.update(os.fsencode(f"\0{path}\0{size}\0{changed}"))
    return digest.hexdigest()


def _cache_folders(root: Path) -> Iterator[Path]:
    """Yield a folder beside the data, then one in the user's own cache, in case the first cannot be written."""
    yield root / ".cifar_core"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    try:
        yield cache.expanduser() / "cifar_core" / hashlib.sha1(os.fsencode(root), usedforsecurity=False).hexdigest()
    except RuntimeError:  # a user without a home
        return


def load_cached(root: Path, sources: list[str]) -> Splits | None:
    """Return the copy that was made of one of `sources`, if there is one."""
    for folder in _cache_folders(root):
        for source in sources:
            for copy in (_copy_of(folder, source), folder):  # an earlier version had one copy, in the folder itself
                try:
                    return load(copy, source)
                except DataError:
                    continue
    return None


def save_cached(root: Path, train: ImageSet, test: ImageSet, info: DatasetInfo, source: str) -> Splits:
    for folder in _cache_folders(root):
        try:
            saved = save(_copy_of(folder, source), train, test, info, source)
        except DataError as error:
            failure = error
        else:
            _remove_old_copies(folder)
            return saved
    places = " or in ".join(str(folder) for folder in _cache_folders(root))
    raise DataError(
        f"The decoded images cannot be stored in {places}. Free some space there, or let the environment variable "
        "XDG_CACHE_HOME name a folder that can be written."
    ) from failure


def _copy_of(folder: Path, source: str) -> Path:
    return folder / hashlib.sha1(os.fsencode(source), usedforsecurity=False).hexdigest()[:16]


def _remove_old_copies(folder: Path) -> None:
    """Remove all but the newest copies. Who has one open keeps it: Linux and macOS free a file when nobody has it."""
    with suppress(OSError):  # another process may be removing them too
        copies = sorted(folder.glob("*/splits.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in copies[COPIES:]:
            shutil.rmtree(path.parent, ignore_errors=True)
