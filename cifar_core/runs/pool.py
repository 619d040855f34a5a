"""The worker processes: as many as `worker_count.py` says, plus an idle spare that takes a dead one's place at once."""

import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cifar_core
from cifar_core.errors import RunError
from cifar_core.runs.store import Store
from cifar_core.runs.timings import Timings

SOON = 10.0
"""seconds: a worker that dies sooner probably could not start"""
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""seconds before a worker is started anew whose predecessors could not start"""


class BackOff:
    """When to start the next worker in a place: at once after a death, ever later if each dies soon after its start."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._wait, self._next_wait = 0.0, 0.0
        self._died: float | None = None

    def is_due(self) -> bool:
        """Return whether to start the next one now; to be asked as long as the place is empty."""
        now = time.monotonic()
        if self._died is None:
            self._died = now
            self._wait = self._next_wait if now - self._begun < SOON else 0.0
            self._next_wait = min(LONGEST_WAIT, 2 * self._wait or SHORTEST_WAIT)
        if now - self._died < self._wait:
            return False
        self._begun, self._died = now, None
        return True


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
        self._back_off: list[BackOff] = []
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
        self._back_off.append(BackOff())
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
                self._replace_the_dead()
                if len(self._store.workers()) == len(self._processes) < self.count:
                    self._add()
                # only when the others have loaded, so that it takes no time from the start or from a successor
                elif self._has_spare and self._spare is None and len(self._store.workers()) == self.count:
                    self._spare = self._spawn()
                if time.monotonic() - checked > self._timings.limits_every:
                    checked = time.monotonic()
                    self._enforce_limits()
            except Exception as error:  # whatever it is, the workers must be kept alive
                if not isinstance(error, RunError | OSError):
                    traceback.print_exception(error)
                print(f"The runs cannot be looked after ({error}); trying again.", file=sys.stderr, flush=True)

    def _replace_the_dead(self) -> None:
        for index, process in enumerate(self._processes):
            if process.poll() is None:
                continue
            self._store.unregister(index)
            if self._back_off[index].is_due():
                if process.stdin:
                    process.stdin.close()
                self._processes[index], self._spare = self._spare or self._spawn(), None
                self._assign(index)
