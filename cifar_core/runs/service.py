"""The service: what a page calls. It writes wishes into the store and keeps the worker processes alive."""

import fcntl
import os
import secrets
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cifar_core
from cifar_core.config import TrainConfig
from cifar_core.data.image_set import Splits
from cifar_core.errors import RunError
from cifar_core.runs.store import Run, Snapshot, Store, WorkerInfo, new_run


@dataclass(frozen=True)
class Limits:
    """What one visitor may ask of a server that everybody shares."""

    steps: int = 500_000
    """mini-batches in one run"""
    active_per_owner: int = 4
    """runs of one visitor going at once"""
    active: int = 60
    """runs going at once, all visitors together"""


class Service:
    """Runs in the folder `folder`, trained by `workers` processes on `device`.

    Use it as a context manager: entering starts the workers, leaving ends them (their runs go on at the next start).
    """

    def __init__(
        self, folder: Path, *, workers: int | None = None, device: str = "auto", limits: Limits | None = None
    ) -> None:
        self.store = Store(folder)
        self.limits = limits or Limits()
        self._count = workers or os.cpu_count() or 1
        self._device = device
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._starting = threading.Lock()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._lock = open(self.store.folder / "server.lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise RunError(
                f"Another server already uses the runs in {self.store.folder}: stop it, or name another --runs folder."
            ) from error
        self.store.sign_out()
        self.store.spread(self._count)
        for index in range(self._count):
            self._spawn(index)
        self._watcher = threading.Thread(target=self._keep_alive, name="workers", daemon=True)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._watcher.join()
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait()
        self._lock.close()

    def start(self, owner: str, config: TrainConfig, data: Splits) -> Run:
        """Begin a training for the visitor with the secret key `owner`; it starts within a fraction of a second.

        Raises RunError, with the bound in its sentence, where that would be too much.
        """
        if not isinstance(owner, str) or not owner.isascii() or not 16 <= len(owner) <= 100:
            raise RunError(
                "The owner key must be 16 to 100 plain (ASCII) characters; leave it out to be given a new one."
            )
        steps = config.steps(len(data.train))
        if steps > self.limits.steps:
            raise RunError(
                f"These settings need {steps:,} mini-batches and this server allows {self.limits.steps:,}: "
                "take fewer epochs or a larger batch."
            )
        workers = self.workers()
        if workers and config.device not in ("auto", *workers[0].available):
            raise RunError(
                f"This server has no {config.device} device; it has {', '.join(workers[0].available)}. Choose auto."
            )
        with self._starting:  # so that two clicks at once are counted one after the other
            active = self.store.active()
            if len(active) >= self.limits.active:
                raise RunError(f"This server trains {self.limits.active} runs at once at most; try again in a while.")
            mine = [run for run in active if self.store.owner_of(run.id) == owner]
            if len(mine) >= self.limits.active_per_owner:
                raise RunError(
                    f"You have {len(mine)} runs going, the most that one visitor may; stop one before starting another."
                )
            load = [sum(run.worker == index for run in active) for index in range(self._count)]
            # the whole path, so that the next server may be started in another folder
            folder = data.folder.resolve()
            run = new_run(secrets.token_hex(8), config, folder, len(data.train), load.index(min(load)))
            self.store.add(run, owner)
        return run

    def stop(self, owner: str, run_id: str) -> Run:
        """End the training of one's own run; its Net is then tested as at the end of a whole one."""
        run = self.own(owner, run_id)
        if run.active:
            self.store.ask(run, "stop")
        return run

    def own(self, owner: str, run_id: str) -> Run:
        """The run, if it is this owner's. Raises RunError where there is no such run, or it is somebody else's."""
        run = self.find(run_id)
        if not self.is_own(owner, run_id):
            raise RunError("Only the one who started this run may command it; you may watch.")
        return run

    def is_own(self, owner: str, run_id: str) -> bool:
        """Whether `owner` is the secret key of this run's owner."""
        key = self.store.owner_of(run_id) if run_id.isascii() else None
        return key is not None and secrets.compare_digest(key.encode(), owner.encode(errors="surrogatepass"))

    def weights(self, run_id: str) -> bytes:
        """The newest weights of a run, also of one still training, as the content of a `.pth` file.

        Raises RunError where there is no such run, or no weights yet.
        """
        for _ in range(3):  # a newer checkpoint may take the place of the one just named
            run = self.find(run_id)
            try:
                return self.store.weights_of(run).read_bytes()
            except FileNotFoundError:
                continue
        raise RunError("This run has no weights yet; try again in a moment.")

    def find(self, run_id: str) -> Run:
        """The run. Raises RunError where there is none."""
        run = self.store.run(run_id) if run_id.isascii() else None
        if run is None:
            raise RunError("There is no such run; check its id, or it may have been removed.")
        return run

    def snapshot(self, run_id: str, since: int = -1) -> Snapshot:
        """The run with its points and log lines after step `since`. Raises RunError where there is no such run."""
        snapshot = self.store.snapshot(run_id, since) if run_id.isascii() else None
        if snapshot is None:
            raise RunError("There is no such run; check its id, or it may have been removed.")
        return snapshot

    def runs_of(self, owner: str, limit: int = 50) -> list[Run]:
        """The visitor's runs, the newest first."""
        return self.store.runs_of(owner, limit)

    def active_count(self) -> int:
        """How many runs are going, of all visitors."""
        return len(self.store.active())

    def workers(self) -> list[WorkerInfo]:
        """The workers that are up; none in the first seconds, while they load torch."""
        return self.store.workers()

    def _spawn(self, index: int) -> None:
        root = str(Path(cifar_core.__file__).parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self._processes[index] = subprocess.Popen(
            [sys.executable, "-m", "cifar_core.runs.worker"]
            + [str(self.store.folder.resolve()), str(index), str(os.getpid()), self._device],
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
        )

    def _keep_alive(self) -> None:
        """Replace a worker that died; its runs go on from their last checkpoints."""
        while not self._closing.wait(0.5):
            for index, process in self._processes.items():
                if process.poll() is not None:
                    self.store.sign_out(index)
                    self._spawn(index)
