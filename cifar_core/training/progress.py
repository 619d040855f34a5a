"""How far a training has come: what it reports on the way, and when it ends."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet, Splits
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.mistakes import prepare_for
from cifar_core.net import Net
from cifar_core.training.batches import BatchLoader
from cifar_core.training.control import Control
from cifar_core.training.events import (
    Changed,
    Checkpointed,
    Finished,
    Progress,
    Reported,
    Started,
    TimeUp,
    TrainEvent,
    Validated,
)
from cifar_core.training.state import Checkpoint, Position

VALIDATIONS_PER_EPOCH = 4
"""how often per epoch the Net is tested on the validation images, if there are any"""
VALIDATION_IMAGES = 1000
"""test images that are enough to follow the accuracy: its standard error is then about 1.6 percent points"""


def progress_every(config: TrainConfig, images: int) -> int:
    """Return how many mini-batches one point of the curve covers: about 1,000 points a run, at most 50 each.

    It follows from the settings alone, so that the same run always has the same points.
    """
    return max(1, min(50, config.steps(images) // 1000))


def validation_for(config: TrainConfig, splits: Splits) -> ImageSet | None:
    """Return the images that the stop rule of these settings needs; None if it needs none."""
    return splits.test.sample(VALIDATION_IMAGES) if config.stop_rule == "accuracy" else None


def validator(
    net: Net, validation: ImageSet | None, config: TrainConfig, device: str
) -> Callable[[], Evaluation] | None:
    """Return what tests `net` on the validation images, if there are any."""
    if validation is None:
        return None

    def validate() -> Evaluation:
        evaluation = evaluate(net, validation, device=device, prepare=prepare_for(config))
        net.train()
        return evaluation

    return validate


class ProgressTracker:
    """Counts the mini-batches of one training, and yields the events that are due.

    `at`: where the training stands, moved on here. `validate`: tests the Net on the validation images, if there are
    any. `checkpoint`: copies the state of the training.
    """

    def __init__(
        self,
        config: TrainConfig,
        count: int,
        at: Position,
        control: Control,
        validate: Callable[[], Evaluation] | None,
        checkpoint: Callable[[Position], Checkpoint],
    ) -> None:
        self.config, self.count, self.at, self.control = config, count, at, control
        self._validate, self._checkpoint = validate, checkpoint
        self._ending: Literal["done", "no_better", "reached", "diverged"] = "done"
        self._goes_on = True
        self._losses: list[Tensor] = []
        """of the mini-batches since the last Progress, still on the device"""

    @property
    def images(self) -> int:
        """Training images seen so far, over all epochs."""
        return self.at.epoch * self.count + self.at.seen

    @property
    def done(self) -> float:
        """Fraction of all images of the whole training that have been seen, 0 to 1."""
        return (self.at.epoch + self.at.seen / self.count) / self.config.epochs

    def start(self) -> Iterator[TrainEvent]:
        """Yield the first events."""
        yield Started(steps=self._last_step(), step=self.at.step)
        self._complete_epoch()
        yield from self._prepare_next()

    def epochs(self) -> Iterator[int]:
        """Yield the number of each epoch (from 0) that is not completed yet."""
        while self._goes_on and self.at.epoch < self.config.epochs:
            yield self.at.epoch
            self._complete_epoch()

    def batches(self, loader: BatchLoader) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the rest of an epoch's mini-batches, each in the size that is set by then."""
        while self.at.seen < self.count and self._goes_on:
            yield loader.batch(self.at.seen, self.config.batch_size)

    def add(self, loss: Tensor, images: int) -> Iterator[TrainEvent]:
        """Count a mini-batch; yield what is due after it."""
        at = self.at
        at.step, at.batch, at.seen = at.step + 1, at.batch + 1, at.seen + images
        self._losses.append(loss)
        report = at.batch % self.config.report_every == 0
        point = at.step % progress_every(self.config, self.count) == 0 or at.seen == self.count
        ## Reading a loss makes the program wait for the device, so it is done only when there is something to report.
        if report or point or self.control.stop:
            yield from self._report(report)
        elif time.monotonic() >= self.control.until:
            yield TimeUp()
        yield from self._prepare_next()

    def finish(self) -> Iterator[TrainEvent]:
        """Yield the last events."""
        if self._ending != "diverged":
            yield Checkpointed(self._checkpoint(self.at))
        stopped = self._ending == "done" and self.at.epoch < self.config.epochs
        yield Finished("stopped" if stopped else self._ending, self.at.step)

    def _report(self, line: bool) -> Iterator[TrainEvent]:
        at, mean = self.at, self._mean_loss()
        if not math.isfinite(mean):
            self._ending = "diverged"
            return
        if line:
            loss = at.running_loss / at.running_count
            at.running_loss, at.running_count = 0.0, 0
            at.lines_since = 0 if loss < at.lowest_loss else at.lines_since + 1
            at.lowest_loss = min(loss, at.lowest_loss)
            yield Reported(at.step, at.epoch + 1, at.batch, loss)
        yield Progress(at.step, at.epoch + 1, self.images, mean)
        if self.config.stop_rule == "patience" and at.lines_since >= self.config.patience:
            self._ending = "no_better"
        yield from self._validated()
        if self.control.checkpoint:
            self.control.checkpoint = False
            yield Checkpointed(self._checkpoint(at))

    def _validated(self) -> Iterator[TrainEvent]:
        due = self.images * VALIDATIONS_PER_EPOCH // self.count
        if self._validate is None or due <= self.at.validations:
            return
        self.at.validations = due
        evaluation = self._validate()
        yield Validated(self.at.step, self.images, evaluation.correct, evaluation.total)
        if self.config.stop_rule == "accuracy" and 100 * evaluation.accuracy >= self.config.target_accuracy:
            self._ending = "reached"

    def _complete_epoch(self) -> None:
        """Move on to the next epoch if all images of this one have been seen."""
        at = self.at
        if at.epoch < self.config.epochs and at.seen == self.count:
            ## The tutorial starts each epoch with a fresh running loss.
            at.epoch, at.seen, at.batch, at.running_loss, at.running_count = at.epoch + 1, 0, 0, 0.0, 0

    def _prepare_next(self) -> Iterator[TrainEvent]:
        """Decide whether the training goes on; if it does, apply the changes that are due."""
        left = self.config.epochs - self.at.epoch - (self.at.seen == self.count)
        # A stop that comes at this very line, while losses are not reported, is handled after the next mini-batch.
        self._goes_on = left > 0 and self._ending == "done" and bool(self._losses or not self.control.stop)
        while self._goes_on and (change := self.control.next_change(self.at.step)):
            self.config = self.config.changed({change.name: change.value})
            yield Changed(self.at.step, self.images, change.name, change.value, self._last_step())

    def _last_step(self) -> int:
        """The step at which the training will end if its batch size stays as it is."""
        size, at = self.config.batch_size, self.at
        return (
            at.step
            + math.ceil((self.count - at.seen) / size)
            + (self.config.epochs - at.epoch - 1) * math.ceil(self.count / size)
        )

    def _mean_loss(self) -> float:
        """Move the losses into the running loss; return their mean."""
        values = torch.stack(self._losses).tolist()
        self._losses.clear()
        for value in values:  # one after the other, so that the sum has the tutorial's very digits
            self.at.running_loss += value
        self.at.running_count += len(values)
        return sum(values) / len(values)
