"""The CIFAR-10 archive: downloaded from the first mirror that gives it, verified and extracted.

    for event in download(Path("data")):
        print(sentence(event))

Whatever interrupts it (a cut, a closed laptop, a full disk), the bytes that came stay in a `.part` file, and the next
call goes on behind them.
"""

import errno
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data.download_events import (
    DownloadEvent,
    Downloading,
    Extracting,
    MirrorFailed,
    Ready,
    Trying,
    Verifying,
    sentence,
)
from cifar_core.data.mirror import MirrorError, Unreachable, fetch, host_of, mirrors_from
from cifar_core.errors import DataError

__all__ = [
    "BATCHES",
    "CIFAR10",
    "Archive",
    "download",
    "missing_from",
    # and what it yields
    "DownloadEvent",
    "Downloading",
    "Extracting",
    "MirrorFailed",
    "Ready",
    "Trying",
    "Verifying",
    "sentence",
]

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
"""the files that make an extracted folder complete"""

ROUNDS = 20
"""how often at most all mirrors are asked in turn; each round must have brought more bytes than the one before"""

SPARE = 50_000_000
"""bytes that must stay free on the disk"""


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
    """The names of the files that an extracted folder lacks: none where it is complete."""
    return [name for name in BATCHES if not (folder / name).is_file()]


def download(
    destination: Path,
    *,
    archive: Archive = CIFAR10,
    mirrors: Sequence[str] | None = None,
    connect_timeout: float = 10.0,
    stall_timeout: float = 20.0,
) -> Generator[DownloadEvent, None, None]:
    """Bring the archive's folder into `destination`, event by event; Ready comes last.

    An archive that already lies in `destination`, under its own name, is used and kept. `mirrors` are tried in order;
    left out, they are the built-in ones behind those named in the environment variable CIFAR_MIRRORS. A mirror gets
    `connect_timeout` seconds to answer and may then be silent for `stall_timeout` seconds at a time.

    Raises DataError when the folder cannot be had: no mirror gave the archive, the disk is full or cannot be written,
    or another process is downloading to the same place. Closing the iterator half-way keeps what has come so far.
    """
    folder = destination / archive.folder
    if not missing_from(folder):
        yield Ready(folder)
        return
    urls = mirrors_from(os.environ.get("CIFAR_MIRRORS", "")) if mirrors is None else tuple(mirrors)
    for url in urls:
        host_of(url)  # a mistyped address is told before anything is fetched
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with _alone(destination / f"{archive.name}.lock"):
            if missing_from(folder):  # else another process has just brought it
                yield from _bring(destination, archive, urls, connect_timeout, stall_timeout)
    except OSError as error:  # one of the disk, since those of the network have become MirrorErrors
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(destination, archive) from error
        raise DataError(
            f"CIFAR-10 cannot be stored in {destination} ({error.strerror or error}); choose another folder."
        ) from error
    yield Ready(folder)


def _bring(
    destination: Path, archive: Archive, urls: Sequence[str], connect_timeout: float, stall_timeout: float
) -> Iterator[DownloadEvent]:
    """Everything from the first check of the disk to the complete folder."""
    _check_place(destination, archive)
    given = destination / archive.name
    part = destination / f"{archive.name}.part"
    if (yield from _verified(given, archive)):
        source = given
    else:
        source = part
        yield from _obtain(part, archive, urls, connect_timeout, stall_timeout)
    yield Extracting()
    _extract(source, archive, destination / archive.folder)
    # The folder now holds all that was in the archive: the space is worth more than a second copy.
    part.unlink(missing_ok=True)


def _obtain(
    part: Path, archive: Archive, urls: Sequence[str], connect_timeout: float, stall_timeout: float
) -> Iterator[DownloadEvent]:
    """Ask the mirrors in turn until `part` is the whole archive or, with DataError, none can give it."""
    if (yield from _verified(part, archive)):  # everything had come when the last attempt was interrupted
        return
    if _size(part) >= archive.size:
        part.unlink()
    failure: MirrorError = Unreachable("no mirror is named.")
    for _ in range(ROUNDS):
        size_before = _size(part)
        for url in urls:
            host = host_of(url)
            yield Trying(host)
            try:
                yield from fetch(url, part, archive.size, connect_timeout=connect_timeout, stall_timeout=stall_timeout)
                if (yield from _verified(part, archive)):
                    return
                part.unlink()
                raise MirrorError(f"{host} gave an archive that is damaged: its md5 sum is not the right one.")
            except MirrorError as error:
                yield MirrorFailed(host, str(error))
                # a mirror that answered says more than one that could not be reached
                if isinstance(failure, Unreachable) or not isinstance(error, Unreachable):
                    failure = error
        if _size(part) <= size_before:
            break
    raise DataError(
        f"CIFAR-10 could not be downloaded: {str(failure).rstrip('.')}; try again later, put {archive.name} into "
        f"{part.parent}, point --data at a folder that holds {archive.folder}, or name another mirror in CIFAR_MIRRORS."
    )


def _verified(path: Path, archive: Archive) -> Generator[Verifying, None, bool]:
    """Whether `path` is the archive, byte for byte."""
    if _size(path) != archive.size:
        return False
    yield Verifying()
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest() == archive.md5


def _extract(path: Path, archive: Archive, folder: Path) -> None:
    """Unpack the archive beside `folder` and rename the result to it, so that `folder` is complete once it is there."""
    expected = {f"{archive.folder}/{name}" for name in (*BATCHES, "readme.html")}
    temporary = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed here
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                if member.isdir() and member.name == archive.folder:
                    continue
                if not member.isfile() or member.name not in expected:
                    raise DataError(f"{path} holds {member.name!r}, which is not part of CIFAR-10; remove the archive.")
                tar.extract(member, temporary, filter="data")
        missing = missing_from(temporary / archive.folder)
        if missing:
            raise DataError(f"{path} lacks {missing[0]}, so it is not CIFAR-10; remove the archive.")
        if folder.exists():
            folder.rmdir()  # empty: `_check_place` saw to it
        os.rename(temporary / archive.folder, folder)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not an archive that can be read ({error}); remove it.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_place(destination: Path, archive: Archive) -> None:
    """DataError where the folder is taken or the disk too full: better now than after 170 MB."""
    folder = destination / archive.folder
    if folder.exists() and any(folder.iterdir()):
        raise DataError(
            f"{folder} is not complete ({missing_from(folder)[0]} is missing); remove or rename it, "
            "and CIFAR-10 can be downloaded again."
        )
    here = max(_size(destination / archive.name), _size(destination / f"{archive.name}.part"))
    if shutil.disk_usage(destination).free < _room_needed(archive) - here:
        raise _no_room(destination, archive)


def _room_needed(archive: Archive) -> int:
    """Bytes for the archive and, for a moment beside it, its content (1.1 times its size), and some to spare."""
    return round(2.2 * archive.size) + SPARE


def _no_room(destination: Path, archive: Archive) -> DataError:
    return DataError(
        f"The disk is too full: CIFAR-10 needs {_room_needed(archive) / 1e6:.0f} MB in {destination}; "
        "free some space or choose another folder."
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let only one process at a time download to this place; DataError in every other.

    The empty lock file stays: whoever deleted it could delete the one that another process has just locked.
    """
    with open(lock, "w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataError(
                    f"Another process is already downloading CIFAR-10 to {lock.parent}; wait until it is done."
                ) from error
            except OSError:
                pass  # this file system has no locks
        yield
