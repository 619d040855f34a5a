"""A receipt put to the test: the run is done again, and compared line by line with what the receipt says.

for event in verifying(receipt, splits):
    ...                                    # Verifying as it goes, Verified at the end
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import zip_longest

from cifar_core.data.image_set import Splits
from cifar_core.mistakes import prepare_for, training_images
from cifar_core.teach.receipt import (
    DataFacts,
    LogLine,
    Receipt,
    Versions,
    data_facts,
    per_class_of,
    weights_sha256,
)
from cifar_core.training.events import Change, Changed, Control, Finished, Progress, Reported

WEIGHTS_DIFFER = "All lines and the accuracy agree as printed, but the weights do not agree to the last bit."


@dataclass(frozen=True)
class Verifying:
    """A receipt is being put to the test; so far it agrees."""

    step: int
    """mini-batches done again"""
    steps: int
    """mini-batches to be done"""
    line: str = ""
    """a line of the log that came out as the receipt says; empty in between"""


@dataclass(frozen=True)
class Verified:
    """The end: agrees, or the first difference."""

    agrees: bool
    differs: str
    """a sentence that names the first difference; empty where everything agrees"""
    note: str
    """what is to be known beside it: other versions or another device, and what they explain; or empty"""


def verifying(receipt: Receipt, splits: Splits) -> Iterator[Verifying | Verified]:
    """Do the run of `receipt` again on `splits`, on one thread of this CPU, up to the first difference.

    While it goes, torch uses one thread in this process. Dropping the iterator ends it.
    """
    import torch

    threads = torch.get_num_threads()
    try:
        yield from _verifying(receipt, splits)
    finally:
        torch.set_num_threads(threads)


def _verifying(receipt: Receipt, splits: Splits) -> Iterator[Verifying | Verified]:
    import torch

    from cifar_core.evaluate import evaluate
    from cifar_core.net import new_net
    from cifar_core.training.loop import VALIDATION_IMAGES, train

    config, note = receipt.settings, environment_note(receipt)
    other_data = _data_differ(receipt.data, data_facts(splits))
    if other_data:
        yield Verified(False, other_data, "Nothing was trained: with other data nothing could agree.")
        return

    net, control, last = new_net(config.seed), _control(receipt), receipt.steps
    validation = splits.test.sample(VALIDATION_IMAGES) if config.stop_rule == "accuracy" else None
    expected, told, exact = list(receipt.lines), 0, True
    training = train(net, training_images(config, splits), config, control=control, validation=validation)
    while True:
        torch.set_num_threads(1)  # each time, for between two events another part of the process may have its own way
        event = next(training)
        differs = ""
        match event:
            case Changed() if receipt.ended == "stopped" and event.step >= last - 1:
                control.stop = True
            case Reported():
                now = LogLine(event.epoch, event.batch, event.loss)
                differs = _line_differs(expected[told] if told < len(expected) else None, now)
                exact = exact and not differs and now == expected[told]
                told += 1
                if not differs:
                    yield Verifying(event.step, last, event.line)
            case Progress() if event.step > last:
                differs = f"The receipt ends after {last:,} mini-batches, and here the training goes on."
            case Progress():
                yield Verifying(event.step, last)
            case Finished():
                differs = _end_differs(receipt, event, told)
        if differs:
            yield Verified(False, differs, note)
            return
        if isinstance(event, Finished):
            break

    torch.set_num_threads(1)
    found = evaluate(net, splits.test, prepare=prepare_for(config))
    differs = _accuracy_differs(receipt, per_class_of(found))
    if not differs and weights_sha256(net.state_dict()) != receipt.weights:
        differs = WEIGHTS_DIFFER
    if not exact:
        note = f"The lines agree as printed; further digits of their losses do not. {note}".strip()
    yield Verified(not differs, differs, note)


def _control(receipt: Receipt) -> Control:
    """The changes again; and, where the run was stopped, a sign just before its last step.

    The sign is a change that changes nothing: it is told before the mini-batch, so that this can be made the last.
    """
    changes = [change for change in receipt.changes if change.step < receipt.steps]
    if receipt.ended != "stopped":
        return Control(changes=changes)
    rates = [change.value for change in changes if change.name == "lr"]
    sign = Change("lr", rates[-1] if rates else receipt.settings.lr, receipt.steps - 1)
    return Control(stop=receipt.steps == 0, changes=[*changes, sign] if receipt.steps else [])


def _data_differ(told: DataFacts, here: DataFacts) -> str:
    if (told.train, told.test) != (here.train, here.test):
        return (
            f"The data differ: the receipt is of {told.name} with {told.train:,} training and {told.test:,} test "
            f"images, and here are {here.name} with {here.train:,} and {here.test:,}."
        )
    if told.sha256 != here.sha256:
        return f"The data differ: the images or labels are not those of the receipt ({told.name}; here {here.name})."
    if told.classes != here.classes:
        return "The classes of the data have other names or another order than in the receipt."
    return ""


def _line_differs(told: LogLine | None, now: LogLine) -> str:
    if told is None:
        return f"The receipt has no more lines, and here comes {now.text}"
    if told.place != now.place:
        return f"The receipt goes on with the line {told.place}, and here comes {now.place}."
    said, says = (f"{line.loss:.3f}" for line in (told, now))
    return f"The line {now.place} said {said} and is now {says}." if said != says else ""


def _end_differs(receipt: Receipt, end: Finished, told: int) -> str:
    if end.reason == "diverged":
        return f"Here the loss is no finite number after {end.step:,} mini-batches; the receipt says nothing of that."
    if told < len(receipt.lines):
        return f"The receipt goes on with the line {receipt.lines[told].place}, and here the training has ended."
    if end.step != receipt.steps:
        return f"The receipt says that it ended after {receipt.steps:,} mini-batches; here it is {end.step:,}."
    ended = "stopped" if end.reason == "stopped" else "done"
    if ended != receipt.ended:
        return f"The receipt says that the training was {receipt.ended}; here it was {ended}."
    return ""


def _accuracy_differs(receipt: Receipt, per_class: list[tuple[int, int]]) -> str:
    correct = sum(right for right, _ in per_class)
    if correct != receipt.correct:
        return f"The accuracy said {receipt.correct:,} of {receipt.total:,} test images and is now {correct:,}."
    for name, said, now in zip(receipt.data.classes, receipt.per_class, per_class, strict=True):
        if said != now:
            return f"The accuracy of {name} said {said[0]:,} of {said[1]:,} test images and is now {now[0]:,}."
    return ""


def environment_note(receipt: Receipt, device: str = "cpu") -> str:
    """What is other here than where the receipt was made, and what that may explain; empty where all is alike."""
    told, here = receipt.versions, Versions.here()
    names = {"python": "Python", "torch": "PyTorch", "numpy": "NumPy", "machine": "the processor"}
    others = [
        f"{names[field.name]} was {getattr(told, field.name)} and is {getattr(here, field.name)}"
        for field in fields(Versions)
        if getattr(told, field.name) != getattr(here, field.name)
    ]
    if receipt.device != device:
        others.append(f"the device was {receipt.device} and is {device}")
    if receipt.threads != 1:
        others.append(f"the CPU had {receipt.threads} threads and has 1")
    if not others:
        return ""
    words = "; ".join(others)
    return (
        f"{words[0].upper()}{words[1:]}. Other versions and other processors may add up numbers in another order, "
        "which changes their last digits, and more of them with every step."
    )


def first_difference(receipt: Receipt, again: Receipt) -> str:
    """A sentence that names the first difference between a receipt and that of a run that repeated it; or empty."""
    differs = _data_differ(receipt.data, again.data)
    for said, now in zip_longest(receipt.lines, again.lines):
        if differs:
            break
        differs = f"The receipt goes on with the line {said.place}." if now is None else _line_differs(said, now)
    differs = differs or _accuracy_differs(receipt, list(again.per_class))
    if not differs and receipt.weights != again.weights:
        differs = WEIGHTS_DIFFER
    return differs
