"""The service: what a page calls. It writes requests into the store and keeps the worker processes alive."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from cifar_core.errors import RunError, StoreError
from cifar_core.runs.commands import RunCommands
from cifar_core.runs.limits import Limits, enforce_retention
from cifar_core.runs.pool import Pool
from cifar_core.runs.store import Store
from cifar_core.runs.timings import Timings
from cifar_core.runs.worker_count import default_count


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
        with _alone(folder):  # or a newer program would upgrade the store of an older one that is running
            store = Store(folder, self.timings.patience)
        super().__init__(store, limits or Limits(), count)
        self._pool = Pool(self.store, count, device, self._enforce_limits, self.timings, spare)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(_alone(self.store.folder))
            opened.callback(self.store.close)
            with suppress(StoreError):  # there is no room for it just now
                self.store.shrink()
            self._pool.open()
            opened.callback(self._pool.close)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _enforce_limits(self) -> None:
        now = time.monotonic()
        watched = list(self._watched.items())  # at once, because somebody may look at a run meanwhile
        recently = {run for run, seen in watched if now - seen < self.timings.watched_for}
        enforce_retention(self.store, self.limits, recently)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other servers away from `folder`, which is made if it is not there. Raise RunError if one uses it."""
    with ExitStack() as opened:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = opened.enter_context(open(folder / "server.lock", "w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"Another server already uses the runs in {folder}.") from error
        except OSError as error:
            raise StoreError(f"Runs cannot be saved in the folder {folder}: {error}.") from error
        yield
