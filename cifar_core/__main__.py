"""The command line: python -m cifar_core prepare-data | train | export | verify | evaluate | classify.

Exit status: 0 done, 1 verified and found to differ, 2 bad input (one sentence on stderr), 130 interrupted (a checkpoint
is kept).
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data import Splits, open_splits
from cifar_core.data.folder import RepackedError
from cifar_core.errors import CifarError, DataError, ImageError, ReceiptError
from cifar_core.teach import commands as teach
from cifar_core.training.presets import PRESETS

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except RepackedError as error:
        print(f"cifar_core: {error} The option --unverified accepts it.", file=sys.stderr)
        return 2
    except CifarError as error:
        print(f"cifar_core: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cifar_core", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="command")

    prepare = commands.add_parser("prepare-data", help="download CIFAR-10 into a folder")
    prepare.set_defaults(command=_prepare_data)
    prepare.add_argument("destination", type=Path, metavar="DEST", help="gets the folder cifar-10-batches-py (180 MB)")

    train = commands.add_parser("train", help="train the Net, test it, keep its weights")
    train.set_defaults(command=_train)
    _add_data(train)
    _add_settings(train)
    train.add_argument("--out", type=Path, required=True, metavar="NET.pth", help="where the weights go")
    train.add_argument("--resume", type=Path, metavar="FILE", help="go on from the checkpoint of an interrupted run")
    train.add_argument("--json", action="store_true", help="print one JSON event a line")
    train.add_argument("--receipt", type=Path, metavar="FILE", help="where to put what `verify` needs to do it again")

    export = commands.add_parser("export", help="write a training as a plain PyTorch script or notebook")
    export.set_defaults(command=lambda options: teach.export(options, _config(options)))
    _add_settings(export)
    _add_data(export)
    export.set_defaults(data=None)  # the official CIFAR-10, which the script downloads
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="ends with .py or .ipynb")

    verify = commands.add_parser("verify", help="do the training of a receipt again and compare every number")
    verify.set_defaults(command=lambda options: teach.verify(options.receipt, _open(options)))
    _add_data(verify)
    verify.add_argument("receipt", type=Path, metavar="RECEIPT.json")

    evaluate = commands.add_parser("evaluate", help="test weights on the test images")
    evaluate.set_defaults(command=_evaluate)
    _add_data(evaluate)
    _add_device(evaluate)
    evaluate.add_argument("weights", type=Path, metavar="NET.pth")

    predict = commands.add_parser("classify", help="ask the Net what is on pictures")
    predict.set_defaults(command=_classify)
    predict.add_argument("weights", type=Path, metavar="NET.pth")
    predict.add_argument("pictures", type=Path, nargs="+", metavar="picture")
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        default="tutorial",
        help="; ".join(f"{name}: {preset.help}" for name, preset in PRESETS.items()).replace("%", "%%")
        + " Options beside it change single settings. Default: tutorial",
    )
    for field in fields(TrainConfig):
        about = FIELDS[field.name]
        kind = str if about.choices else type(field.default)
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            default=None,  # the preset's
            help=f"{about.help} Default: {field.default}".replace("%", "%%"),
            metavar="|".join(about.choices) or f"{about.low:g}..{about.high:g}",
        )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("CIFAR_DATA", "data")),
        metavar="DIR",
        help="holds cifar-10-batches-py/, or train/ and test/ with a folder a class; default: $CIFAR_DATA or ./data",
    )
    parser.add_argument("--unverified", action="store_true", help="accept a copy whose md5 sums are not the official")


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps; default: auto")


def _open(options: argparse.Namespace) -> Splits:
    return open_splits(options.data, unverified=options.unverified)


def _config(options: argparse.Namespace) -> TrainConfig:
    """The preset with the settings that were given beside it."""
    given = {field.name: getattr(options, field.name) for field in fields(TrainConfig)}
    return PRESETS[options.preset].config.changed({name: value for name, value in given.items() if value is not None})


def _prepare_data(options: argparse.Namespace) -> int:
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


def _train(options: argparse.Namespace) -> int:
    config = _config(options)
    _check_writable(options.out, "The weights")
    if options.receipt:
        _check_writable(options.receipt, "The receipt")
        if options.resume:
            raise ReceiptError("A receipt tells of a whole training; leave out --resume or --receipt.")
    # torch is imported only now, so that a wrong option is told at once
    import torch

    from cifar_core.device import choose_device
    from cifar_core.evaluate import evaluate
    from cifar_core.mistakes import prepare_for, training_images
    from cifar_core.net import new_net, save_weights
    from cifar_core.training.checkpoint import load_checkpoint, save_checkpoint
    from cifar_core.training.events import Checkpointed, Control, Finished, Progress, Reported
    from cifar_core.training.loop import VALIDATION_IMAGES, train

    torch.set_num_threads(1)  # a mini-batch of 4 is too little work to share between cores
    device = choose_device(config.device)
    splits = _open(options)
    resume = load_checkpoint(options.resume) if options.resume else None
    control = Control()
    # only this rule looks at the accuracy on the way
    validation = splits.test.sample(VALIDATION_IMAGES) if config.stop_rule == "accuracy" else None

    def stop(signum: int, frame: FrameType | None) -> None:
        control.stop = True

    previous = signal.signal(signal.SIGINT, stop)
    checkpoint_path = options.out.with_name(options.out.name + ".checkpoint")
    net, checkpoint, finished, reports = new_net(config.seed), None, None, []
    images = training_images(config, splits)
    if not options.json:
        print(f"Training on {device.name} ({device.kind}). {device.reason}")
    try:
        for event in train(
            net, images, config, device=device.kind, resume=resume, control=control, validation=validation
        ):
            if isinstance(event, Reported):
                reports.append(event)
            if isinstance(event, Checkpointed):
                checkpoint = event.checkpoint
            elif options.json:
                print(json.dumps({"event": type(event).__name__.lower(), **asdict(event)}), flush=True)
            elif isinstance(event, Reported):
                print(event.line, flush=True)
            elif isinstance(event, Progress) and sys.stderr.isatty():
                print(f"\r{event.step:,} steps, loss {event.loss:.3f} ", end="\r", file=sys.stderr)
            if isinstance(event, Finished):
                finished = event
    finally:
        signal.signal(signal.SIGINT, previous)
    assert finished is not None, "a training always ends with Finished"
    if finished.reason == "stopped" and checkpoint is not None:
        save_checkpoint(checkpoint, checkpoint_path)
        print(
            f"Interrupted after {finished.step:,} steps. Go on with the same options and --resume {checkpoint_path}",
            file=sys.stderr,
        )
        return 130
    if finished.reason == "diverged":
        raise CifarError("The loss is no longer a finite number: the training diverged. Try a smaller learning rate.")
    save_weights({name: tensor.cpu() for name, tensor in net.state_dict().items()}, options.out)
    if not options.json:
        print("Finished Training")
    found = evaluate(net, splits.test, device=device.kind, prepare=prepare_for(config))
    report_accuracy(found, as_json=options.json)
    if options.receipt:
        teach.write_receipt(options.receipt, config, splits, device.kind, finished.step, reports, found, net)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    import torch

    from cifar_core.device import choose_device
    from cifar_core.evaluate import evaluate
    from cifar_core.net import load_net

    torch.set_num_threads(1)
    net = load_net(options.weights)
    device = choose_device(options.device)
    report_accuracy(evaluate(net, _open(options).test, device=device.kind))
    return 0


def _classify(options: argparse.Namespace) -> int:
    from cifar_core.config import CLASSES
    from cifar_core.image_files import read_image
    from cifar_core.images import to_net_input
    from cifar_core.net import load_net
    from cifar_core.predict import predict

    net = load_net(options.weights)
    for path in options.pictures:
        try:
            picture = read_image(path)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error
        answer = predict(net, to_net_input(picture), CLASSES)
        scores = ", ".join(f"{score.name} {100 * score.probability:.1f} %" for score in answer.ranked[:3])
        print(f"{path}: {answer.best.name} ({scores})")
    return 0


def report_accuracy(found: "Evaluation", *, as_json: bool = False) -> None:
    """Print the tutorial's last lines: the accuracy on all test images, and per class."""
    rights, totals = found.confusion.diagonal().tolist(), found.confusion.sum(axis=1).tolist()
    classes = list(zip(found.classes, rights, totals, strict=True))
    if as_json:
        per_class = {name: right / of if of else None for name, right, of in classes}
        print(json.dumps({"event": "evaluated", "accuracy": found.accuracy, "classes": per_class}))
        return
    # the tutorial's %d cuts the decimals off, and so does //
    print(f"Accuracy of the network on the {found.total} test images: {100 * found.correct // found.total} %")
    for name, right, of in classes:
        print(f"Accuracy of {name:>5} : {100 * right // of:2d} %" if of else f"Accuracy of {name:>5} : no test images")


def _check_writable(path: Path, what: str) -> None:
    """Tell before an hour of training, not after it, that its result could not be written."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise DataError(f"{what} cannot be written to {path}: name a file in a folder that exists.")


if __name__ == "__main__":
    sys.exit(main())
