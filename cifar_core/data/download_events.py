"""What happens during the download of CIFAR-10: a closed set of events, and a sentence for each.

A terminal prints `sentence(event)`, a page draws `received / total`, a test compares the events themselves.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import assert_never


@dataclass(frozen=True)
class Trying:
    """A mirror is asked for the archive."""

    host: str


@dataclass(frozen=True)
class Downloading:
    """Bytes arrive. Reported when a mirror begins, about five times a second, and after the last byte."""

    received: int
    """bytes in the part file, those of earlier attempts included"""
    total: int
    """bytes of the whole archive"""
    host: str
    """the mirror that sends them"""
    bytes_per_second: float
    """over the last few seconds; 0 if not known yet"""


@dataclass(frozen=True)
class MirrorFailed:
    """A mirror did not give the archive, or not all of it; the next one is asked for the rest."""

    host: str
    reason: str
    """a sentence that names the host"""


@dataclass(frozen=True)
class VerifyingArchive:
    """Every byte has arrived; the md5 sum is being computed."""


@dataclass(frozen=True)
class UnpackingArchive:
    """The archive is the right one and is being unpacked."""


@dataclass(frozen=True)
class Ready:
    """The data is complete. Always the last event."""

    folder: Path
    """holds data_batch_1 to 5, test_batch and batches.meta"""


DownloadEvent = Trying | Downloading | MirrorFailed | VerifyingArchive | UnpackingArchive | Ready


def sentence(event: DownloadEvent) -> str:
    """Return what an event means, for people."""
    match event:
        case Trying(host):
            return f"Asking {host} for CIFAR-10."
        case Downloading(received, total, _, speed):
            if speed <= 0:
                return f"Downloading CIFAR-10: {megabytes(received, total)}."
            return f"Downloading CIFAR-10: {megabytes(received, total)} at {_speed(speed, total - received)}."
        case MirrorFailed(_, reason):
            return reason
        case VerifyingArchive():
            return "Checking that every byte of CIFAR-10 arrived."
        case UnpackingArchive():
            return "Unpacking CIFAR-10."
        case Ready(folder):
            return f"CIFAR-10 is ready in {folder}."
        case _:
            assert_never(event)


def _speed(bytes_per_second: float, missing: int) -> str:
    speed = f"{bytes_per_second / 1e6:.1f} MB/s" if bytes_per_second >= 1e6 else f"{bytes_per_second / 1e3:.0f} kB/s"
    minutes = round(missing / bytes_per_second / 60)
    left = f"about {minutes} minute{'s' if minutes > 1 else ''}" if minutes else "less than a minute"
    return f"{speed}, {left} left"


def megabytes(received: int, total: int) -> str:
    """Return 34 of 170 MB."""
    return f"{received / 1e6:.0f} of {total / 1e6:.0f} MB"
