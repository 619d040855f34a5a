"""Files that outlive a power cut.

What a program has written or renamed is at first in the system's memory only: after a power cut some seconds later a
file may be empty, torn or still under its former name. `os.fsync` waits until the disk has it, for the content of a
file and, apart from that, for the names in its folder.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def write(path: Path, content: bytes) -> None:
    """Write a file that is there, whole and for good, when this returns. Raise OSError, and leave what was there."""
    partial = path.with_name(path.name + ".tmp")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_names(path.parent)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def make_folder(path: Path) -> None:
    """Make a folder, if it is not there, that outlives a power cut as its files do. Raise OSError."""
    path.mkdir(exist_ok=True)
    _sync_names(path.parent)


def may_pass(error: BaseException) -> bool:
    """Return whether `error`, or what it was raised from, is trouble of a disk that may be over soon.

    The disk is full, its owner's share is used up, or it does not respond.
    """
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in _PASSING


def _sync_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
