"""Download the CIFAR-10 archive from the first mirror that gives it, verify it and unpack it.

    for event in download(Path("data")):
        print(sentence(event))

Whatever interrupts it (a lost connection, a closed laptop, a full disk), the bytes received stay in a `.part` file, and
the next call continues after them.
"""

import errno
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cifar_core.data.archive import CIFAR10, Archive, is_archive, missing_from, unpack
from cifar_core.data.download_events import (
    DownloadEvent,
    MirrorFailed,
    Ready,
    Trying,
    UnpackingArchive,
    VerifyingArchive,
)
from cifar_core.data.mirror import MirrorError, Unreachable, fetch, host_of, mirrors_from
from cifar_core.errors import DataError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ROUNDS = 20
"""how often at most all mirrors are tried in turn; each round must bring more bytes than the one before"""

SPARE = 50_000_000
"""bytes that must stay free on the disk"""


def download(
    destination: Path,
    *,
    archive: Archive = CIFAR10,
    mirrors: Sequence[str] | None = None,
    connect_timeout: float = 10.0,
    stall_timeout: float = 20.0,
) -> Generator[DownloadEvent, None, None]:
    """Download the archive's folder into `destination`, event by event; Ready comes last.

    An archive that already is in `destination`, under its own name, is used and stays there. `mirrors` are tried in
    order; by default those named in the environment variable CIFAR_MIRRORS, then the built-in ones. A mirror gets
    `connect_timeout` seconds to answer and may then be silent for `stall_timeout` seconds at a time.

    Raise DataError, which names no path, if no mirror gives the archive, the disk is full or cannot be written, or
    another process is downloading to the same folder. Closing the iterator keeps the bytes received so far.
    """
    folder = destination / archive.folder
    if not missing_from(folder):
        yield Ready(folder)
        return
    urls = mirrors_from(os.environ.get("CIFAR_MIRRORS", "")) if mirrors is None else tuple(mirrors)
    for url in urls:
        host_of(url)  # a mistyped address is refused before anything is fetched
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with _locked(destination / f"{archive.name}.lock"):
            if missing_from(folder):  # else another process has just downloaded it
                yield from _download(destination, archive, urls, connect_timeout, stall_timeout)
    except OSError as error:  # of the disk, since those of the network have become MirrorErrors
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(archive) from error
        raise DataError(
            f"CIFAR-10 cannot be stored in its folder ({error.strerror or type(error).__name__}); choose another one."
        ) from error
    yield Ready(folder)


def _download(
    destination: Path, archive: Archive, urls: Sequence[str], connect_timeout: float, stall_timeout: float
) -> Iterator[DownloadEvent]:
    _check_folder(destination, archive)
    given = destination / archive.name
    part = destination / f"{archive.name}.part"
    if (yield from _verified(given, archive)):
        source = given
    else:
        source = part
        yield from _obtain(part, archive, urls, connect_timeout, stall_timeout)
    yield UnpackingArchive()
    unpack(source, archive, destination / archive.folder)
    # the folder now holds everything that was in the archive; a second copy would only take space
    part.unlink(missing_ok=True)


def _obtain(
    part: Path, archive: Archive, urls: Sequence[str], connect_timeout: float, stall_timeout: float
) -> Iterator[DownloadEvent]:
    """Try the mirrors in turn until `part` is the whole archive; raise DataError if none of them gives it."""
    if (yield from _verified(part, archive)):  # the last attempt was interrupted after the last byte
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
                raise MirrorError(f"{host} gave a damaged archive: its md5 sum is wrong.")
            except MirrorError as error:
                yield MirrorFailed(host, str(error))
                # a mirror that answered says more than one that could not be reached
                if isinstance(failure, Unreachable) or not isinstance(error, Unreachable):
                    failure = error
        if _size(part) <= size_before:
            break
    raise DataError(
        f"CIFAR-10 could not be downloaded: {str(failure).rstrip('.')}; try again later, put {archive.name} into the "
        "folder of the download, or name another mirror in the environment variable CIFAR_MIRRORS."
    )


def _verified(path: Path, archive: Archive) -> Generator[VerifyingArchive, None, bool]:
    if _size(path) != archive.size:
        return False
    yield VerifyingArchive()
    return is_archive(path, archive)


def _check_folder(destination: Path, archive: Archive) -> None:
    """Raise DataError if the folder is in use or the disk too full: better now than after 170 MB."""
    folder = destination / archive.folder
    if folder.exists() and any(folder.iterdir()):
        raise DataError(
            f"{folder.name} is not complete ({missing_from(folder)[0]} is missing); remove or rename it, "
            "and CIFAR-10 can be downloaded again."
        )
    received = max(_size(destination / archive.name), _size(destination / f"{archive.name}.part"))
    if shutil.disk_usage(destination).free < _room_needed(archive) - received:
        raise _disk_full(archive)


def _room_needed(archive: Archive) -> int:
    """Return the bytes for the archive, for its content beside it for a moment (1.1 times its size), and some spare."""
    return round(2.2 * archive.size) + SPARE


def _disk_full(archive: Archive) -> DataError:
    return DataError(
        f"The disk is too full: CIFAR-10 needs {_room_needed(archive) / 1e6:.0f} MB; "
        "free some space or choose another folder."
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """Let only one process at a time download to this folder; raise DataError in every other.

    The empty lock file stays: a process that deleted it could delete the one that another has just locked.
    """
    with open(lock, "w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataError(
                    "Another process is already downloading CIFAR-10 to the same folder; wait until it is done."
                ) from error
            except OSError:
                pass  # this file system has no locks
        yield
