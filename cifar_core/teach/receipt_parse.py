"""Read a receipt that comes from outside: every field is validated, and nothing in it is run."""

import json
import math
import re
from typing import Any, Literal, cast

from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError, ReceiptError
from cifar_core.mistakes import mistake_of
from cifar_core.teach.digest import DataFacts
from cifar_core.teach.receipt import FORMAT, MAX_LINES, LogLine, Receipt, Versions
from cifar_core.teach.script import replayable
from cifar_core.training.control import Change

MAX_BYTES = 1_000_000
"""the largest receipt that is read"""
MAX_CHANGES = 1000
MAX_IMAGES = 10_000_000
MAX_STEPS = 1_000_000_000
MAX_LETTERS = 300
"""in any word"""


def parse_receipt(text: str | bytes) -> Receipt:
    """Return the receipt in the content of a file; raise ReceiptError, which says what is wrong with it."""
    content = _parsed(text)
    if content.get("format") != FORMAT:
        raise ReceiptError(
            f"This receipt has another format than {FORMAT}; use the version of this program that made it."
        )
    data, versions, accuracy = (_dict(content, name) for name in ("data", "versions", "accuracy"))
    classes = _list(data, "classes", 10)
    settings = _settings(content)
    steps = _whole(content, "steps", 0, MAX_STEPS)
    lines = [_row(row, 3, "a line of the log") for row in _list(content, "lines", MAX_LINES)]
    per_class = [_row(row, 2, "the accuracy of a class") for row in _list(accuracy, "classes", 10)]
    receipt = Receipt(
        settings=settings,
        changes=_changes(content, settings),
        steps=steps,
        ended=cast(Literal["done", "stopped"], _one_of(content, "ended", "done", "stopped")),
        data=DataFacts(
            name=_word(data.get("name"), "the name of the data"),
            sha256=_sha256(data, "sha256"),
            train=_whole(data, "train", 1, MAX_IMAGES),
            test=_whole(data, "test", 1, MAX_IMAGES),
            classes=tuple(_word(name, "a class") for name in classes),
        ),
        versions=Versions(*(_word(versions.get(name), name) for name in ("python", "torch", "numpy", "machine"))),
        device=_one_of(content, "device", "cpu", "cuda", "mps"),
        threads=_whole(content, "threads", 1, 10_000),
        lines=tuple(
            LogLine(
                _whole({"epoch": epoch}, "epoch", 1, settings.epochs),
                _whole({"mini-batch": batch}, "mini-batch", 1, max(steps, 1)),
                _finite(loss),
            )
            for epoch, batch, loss in lines
        ),
        per_class=tuple(
            (_whole({"correct predictions": correct}, "correct predictions", 0, count), count)
            for correct, count in ((row[0], _whole({"images": row[1]}, "images", 0, MAX_IMAGES)) for row in per_class)
        ),
        weights=_sha256(content, "weights_sha256"),
    )
    _check_sums(receipt, accuracy)
    return receipt


def _check_sums(receipt: Receipt, accuracy: dict[str, Any]) -> None:
    """Raise ReceiptError if the receipt contradicts itself."""
    data = receipt.data
    sums = (accuracy.get("correct"), accuracy.get("total"))
    if sums != (receipt.correct, receipt.total) or receipt.total != data.test:
        raise ReceiptError("The numbers of correct predictions in this receipt do not add up.")
    if not 2 <= len(data.classes) == len(receipt.per_class):
        raise ReceiptError("This receipt does not give the accuracy of each of its two to ten classes.")
    images: int = mistake_of(receipt.settings).images(data)
    smallest = min([receipt.settings.batch_size, *(int(c.value) for c in receipt.changes if c.name == "batch_size")])
    if receipt.steps > receipt.settings.changed({"batch_size": smallest}).steps(images):
        raise ReceiptError("This receipt has more mini-batches than its settings allow.")


def _parsed(text: str | bytes) -> dict[str, Any]:
    """Return the content as JSON, which must be one object."""
    if len(text) > MAX_BYTES:
        raise ReceiptError(f"This file is too large for a receipt: the limit is {MAX_BYTES:,} bytes.")
    try:
        content = json.loads(text, parse_constant=_no_constant)
    except (
        ValueError,
        RecursionError,
    ) as error:  # no JSON, no Unicode, a number of 5,000 digits, a thousand brackets
        raise ReceiptError("This file is not a receipt: it cannot be read as JSON.") from error
    if not isinstance(content, dict):
        raise ReceiptError("This file is not a receipt: it does not hold the facts of a run.")
    return content


def _no_constant(word: str) -> float:
    raise ValueError(f"JSON has no number {word}")


def _settings(content: dict[str, Any]) -> TrainConfig:
    try:
        return TrainConfig.from_json(_dict(content, "settings"))
    except ConfigError as error:
        raise ReceiptError(f"The settings of this receipt cannot be used: {str(error)[:300]}") from error


def _changes(content: dict[str, Any], settings: TrainConfig) -> tuple[Change, ...]:
    changes = []
    for entry in _list(content, "changes", MAX_CHANGES):
        change = entry if isinstance(entry, dict) else {}
        value = change.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ReceiptError("The value of a change in this receipt is not a number.")
        name = _one_of(change, "name", "lr", "momentum", "batch_size")
        changes.append(Change(name, value, _whole(change, "step", 0, MAX_STEPS)))
    if [change.step for change in changes] != sorted(change.step for change in changes):
        raise ReceiptError("The changes in this receipt are not in the order of their steps.")
    try:
        return replayable(settings, changes)
    except ConfigError as error:
        raise ReceiptError(f"A change in this receipt is not allowed: {error}") from error


def _dict(content: dict[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name)
    if not isinstance(value, dict):
        raise ReceiptError(f"This receipt lacks its part {name!r}.")
    return value


def _list(content: dict[str, Any], name: str, most: int) -> list[Any]:
    value = content.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise ReceiptError(f"This receipt lacks its list {name!r}, or it has more than {most:,} entries.")
    return value


def _row(value: Any, length: int, what: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise ReceiptError(f"In this receipt, {what} is not a row of {length} numbers.")
    return value


def _whole(content: dict[str, Any], name: str, low: int, high: int) -> int:
    value = content.get(name)
    if type(value) is not int or not low <= value <= high:
        raise ReceiptError(f"In this receipt, {name} must be a whole number from {low:,} to {high:,}.")
    return value


def _finite(value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) < 1e300 or not math.isfinite(value):
        raise ReceiptError("A loss in this receipt is not a finite number.")
    return float(value)


def _word(value: Any, what: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_LETTERS:
        raise ReceiptError(f"In this receipt, {what} must be a word of up to {MAX_LETTERS} letters.")
    return value


def _one_of(content: dict[str, Any], name: str, *words: str) -> str:
    value = content.get(name)
    if value not in words:
        raise ReceiptError(f"In this receipt, {name} must be one of {', '.join(words)}.")
    return str(value)


def _sha256(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ReceiptError(f"In this receipt, {name} is not a sha256 of 64 hexadecimal digits.")
    return value
