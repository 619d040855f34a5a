"""Training: the tutorial's loop as a stream of events that a terminal, a worker or a test can follow.

    for event in train(net, splits.train, TrainConfig()):
        if isinstance(event, Reported):
            print(event.line)

All events are in `events.py`.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet
from cifar_core.evaluate import evaluate
from cifar_core.mistakes import prepare_for
from cifar_core.net import Net
from cifar_core.training.batches import BatchLoader
from cifar_core.training.events import (
    Changed,
    Checkpoint,
    Checkpointed,
    Control,
    Finished,
    Position,
    Progress,
    Reported,
    Started,
    TrainEvent,
    Validated,
)
from cifar_core.training.sampler import EpochSampler, learning_rate, training_labels
from cifar_core.training.step import Step

VALIDATIONS_PER_EPOCH = 4
"""how often per epoch the Net is tested on the validation images, if there are any"""
VALIDATION_IMAGES = 1000
"""test images that are enough to follow the accuracy: its standard error is then about 1.6 percent points"""


def progress_every(config: TrainConfig, images: int) -> int:
    """How many mini-batches one point of the curve covers: about 1,000 points a run, at most 50 mini-batches each.

    It follows from the settings alone, so that the same run always gives the same points.
    """
    return max(1, min(50, config.steps(images) // 1000))


def train(
    net: Net,
    image_set: ImageSet,
    config: TrainConfig,
    *,
    device: str = "cpu",
    resume: Checkpoint | None = None,
    control: Control | None = None,
    validation: ImageSet | None = None,
) -> Iterator[TrainEvent]:
    """Train `net` (moved to `device`, changed in place) on `image_set`, yielding events until Finished.

    On the CPU the losses equal the tutorial's loop over the same order of images bit for bit, under the same torch
    settings. Between two events the training rests, and `net` is as it was after the last step reported. Dropping the
    iterator ends it there. With `validation`, images that are not trained on, the Net is tested four times an epoch;
    this changes nothing about the training, and the stop rule `accuracy` needs it.
    """
    control = control or Control()
    at = replace(resume.position) if resume else Position()
    if resume:
        net.load_state_dict(resume.weights)
    net.to(device).train()
    ## The loss function and the optimizer live in the step, with the five lines that use them: see `step.py`.
    step = Step(net, config, device)
    if resume:
        step.restore(resume.weights, resume.momentum, resume.gradients)

    # The whole set goes to the device once, as bytes; on the CPU this copies nothing.
    all_images = torch.from_numpy(image_set.images).to(device)  # uint8 (count, 32, 32, 3)
    all_labels = training_labels(config, torch.from_numpy(image_set.labels)).to(device)  # int64 (count,)
    count = len(image_set)
    losses: list[Tensor] = []  # of the mini-batches since the last Progress, still on the device
    ending: Literal["done", "no_better", "reached"] = "done"

    yield Started(steps=_last_step(config, at, count), step=at.step)
    while at.epoch < config.epochs and ending == "done":  # loop over the dataset multiple times
        feed = BatchLoader(EpochSampler.make(config, at.epoch, count, device), all_images, all_labels)
        # A stop that comes at this very line, while losses are untold, is obeyed after the mini-batch that tells them.
        while at.seen < count and ending == "done" and (losses or not control.stop):
            while control.changes and control.changes[0].step <= at.step:
                change = control.changes.pop(0)
                config = config.changed({change.name: change.value})
                last_step = _last_step(config, at, count)
                yield Changed(at.step, at.epoch * count + at.seen, change.name, change.value, last_step)
            inputs, labels = feed.batch(at.seen, config.batch_size)  # (N, 3, 32, 32) and (N,)
            lr = learning_rate(config, (at.epoch + at.seen / count) / config.epochs)
            step.set(lr, config.momentum, config.batch_size)
            losses.append(step(inputs, labels))
            at.step, at.batch, at.seen = at.step + 1, at.batch + 1, at.seen + len(labels)
            report = at.batch % config.report_every == 0
            news = report or at.step % progress_every(config, count) == 0 or at.seen == count or control.stop
            if not news:
                continue
            ## Reading a loss makes the program wait for the device, so it is done only when there is news to tell.
            mean, images = _take(losses, at), at.epoch * count + at.seen
            if not math.isfinite(mean):
                yield Finished("diverged", at.step)
                return
            if report:
                line = Reported(at.step, at.epoch + 1, at.batch, at.running_loss / at.running_count)
                at.running_loss, at.running_count = 0.0, 0
                at.lines_since = 0 if line.loss < at.lowest_loss else at.lines_since + 1
                at.lowest_loss = min(line.loss, at.lowest_loss)
                yield line
            yield Progress(at.step, at.epoch + 1, images, mean)
            if config.stop_rule == "patience" and at.lines_since >= config.patience:
                ending = "no_better"
            if validation is not None and images * VALIDATIONS_PER_EPOCH // count > at.validations:
                at.validations = images * VALIDATIONS_PER_EPOCH // count
                found = evaluate(net, validation, device=device, prepare=prepare_for(config))
                net.train()
                yield Validated(at.step, images, found.correct, found.total)
                if config.stop_rule == "accuracy" and 100 * found.accuracy >= config.target_accuracy:
                    ending = "reached"
            if control.checkpoint:
                control.checkpoint = False
                yield Checkpointed(_checkpoint(step, at))
        if at.seen < count:
            break  # stopped, or ended by its rule
        ## The tutorial starts each epoch with a fresh running loss.
        at.epoch, at.seen, at.batch, at.running_loss, at.running_count = at.epoch + 1, 0, 0, 0.0, 0

    yield Checkpointed(_checkpoint(step, at))
    yield Finished("stopped" if ending == "done" and at.epoch < config.epochs else ending, at.step)


def _last_step(config: TrainConfig, at: Position, count: int) -> int:
    """The step at which the training will end, if its batch size stays as it is."""
    this_epoch = math.ceil((count - at.seen) / config.batch_size)
    return at.step + this_epoch + (config.epochs - at.epoch - 1) * math.ceil(count / config.batch_size)


def _take(losses: list[Tensor], at: Position) -> float:
    """Empty `losses` into the running loss of `at`; their mean."""
    values = torch.stack(losses).tolist()
    losses.clear()
    for value in values:  # one after the other, so that the sum has the tutorial's very digits
        at.running_loss += value
    at.running_count += len(values)
    return sum(values) / len(values)


def _checkpoint(step: Step, at: Position) -> Checkpoint:
    """A copy on the CPU of everything that the next step depends on."""
    parts = (*step.state(), step.gradients())
    weights, momentum, gradients = ({name: tensor.cpu() for name, tensor in part.items()} for part in parts)
    return Checkpoint(weights, momentum, replace(at), gradients)
