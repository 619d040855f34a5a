"""The command line's `prepare-data`, `train`, `evaluate` and `classify`, and what to do about a refusal."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from cifar_core.config import CLASSES, TrainConfig
from cifar_core.data import open_splits
from cifar_core.data.folder import RepackedError
from cifar_core.errors import CifarError, DataError, DeviceError, ImageError, ReceiptError
from cifar_core.teach.commands import write_receipt
from cifar_core.training.control import Control
from cifar_core.training.events import Checkpointed, Finished, Progress, Reported, TrainEvent

if TYPE_CHECKING:  # torch takes seconds to load, and a wrong option is to be refused at once
    from cifar_core.evaluate import Evaluation
    from cifar_core.training.state import Checkpoint

INTERRUPTED = 130
"""exit status"""
ADVICE: dict[type[CifarError], str] = {
    DeviceError: "Use --device auto or cpu.",
    RepackedError: "The option --unverified accepts it.",
}
"""options that help against an error of the core, which itself knows no command line"""

EVENT_NAMES = {"validated": "probed"}
"""events that scripts know by a former name"""


def sentence_of(error: CifarError) -> str:
    """Return what a command line says about a refusal: the fact, and the option that helps."""
    return f"{error} {ADVICE.get(type(error), '')}".strip()


def prepare_data(options: argparse.Namespace) -> int:
    """Download CIFAR-10 into a folder."""
    from cifar_core.data.archive import CIFAR10
    from cifar_core.data.download import download
    from cifar_core.data.download_events import Downloading, sentence

    live = sys.stderr.isatty()
    try:
        for event in download(options.destination):
            if not isinstance(event, Downloading):
                print(sentence(event), flush=True)
            elif live:
                print(f"\r{sentence(event):<100}", end="\r", file=sys.stderr, flush=True)
    except DataError as error:
        raise DataError(
            f"{error} The folder of the download is {options.destination}; if another folder holds {CIFAR10.folder}, "
            "name that one with --data."
        ) from error
    return 0


def train(options: argparse.Namespace, config: TrainConfig) -> int:
    """Train the Net, save its weights, and test it."""
    _check_writable(options.out, "The weights")
    if options.receipt:
        _check_writable(options.receipt, "The receipt")
        if options.resume:
            raise ReceiptError("A receipt is about a whole training; leave out --resume or --receipt.")
    import torch

    from cifar_core.device import choose_device
    from cifar_core.evaluate import evaluate
    from cifar_core.mistakes import prepare_for, training_images
    from cifar_core.net import new_net, save_weights
    from cifar_core.training import loop
    from cifar_core.training.checkpoint import load_checkpoint, save_checkpoint
    from cifar_core.training.progress import validation_for

    torch.set_num_threads(1)  # a mini-batch of 4 is too little work to share between cores
    device = choose_device(config.device)
    config.check_device(device.kind)
    splits = open_splits(options.data, unverified=options.unverified)
    resume = load_checkpoint(options.resume) if options.resume else None
    net, control = new_net(config.seed), Control()
    if not options.json:
        print(f"Training on {device.name} ({device.kind}). {device.reason}")
    training = loop.train(
        net,
        training_images(config, splits),
        config,
        device=device.kind,
        resume=resume,
        control=control,
        validation=validation_for(config, splits),
    )
    with _stopped_by_ctrl_c(control):
        followed = _follow(training, as_json=options.json)
    finished = followed.finished
    if finished.reason == "stopped" and followed.checkpoint is not None:
        path = options.out.with_name(options.out.name + ".checkpoint")
        save_checkpoint(followed.checkpoint, path)
        print(
            f"Interrupted after {finished.step:,} steps. Continue with the same options and --resume {path}",
            file=sys.stderr,
        )
        return INTERRUPTED
    if finished.reason == "diverged":
        raise CifarError(
            "The loss is no longer a finite number: the training diverged, usually because the learning rate was too "
            "high. Try a smaller one."
        )
    save_weights({name: tensor.cpu() for name, tensor in net.state_dict().items()}, options.out)
    if not options.json:
        print("Finished Training")
    evaluation = evaluate(net, splits.test, device=device.kind, prepare=prepare_for(config))
    report_accuracy(evaluation, as_json=options.json)
    if options.receipt:
        steps, reports = finished.step, followed.reports
        write_receipt(options.receipt, config, splits, device.kind, steps, reports, evaluation, net)
    return 0


@contextmanager
def _stopped_by_ctrl_c(control: Control) -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        control.stop = True

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@dataclass
class _Followed:
    """What is left of a training's events."""

    finished: Finished
    checkpoint: "Checkpoint | None"
    reports: list[Reported]


def _follow(training: Iterator[TrainEvent], *, as_json: bool) -> _Followed:
    """Print a training's events as they come."""
    checkpoint, reports = None, []
    for event in training:
        if isinstance(event, Reported):
            reports.append(event)
        if isinstance(event, Checkpointed):
            checkpoint = event.checkpoint
        elif as_json:
            name = type(event).__name__.lower()
            print(json.dumps({"event": EVENT_NAMES.get(name, name), **asdict(event)}), flush=True)
        elif isinstance(event, Reported):
            print(event.line, flush=True)
        elif isinstance(event, Progress) and sys.stderr.isatty():
            print(f"\r{event.step:,} steps, loss {event.loss:.3f} ", end="\r", file=sys.stderr)
    assert isinstance(event, Finished), "a training always ends with Finished"
    return _Followed(event, checkpoint, reports)


def evaluate(options: argparse.Namespace) -> int:
    """Test weights on the test images."""
    import torch

    from cifar_core.device import choose_device
    from cifar_core.evaluate import evaluate
    from cifar_core.net import load_net

    torch.set_num_threads(1)
    net = load_net(options.weights)
    device = choose_device(options.device)
    splits = open_splits(options.data, unverified=options.unverified)
    report_accuracy(evaluate(net, splits.test, device=device.kind))
    return 0


def classify(options: argparse.Namespace) -> int:
    """Print what the Net predicts for images."""
    from cifar_core.image_files import read_image
    from cifar_core.images import to_net_input
    from cifar_core.net import load_net
    from cifar_core.predict import predict

    net = load_net(options.weights)
    for path in options.images:
        try:
            image = read_image(path)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error
        prediction = predict(net, to_net_input(image), CLASSES)
        scores = ", ".join(f"{score.name} {100 * score.probability:.1f} %" for score in prediction.ranked[:3])
        print(f"{path}: {prediction.best.name} ({scores})")
    return 0


def report_accuracy(evaluation: "Evaluation", *, as_json: bool = False) -> None:
    """Print the tutorial's last lines: the accuracy on all test images, and per class."""
    rights, totals = evaluation.confusion.diagonal().tolist(), evaluation.confusion.sum(axis=1).tolist()
    classes = list(zip(evaluation.classes, rights, totals, strict=True))
    if as_json:
        per_class = {name: right / of if of else None for name, right, of in classes}
        print(json.dumps({"event": "evaluated", "accuracy": evaluation.accuracy, "classes": per_class}))
        return
    # the tutorial's %d cuts the decimals off, and so does //
    percent = 100 * evaluation.correct // evaluation.total
    print(f"Accuracy of the network on the {evaluation.total} test images: {percent} %")
    for name, right, of in classes:
        print(f"Accuracy of {name:>5} : {100 * right // of:2d} %" if of else f"Accuracy of {name:>5} : no test images")


def _check_writable(path: Path, what: str) -> None:
    """Refuse before an hour of training, not after it, what could not be written."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise DataError(f"{what} cannot be written to {path}: name a file in a folder that exists.")
