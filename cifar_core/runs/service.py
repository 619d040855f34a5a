"""The service: what a page calls. It writes requests into the store and keeps the worker processes alive."""

import fcntl
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cifar_core.errors import RunError
from cifar_core.runs.commands import RunCommands
from cifar_core.runs.limits import Limits, enforce_retention
from cifar_core.runs.pool import Pool, default_count
from cifar_core.runs.store import Store
from cifar_core.runs.timings import Timings


class Service(RunCommands):
    """Runs in the folder `folder`, trained by `workers` processes on `device`, plus a `spare` one.

    Use it as a context manager: entering starts the workers, leaving ends them (their runs continue at the next start).
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int | None = None,
        device: str = "auto",
        limits: Limits | None = None,
        timings: Timings | None = None,
        spare: bool = True,
    ) -> None:
        self.timings = timings or Timings()
        count = workers or default_count(device)
        super().__init__(Store(folder, self.timings.patience), limits or Limits(), count)
        self._pool = Pool(self.store, count, device, self._enforce_limits, self.timings, spare)

    def __enter__(self) -> Self:
        self._lock = open(self.store.folder / "server.lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise RunError(f"Another server already uses the runs in {self.store.folder}.") from error
        try:
            self._pool.open()
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()
        self.store.close()
        self._lock.close()

    def _enforce_limits(self) -> None:
        now = time.time()
        watched = list(self._watched.items())  # at once, because somebody may look at a run meanwhile
        recently = {run for run, seen in watched if now - seen < self.timings.watched_for}
        enforce_retention(self.store, self.limits, recently)
