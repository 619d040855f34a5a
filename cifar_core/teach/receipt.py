"""A receipt: all that is needed to do a run again elsewhere, and everything that must then come out the same.

    receipt = receipt_of(snapshot, weights, splits)
    Path("receipt.json").write_text(receipt.to_json())

`receipt_reading.py` reads one that comes from outside, `verify.py` does the run again.
"""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from cifar_core.config import TrainConfig
from cifar_core.data import image_set
from cifar_core.data.image_set import Splits
from cifar_core.errors import ConfigError, ReceiptError
from cifar_core.runs.records import Snapshot
from cifar_core.teach.script import replayable
from cifar_core.training.events import Change, Reported

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.evaluate import Evaluation

FORMAT = 1
"""of the file: a new number where its meaning changes"""

MOST_LINES = 10_000
"""lines of the log in one receipt: some 400 kB"""


@dataclass(frozen=True)
class LogLine:
    """A line of the log with all digits of its loss."""

    epoch: int
    batch: int
    loss: float

    @property
    def text(self) -> str:
        """As it was printed."""
        return Reported(0, self.epoch, self.batch, self.loss).line

    @property
    def place(self) -> str:
        """Where in the log it stands: [1,  2000]."""
        return self.text.split(" loss")[0]


@dataclass(frozen=True)
class DataFacts:
    """What tells one data set from another."""

    name: str
    sha256: str
    """over the bytes of training images, training labels, test images and test labels (int64), one after the other"""
    train: int
    """images"""
    test: int
    """images"""
    classes: tuple[str, ...]


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
        """Those of this process."""
        import torch

        return cls(platform.python_version(), torch.__version__, np.__version__, platform.machine())


@dataclass(frozen=True)
class Receipt:
    """One whole run: what it was made of, and what came out."""

    settings: TrainConfig
    """as it began; epochs added later are counted in"""
    changes: tuple[Change, ...]
    """made while it ran, in the order of their steps"""
    steps: int
    """mini-batches done"""
    ended: Literal["done", "stopped"]
    """done: at its end or by its rule; stopped: by somebody, after `steps`"""
    data: DataFacts
    versions: Versions
    device: str
    """cpu, cuda or mps"""
    threads: int
    """on which the CPU computed"""
    lines: tuple[LogLine, ...]
    """all that were printed"""
    per_class: tuple[tuple[int, int], ...]
    """for each class: test images answered right, and test images"""
    weights: str
    """sha256 of the weights at the end, see `weights_sha256`"""

    @property
    def correct(self) -> int:
        """Test images answered right."""
        return sum(right for right, _ in self.per_class)

    @property
    def total(self) -> int:
        """Test images."""
        return sum(count for _, count in self.per_class)

    def to_json(self) -> str:
        """The content of a receipt's file: one fact a line, for people too. The same receipt gives the same bytes."""
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
    """The receipt of a run of the page, from its whole snapshot, its newest weights and the data it was trained on.

    `device` is the kind that trained it. Raises ReceiptError where the run has not ended well, or cannot be repeated.
    """
    from cifar_core.net import load_net

    run, result = snapshot.run, snapshot.result
    if run.state not in ("done", "stopped") or result is None or not run.checkpoint == run.step == result.step:
        raise ReceiptError("A receipt is made of a run that has ended and was tested; this one has not, or it failed.")
    counts = splits.test.counts().tolist()
    if len(result.per_class) != len(counts) or result.total != sum(counts):
        raise ReceiptError("The data of this run are no longer what they were, so no receipt can be made of it.")
    shares = zip(result.per_class, counts, strict=True)
    return receipt_from(
        run.config,
        changes=made_again(run.config, snapshot),
        steps=run.step,
        ended="stopped" if run.state == "stopped" else "done",
        splits=splits,
        device=device,
        reports=snapshot.reports,
        per_class=[(round((share or 0.0) * count), count) for share, count in shares],
        weights=load_net(weights).state_dict(),
    )


def made_again(config: TrainConfig, snapshot: Snapshot) -> tuple[Change, ...]:
    """The changes to be made when the run is repeated. Raises ReceiptError where it cannot be."""
    try:
        return replayable(config, snapshot.changes, snapshot.run.step)
    except ConfigError as error:
        raise ReceiptError(str(error)) from error


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
    """The receipt of a training on one thread of this machine, just now. ReceiptError: it printed too many lines."""
    lines = tuple(LogLine(report.epoch, report.batch, report.loss) for report in reports)
    if len(lines) > MOST_LINES:
        raise ReceiptError(
            f"This run printed {len(lines):,} lines, and a receipt holds {MOST_LINES:,}; "
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


def per_class_of(found: "Evaluation") -> list[tuple[int, int]]:
    """For each class: images answered right, and images."""
    counts = zip(found.confusion.diagonal().tolist(), found.confusion.sum(axis=1).tolist(), strict=True)
    return [(right, count) for right, count in counts]


def weights_sha256(weights: "Mapping[str, Tensor]") -> str:
    """Over each weight's name and shape and its numbers as little-endian float32: another file format changes nothing.

    In Python: for name, tensor in state_dict.items(): update(f"{name} {tuple(tensor.shape)}".encode()), and
    update(tensor.numpy().astype("<f4").tobytes()).
    """
    digest = hashlib.sha256()
    for name, tensor in weights.items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def data_facts(splits: Splits) -> DataFacts:
    """The facts of a data set. The first time, its bytes are read: a third of a second for CIFAR-10."""
    try:
        written = (splits.folder / "splits.json").stat().st_mtime_ns
    except OSError:
        written = 0  # loading it says what is wrong
    sha256 = _sha256_of(splits.folder, written)
    return DataFacts(splits.info.name, sha256, len(splits.train), len(splits.test), splits.train.classes)


@lru_cache(8)
def _sha256_of(folder: Path, written: int) -> str:
    """As DataFacts says. `written` is when the folder's content came to be, so that new data are read anew."""
    digest = hashlib.sha256()
    for part in image_set.load(folder):
        digest.update(np.ascontiguousarray(part.images).data)
        digest.update(part.labels.astype("<i8").data)
    return digest.hexdigest()
