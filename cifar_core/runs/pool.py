"""The worker processes: as many as there are cores, plus one idle spare that takes a dead one's place at once."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cifar_core
from cifar_core.errors import RunError
from cifar_core.runs.store import Store
from cifar_core.runs.timings import Timings


def default_count(device: str) -> int:
    """Return 1 if there is a GPU to train on, else the number of cores.

    It looks for NVIDIA's device files, not into torch.
    """
    gpu = device != "cpu" and any(Path("/dev").glob("nvidia[0-9]*"))
    return 1 if gpu or device == "mps" else os.cpu_count() or 1


class Pool:
    """Keeps `count` workers alive on the runs of `store`, plus a spare, and calls `enforce_limits` now and then."""

    def __init__(
        self, store: Store, count: int, device: str, enforce_limits: Callable[[], None], timings: Timings, spare: bool
    ) -> None:
        self.count = count
        self._store, self._device, self._enforce_limits, self._timings, self._has_spare = (
            store,
            device,
            enforce_limits,
            timings,
            spare,
        )
        self._closing = threading.Event()

    def open(self) -> None:
        """Start the workers; their runs continue as soon as they have loaded torch."""
        self._store.unregister()
        self._store.rebalance(self.count)
        self._processes: list[subprocess.Popen[str]] = []
        self._add()
        self._spare: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._keep_alive, name="workers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the workers. They may be killed at any time, so nothing is left half done."""
        self._closing.set()
        self._thread.join()
        processes = [process for process in (*self._processes, self._spare) if process]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
            if process.stdin:
                process.stdin.close()

    def _add(self) -> None:
        """Start one worker more. One at a time loads torch, because the page itself is loading on another core."""
        self._processes.append(self._spawn())
        self._assign(len(self._processes) - 1)

    def _spawn(self) -> "subprocess.Popen[str]":
        """A worker that loads torch and then waits for its index."""
        root = str(Path(cifar_core.__file__).parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        return subprocess.Popen(
            [sys.executable, "-m", "cifar_core.runs.worker"]
            + [str(self._store.folder.resolve()), str(os.getpid()), self._device, self._timings.text()],
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            text=True,
        )

    def _assign(self, index: int) -> None:
        """Tell the process in place `index` that it is needed."""
        pipe = self._processes[index].stdin
        assert pipe is not None, "workers are started with a pipe"
        with suppress(BrokenPipeError):  # it died already; the next round replaces it
            pipe.write(f"{index}\n")
            pipe.flush()

    def _keep_alive(self) -> None:
        checked = time.monotonic()
        while not self._closing.wait(self._timings.look_every):
            try:
                for index, process in enumerate(self._processes):
                    if process.poll() is not None:
                        self._store.unregister(index)
                        if process.stdin:
                            process.stdin.close()
                        self._processes[index], self._spare = self._spare or self._spawn(), None
                        self._assign(index)
                if len(self._store.workers()) == len(self._processes) < self.count:
                    self._add()
                # only when the others have loaded, so that it takes no time from the start or from a successor
                elif self._has_spare and self._spare is None and len(self._store.workers()) == self.count:
                    self._spare = self._spawn()
                if time.monotonic() - checked > self._timings.limits_every:
                    checked = time.monotonic()
                    self._enforce_limits()
            except (RunError, sqlite3.Error, OSError) as error:
                print(f"The runs cannot be looked after ({error}); trying again.", file=sys.stderr, flush=True)
