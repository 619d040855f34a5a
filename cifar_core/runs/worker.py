"""A worker: a process that advances several runs in short slices, round robin.

The service starts one for each core (or GPU): python -m cifar_core.runs.worker FOLDER INDEX PARENT_PID DEVICE. It can
be killed at any moment: its successor goes on from each run's last checkpoint and does the same steps again, with the
same result.
"""

import fcntl
import os
import signal
import sqlite3
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from cifar_core.checkpoint import load_checkpoint, save_checkpoint
from cifar_core.config import TrainConfig
from cifar_core.data import image_set
from cifar_core.device import available, choose_device
from cifar_core.errors import CifarError
from cifar_core.evaluate import Evaluated, EvaluateEvent, Evaluating, Evaluation, evaluating
from cifar_core.events import Checkpoint, Checkpointed, Control, Finished, Progress, Reported, Started, TrainEvent
from cifar_core.net import new_net, save_weights
from cifar_core.runs.store import Point, Run, Store, TestResult, WorkerInfo
from cifar_core.train import train

SLICE = 0.1
"""seconds that a run may work before it is the next one's turn"""
CHECKPOINT_EVERY = 3.0
"""seconds between a run's checkpoints: what a killed worker has to do again at most"""
SPEED_OVER = 3.0
"""seconds over which a run's speed is measured"""
IDLE = 0.04
"""seconds between two looks into the store while there is nothing to do"""
MAX_ATTEMPTS = 3
"""a run whose worker died this often without reaching a checkpoint is given up"""


class Job:
    """One run in this worker's hands."""

    def __init__(self, store: Store, run: Run, device: str) -> None:
        if run.attempts >= MAX_ATTEMPTS:
            raise CifarError(f"The worker died {run.attempts} times in this run, so it was given up.")
        self.store, self.run, self.device = store, run, device
        self.control = Control(checkpoint=True)
        self.folder = store.folder_of(run.id)
        self.folder.mkdir(exist_ok=True)
        self.splits = image_set.load(Path(run.data))
        self.net = new_net(run.config.seed)
        self.ending = run.ending
        self.saved_at = time.monotonic()
        self.pace: deque[tuple[float, int]] = deque()  # (time, images seen) of the last seconds
        self.events = self._events()

    def _events(self) -> Iterator[TrainEvent | EvaluateEvent]:
        """The whole life of the run from its last checkpoint on: training, then the test."""
        # counted at the run's own first slice, so that no run is blamed for a death in another's
        self.store.update(self.run.id, attempts=self.run.attempts + 1)
        resume = None
        if self.run.checkpoint >= 0:
            resume = load_checkpoint(self.folder / f"{self.run.checkpoint}.resume")
        self.store.forget_after(self.run.id, self.run.checkpoint)
        if self.ending:  # it was being tested
            assert resume is not None, "a run that has ended has a checkpoint"
            self.net.load_state_dict(resume.weights)
        else:
            yield from train(
                self.net, self.splits.train, self.run.config, device=self.device, resume=resume, control=self.control
            )
        if self.ending != "diverged":
            yield from evaluating(self.net, self.splits.test, device=self.device)

    def advance(self) -> bool:
        """Work for one slice and write down what happened; False when the run has ended."""
        until = time.monotonic() + SLICE
        points: list[Point] = []
        reports: list[Reported] = []
        row: dict[str, object] = {}
        for event in self.events:
            match event:
                case Started():
                    row |= {"state": "running", "steps": event.steps}
                case Progress():
                    points.append(Point(event.step, event.loss))
                    row |= {"step": event.step, "epoch": event.epoch, "seen": event.images}
                    row["speed"] = self._speed(event.images)
                case Reported():
                    reports.append(event)
                case Checkpointed():
                    row |= {"checkpoint": event.checkpoint.position.step, "attempts": 0}
                    self._save(event.checkpoint)
                    # together with the points before it, for a successor goes on behind the checkpoint
                    self.store.update(self.run.id, points=points, reports=reports, **row)
                    points, reports, row = [], [], {}
                    self._remove_all_but(event.checkpoint)
                case Finished():
                    self.ending = event.reason
                    row["step"] = event.step
                    if event.reason != "diverged":  # then there is nothing to test
                        row |= {"state": "testing", "ending": event.reason}
                        until = 0.0  # tell the page at once
                case Evaluating():
                    row["tested"] = event.done
                case Evaluated():
                    self._keep(event.evaluation)
            # a log line and the point of the same step are written together, so a reader asks for both by that step
            if time.monotonic() >= until and not isinstance(event, Reported):
                break
        else:
            row |= {"state": self.ending, "ended": time.time()}
            if self.ending == "diverged":
                row["message"] = (
                    "The loss is no longer a finite number: the steps were too large. Try a smaller learning rate."
                )
        self.store.update(self.run.id, points=points, reports=reports, **row)
        if time.monotonic() - self.saved_at > CHECKPOINT_EVERY:
            self.control.checkpoint = True
        return "ended" not in row

    def _speed(self, images: int) -> float:
        """Images a second over the last seconds, other runs' slices included, as the person waiting sees it."""
        now = time.monotonic()
        self.pace.append((now, images))
        while len(self.pace) > 2 and now - self.pace[0][0] > SPEED_OVER:
            self.pace.popleft()
        begun, before = self.pace[0]
        return (images - before) / (now - begun) if now > begun else 0.0

    def _save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint's files."""
        step = checkpoint.position.step
        save_weights(checkpoint.weights, self.folder / f"{step}.pth")
        save_checkpoint(checkpoint, self.folder / f"{step}.resume")
        self.saved_at = time.monotonic()

    def _remove_all_but(self, checkpoint: Checkpoint) -> None:
        """Remove the files of checkpoints that the store no longer names."""
        for path in self.folder.iterdir():
            if path.stem != str(checkpoint.position.step):
                path.unlink()

    def _keep(self, found: Evaluation) -> None:
        shares = tuple(None if share != share else share for share in found.class_accuracy().tolist())
        run = self.store.run(self.run.id)
        step = run.step if run else 0
        first = tuple(found.predictions[:4].tolist())
        self.store.add_result(self.run.id, TestResult(step, found.correct, found.total, shares, first))


class Worker:
    """The runs of one worker process, and the loop that gives each its turn."""

    def __init__(self, store: Store, index: int, device: str) -> None:
        self.store, self.index = store, index
        self.device = choose_device(device)
        self.jobs: dict[str, Job] = {}

    def turn(self) -> bool:
        """Obey what was asked, take up new runs, give each run one slice; False when there is nothing to do."""
        asked = self.store.take_requests(self.index)  # before looking for new runs: one of them may be meant
        for run in self.store.active(self.index):
            if run.id not in self.jobs:
                with self._failing(run):
                    self.jobs[run.id] = Job(self.store, run, self._device_for(run))
        for run_id, kind in asked:
            if run_id in self.jobs and kind == "stop":
                self.jobs[run_id].control.stop = True
        for run_id, job in list(self.jobs.items()):
            with self._failing(job.run):
                if job.advance():
                    continue
            del self.jobs[run_id]
        return bool(self.jobs)

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
        if error is None or isinstance(error, sqlite3.Error) or not isinstance(error, Exception):
            return False
        if isinstance(error, CifarError):
            message = str(error)
        else:
            traceback.print_exception(error)
            message = f"An unexpected error ended this run ({type(error).__name__}); the server's log has the details."
        self.store.update(self.run.id, state="failed", message=message, ended=time.time())
        return True


def warm_up(device: str) -> None:
    """Train and test once on nothing, so that the first visitor does not wait while torch loads its parts."""
    blank = image_set.ImageSet(np.zeros((4, 32, 32, 3), np.uint8), np.arange(4), tuple("abcd"), "train")
    net = new_net(0)
    for _ in train(net, blank, TrainConfig(epochs=1), device=device):
        pass
    for _ in evaluating(net, blank, device=device):
        pass


def main(folder: str, index: str, parent: str, device: str) -> None:
    """Work until the server that started this process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's to handle
    torch.set_num_threads(1)
    os.nice(10)
    store = Store(Path(folder))
    # A predecessor that a killed server left behind may still finish its last slice.
    with open(Path(folder) / f"worker-{index}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        worker = Worker(store, int(index), device)
        chosen = worker.device
        warm_up(chosen.kind)
        store.sign_in(worker.index, WorkerInfo(os.getpid(), chosen.kind, chosen.name, chosen.reason, available()))
        while os.getppid() == int(parent):
            try:
                busy = worker.turn()
            except sqlite3.Error as error:
                print(f"The runs cannot be written ({error}); trying again.", file=sys.stderr, flush=True)
                worker.jobs.clear()  # they go on from their checkpoints
                busy = False
                time.sleep(1)
            if not busy:
                time.sleep(IDLE)


if __name__ == "__main__":
    main(*sys.argv[1:])
