"""The command line's `export`, `verify` and `train --receipt`."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.config import TrainConfig
from cifar_core.data.folder import open_splits
from cifar_core.data.image_set import Splits
from cifar_core.errors import DataError, ReceiptError
from cifar_core.teach.notebook import notebook_of
from cifar_core.teach.script import data_kind, script_of
from cifar_core.training.events import Reported

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation
    from cifar_core.net import Net


def export(options: argparse.Namespace, config: TrainConfig) -> int:
    """Write the script, or the notebook, of a training with these settings."""
    path: Path = options.out
    if path.suffix not in (".py", ".ipynb"):
        raise DataError(f"{path} must end with .py for a script or with .ipynb for a notebook.")
    if options.data is None:
        script = script_of(config)
    else:
        splits = open_splits(options.data, unverified=options.unverified)
        script = script_of(config, data=data_kind(splits.info), classes=splits.train.classes)
    _write(path, notebook_of(script) if path.suffix == ".ipynb" else script)
    return 0


def write_receipt(
    path: Path,
    config: TrainConfig,
    splits: Splits,
    device: str,
    steps: int,
    reports: Iterable[Reported],
    evaluation: "Evaluation",
    net: "Net",
) -> None:
    """Write the receipt of a training that has just ended."""
    from cifar_core.teach.receipt import per_class_of, receipt_from

    receipt = receipt_from(
        config,
        splits=splits,
        device=device,
        steps=steps,
        reports=reports,
        per_class=per_class_of(evaluation),
        weights=net.state_dict(),
    )
    _write(path, receipt.to_json())


def verify(path: Path, splits: Splits) -> int:
    """Repeat the training of the receipt, marking each line that agrees; return 0 if all agree, else 1."""
    from cifar_core.teach.receipt_parse import MAX_BYTES, parse_receipt
    from cifar_core.teach.verify import Verified, verifying

    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)  # more is refused
    except OSError as error:
        raise ReceiptError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    receipt = parse_receipt(content)
    for event in verifying(receipt, splits):
        if isinstance(event, Verified):
            print(event.differs or f"Everything agrees: lines, accuracy and weights, after {receipt.steps:,} steps.")
            if event.note:
                print(event.note)
            return 0 if event.agrees else 1
        if event.line:
            print(f"\u2713 {event.line}", flush=True)
    raise AssertionError("verifying always ends with Verified")


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}); name a file in a folder that exists.") from error
