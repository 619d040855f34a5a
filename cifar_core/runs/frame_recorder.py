"""Records the frames of a run while it trains, and its first layer for those who watch it learn.

Looking at the Net between two mini-batches changes nothing about its training.
"""

import math
import time

import numpy as np

from cifar_core.data.image_set import ImageSet
from cifar_core.evaluate import evaluate
from cifar_core.inspect.filters import first_filters
from cifar_core.mistakes import prepare_for
from cifar_core.net import Net, save_weights
from cifar_core.pixels import Prepare, normalize
from cifar_core.runs.folding import SHOWN_IMAGES
from cifar_core.runs.records import Filters, Frame, FrameTime, Run
from cifar_core.runs.store import Store
from cifar_core.runs.timeline import MAX_FRAMES, planned, thinned
from cifar_core.runs.timings import Timings
from cifar_core.training.progress import VALIDATION_IMAGES
from cifar_core.training.state import Position


class FrameRecorder:
    """The frames of one run in its worker's hands: those recorded, and those still ahead."""

    def __init__(self, store: Store, run: Run, net: Net, test: ImageSet, device: str, timings: Timings) -> None:
        self.store, self.run, self.net, self.device, self.timings = store, run, net, device, timings
        self.validation, self.shown = test.sample(VALIDATION_IMAGES), test.first(SHOWN_IMAGES)
        self.at = FrameTime(0, 0)
        """where the Net stands"""
        self.steps: set[int] = set()
        """those of the frames recorded"""
        self._ahead: list[int] = []
        self._looked_at = -math.inf

    def resume_from(self, position: Position | None) -> None:
        """Continue from the checkpoint at `position` (None: from the beginning)."""
        seen = -1
        if position:
            seen = position.epoch * self.run.images + position.seen
            self.at = FrameTime(position.step, seen)
        # A frame is written no later than the next checkpoint, so those planned up to here have been recorded.
        plan = planned(self.run.config.epochs, self.run.images, len(self.validation))
        self._ahead = [images for images in plan if images > seen]
        there = self.store.frame_times(self.run.id)
        # A run that trains on makes room for all at once: a later worker then has nothing more to drop.
        keep = there if self.run.ending else thinned(there, MAX_FRAMES - len(self._ahead))
        if keep != there:
            self.store.keep_frames(self.run.id, keep)
        self.steps = {time.step for time in keep}

    def planned_frames(self) -> tuple[Frame, ...]:
        """Record the frame that is planned for now, if there is one."""
        ahead = [images for images in self._ahead if images > self.at.images]
        late, self._ahead = len(ahead) < len(self._ahead), ahead
        return self.frames_now() if late else ()

    def frames_now(self) -> tuple[Frame, ...]:
        """Record a frame of the Net as it is, with its weights on disk; none if there is one already or it is NaN.

        Raises WeightsError if the weights cannot be written.
        """
        if self.at.step in self.steps:
            return ()
        prepare = prepare_for(self.run.config)
        frame = record_frame(self.net, self.at, self.validation, self.shown, self.device, prepare)
        if frame is None:
            return ()
        weights = {name: tensor.cpu() for name, tensor in self.net.state_dict().items()}
        save_weights(weights, self.store.weights_of(self.run, frame.step))
        self.steps.add(frame.step)
        return (frame,)

    def filters_now(self, *, last: bool = False) -> Filters | None:
        """Return the first layer, once in a while and at the end (`last`); None in between, or if it is NaN."""
        now = time.monotonic()
        if now - self._looked_at < self.timings.filters_every and not last:
            return None
        self._looked_at = now
        weights = first_filters(self.net)
        return Filters(self.at.step, weights) if np.isfinite(weights).all() else None


def record_frame(
    net: Net, at: FrameTime, validation: ImageSet, shown: ImageSet, device: str, prepare: Prepare = normalize
) -> Frame | None:
    """Return what `net` predicts for the images of `validation` and `shown`; None if it is no longer finite."""
    found, first = (evaluate(net, images, device=device, prepare=prepare) for images in (validation, shown))
    net.train()
    filters = first_filters(net)
    if not (found.finite and first.finite and np.isfinite(filters).all()):
        return None
    return Frame(at.step, at.images, found.confusion, first.probabilities.astype(np.float32), filters)
