"""One run in a worker's hands: taken up from its last checkpoint, advanced slice by slice, written down as it goes."""

import time
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from cifar_core.config import CHANGEABLE
from cifar_core.data import image_set
from cifar_core.data.image_set import Splits
from cifar_core.errors import CifarError
from cifar_core.evaluate import Evaluated, EvaluateEvent, Evaluating, Evaluation, evaluating
from cifar_core.mistakes import prepare_for, training_images
from cifar_core.net import new_net, save_weights
from cifar_core.runs.frame_recorder import SHOWN_IMAGES, FrameRecorder
from cifar_core.runs.records import Filters, Moment, Point, Request, Snapshot, TestResult
from cifar_core.runs.store import Store
from cifar_core.training.checkpoint import load_checkpoint, save_checkpoint
from cifar_core.training.events import (
    Change,
    Changed,
    Checkpoint,
    Checkpointed,
    Control,
    Finished,
    Progress,
    Reported,
    Started,
    TrainEvent,
    Validated,
)
from cifar_core.training.loop import train

SLICE = 0.1
"""seconds that a run may work before it is the next one's turn"""
ROUND = 2
"""slices in one round of turns: more runs than that get shorter ones, so that every page sees news often"""
CHECKPOINT_EVERY = 3.0
"""seconds between a run's checkpoints: what a killed worker has to do again at most"""
SPEED_OVER = 3.0
"""seconds over which a run's speed is measured"""
MAX_ATTEMPTS = 3
"""a run whose worker died this often without reaching a checkpoint is given up"""


ENDINGS = {
    "diverged": "The loss is no longer a finite number: the steps were too large. Try a smaller learning rate.",
    "no_better": "Ended by its stop rule: the loss had not become better for a while.",
    "reached": "Ended by its stop rule: the accuracy was reached.",
}
"""what is said of a training that ended in one of these ways"""


def opened(folder: Path) -> Splits:
    """The data set that is in `folder` now; all runs on it share its map into memory."""
    try:
        written = (folder / "splits.json").stat().st_mtime_ns
    except OSError:
        written = 0  # loading it says what is wrong
    return _opened(folder, written)


@lru_cache(4)
def _opened(folder: Path, written: int) -> Splits:
    return image_set.load(folder)


class Job:
    """One run in this worker's hands."""

    def __init__(self, store: Store, snapshot: Snapshot, device: str) -> None:
        run = snapshot.run
        if run.attempts >= MAX_ATTEMPTS:
            raise CifarError(f"The worker died {run.attempts} times in this run, so it was given up.")
        self.store, self.run, self.device = store, run, device
        self.folder = store.folder_of(run.id)
        self.folder.mkdir(exist_ok=True)
        self.splits = opened(Path(run.data))
        self.net = new_net(run.config.seed)
        self.film = FrameRecorder(store, run, self.net, self.splits.test, device)
        self.ending, self.busy, self.paused = run.ending, run.busy, run.state == "paused"
        self.saved_at = time.monotonic()
        self.saved = False
        """whether this worker has brought the run to a checkpoint"""
        self.pace: deque[tuple[float, int]] = deque()  # (time, images seen) of the last seconds
        self.obeyed: list[int] = []  # requests whose effect no update has told yet
        # A change made after the checkpoint is made again at its very step; one made before it is in force there.
        made = [change for change in snapshot.changes if change.name in CHANGEABLE]
        before = {change.name: change.value for change in made if change.step < run.checkpoint}
        self.config = run.config.changed(before)
        again = [Change(change.name, change.value, change.step) for change in made if change.step >= run.checkpoint]
        self.control = Control(checkpoint=True, changes=again)
        self.events = self._events()

    def _events(self) -> Iterator[TrainEvent | EvaluateEvent]:
        """The whole life of the run from its last checkpoint on: training, then the test."""
        resume = None
        if self.run.checkpoint >= 0:
            resume = load_checkpoint(self.folder / f"{self.run.checkpoint}.resume")
        self.store.forget_after(self.run.id, self.run.checkpoint)
        self.film.take_up(resume.position if resume else None)
        if self.ending:  # it was being tested
            assert resume is not None, "a run that has ended has a checkpoint"
            self.net.load_state_dict(resume.weights)
        else:
            yield from train(
                self.net,
                training_images(self.config, self.splits),
                self.config,
                device=self.device,
                resume=resume,
                control=self.control,
                validation=self.film.probe,
            )
        if self.ending != "diverged":
            yield from evaluating(self.net, self.splits.test, device=self.device, prepare=prepare_for(self.config))

    def obey(self, request: Request) -> None:
        """Do what was asked: rest or go on at once; change or stop in the next slice, whose update tells it."""
        row: dict[str, object] = {}
        match request.kind:
            case "stop" if not self.ending:
                self.control.stop, self.paused = True, False
                self.obeyed.append(request.id)
                return
            case "change" if not self.ending:
                self.control.changes += [Change(name, value) for name, value in request.arguments.items()]
                self.obeyed.append(request.id)
                return
            case "pause" if not (self.paused or self.ending or self.control.stop):
                self.paused = True
                row = {"state": "paused", "paused": time.time(), "speed": 0.0}
            case "resume" if self.paused:
                self.paused = False
                self.pace.clear()
                row = {"state": "running", "paused": None}
        self.store.update(self.run.id, obeyed=[request.id], **row)  # type: ignore[arg-type]

    def _told(self) -> list[int]:
        """The requests whose effect is told by now: changes by their Changed, a stop by the end of the training.

        One that stands is asked again of a successor, and so outlives this worker.
        """
        if not self.ending and (self.control.changes or self.control.stop):
            return []
        told, self.obeyed = self.obeyed, []
        return told

    def advance(self, going: int = 1) -> bool:
        """Work for one slice and write down what happened; False when the run has ended.

        `going` is how many runs take turns.
        """
        if not self.saved:  # counted for the length of a slice, so that no run is blamed for a death in another's
            self.store.update(self.run.id, attempts=self.run.attempts + 1)
        begun = time.monotonic()
        until = begun + SLICE * min(1.0, ROUND / going)
        told: dict[str, list[Any]] = {"points": [], "reports": [], "probes": [], "changes": [], "frames": []}
        row: dict[str, object] = {} if self.saved else {"attempts": self.run.attempts}
        filters: Filters | None = None
        saved: Checkpoint | None = None
        for event in self.events:
            match event:
                case Started():
                    row |= {"state": "running", "steps": event.steps, "paused": None}
                    told["frames"] += self.film.frames_due()
                    filters = self.film.filters_now()
                case Progress():
                    told["points"].append(Point(event.step, event.images, event.loss))
                    row |= {"step": event.step, "epoch": event.epoch, "seen": event.images}
                    row["speed"] = self._speed(event.images)
                    self.film.at = Moment(event.step, event.images)
                    told["frames"] += self.film.frames_due()
                    filters = self.film.filters_now() or filters
                case Reported():
                    told["reports"].append(event)
                case Validated():
                    told["probes"].append(event)
                    row["accuracy"] = event.correct / event.total
                case Changed():
                    told["changes"].append(event)
                    row["steps"] = event.steps
                case Checkpointed():
                    row |= {"checkpoint": event.checkpoint.position.step, "attempts": 0}
                    self._save(event.checkpoint)
                    saved, self.saved = event.checkpoint, True
                case Finished():
                    row |= {"step": event.step, "paused": None}
                    if event.reason in ENDINGS:  # one that was stopped may have been told why already
                        row["message"] = ENDINGS[event.reason]
                    self.ending = "done" if event.reason in ("no_better", "reached") else event.reason
                    if self.ending != "diverged":  # then there is nothing to test
                        row |= {"state": "testing", "ending": self.ending}
                        told["frames"] += self.film.frames_now()
                        filters = self.film.filters_now(last=True)
                        until = 0.0  # tell the page at once
                case Evaluating():
                    row["tested"] = event.done
                case Evaluated():
                    row["accuracy"] = event.evaluation.accuracy
                    self._keep(event.evaluation)
            # Written together are a log line and the point of its step, by which a reader asks for both; and the last
            # checkpoint and the end of the training, which a successor would not find out by itself.
            if time.monotonic() >= until and not isinstance(event, Reported | Checkpointed):
                break
        else:
            row |= {"state": self.ending, "ended": time.time(), "ending": ""}
        self.busy += time.monotonic() - begun
        row["busy"] = self.busy
        # a checkpoint together with the points and frames before it, for a successor goes on behind it
        self.store.update(self.run.id, obeyed=self._told(), filters=filters, **told, **row)  # type: ignore[arg-type]
        if saved:
            self._remove_all_but(saved)
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
        """Remove the files that the store no longer names: of older checkpoints, and of frames that were dropped."""
        newest = checkpoint.position.step
        named = {f"{newest}.resume"} | {f"{step}.pth" for step in (newest, *self.film.steps)}
        for path in self.folder.iterdir():
            if path.name not in named:
                path.unlink()

    def _keep(self, found: Evaluation) -> None:
        shares = tuple(None if share != share else share for share in found.class_accuracy().tolist())
        run = self.store.run(self.run.id)
        step = run.step if run else 0
        first = tuple(found.predictions[:SHOWN_IMAGES].tolist())
        self.store.add_result(self.run.id, TestResult(step, found.correct, found.total, shares, first))
