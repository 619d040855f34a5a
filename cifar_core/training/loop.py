"""Training: the tutorial's loop as a stream of events that a terminal, a worker or a test can follow.

    for event in train(net, splits.train, TrainConfig()):
        if isinstance(event, Reported):
            print(event.line)

All events are in `events.py`.
"""

from collections.abc import Iterator
from dataclasses import replace

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet
from cifar_core.net import Net
from cifar_core.training.batches import TrainingImages
from cifar_core.training.control import Control
from cifar_core.training.events import TrainEvent
from cifar_core.training.learner import Learner
from cifar_core.training.progress import ProgressTracker, validator
from cifar_core.training.schedule import learning_rate
from cifar_core.training.state import Checkpoint, Position


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
    settings. Between two events the training pauses, and `net` is as it was after the last step reported. Dropping the
    iterator ends it there. With `validation`, images that are not trained on, the Net is tested four times an epoch;
    this changes nothing about the training, and the stop rule `accuracy` needs it.
    """
    net.to(device).train()
    ## The loss function, the optimizer and the lines that use them: `learner.py` and `step.py`.
    learner = Learner(net, config, device)
    if resume:
        learner.state.restore(resume.weights, resume.momentum, resume.gradients)
    position = replace(resume.position) if resume else Position()
    images = TrainingImages(image_set, config, device)
    validate = validator(net, validation, config, device)
    progress = ProgressTracker(
        config, len(image_set), position, control or Control(), validate, learner.state.checkpoint
    )

    yield from progress.start()
    for epoch in progress.epochs():  # loop over the dataset multiple times
        for inputs, labels in progress.batches(images.loader(epoch)):  # (N, 3, 32, 32) and (N,)
            now = progress.config  # some settings may change on the way
            learner.set(learning_rate(now, progress.done), now.momentum, now.batch_size)
            loss = learner.step(inputs, labels)
            yield from progress.add(loss, len(labels))
    yield from progress.finish()
