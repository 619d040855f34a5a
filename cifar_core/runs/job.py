"""One run in a worker's hands: resumed from its last checkpoint, advanced slice by slice, written down as it goes."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from cifar_core.config import CHANGEABLE
from cifar_core.errors import CifarError
from cifar_core.evaluate import Evaluated, EvaluateEvent, evaluating
from cifar_core.mistakes import prepare_for, training_images
from cifar_core.net import new_net
from cifar_core.runs.checkpoints import Checkpoints
from cifar_core.runs.folding import ending_of, folded, result_of
from cifar_core.runs.frame_recorder import FrameRecorder
from cifar_core.runs.images import images_of
from cifar_core.runs.records import Ending, FrameTime, Request, RunChange, Snapshot
from cifar_core.runs.slice_result import SliceResult
from cifar_core.runs.store import Store
from cifar_core.runs.timings import USUAL, Timings
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Checkpointed, Finished, Progress, Reported, Started, TrainEvent
from cifar_core.training.loop import train

ROUND = 2
"""slices in one round of turns: more runs than that get shorter ones, so that every page has news often"""
SPEED_OVER = 3.0
"""seconds over which a run's speed is measured"""
MAX_ATTEMPTS = 3
"""a run whose worker died this often without reaching a checkpoint is given up"""


class Job:
    """One run in this worker's hands."""

    def __init__(self, store: Store, snapshot: Snapshot, device: str, timings: Timings = USUAL) -> None:
        run = snapshot.run
        if run.attempts >= MAX_ATTEMPTS:
            raise CifarError(f"The worker died {run.attempts} times in this run, so it was given up.")
        self.checkpoints = Checkpoints(store.folder_of(run.id))
        # None newer than the store says: points and changes before it would be missing.
        self.resume = self.checkpoints.newest(run.checkpoint)
        at = self.resume.position.step if self.resume else -1
        if at != run.checkpoint:  # it cannot be read, so what came after the one before is done again
            run = replace(run, checkpoint=at, ending="")
        self.store, self.run, self.device, self.timings = store, run, device, timings
        self.splits = images_of(run)
        self.net = new_net(run.config.seed)
        self.recorder = FrameRecorder(store, run, self.net, self.splits.test, device, timings)
        self.ending: Ending = run.ending
        self.busy, self.paused = run.busy, run.state == "paused"
        self.saved_at = time.monotonic()
        self.saved = False
        """whether this worker has brought the run to a checkpoint"""
        self.throughput: deque[tuple[float, int]] = deque()  # (time, images seen) of the last seconds
        self.taken: set[int] = set()
        """requests that were taken up and whose effect is not written yet"""
        # A change made after the checkpoint is made again at its very step; one made before it is in force there.
        made = [change for change in snapshot.changes if change.name in CHANGEABLE]
        before = {change.name: change.value for change in made if change.step < run.checkpoint}
        self.config = run.config.changed(before)
        again = [Change(change.name, change.value, change.step) for change in made if change.step >= run.checkpoint]
        self.control = Control(checkpoint=True, changes=again)
        if self.resume and snapshot.run.ending == "stopped":  # its last checkpoint may be lost, the wish is not
            self.control.stop = True
        self.events = self._events()

    def _events(self) -> Iterator[TrainEvent | EvaluateEvent]:
        """The whole life of the run from its last checkpoint on: training, then the test."""
        resume, self.resume = self.resume, None  # it has some memory
        self.store.forget_after(self.run.id, self.run.checkpoint)
        self.recorder.resume_from(resume.position if resume else None)
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
                validation=self.recorder.validation,
            )
        if self.ending != "diverged":
            yield from evaluating(self.net, self.splits.test, device=self.device, prepare=prepare_for(self.config))

    def handle(self, request: Request) -> None:
        """Pause or resume at once; change or stop in the next slice, which writes that it is done."""
        change = RunChange()
        match request.kind:
            case "stop" if not self.ending:
                self.control.stop, self.paused = True, False
                self.taken.add(request.id)
                return
            case "change" if not self.ending:
                self.control.changes += [Change(name, value) for name, value in request.arguments.items()]
                self.taken.add(request.id)
                return
            case "pause" if not (self.paused or self.ending or self.control.stop):
                self.paused = True
                change = RunChange(state="paused", paused=time.time(), speed=0.0)
            case "resume" if self.paused:
                self.paused = False
                self.throughput.clear()
                change = RunChange(state="running")
        self.store.apply(self.run.id, SliceResult(change, handled=(request.id,)))

    def _handled(self) -> tuple[int, ...]:
        """The requests whose effect is written now: changes with their Changed, a stop with the end of the training.

        The others stand, so that a successor finds them if this worker dies.
        """
        if not self.ending and (self.control.changes or self.control.stop):
            return ()
        handled, self.taken = tuple(self.taken), set()
        return handled

    def advance(self, active: int = 1) -> bool:
        """Work for one slice and write what happened; False when the run has ended.

        `active` is how many runs take turns.
        """
        if not self.saved:  # counted for the length of a slice, so that no run is blamed for a death in another's
            self.store.change(self.run.id, RunChange(attempts=self.run.attempts + 1))
        started = time.monotonic()
        slice = self._work(started + self.timings.slice * min(1.0, ROUND / active))
        self.busy += time.monotonic() - started
        # a checkpoint together with the points and frames before it, because a successor continues behind it
        run = replace(slice.run, busy=self.busy)
        self.store.apply(self.run.id, replace(slice, run=run, handled=self._handled()))
        if slice.checkpoint or slice.run.ended is not None:
            self.checkpoints.tidy(self.recorder.steps, ended=slice.run.ended is not None)
        if time.monotonic() - self.saved_at > self.timings.checkpoint_every:
            self.control.checkpoint = True
        return slice.run.ended is None

    def _work(self, deadline: float) -> SliceResult:
        """Take events until the deadline, or the end of the run; return what they bring."""
        slice = SliceResult() if self.saved else SliceResult(RunChange(attempts=self.run.attempts))
        self.control.until = deadline
        for event in self.events:
            slice = self._with_effects(folded(slice, event), event)
            if isinstance(event, Finished) and self.ending != "diverged":
                break  # so that the page knows at once that the training has ended
            # Commit these in one transaction: (1) a log line with the point of the same step, because readers page by
            # step; (2) the final checkpoint with the end of training, so that a replacement worker sees both.
            if time.monotonic() >= deadline and not isinstance(event, Reported | Checkpointed):
                break
        else:
            ended = replace(slice.run, state=self.ending or None, ended=time.time(), ending="")
            return replace(slice, run=ended)
        return slice

    def _with_effects(self, slice: SliceResult, event: TrainEvent | EvaluateEvent) -> SliceResult:
        """Do what `event` calls for beside the training; return the slice with what it brings."""
        match event:
            case Started():
                return self._look(slice)
            case Progress():
                self.recorder.at = FrameTime(event.step, event.images)
                return self._look(replace(slice, run=replace(slice.run, speed=self._speed(event.images))))
            case Checkpointed():
                self.checkpoints.save(event.checkpoint)
                self.saved_at, self.saved = time.monotonic(), True
            case Finished():
                self.ending = ending_of(event)
                if self.ending != "diverged":
                    frames = (*slice.frames, *self.recorder.frames_now())
                    return replace(slice, frames=frames, filters=self.recorder.filters_now(last=True))
            case Evaluated():
                return replace(slice, result=result_of(event.evaluation, self.recorder.at.step))
        return slice

    def _look(self, slice: SliceResult) -> SliceResult:
        """Add the frame that is planned for now, and the first layer once in a while."""
        filters = self.recorder.filters_now() or slice.filters
        return replace(slice, frames=(*slice.frames, *self.recorder.planned_frames()), filters=filters)

    def _speed(self, images: int) -> float:
        """Images per second, wall clock, over the last seconds: other runs' slices included."""
        now = time.monotonic()
        self.throughput.append((now, images))
        while len(self.throughput) > 2 and now - self.throughput[0][0] > SPEED_OVER:
            self.throughput.popleft()
        started, before = self.throughput[0]
        return (images - before) / (now - started) if now > started else 0.0
