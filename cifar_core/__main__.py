"""The command line: python -m cifar_core prepare-data | train | export | verify | evaluate | classify.

Exit status: 0 done, 1 verified and different, 2 bad input (one sentence on stderr), 130 interrupted (a checkpoint
is saved).
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cifar_core import commands
from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data import open_splits
from cifar_core.errors import CifarError
from cifar_core.teach import commands as teach
from cifar_core.training.presets import PRESETS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except CifarError as error:
        print(f"cifar_core: {commands.sentence_of(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return commands.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cifar_core", description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(required=True, metavar="command")

    prepare = parts.add_parser("prepare-data", help="download CIFAR-10 into a folder")
    prepare.set_defaults(command=commands.prepare_data)
    prepare.add_argument("destination", type=Path, metavar="DEST", help="gets the folder cifar-10-batches-py (180 MB)")

    train = parts.add_parser("train", help="train the Net, save its weights, and test it")
    train.set_defaults(command=lambda options: commands.train(options, _config(options)))
    _add_data(train)
    _add_settings(train)
    train.add_argument("--out", type=Path, required=True, metavar="NET.pth", help="where to save the weights")
    train.add_argument("--resume", type=Path, metavar="FILE", help="continue from the checkpoint of an interrupted run")
    train.add_argument("--json", action="store_true", help="print one JSON event per line")
    train.add_argument("--receipt", type=Path, metavar="FILE", help="where to save what `verify` needs to repeat it")

    export = parts.add_parser("export", help="write a training as a plain PyTorch script or notebook")
    export.set_defaults(command=lambda options: teach.export(options, _config(options)))
    _add_settings(export)
    _add_data(export)
    export.set_defaults(data=None)  # the official CIFAR-10, which the script downloads
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="ends with .py or .ipynb")

    verify = parts.add_parser("verify", help="repeat the training of a receipt and compare every number")
    verify.set_defaults(
        command=lambda options: teach.verify(options.receipt, open_splits(options.data, unverified=options.unverified))
    )
    _add_data(verify)
    verify.add_argument("receipt", type=Path, metavar="RECEIPT.json")

    evaluate = parts.add_parser("evaluate", help="test weights on the test images")
    evaluate.set_defaults(command=commands.evaluate)
    _add_data(evaluate)
    evaluate.add_argument("--device", default="auto", help="auto, cpu, cuda or mps; default: auto")
    evaluate.add_argument("weights", type=Path, metavar="NET.pth")

    classify = parts.add_parser("classify", help="print what the Net predicts for images")
    classify.set_defaults(command=commands.classify)
    classify.add_argument("weights", type=Path, metavar="NET.pth")
    classify.add_argument("images", type=Path, nargs="+", metavar="image")
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        default="tutorial",
        help="; ".join(f"{name}: {preset.help}" for name, preset in PRESETS.items()).replace("%", "%%")
        + " Options beside it change single settings. Default: tutorial",
    )
    for name, field in FIELDS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=field.type,
            default=None,  # the preset's
            help=f"{field.help} Default: {field.default}".replace("%", "%%"),
            metavar=field.allowed,
        )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("CIFAR_DATA", "data")),
        metavar="DIR",
        help="holds cifar-10-batches-py/, or train/ and test/ with a folder per class; default: $CIFAR_DATA or ./data",
    )
    parser.add_argument("--unverified", action="store_true", help="accept a copy whose md5 sums are not the official")


def _config(options: argparse.Namespace) -> TrainConfig:
    """Return the preset with the settings that were given beside it."""
    given = {name: getattr(options, name) for name in FIELDS}
    return PRESETS[options.preset].config.changed({name: value for name, value in given.items() if value is not None})


if __name__ == "__main__":
    sys.exit(main())
