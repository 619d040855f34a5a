"""A receipt is made of a run or a command, and comes back from its file."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.__main__ import main
from cifar_core.config import CLASSES
from cifar_core.data import Splits, open_splits
from cifar_core.errors import ReceiptError
from cifar_core.net import new_net, save_weights
from cifar_core.runs.records import Run, Snapshot, TestResult, new_run
from cifar_core.teach.digest import data_facts
from cifar_core.teach.receipt import MAX_LINES, Receipt, receipt_from, receipt_of
from cifar_core.teach.receipt_parse import MAX_BYTES, parse_receipt
from cifar_core.training.control import Control
from cifar_core.training.events import Changed, Reported
from cifar_core.training.loop import train
from tests.helpers.receipts import CONFIG, with_line
from tests.helpers.tiny_data import write_archive


def test_a_receipt_comes_back_from_its_file(fresh: Receipt, small: Splits) -> None:
    text = fresh.to_json()
    assert parse_receipt(text) == fresh == parse_receipt(text.encode())
    assert parse_receipt(text).to_json() == text
    content = json.loads(text)
    assert content["settings"] == CONFIG.to_json() and content["steps"] == fresh.steps
    assert content["lines"][0] == [1, 10, fresh.lines[0].loss]
    assert content["accuracy"]["correct"] == fresh.correct and content["accuracy"]["total"] == 40
    assert (fresh.data.train, fresh.data.test, fresh.data.classes) == (100, 40, CLASSES)
    assert fresh.versions.torch == torch.__version__ and fresh.versions.numpy == np.__version__


def ended_run(splits: Splits, receipt: Receipt, folder: Path, **values: Any) -> tuple[Snapshot, bytes]:
    """What the store would know of the run behind `receipt`, and its weights."""
    net = new_net(receipt.settings.seed)
    for _ in train(net, splits.train, receipt.settings, control=Control(changes=list(receipt.changes))):
        pass
    told: dict[str, Any] = {"state": "done", "step": receipt.steps, "checkpoint": receipt.steps} | values
    run: Run = replace(new_run("a", receipt.settings, splits.folder, 100, 0), **told)
    shares = tuple(right / count for right, count in receipt.per_class)
    result = TestResult(receipt.steps, receipt.correct, receipt.total, shares, (0, 0, 0, 0))
    reports = tuple(Reported(0, line.epoch, line.batch, line.loss) for line in receipt.lines)
    changes = tuple(Changed(change.step, 0, change.name, change.value, 0) for change in receipt.changes)
    save_weights(net.state_dict(), folder / "net.pth")
    return Snapshot(run, (), reports, result, (), changes), (folder / "net.pth").read_bytes()


def test_the_receipt_of_a_run_of_the_page_is_that_of_its_training(
    fresh: Receipt, small: Splits, tmp_path: Path
) -> None:
    snapshot, weights = ended_run(small, fresh, tmp_path)
    assert receipt_of(snapshot, weights, small) == fresh
    assert receipt_of(snapshot, weights, small, "cuda") == replace(fresh, device="cuda")
    never = Changed(900, 0, "lr", 0.5, 0)  # planned for a step that was not reached
    assert receipt_of(replace(snapshot, changes=(*snapshot.changes, never)), weights, small) == fresh


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"state": "running"}, "has ended and was tested"),
        ({"state": "diverged"}, "has ended and was tested"),
        ({"checkpoint": 20}, "has ended and was tested"),
        ({"config": replace(CONFIG, schedule="one_cycle")}, "then trained on with another plan"),
    ],
)
def test_a_run_that_cannot_be_repeated_has_no_receipt(
    fresh: Receipt, small: Splits, tmp_path: Path, values: dict[str, Any], sentence: str
) -> None:
    snapshot, weights = ended_run(small, fresh, tmp_path, **values)
    if "config" in values:
        snapshot = replace(snapshot, changes=(Changed(20, 100, "epochs", 2, 40),))
    with pytest.raises(ReceiptError, match=sentence):
        receipt_of(snapshot, weights, small)


def test_a_run_with_too_many_lines_has_no_receipt(small: Splits) -> None:
    reports = [Reported(1, 1, 1, 1.23456789012345678)] * MAX_LINES
    values: dict[str, Any] = {"splits": small, "device": "cpu", "steps": 20_000, "per_class": [(1, 4)] * 10}
    values["weights"] = new_net(0).state_dict()
    largest = receipt_from(replace(CONFIG, epochs=200), reports=reports, **values)
    assert len(largest.to_json()) < MAX_BYTES / 2
    with pytest.raises(ReceiptError, match="printed 10,001 lines, and a receipt holds 10,000"):
        receipt_from(CONFIG, reports=[*reports, reports[0]], **values)


def test_a_command_gives_a_receipt_that_verify_agrees_with_and_one_that_is_forged_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_archive(tmp_path / "archive")
    data = ["--data", str(root), "--unverified"]
    path = tmp_path / "receipt.json"
    settings = ["--epochs", "1", "--report-every", "5", "--device", "cpu", "--lr", "0.01", "--mistake", "test_data"]
    assert main(["train", *data, "--out", str(tmp_path / "net.pth"), *settings, "--receipt", str(path)]) == 0
    printed = capsys.readouterr().out
    receipt = parse_receipt(path.read_text())
    assert receipt.data == data_facts(open_splits(root, unverified=True)) and receipt.steps == 10
    assert [line.text for line in receipt.lines] == [line for line in printed.splitlines() if line.startswith("[")]

    assert main(["verify", *data, str(path)]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [f"✓ {line.text}" for line in receipt.lines] and len(lines) == 2
    assert last == "Everything agrees: lines, accuracy and weights, after 10 steps."

    path.write_text(with_line(receipt, 1, loss=5.0).to_json())
    assert main(["verify", *data, str(path)]) == 1
    first, verdict = capsys.readouterr().out.splitlines()
    assert first.startswith("✓ [1,     5] loss: ") and verdict.startswith(
        "In the line [1,    10] the receipt has 5.000; here it is "
    )

    path.write_text("{}")
    for bad in (path, tmp_path / "nothing.json", tmp_path):
        assert main(["verify", *data, str(bad)]) == 2
        err = capsys.readouterr().err
        assert err.startswith("cifar_core: ") and err.count("\n") == 1
