"""The CIFAR-10 archive as a file: whether it is the right one, what it must hold, and how it is unpacked."""

import hashlib
import os
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import DataError

BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
"""the files that make an extracted folder complete"""


@dataclass(frozen=True)
class Archive:
    """A file that every mirror has, byte for byte."""

    name: str
    """its file name"""
    md5: str
    """the md5 sum of the file, in hexadecimal"""
    size: int
    """bytes"""
    folder: str
    """the one folder in it"""


CIFAR10 = Archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", 170_498_071, "cifar-10-batches-py")
"""The Python version, as https://www.cs.toronto.edu/~kriz/cifar.html describes it (size: of the file itself)."""


def missing_from(folder: Path) -> list[str]:
    """Return the names of the files that an extracted folder lacks: none if it is complete."""
    return [name for name in BATCHES if not (folder / name).is_file()]


def is_archive(path: Path, archive: Archive) -> bool:
    """Return whether the file at `path` is the archive, byte for byte."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest() == archive.md5


def unpack(path: Path, archive: Archive, folder: Path) -> None:
    """Unpack the archive beside `folder` and rename the result to it, so that `folder` is complete once it exists.

    Raise DataError if the archive is damaged or not CIFAR-10.
    """
    expected = {f"{archive.folder}/{name}" for name in (*BATCHES, "readme.html")}
    temporary = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)  # left by a process that was killed here
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                if member.isdir() and member.name == archive.folder:
                    continue
                if not member.isfile() or member.name not in expected:
                    raise DataError(f"{path.name} holds {member.name!r}, which is not part of CIFAR-10; remove it.")
                tar.extract(member, temporary, filter="data")
        missing = missing_from(temporary / archive.folder)
        if missing:
            raise DataError(f"{path.name} lacks {missing[0]}, so it is not CIFAR-10; remove it.")
        if folder.exists():
            folder.rmdir()  # empty: the download has checked that
        os.rename(temporary / archive.folder, folder)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} is not an archive that can be read ({error}); remove it.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
