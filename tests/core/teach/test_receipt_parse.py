"""A receipt that comes from outside: every field is validated."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cifar_core.errors import ReceiptError
from cifar_core.teach.receipt import Receipt
from cifar_core.teach.receipt_parse import MAX_BYTES, parse_receipt


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda content: content.pop(name)


def put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


FORGED: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (put("format", value=2), "has another format"),
    *((without(name), name) for name in ("settings", "data", "versions", "accuracy", "lines", "changes")),
    *((without(name), name) for name in ("steps", "ended", "device", "threads", "weights_sha256")),
    (put("settings", "lr", value=99), "The settings of this receipt cannot be used: Learning rate must be"),
    (put("settings", "x" * 9999, value=99), "The settings of this receipt cannot be used: There is no setting"),
    (put("settings", "lr", value=[]), "Learning rate must be"),
    (put("settings", "epochs", value=10**400), "Epochs must be"),
    (put("settings", "augment", value={}), "Augmentation must be"),
    (put("steps", value=-1), "steps must be a whole number"),
    (put("steps", value=1.5), "steps must be a whole number"),
    (put("steps", value=True), "steps must be a whole number"),
    (put("steps", value=201), "more mini-batches than its settings allow"),
    (put("ended", value=["done"]), "ended must be one of done, stopped"),
    (put("device", value="tpu"), "device must be one of cpu, cuda, mps"),
    (put("data", "sha256", value="g" * 64), "sha256 is not a sha256"),
    (put("data", "sha256", value=5), "sha256 is not a sha256"),
    (put("data", "train", value=0), "train must be a whole number"),
    (put("data", "name", value="x" * 301), "the name of the data must be a word"),
    (put("data", "classes", value=["a"]), "do not add up|two to ten"),
    (put("data", "classes", value=["a"] * 11), "'classes', or it has more than 10"),
    (put("data", "classes", 0, value=5), "a class must be a word"),
    (put("data", "test", value=41), "do not add up"),
    (put("versions", "torch", value=None), "torch must be a word"),
    (put("accuracy", "correct", value=99), "do not add up"),
    (put("accuracy", "classes", 0, value=[5, 4]), "correct predictions must be a whole number from 0 to 4"),
    (put("accuracy", "classes", 0, value=[5]), "not a row of 2 numbers"),
    (put("lines", 0, value=[1, 2]), "not a row of 3 numbers"),
    (put("lines", 0, 2, value="2.3"), "loss in this receipt is not a finite number"),
    (put("lines", 0, 2, value=10**400), "loss in this receipt is not a finite number"),
    (put("lines", 0, 0, value=3), "epoch must be a whole number from 1 to 2"),
    (put("lines", 0, 1, value=0), "mini-batch must be a whole number from 1"),
    (put("lines", value=[[1, 1, 1]] * 10_001), "'lines', or it has more than 10,000"),
    (put("changes", 0, value=5), "value of a change in this receipt is not a number"),
    (put("changes", 0, "value", value="0.1"), "value of a change in this receipt is not a number"),
    (put("changes", 0, "value", value=99), "A change in this receipt is not allowed: Learning rate"),
    (put("changes", 0, "name", value="seed"), "name must be one of lr, momentum, batch_size"),
    (put("changes", 0, "step", value=32), "not in the order of their steps"),
    (put("weights_sha256", value="A" * 64), "weights_sha256 is not a sha256"),
]


@pytest.mark.parametrize(("forge", "sentence"), FORGED, ids=[str(number) for number in range(len(FORGED))])
def test_what_comes_from_outside_is_checked(
    fresh: Receipt, forge: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    content = json.loads(fresh.to_json())
    forge(content)
    with pytest.raises(ReceiptError, match=sentence) as refused:
        parse_receipt(json.dumps(content))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "5", "null", "{", "[" * 100_000, b"\xff\xfe\x00", '{"format": 1e999}', "9" * 5000, "\ud800"]
    + ['{"format": 1, "steps": NaN}', " " * (MAX_BYTES + 1), '{"format": 1, "format": {}}'],
    ids=[str(number) for number in range(14)],
)
def test_a_file_that_is_no_receipt_is_told_in_a_sentence(text: str | bytes) -> None:
    with pytest.raises(ReceiptError, match="receipt") as refused:
        parse_receipt(text)
    assert len(str(refused.value)) < 200


def test_a_loss_that_is_no_number_in_json_is_refused(fresh: Receipt) -> None:
    text = fresh.to_json().replace(json.dumps(fresh.lines[0].loss), "1e999", 1)
    with pytest.raises(ReceiptError, match="not a finite number"):
        parse_receipt(text)
