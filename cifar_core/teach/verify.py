"""Put a receipt to the test: repeat the run, and compare it line by line with what the receipt says.

for event in verifying(receipt, splits):
    ...                                    # Verifying as it goes, Verified at the end
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import zip_longest

from cifar_core.data.image_set import Splits
from cifar_core.mistakes import prepare_for, training_images
from cifar_core.teach.digest import DataFacts, data_facts, weights_sha256
from cifar_core.teach.receipt import LogLine, Receipt, Versions, per_class_of
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Changed, Finished, Progress, Reported

WEIGHTS_DIFFER = "All lines and the accuracy agree as printed, but the weights do not agree to the last bit."


@dataclass(frozen=True)
class Verifying:
    """A receipt is being put to the test; so far it agrees."""

    step: int
    """mini-batches repeated"""
    steps: int
    """mini-batches to repeat"""
    line: str = ""
    """a line of the log that is as the receipt says; empty in between"""


@dataclass(frozen=True)
class Verified:
    """The end: agrees, or the first difference."""

    agrees: bool
    differs: str
    """a sentence that names the first difference; empty if everything agrees"""
    note: str
    """other versions or another device, and what they explain; or empty"""


def verifying(receipt: Receipt, splits: Splits) -> Iterator[Verifying | Verified]:
    """Repeat the run of `receipt` on `splits`, on one thread of this CPU, up to the first difference.

    Meanwhile torch uses one thread in this process. Closing the iterator ends the training.
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
    from cifar_core.training.loop import train
    from cifar_core.training.progress import validation_for

    config, note = receipt.settings, environment_note(receipt)
    config.check_device("cpu")
    other_data = _data_differ(receipt.data, data_facts(splits))
    if other_data:
        yield Verified(False, other_data, "Nothing was trained, because with other data nothing can agree.")
        return

    net, control, last = new_net(config.seed), _control(receipt), receipt.steps
    validation = validation_for(config, splits)
    lines, expected = [], iter(receipt.lines)
    training = train(net, training_images(config, splits), config, control=control, validation=validation)
    while True:
        torch.set_num_threads(1)  # every time: other code may change the thread count between two events
        event = next(training)
        differs = ""
        match event:
            case Changed() if receipt.ended == "stopped" and event.step >= last - 1:
                control.stop = True
            case Reported():
                lines.append(LogLine(event.epoch, event.batch, event.loss))
                differs = _line_differs(next(expected, None), lines[-1])
                if not differs:
                    yield Verifying(event.step, last, event.line)
            case Progress() if event.step > last:
                differs = f"The receipt ends after {last:,} mini-batches; here the training continues."
            case Progress():
                yield Verifying(event.step, last)
            case Finished():
                differs = _end_differs(receipt, event, len(lines))
        if differs:
            yield Verified(False, differs, note)
            return
        if isinstance(event, Finished):
            break

    torch.set_num_threads(1)
    evaluation = evaluate(net, splits.test, prepare=prepare_for(config))
    differs = _accuracy_differs(receipt, per_class_of(evaluation))
    if not differs and weights_sha256(net.state_dict()) != receipt.weights:
        differs = WEIGHTS_DIFFER
    if tuple(lines) != receipt.lines:
        note = f"The lines agree as printed; their losses differ in later digits. {note}".strip()
    yield Verified(not differs, differs, note)


def _control(receipt: Receipt) -> Control:
    """Return the changes to repeat; and, if the run was stopped, a signal just before its last step.

    The signal is a change to the same value: its event comes before the mini-batch, so that this can be the last one.
    """
    changes = [change for change in receipt.changes if change.step < receipt.steps]
    if receipt.ended != "stopped":
        return Control(changes=changes)
    rates = [change.value for change in changes if change.name == "lr"]
    signal = Change("lr", rates[-1] if rates else receipt.settings.lr, receipt.steps - 1)
    return Control(stop=receipt.steps == 0, changes=[*changes, signal] if receipt.steps else [])


def _data_differ(expected: DataFacts, here: DataFacts) -> str:
    if (expected.train, expected.test) != (here.train, here.test):
        return (
            f"The data differ: the receipt is for {expected.name} with {expected.train:,} training and "
            f"{expected.test:,} test images; here it is {here.name} with {here.train:,} and {here.test:,}."
        )
    if expected.sha256 != here.sha256:
        return f"The data differ: the images or labels are not the receipt's ({expected.name}; here {here.name})."
    if expected.classes != here.classes:
        return "The data differ: the classes have other names or another order than in the receipt."
    return ""


def _line_differs(expected: LogLine | None, now: LogLine) -> str:
    if expected is None:
        return f"The receipt has no more lines; here the next line is {now.text}."
    if expected.place != now.place:
        return f"The next line of the receipt is {expected.place}; here it is {now.place}."
    loss, loss_now = (f"{line.loss:.3f}" for line in (expected, now))
    return f"In the line {now.place} the receipt has {loss}; here it is {loss_now}." if loss != loss_now else ""


def _line_missing(expected: LogLine) -> str:
    return f"The next line of the receipt is {expected.place}; here the training has ended."


def _end_differs(receipt: Receipt, end: Finished, lines: int) -> str:
    if end.reason == "diverged":
        return f"Here the loss is not finite after {end.step:,} mini-batches; in the receipt it always is."
    if lines < len(receipt.lines):
        return _line_missing(receipt.lines[lines])
    if end.step != receipt.steps:
        return f"The receipt ends after {receipt.steps:,} mini-batches; here the training ended after {end.step:,}."
    words = {"stopped": "was stopped", "done": "ended by itself"}
    ended = "stopped" if end.reason == "stopped" else "done"
    if ended != receipt.ended:
        return f"The receipt says that the training {words[receipt.ended]}; here it {words[ended]}."
    return ""


def _accuracy_differs(receipt: Receipt, per_class: list[tuple[int, int]]) -> str:
    correct = sum(correct for correct, _ in per_class)
    if correct != receipt.correct:
        return f"The accuracy in the receipt is {receipt.correct:,} of {receipt.total:,} test images; here {correct:,}."
    for name, expected, now in zip(receipt.data.classes, receipt.per_class, per_class, strict=True):
        if expected != now:
            return (
                f"The accuracy of {name} in the receipt is {expected[0]:,} of {expected[1]:,} test images; "
                f"here {now[0]:,}."
            )
    return ""


def environment_note(receipt: Receipt, device: str = "cpu") -> str:
    """Return the differences between this machine and the receipt's, and what they may explain; empty if none."""
    then, here = receipt.versions, Versions.here()
    names = {"python": "Python", "torch": "PyTorch", "numpy": "NumPy", "machine": "the processor"}
    others = [
        f"{names[field.name]} was {getattr(then, field.name)} and is {getattr(here, field.name)}"
        for field in fields(Versions)
        if getattr(then, field.name) != getattr(here, field.name)
    ]
    if receipt.device != device:
        others.append(f"the device was {receipt.device} and is {device}")
    if receipt.threads != 1:
        others.append(f"the CPU had {receipt.threads} threads and has 1")
    if not others:
        return ""
    sentence = "; ".join(others)
    return (
        f"{sentence[0].upper()}{sentence[1:]}. Other versions and processors may add numbers in another order, "
        "which changes the last digits, and more digits with every step."
    )


def first_difference(receipt: Receipt, again: Receipt) -> str:
    """Return a sentence with the first difference between a receipt and that of a repeated run; empty if none."""
    differs = _data_differ(receipt.data, again.data)
    for expected, now in zip_longest(receipt.lines, again.lines):
        if differs:
            break
        differs = (
            f"The next line of the receipt is {expected.place}; here the training has ended."
            if now is None
            else (_line_differs(expected, now))
        )
    differs = differs or _accuracy_differs(receipt, list(again.per_class))
    if not differs and receipt.weights != again.weights:
        differs = WEIGHTS_DIFFER
    return differs
