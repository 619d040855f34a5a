"""A worker: a process that advances several runs in short slices, round robin.

The service starts one for each core (or GPU), and one to spare: python -m cifar_core.runs.worker FOLDER PARENT_PID
DEVICE. Its index comes as a line on its standard input, when it is wanted. It can be killed at any moment: its
successor goes on from each run's last checkpoint and does the same steps again, with the same result.
"""

import fcntl
import os
import signal
import sqlite3
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch

from cifar_core.config import CLASSES, TrainConfig
from cifar_core.data import image_set
from cifar_core.device import available, choose_device
from cifar_core.errors import CifarError, StoreError
from cifar_core.evaluate import evaluating
from cifar_core.net import new_net
from cifar_core.runs.job import Job
from cifar_core.runs.records import Run, WorkerInfo
from cifar_core.runs.store import Store
from cifar_core.training.events import Progress
from cifar_core.training.loop import train

IDLE = 0.04
"""seconds between two looks into the store while there is nothing to do"""


class Worker:
    """The runs of one worker process, and the loop that gives each its turn."""

    def __init__(self, store: Store, index: int, device: str) -> None:
        self.store, self.index = store, index
        self.device = choose_device(device)
        self.jobs: dict[str, Job] = {}

    def turn(self) -> bool:
        """Obey what was asked, take up new runs, give each run one slice; False when there is nothing to do."""
        asked = self.store.requests(self.index)  # before looking for new runs: one of them may be meant
        active = self.store.active(self.index)
        for run in active:
            if run.id not in self.jobs:
                with self._failing(run):
                    snapshot = self.store.snapshot(run.id)
                    assert snapshot is not None, "an active run is in the store"
                    self.jobs[run.id] = Job(self.store, snapshot, self._device_for(run))
        for gone in set(self.jobs) - {run.id for run in active}:
            del self.jobs[gone]
        for request in asked:
            job = self.jobs.get(request.run)
            if job and request.id not in job.obeyed:
                job.obey(request)
        going = [job for job in self.jobs.values() if not job.paused]
        for job in going:
            with self._failing(job.run):
                if job.advance(len(going)):
                    continue
            del self.jobs[job.run.id]
        return bool(going)

    def _device_for(self, run: Run) -> str:
        return self.device.kind if run.config.device == "auto" else choose_device(run.config.device).kind

    def _failing(self, run: Run) -> "_Failing":
        return _Failing(self.store, run)


class _Failing:
    """What goes wrong in one run ends that run with a sentence, and no other."""

    def __init__(self, store: Store, run: Run) -> None:
        self.store, self.run = store, run

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        # trouble with the store itself is not the run's: the loop below waits and takes the run up again
        if error is None or isinstance(error, StoreError | sqlite3.Error) or not isinstance(error, Exception):
            return False
        if isinstance(error, CifarError):
            message = str(error)
        elif isinstance(error, OSError):
            message = (
                f"The files of this run cannot be read or written ({error.strerror}); the server's disk needs a look."
            )
        else:
            traceback.print_exception(error)
            message = f"An unexpected error ended this run ({type(error).__name__}); the server's log has the details."
        self.store.update(self.run.id, state="failed", message=message, ended=time.time())
        return True


def measure(device: str) -> tuple[float, float]:
    """What a mini-batch costs however small it is, and what each of its images adds: seconds.

    This also lets torch load its parts before the first visitor comes.
    """
    # the time of this process alone, for other workers may be measuring themselves on the same cores
    clock = time.process_time if device == "cpu" else time.perf_counter
    blank = image_set.ImageSet(np.zeros((1024, 32, 32, 3), np.uint8), np.arange(1024) % 10, CLASSES, "train")
    seconds = {}
    for batch in (256, 4, 64):  # the first only lets torch load its parts
        begun, first = 0.0, 0
        for event in train(new_net(0), blank, TrainConfig(epochs=1, batch_size=batch), device=device):
            if isinstance(event, Progress) and not first:
                begun, first = clock(), event.step
            elif isinstance(event, Progress):
                seconds[batch] = (clock() - begun) / (event.step - first)
    for _ in evaluating(new_net(0), blank, device=device):
        pass
    image = max(0.0, (seconds[64] - seconds[4]) / 60)
    return max(0.0, seconds[4] - 4 * image), image


def main(folder: str, parent: str, device: str) -> None:
    """Work until the server that started this process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's to handle
    torch.set_num_threads(1)
    os.nice(10)
    chosen = choose_device(device)
    costs = measure(chosen.kind)
    index = sys.stdin.readline().strip()
    if not index:
        return  # the server ended before it wanted this one
    # A predecessor that a killed server left behind may still finish its last slice.
    with open(Path(folder) / f"worker-{index}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        worker: Worker | None = None
        info = WorkerInfo(os.getpid(), chosen.kind, chosen.name, chosen.reason, available(), *costs)
        while os.getppid() == int(parent):
            try:
                if worker is None:
                    store = Store(Path(folder))
                    store.sign_in(int(index), info)
                    worker = Worker(store, int(index), device)
                if not worker.turn():
                    time.sleep(IDLE)
            except (StoreError, sqlite3.Error) as error:
                print(f"The runs cannot be written, trying again: {error}", file=sys.stderr, flush=True)
                if worker:
                    worker.jobs.clear()  # they go on from their checkpoints
                time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
