"""A receipt: made of a run or a command, read with suspicion, and put to the test."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.__main__ import main
from cifar_core.config import CLASSES, TrainConfig
from cifar_core.data import ImageSet, Splits, open_splits
from cifar_core.data.image_set import save
from cifar_core.errors import ReceiptError
from cifar_core.evaluate import evaluate
from cifar_core.mistakes import prepare_for, training_images
from cifar_core.net import new_net, save_weights
from cifar_core.runs.records import Run, Snapshot, TestResult, new_run
from cifar_core.teach.digest import data_facts, weights_sha256
from cifar_core.teach.receipt import MAX_LINES, LogLine, Receipt, per_class_of, receipt_from, receipt_of
from cifar_core.teach.receipt_parse import MAX_BYTES, parse_receipt
from cifar_core.teach.verify import Verified, Verifying, verifying
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Changed, Finished, Progress, Reported
from cifar_core.training.loop import train
from cifar_core.training.progress import VALIDATION_IMAGES
from tests.helpers.tiny_data import tiny_splits, write_archive

CONFIG = TrainConfig(batch_size=5, lr=0.005, report_every=10, seed=3, device="cpu")
CHANGES = (Change("lr", 0.01, 12), Change("batch_size", 10, 31))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """100 training and 40 test images."""
    return tiny_splits(tmp_path_factory.mktemp("small"))


def a_receipt(
    splits: Splits, config: TrainConfig = CONFIG, changes: tuple[Change, ...] = (), stop: int | None = None
) -> Receipt:
    """The receipt of a real training."""
    net, reports, control = new_net(config.seed), [], Control(changes=list(changes), stop=stop == 0)
    probe = splits.test.sample(VALIDATION_IMAGES)
    for event in train(net, training_images(config, splits), config, control=control, validation=probe):
        if isinstance(event, Reported):
            reports.append(event)
        control.stop = control.stop or (isinstance(event, Progress) and event.step == stop)
    assert isinstance(event, Finished)
    found = evaluate(net, splits.test, prepare=prepare_for(config))
    return receipt_from(
        config,
        splits=splits,
        device="cpu",
        steps=event.step,
        reports=reports,
        per_class=per_class_of(found),
        weights=net.state_dict(),
        changes=changes,
        ended="done" if stop is None else "stopped",
    )


@pytest.fixture(scope="module")
def fresh(small: Splits) -> Receipt:
    """Of a run with changes: 36 mini-batches (31 of five images, then 5 of up to ten) and three lines."""
    return a_receipt(small, changes=CHANGES)


def verdict(receipt: Receipt, splits: Splits) -> Verified:
    """The last event."""
    *_, last = verifying(receipt, splits)
    assert isinstance(last, Verified)
    return last


# ----------------------------------------------------------------------------------------------------- verifying


@pytest.mark.parametrize(
    ("config", "changes", "stop"),
    [
        (CONFIG, (), None),
        (CONFIG, CHANGES, None),
        (replace(CONFIG, batch_size=4, augment="flip_shift", schedule="one_cycle", precision="bfloat16"), (), None),
        (CONFIG, CHANGES, 17),
        (CONFIG, (Change("lr", 0.01, 16),), 17),
        (CONFIG, (), 20),
        (CONFIG, (), 1),
        (CONFIG, (), 0),
        (replace(CONFIG, report_every=3, stop_rule="patience", patience=1, lr=0.02), (), None),
        (replace(CONFIG, epochs=20, stop_rule="accuracy", target_accuracy=20), (), None),
        (replace(CONFIG, mistake="no_normalize"), (), None),
        (replace(CONFIG, mistake="test_data"), (), None),
    ],
    ids=lambda value: "",
)
def test_a_fresh_receipt_agrees(
    small: Splits, config: TrainConfig, changes: tuple[Change, ...], stop: int | None
) -> None:
    receipt = a_receipt(small, config, changes, stop)
    *events, last = verifying(parse_receipt(receipt.to_json()), small)
    assert last == Verified(True, "", "")
    assert [event.line for event in events if isinstance(event, Verifying) and event.line] == [
        line.text for line in receipt.lines
    ]
    if stop != 0:
        assert events[-1] == Verifying(receipt.steps, receipt.steps)
    if config.stop_rule != "none":
        assert receipt.steps < config.steps(100)


def test_a_training_as_long_as_a_real_one_is_stopped_at_the_very_step(
    small: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its curve has a point every few mini-batches only, and between two of them nothing can be asked."""
    monkeypatch.setattr("cifar_core.training.progress.progress_every", lambda config, images: 7)
    for stop in (15, 14, 27):
        control, net = Control(changes=[Change("lr", CONFIG.lr, stop - 1)]), new_net(CONFIG.seed)
        for event in train(net, small.train, CONFIG, control=control):
            control.stop = control.stop or isinstance(event, Changed)
        assert event == Finished("stopped", stop)
        receipt = replace(a_receipt(small, stop=stop), weights=weights_sha256(net.state_dict()))
        receipt = replace(receipt, per_class=tuple(per_class_of(evaluate(net, small.test))), steps=stop)
        receipt = replace(receipt, lines=receipt.lines[: stop // 10 if stop < 20 else 2])
        assert verdict(receipt, small) == Verified(True, "", ""), stop


def with_line(receipt: Receipt, index: int, **values: Any) -> Receipt:
    lines = list(receipt.lines)
    lines[index] = replace(lines[index], **values)
    return replace(receipt, lines=tuple(lines))


def a_class_off(receipt: Receipt) -> Receipt:
    """One right answer is counted for another class, so that their sum stays."""
    counts = list(receipt.per_class)
    more = next(at for at, (right, count) in enumerate(counts) if right < count)
    less = next(at for at, (right, _) in enumerate(counts) if right > 0 and at != more)
    counts[more], counts[less] = (counts[more][0] + 1, 4), (counts[less][0] - 1, 4)
    return replace(receipt, per_class=tuple(counts))


def one_more_right(receipt: Receipt) -> Receipt:
    more = next(at for at, (right, count) in enumerate(receipt.per_class) if right < count)
    counts = list(receipt.per_class)
    counts[more] = (counts[more][0] + 1, 4)
    return replace(receipt, per_class=tuple(counts))


def said(receipt: Receipt, index: int) -> str:
    """A loss as the receipt has it printed."""
    return f"{receipt.lines[index].loss:.3f}"


TAMPERED: dict[str, tuple[Callable[[Receipt], Receipt], Callable[[Receipt], str]]] = {
    "a line": (
        lambda r: with_line(r, 1, loss=9.87654),
        lambda r: f"In the line [1,    20] the receipt has 9.877; here it is {said(r, 1)}.",
    ),
    "two lines": (
        lambda r: with_line(with_line(r, 2, loss=1.0), 1, loss=9.87654),
        lambda r: f"In the line [1,    20] the receipt has 9.877; here it is {said(r, 1)}.",
    ),
    "a line's place": (
        lambda r: with_line(r, 2, batch=11),
        lambda r: "The next line of the receipt is [2,    11]; here it is [2,    10].",
    ),
    "a line too few": (
        lambda r: replace(r, lines=r.lines[:2]),
        lambda r: f"The receipt has no more lines; here the next line is [2,    10] loss: {said(r, 2)}",
    ),
    "a line too many": (
        lambda r: replace(r, lines=(*r.lines, LogLine(2, 20, 1.0))),
        lambda r: "The next line of the receipt is [2,    20]; here the training has ended.",
    ),
    "the accuracy": (
        one_more_right,
        lambda r: f"The accuracy in the receipt is {r.correct + 1} of 40 test images; here {r.correct}.",
    ),
    "a class": (
        a_class_off,
        lambda r: "The accuracy of plane in the receipt is 1 of 4 test images; here 0.",
    ),
    "the weights": (
        lambda r: replace(r, weights="0" * 64),
        lambda r: "All lines and the accuracy agree as printed, but the weights do not agree to the last bit.",
    ),
    "the seed": (
        lambda r: replace(r, settings=replace(r.settings, seed=4)),
        lambda r: f"In the line [1,    10] the receipt has {said(r, 0)}; here it is ",
    ),
    "a change": (
        lambda r: replace(r, changes=r.changes[1:]),
        lambda r: f"In the line [1,    20] the receipt has {said(r, 1)}; here it is ",
    ),
    "more epochs": (
        lambda r: replace(r, settings=replace(r.settings, epochs=3)),
        lambda r: "The receipt ends after 36 mini-batches; here the training continues.",
    ),
    "fewer epochs": (
        lambda r: replace(r, settings=replace(r.settings, epochs=1)),
        lambda r: "The next line of the receipt is [2,    10]; here the training has ended.",
    ),
    "fewer steps": (
        lambda r: replace(r, steps=35),
        lambda r: "The receipt ends after 35 mini-batches; here the training continues.",
    ),
    "more steps": (
        lambda r: replace(r, steps=37),
        lambda r: "The receipt ends after 37 mini-batches; here the training ended after 36.",
    ),
    "the end": (
        lambda r: replace(r, ended="stopped"),
        lambda r: "The receipt says that the training was stopped; here it ended by itself.",
    ),
    "the data": (
        lambda r: replace(r, data=replace(r.data, sha256="1" * 64)),
        lambda r: "The data differ: the images or labels are not the receipt's (CIFAR-10; here CIFAR-10).",
    ),
    "how many data": (
        lambda r: replace(r, data=replace(r.data, name="Mine", train=99)),
        lambda r: (
            "The data differ: the receipt is for Mine with 99 training and 40 test images; here it is CIFAR-10 "
            "with 100 and 40."
        ),
    ),
    "the classes of the data": (
        lambda r: replace(r, data=replace(r.data, classes=("aeroplane", *CLASSES[1:]))),
        lambda r: "The data differ: the classes have other names",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_the_first_difference_is_named(fresh: Receipt, small: Splits, name: str) -> None:
    tamper, sentence = TAMPERED[name]
    *events, last = verifying(tamper(fresh), small)
    assert isinstance(last, Verified) and not last.agrees
    assert last.differs.startswith(sentence(fresh))
    if "data" in name:
        assert events == [] and last.note == "Nothing was trained, because with other data nothing can agree."
    else:
        assert last.note == ""


def test_a_receipt_is_believed_as_far_as_it_prints(fresh: Receipt, small: Splits) -> None:
    receipt = with_line(fresh, 0, loss=fresh.lines[0].loss * (1 + 1e-9))
    assert verdict(receipt, small) == Verified(
        True, "", "The lines agree as printed; their losses differ in later digits."
    )


def test_a_training_that_diverges_now_is_told(small: Splits) -> None:
    receipt = a_receipt(small)
    receipt = replace(receipt, settings=replace(CONFIG, lr=1.0, momentum=0.999, weight_decay=0.1, report_every=1000))
    found = verdict(replace(receipt, lines=()), small)
    assert found.differs.startswith("Here the loss is not finite after ")


def test_the_note_tells_what_is_other_here(fresh: Receipt, small: Splits) -> None:
    versions = replace(fresh.versions, torch="2.0.1", machine="arm64")
    note = verdict(replace(fresh, versions=versions, device="cuda", threads=8), small).note
    assert note.startswith(f"PyTorch was 2.0.1 and is {torch.__version__}; the processor was arm64 and is ")
    assert "the device was cuda and is cpu; the CPU had 8 threads and has 1. Other versions and" in note


def test_verifying_leaves_torch_and_the_random_numbers_as_they_were(fresh: Receipt, small: Splits) -> None:
    torch.set_num_threads(2)
    try:
        state = torch.get_rng_state()
        events = verifying(fresh, small)
        next(events)
        assert torch.get_num_threads() == 1
        torch.set_num_threads(2)  # somebody else's doing, in between
        assert isinstance(next(events), Verifying) and torch.get_num_threads() == 1
        events.close()  # type: ignore[attr-defined]
        assert torch.get_num_threads() == 2 and torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(1)


# ---------------------------------------------------------------------------------------------- making and reading


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


def test_the_sum_of_the_data_knows_every_pixel_and_every_label(small: Splits, tmp_path: Path) -> None:
    def copy(name: str, images: np.ndarray, labels: np.ndarray) -> str:
        train = ImageSet(images, labels, CLASSES, "train")
        return data_facts(save(tmp_path / name, train, small.test, small.info)).sha256

    images, labels = small.train.images.copy(), small.train.labels.copy()
    same = copy("same", images, labels)
    assert same == data_facts(small).sha256
    images[50, 3, 4, 1] ^= 1
    assert copy("pixel", images, labels) != same
    images[50, 3, 4, 1] ^= 1
    labels[[0, 1]] = (labels[0] + 1) % 10, labels[0]
    assert copy("labels", images, labels) != same
    assert copy("same", small.train.images[::-1].copy(), small.train.labels) != same, "new data in the same folder"


def test_the_sum_of_the_weights_knows_names_shapes_and_every_bit() -> None:
    weights = new_net(3).state_dict()
    same = weights_sha256(weights)
    assert weights_sha256(new_net(3).state_dict()) == same != weights_sha256(new_net(4).state_dict())
    flipped = {name: tensor.clone() for name, tensor in weights.items()}
    flipped["fc3.bias"][9] = torch.nextafter(flipped["fc3.bias"][9], torch.tensor(9.0))
    assert weights_sha256(flipped) != same
    assert weights_sha256({("a" if name == "fc3.bias" else name): tensor for name, tensor in weights.items()}) != same
    assert weights_sha256(weights | {"conv1.weight": weights["conv1.weight"].reshape(6, 3, 25)}) != same


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


# ------------------------------------------------------------------------------------------------ the command line


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
