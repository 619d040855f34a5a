"""A receipt: everything that is needed to repeat a run elsewhere, and everything that must then be the same.

    receipt = receipt_of(snapshot, weights, splits)
    Path("receipt.json").write_text(receipt.to_json())

`receipt_parse.py` reads one that comes from outside, `verify.py` repeats the run.
"""

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import Splits
from cifar_core.errors import ConfigError, ReceiptError
from cifar_core.runs.records import Snapshot
from cifar_core.teach.digest import DataFacts, data_facts, weights_sha256
from cifar_core.teach.script import replayable
from cifar_core.training.control import Change
from cifar_core.training.events import Reported

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.evaluate import Evaluation

FORMAT = 1
"""of the file: a new number if its meaning changes"""

MAX_LINES = 10_000
"""lines of the log in one receipt: some 400 kB"""


@dataclass(frozen=True)
class LogLine:
    """A line of the log with all digits of its loss."""

    epoch: int
    batch: int
    loss: float

    @property
    def text(self) -> str:
        """The line as it was printed."""
        return Reported(0, self.epoch, self.batch, self.loss).line

    @property
    def place(self) -> str:
        """The beginning of the line, without the loss: [1,  2000]."""
        return self.text.split(" loss")[0]


@dataclass(frozen=True)
class Versions:
    """What computed the numbers."""

    python: str
    torch: str
    numpy: str
    machine: str
    """the kind of processor: x86_64, arm64"""

    @classmethod
    def here(cls) -> Self:
        """Return those of this process."""
        import torch

        return cls(platform.python_version(), torch.__version__, np.__version__, platform.machine())


@dataclass(frozen=True)
class Receipt:
    """One whole run: what it was made of, and what came out."""

    settings: TrainConfig
    """as it began, with the epochs that were added later"""
    changes: tuple[Change, ...]
    """made while it ran, in the order of their steps"""
    steps: int
    """mini-batches done"""
    ended: Literal["done", "stopped"]
    """done: at its end or by its stop rule; stopped: by a person, after `steps`"""
    data: DataFacts
    versions: Versions
    device: str
    """cpu, cuda or mps"""
    threads: int
    """on which the CPU computed"""
    lines: tuple[LogLine, ...]
    """all that were printed"""
    per_class: tuple[tuple[int, int], ...]
    """for each class: test images predicted correctly, and test images"""
    weights: str
    """sha256 of the weights at the end, see `weights_sha256`"""

    @property
    def correct(self) -> int:
        """Test images predicted correctly."""
        return sum(correct for correct, _ in self.per_class)

    @property
    def total(self) -> int:
        """Test images."""
        return sum(count for _, count in self.per_class)

    def to_json(self) -> str:
        """Return the content of a receipt's file, one fact per line; the same receipt gives the same bytes."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "settings": self.settings.to_json(),
            "changes": [asdict(change) for change in self.changes],
            "steps": self.steps,
            "ended": self.ended,
            "data": asdict(self.data),
            "versions": asdict(self.versions),
            "device": self.device,
            "threads": self.threads,
            "accuracy": {"correct": self.correct, "total": self.total, "classes": self.per_class},
            "weights_sha256": self.weights,
        }
        facts = [f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in content.items()]
        lines = ",\n".join(f"  {json.dumps([line.epoch, line.batch, line.loss])}" for line in self.lines)
        return "{\n" + ",\n".join([*facts, f' "lines": [\n{lines}\n ]']) + "\n}\n"


def receipt_of(snapshot: Snapshot, weights: bytes, splits: Splits, device: str = "cpu") -> Receipt:
    """Return the receipt of a run, from its whole snapshot, its newest weights and the data it was trained on.

    `device` is the kind that trained it. Raise ReceiptError if the run has not ended well or cannot be repeated.
    """
    from cifar_core.net import load_net

    run, result = snapshot.run, snapshot.result
    run.check_solved()
    if run.state not in ("done", "stopped") or result is None or not run.checkpoint == run.step == result.step:
        raise ReceiptError("Only a run that has ended and was tested has a receipt; this one has not, or it failed.")
    counts = splits.test.counts().tolist()
    same = len(result.per_class) == len(counts) and result.total == sum(counts)
    if not same or run.data_sha256 not in (None, data_facts(splits).sha256):
        raise ReceiptError("The data of this run have changed since, so it has no receipt.")
    try:
        changes = replayable(run.config, snapshot.changes, run.step)
    except ConfigError as error:
        raise ReceiptError(str(error)) from error
    accuracies = zip(result.per_class, counts, strict=True)
    return receipt_from(
        run.config,
        changes=changes,
        steps=run.step,
        ended="stopped" if run.state == "stopped" else "done",
        splits=splits,
        device=device,
        reports=snapshot.reports,
        per_class=[(round((accuracy or 0.0) * count), count) for accuracy, count in accuracies],
        weights=load_net(weights).state_dict(),
    )


def receipt_from(
    config: TrainConfig,
    *,
    splits: Splits,
    device: str,
    steps: int,
    reports: Iterable[Reported],
    per_class: Iterable[tuple[int, int]],
    weights: "Mapping[str, Tensor]",
    changes: tuple[Change, ...] = (),
    ended: Literal["done", "stopped"] = "done",
) -> Receipt:
    """Return the receipt of a training on one thread of this machine. ReceiptError: it printed too many lines."""
    lines = tuple(LogLine(report.epoch, report.batch, report.loss) for report in reports)
    if len(lines) > MAX_LINES:
        raise ReceiptError(
            f"This run printed {len(lines):,} lines, and a receipt holds {MAX_LINES:,}; "
            "report more mini-batches in one line."
        )
    return Receipt(
        settings=config,
        changes=changes,
        steps=steps,
        ended=ended,
        data=data_facts(splits),
        versions=Versions.here(),
        device=device,
        threads=1,
        lines=lines,
        per_class=tuple(per_class),
        weights=weights_sha256(weights),
    )


def per_class_of(evaluation: "Evaluation") -> list[tuple[int, int]]:
    """Return for each class the images predicted correctly, and its images."""
    confusion = evaluation.confusion
    return list(zip(confusion.diagonal().tolist(), confusion.sum(axis=1).tolist(), strict=True))
