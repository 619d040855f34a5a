"""The download of CIFAR-10 in a thread of its own, so that a page can be used meanwhile."""

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cifar_core.data.archive import CIFAR10, Archive
from cifar_core.data.download import download
from cifar_core.data.download_events import DownloadEvent, Downloading, Ready, sentence
from cifar_core.errors import DataError


@dataclass(frozen=True)
class DownloadStatus:
    """The state of the download, in a form that a page can show as it is: its sentence names no path."""

    state: Literal["idle", "running", "ready", "failed"]
    sentence: str
    """for people: what is happening, how far it is, or what went wrong and what to do"""
    fraction: float | None = None
    """from 0 to 1 while bytes arrive; None if there is nothing to measure"""


class BackgroundDownload:
    """Runs `download` in one daemon thread. Reading `status` never waits and never blocks the thread."""

    def __init__(self, destination: Path, *, archive: Archive = CIFAR10, mirrors: Sequence[str] | None = None) -> None:
        """Take the arguments of `download`; nothing happens until `start`."""
        self.status = DownloadStatus("idle", "CIFAR-10 is not being downloaded.")
        """the latest; replaced as a whole, so that a reader needs no lock"""
        self.folder: Path | None = None
        """holds the batches; None until the state is ready"""
        self._download = (destination, archive, mirrors)
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._writing = threading.Lock()  # of the status: `stop` has the last word

    def start(self) -> None:
        """Begin, or continue after the bytes that an earlier attempt left. Do nothing while running or once ready."""
        with self._writing:
            if self.status.state in ("running", "ready"):
                return
            self._stopped = threading.Event()
            self.status = DownloadStatus("running", "The download of CIFAR-10 is starting.")
            self._thread = threading.Thread(
                target=self._run, args=(self._stopped, self._thread), name="download of CIFAR-10", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """End the download; the bytes received stay. Return at once: the thread ends at the next byte or timeout."""
        with self._writing:
            self._stopped.set()
            if self.status.state == "running":
                self.status = DownloadStatus("idle", "The download of CIFAR-10 was stopped; it can be continued.")

    def wait(self) -> None:
        """Return when the running download has ended, one way or the other."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, stopped: threading.Event, predecessor: threading.Thread | None) -> None:
        if predecessor is not None:
            predecessor.join()  # it was stopped, but may still wait for a byte and hold the lock on the folder
        destination, archive, mirrors = self._download
        try:
            with closing(download(destination, archive=archive, mirrors=mirrors)) as events:
                for event in events:
                    self._report(_status(event), stopped, event.folder if isinstance(event, Ready) else None)
                    if stopped.is_set():
                        break
        except DataError as error:
            self._report(DownloadStatus("failed", str(error)), stopped)
        except Exception as error:  # a bug: the page must not say "downloading" for ever, and the log has it
            unexpected = f"The download of CIFAR-10 ended with an unexpected error ({type(error).__name__})."
            self._report(DownloadStatus("failed", unexpected), stopped)
            raise

    def _report(self, status: DownloadStatus, stopped: threading.Event, folder: Path | None = None) -> None:
        with self._writing:
            if not stopped.is_set():
                self.folder = folder
                self.status = status


def _status(event: DownloadEvent) -> DownloadStatus:
    if isinstance(event, Downloading):
        return DownloadStatus("running", sentence(event), event.received / event.total)
    if isinstance(event, Ready):
        return DownloadStatus("ready", "CIFAR-10 is ready.")
    return DownloadStatus("running", sentence(event))
