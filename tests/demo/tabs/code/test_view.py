"""A receipt in words, and beside the run that repeats it."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Snapshot
from cifar_core.runs.service import Service
from cifar_core.runs.worker import Worker
from cifar_core.teach.receipt import LogLine, Receipt, receipt_of
from cifar_core.training.control import Change
from demo.tabs.code.view import comparison_html, filename, receipt_html
from demo.widgets.code_block import code_html
from tests.helpers.markup import text_of
from tests.helpers.run_steps import ANN

CONFIG = TrainConfig(epochs=1, batch_size=8, lr=0.02, report_every=10, seed=3)


@pytest.fixture(scope="module")
def ended(tiny: Splits, tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Receipt]:
    """A run of fifty mini-batches that has ended, and its receipt."""
    service = Service(tmp_path_factory.mktemp("code") / "runs", limits=Limits(steps=1000))
    run = service.start(ANN, CONFIG, tiny)
    worker = Worker(service.store, 0, "cpu")
    while worker.turn():
        pass
    snapshot = service.snapshot(run.id)
    return snapshot, receipt_of(snapshot, service.weights(run.id), tiny)


def test_a_receipt_is_told_with_what_is_unlike_the_tutorial(ended: tuple[Snapshot, Receipt]) -> None:
    words = text_of(receipt_html(ended[1]))
    assert "batch size 8" in words and "learning rate 0.02" in words and "momentum" not in words
    assert "50 mini-batches, 5 lines" in words and ended[1].weights[:12] in words
    changed = replace(ended[1], changes=(Change("lr", 0.005, 30),))
    assert "learning rate 0.005 from step 30" in text_of(receipt_html(changed))


def test_a_receipts_words_are_never_taken_for_markup(ended: tuple[Snapshot, Receipt]) -> None:
    evil = replace(ended[1], data=replace(ended[1].data, name="<script>alert(1)</script>"))
    assert "<script" not in receipt_html(evil)


def test_while_it_goes_the_lines_that_came_are_compared(ended: tuple[Snapshot, Receipt]) -> None:
    snapshot, receipt = ended
    going = replace(snapshot, run=replace(snapshot.run, state="running", step=30), reports=snapshot.reports[:3])
    words = text_of(comparison_html(receipt, going, None))
    assert "3 of 5 lines agree so far, after 30 of 50 mini-batches" in words and words.count("✓ the same") == 3


def test_at_the_end_everything_agrees_to_the_last_bit(ended: tuple[Snapshot, Receipt]) -> None:
    snapshot, receipt = ended
    words = text_of(comparison_html(receipt, snapshot, receipt))
    assert "✓ Everything agrees: 5 of 5 lines agree" in words and "✗" not in words


def test_the_first_line_that_differs_is_named_and_shown(ended: tuple[Snapshot, Receipt]) -> None:
    snapshot, receipt = ended
    lines = list(receipt.lines)
    lines[2] = replace(lines[2], loss=lines[2].loss + 0.002)
    words = text_of(comparison_html(replace(receipt, lines=tuple(lines)), snapshot, receipt))
    assert "✗ It does not come out the same" in words and "[1, 30]" in words.replace("   ", " ").replace("  ", " ")
    assert words.count("✗ differs") == 1 and words.count("✓ the same") == 2


@pytest.mark.parametrize("what", ["accuracy", "weights", "data", "another line"])
def test_at_the_end_another_accuracy_hash_or_data_is_told(ended: tuple[Snapshot, Receipt], what: str) -> None:
    snapshot, receipt = ended
    (right, of), *rest = receipt.per_class
    other = {
        "accuracy": replace(receipt, per_class=((right - 1 if right else 1, of), *rest)),
        "weights": replace(receipt, weights="0" * 64),
        "data": replace(receipt, data=replace(receipt.data, sha256="0" * 64)),
        "another line": replace(receipt, lines=(*receipt.lines, LogLine(1, 60, 1.0))),
    }[what]
    words = text_of(comparison_html(other, snapshot, receipt))
    told = {"accuracy": "accuracy in the receipt", "weights": "weights do not agree", "data": "data differ"}
    assert "✗" in words and told.get(what, "next line of the receipt") in words


def test_of_a_stopped_run_only_its_lines_are_compared(ended: tuple[Snapshot, Receipt]) -> None:
    snapshot, receipt = ended
    stopped = replace(receipt, ended="stopped", steps=33, lines=receipt.lines[:3], weights="0" * 64)
    words = text_of(comparison_html(stopped, snapshot, receipt))
    assert "✓ 3 of 3 lines agree" in words and "stopped after 33 mini-batches" in words


def test_a_run_that_failed_is_told_so(ended: tuple[Snapshot, Receipt]) -> None:
    snapshot, receipt = ended
    failed = replace(snapshot, run=replace(snapshot.run, state="failed"), reports=snapshot.reports[:1])
    assert "ended in another way (failed); 1 of 5 lines agree" in text_of(comparison_html(receipt, failed, None))


def test_files_are_called_after_their_run(ended: tuple[Snapshot, Receipt]) -> None:
    run = replace(ended[0].run, name="My ../run: 1")
    assert filename(None, "py") == "cifar10.py" and filename(None, "ipynb") == "cifar10.ipynb"
    name = filename(run, "json")
    assert name.endswith("-receipt.json") and "/" not in name and Path(name).name == name


def test_code_is_shown_as_it_is_whatever_stands_in_it() -> None:
    code = 'import torch\n\nprint("<b>&amp;</b>", 1 < 2)  # a comment\n'
    shown = code_html(code, "python", "<Plain>")
    printed = re.findall(r"<pre[^>]*>(.*)</pre>", shown, re.DOTALL)[0]
    assert html.unescape(re.sub(r"<[^>]+>", "", printed)) == code
    assert "&lt;Plain&gt;" in shown and "<Plain>" not in shown
    assert code_html("", "shell", "Nothing") == ""
