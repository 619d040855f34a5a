"""A receipt put to the test: it agrees, or the first difference is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from cifar_core.config import CLASSES, TrainConfig
from cifar_core.data import Splits
from cifar_core.evaluate import evaluate
from cifar_core.net import new_net
from cifar_core.teach.digest import weights_sha256
from cifar_core.teach.receipt import LogLine, Receipt, per_class_of
from cifar_core.teach.receipt_parse import parse_receipt
from cifar_core.teach.verify import Verified, Verifying, verifying
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Changed, Finished
from cifar_core.training.loop import train
from tests.helpers.receipts import CHANGES, CONFIG, a_receipt, with_line


def verdict(receipt: Receipt, splits: Splits) -> Verified:
    """The last event."""
    *_, last = verifying(receipt, splits)
    assert isinstance(last, Verified)
    return last


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
