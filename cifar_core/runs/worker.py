"""A worker: a process that advances several runs in short slices, round robin.

The service starts one for each core (or GPU), plus one idle spare: python -m cifar_core.runs.worker FOLDER PARENT_PID
DEVICE TIMINGS. It reads its index from its standard input once it is needed. It can be killed at any moment: its
successor continues from each run's last checkpoint and does the same steps again, with the same result.
"""

import fcntl
import os
import select
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from cifar_core import durable
from cifar_core.device import available, choose_device
from cifar_core.errors import CifarError, StoreError
from cifar_core.runs.job import Job
from cifar_core.runs.measure import measure, measuring
from cifar_core.runs.records import Run, RunChange, WorkerInfo
from cifar_core.runs.store import Store
from cifar_core.runs.timings import USUAL, Timings


class Worker:
    """The runs of one worker process, and the loop that gives each its turn."""

    def __init__(self, store: Store, index: int, device: str, timings: Timings = USUAL) -> None:
        self.store, self.index, self.timings = store, index, timings
        self.device = choose_device(device)
        self.jobs: dict[str, Job] = {}
        self._again_at: dict[str, float] = {}
        """runs whose files cannot be written just now, and when to try again; by time.monotonic()"""
        self._interrupted = False
        """whether something other than a death has interrupted runs, so that none is to be blamed for it"""

    def begin_again(self) -> None:
        """Drop all runs; they continue from their checkpoints in the next turn."""
        self.jobs.clear()
        self._interrupted = True

    def turn(self) -> bool:
        """Handle requests, take up new runs, give each run one slice; False when there is nothing to do."""
        if self._interrupted:
            self.store.absolve(self.index)
            self._interrupted = False
        asked = self.store.requests(self.index)  # before looking for new runs: one of them may be meant
        active = self.store.active(self.index)
        for run in active:
            if run.id not in self.jobs and time.monotonic() >= self._again_at.get(run.id, 0.0):
                with self._ending_with_its_error(run):
                    snapshot = self.store.snapshot(run.id)
                    assert snapshot is not None, "an active run is in the store"
                    self.jobs[run.id] = Job(self.store, snapshot, self._device_for(run), self.timings)
        for gone in set(self.jobs) - {run.id for run in active}:
            del self.jobs[gone]
        for request in asked:
            job = self.jobs.get(request.run)
            if job and request.id not in job.taken:
                job.handle(request)
        training = [job for job in self.jobs.values() if not job.paused]
        for job in training:
            with self._ending_with_its_error(job.run):
                if job.advance(len(training)):
                    continue
            del self.jobs[job.run.id]
        return bool(training)

    def _device_for(self, run: Run) -> str:
        device = self.device.kind if run.config.device == "auto" else choose_device(run.config.device).kind
        run.config.check_device(device)
        return device

    @contextmanager
    def _ending_with_its_error(self, run: Run) -> Iterator[None]:
        """End this run, and no other, with a message if something goes wrong in the block.

        While the disk is full it waits instead, and then continues from its last checkpoint.
        """
        try:
            yield
        except (StoreError, sqlite3.Error):
            raise  # trouble with the store is not the run's: the loop below waits and resumes the run
        except Exception as error:
            if durable.may_pass(error):
                print(f"A run cannot be written, trying again: {error}", file=sys.stderr, flush=True)
                self._again_at[run.id] = time.monotonic() + self.timings.wait_for_disk
                self._interrupted = True
                return
            message = message_of(error, self.store.folder_of(run.id))
            self.store.change(run.id, RunChange(state="failed", message=message, ended=time.time()))


def message_of(error: Exception, folder: Path) -> str:
    """Return what everybody may read about an error that ended the run in `folder`, which is not named."""
    match error:
        case CifarError() if str(folder) in str(error):
            return "The weights of this run could not be written; check the server's disk."
        case CifarError():
            return str(error)
        case OSError():
            return f"The files of this run cannot be read or written ({error.strerror}); check the server's disk."
    traceback.print_exception(error)
    return f"An unexpected error ended this run ({type(error).__name__}); the server's log has the details."


class _Life:
    """The life of a worker process, from its index to the end of the server that started it."""

    def __init__(self, folder: str, parent: str, device: str, timings: str) -> None:
        self.folder, self.parent, self.device = Path(folder), int(parent), device
        self.timings = Timings.from_text(timings)
        self.chosen = choose_device(device)
        kind, name, reason = self.chosen.kind, self.chosen.name, self.chosen.reason
        self.info = WorkerInfo(os.getpid(), kind, name, reason, available())
        self._measuring: Iterator[tuple[float, float] | None] = iter(())

    def wait_for_index(self) -> str:
        """Return the index once it is needed; empty if the server ended before. A spare measures itself meanwhile."""
        if select.select([sys.stdin], [], [], 0)[0]:
            self._measuring = measuring(self.chosen.kind)  # in its idle moments, for somebody waits for it
        else:
            self._set_costs(measure(self.chosen.kind))
        return sys.stdin.readline().strip()

    def work(self, index: int) -> None:
        """Advance the runs of this index until the server is gone."""
        worker: Worker | None = None
        while os.getppid() == self.parent:
            try:
                if worker is None:
                    store = Store(self.folder, self.timings.patience)
                    store.register(index, self.info)
                    worker = Worker(store, index, self.device, self.timings)
                if not worker.turn() and not self._measure_on(worker):
                    time.sleep(self.timings.idle)
            except Exception as error:
                if not isinstance(error, StoreError):
                    traceback.print_exception(error)
                print(f"The runs cannot be advanced, trying again: {error}", file=sys.stderr, flush=True)
                if worker:
                    worker.begin_again()
                time.sleep(self.timings.wait_for_disk)

    def _measure_on(self, worker: Worker) -> bool:
        """Measure one mini-batch more; False if there is nothing left to measure."""
        costs = next(self._measuring, False)
        if isinstance(costs, tuple):
            self._set_costs(costs)
            worker.store.register(worker.index, self.info)
        return costs is not False

    def _set_costs(self, costs: tuple[float, float]) -> None:
        self.info = replace(self.info, step_seconds=costs[0], image_seconds=costs[1])


def main(folder: str, parent: str, device: str, timings: str) -> None:
    """Work until the server that started this process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's to handle
    torch.set_num_threads(1)
    life = _Life(folder, parent, device, timings)
    os.nice(life.timings.nice)
    index = life.wait_for_index()
    if not index:
        return
    # A predecessor that a killed server left behind may still finish its last slice.
    with open(Path(folder) / f"worker-{index}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        life.work(int(index))


if __name__ == "__main__":
    main(*sys.argv[1:])
