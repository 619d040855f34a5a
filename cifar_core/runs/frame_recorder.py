"""The film of a run: its frames, taken while it trains, and its first layer for those who watch it learn.

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
from cifar_core.runs.records import Filters, Frame, Moment, Run
from cifar_core.runs.store import Store
from cifar_core.runs.timeline import MOST_KEPT, due, keep_only, moments_of, thinned
from cifar_core.training.events import Position
from cifar_core.training.loop import VALIDATION_IMAGES

SHOWN_IMAGES = 4
"""the first test images, whose answers a frame and the test at the end show"""
FILTERS_EVERY = 1.0
"""seconds between two looks at the first layer"""


class FrameRecorder:
    """The frames of one run in its worker's hands: those that are kept, and those that are still due."""

    def __init__(self, store: Store, run: Run, net: Net, test: ImageSet, device: str) -> None:
        self.store, self.run, self.net, self.device = store, run, net, device
        self.probe, self.shown = test.sample(VALIDATION_IMAGES), test.first(SHOWN_IMAGES)
        self.at = Moment(0, 0)
        """where the Net stands"""
        self.steps: set[int] = set()
        """those of the frames kept"""
        self._due: list[int] = []
        self._looked_at = -math.inf

    def take_up(self, position: Position | None) -> None:
        """Go on from the checkpoint at `position` (None: from the beginning)."""
        seen = -1
        if position:
            seen = position.epoch * self.run.images + position.seen
            self.at = Moment(position.step, seen)
        # A frame is written no later than the next checkpoint, so that those due until here have been taken.
        planned = due(self.run.config.epochs, self.run.images, len(self.probe))
        self._due = [images for images in planned if images > seen]
        there = moments_of(self.store, self.run.id)
        # A run that trains on makes room for all at once: one that takes it up again later has nothing more to drop.
        kept = there if self.run.ending else thinned(there, MOST_KEPT - len(self._due))
        if kept != there:
            keep_only(self.store, self.run.id, kept)
        self.steps = {moment.step for moment in kept}

    def frames_due(self) -> list[Frame]:
        """The frame to be taken now, if one is."""
        ahead = [images for images in self._due if images > self.at.images]
        late, self._due = len(ahead) < len(self._due), ahead
        return self.frames_now() if late else []

    def frames_now(self) -> list[Frame]:
        """A frame of the Net as it is, with its weights on disk; none where there is one already or the Net is NaN.

        Raises WeightsError where the weights cannot be written.
        """
        if self.at.step in self.steps:
            return []
        frame = take(self.net, self.at, self.probe, self.shown, self.device, prepare_for(self.run.config))
        if frame is None:
            return []
        weights = {name: tensor.cpu() for name, tensor in self.net.state_dict().items()}
        save_weights(weights, self.store.weights_of(self.run, frame.step))
        self.steps.add(frame.step)
        return [frame]

    def filters_now(self, *, last: bool = False) -> Filters | None:
        """The first layer, once in a while and as the `last` thing of all; None in between, or where it is NaN."""
        now = time.monotonic()
        if now - self._looked_at < FILTERS_EVERY and not last:
            return None
        self._looked_at = now
        weights = first_filters(self.net)
        return Filters(self.at.step, weights) if np.isfinite(weights).all() else None


def take(
    net: Net, at: Moment, probe: ImageSet, shown: ImageSet, device: str, prepare: Prepare = normalize
) -> Frame | None:
    """What `net` answers on the images of `probe` and of `shown`; None where it has become NaN or infinite."""
    found, answers = (evaluate(net, images, device=device, prepare=prepare) for images in (probe, shown))
    net.train()
    filters = first_filters(net)
    if not (found.finite and answers.finite and np.isfinite(filters).all()):
        return None
    return Frame(at.step, at.images, found.confusion, answers.probabilities.astype(np.float32), filters)
