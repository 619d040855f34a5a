"""Which data set is in use: a named folder, an earlier download, or the drawn set while the real one comes."""

import logging
import os
import threading
from pathlib import Path

from cifar_core.data import drawn
from cifar_core.data.archive import missing_from
from cifar_core.data.background import BackgroundDownload
from cifar_core.data.folder import open_splits
from cifar_core.data.image_set import Splits
from cifar_core.errors import DataError

DOWNLOADS = Path("data")
"""where a download goes and an earlier one may be, below the current folder"""

_log = logging.getLogger(__name__)


class DataSource:
    """The data set in use, which changes once: when the background download of CIFAR-10 is complete."""

    def __init__(self, splits: Splits, *, download: BackgroundDownload | None = None, notice: str = "") -> None:
        self.splits = splits
        """the data set in use; replaced as a whole"""
        self._download = download
        self._notice = notice
        if download:
            download.start()
            threading.Thread(target=self._take_over, args=(download,), name="data source", daemon=True).start()

    @property
    def status(self) -> str:
        """The state of the download in one sentence, which names no path; empty if there is no download."""
        download = self._download  # once, because the other thread may remove it meanwhile
        if self._notice or not download:
            return self._notice
        return download.status.sentence

    @property
    def fraction(self) -> float | None:
        """How much of the download has arrived, 0 to 1; None if there is nothing to measure."""
        download = self._download
        return download.status.fraction if download else None

    @property
    def failed(self) -> bool:
        """Whether the download has failed; `status` says why."""
        download = self._download
        return download is not None and download.status.state == "failed"

    def _take_over(self, download: BackgroundDownload) -> None:
        """Wait for the download, decode it, and use it instead of the drawn set."""
        download.wait()
        if download.folder is None:
            return
        self._notice = "CIFAR-10 has arrived; its images are being decoded."
        try:
            self.splits = open_splits(download.folder.parent)
            self._download = None
            self._notice = ""
        except DataError as error:
            self._notice = "CIFAR-10 was downloaded but cannot be used; the log of the server says why."
            _log.warning("CIFAR-10 was downloaded but cannot be used: %s", error)


def find_data(
    named: Path | None,
    *,
    unverified: bool = False,
    downloads: Path = DOWNLOADS,
    drawn_counts: tuple[int, int] = (10_000, 2_000),
) -> DataSource:
    """Open the folder `named`, else an earlier download, else draw a stand-in and begin a download.

    Raise DataError if the named folder cannot be used: what a person asked for is never silently replaced.
    """
    if named is not None:
        return DataSource(open_splits(named, unverified=unverified))
    if not missing_from(downloads / "cifar-10-batches-py") or (downloads / "train").is_dir():
        return DataSource(open_splits(downloads, unverified=unverified))
    splits = _draw(downloads, drawn_counts)
    return DataSource(splits, download=BackgroundDownload(downloads))


def _draw(downloads: Path, counts: tuple[int, int]) -> Splits:
    """Draw the stand-in beside the downloads, or in the user's cache if that folder cannot be written."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        return drawn.draw_splits(downloads / "drawn", *counts)
    except DataError:
        return drawn.draw_splits(caches / "cifar_core" / "drawn", *counts)
