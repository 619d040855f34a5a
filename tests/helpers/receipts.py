"""Receipts of real trainings on tiny data."""

from dataclasses import replace
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.evaluate import evaluate
from cifar_core.mistakes import prepare_for, training_images
from cifar_core.net import new_net
from cifar_core.teach.receipt import Receipt, per_class_of, receipt_from
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Finished, Progress, Reported
from cifar_core.training.loop import train
from cifar_core.training.progress import VALIDATION_IMAGES

CONFIG = TrainConfig(batch_size=5, lr=0.005, report_every=10, seed=3, device="cpu")
CHANGES = (Change("lr", 0.01, 12), Change("batch_size", 10, 31))


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


def with_line(receipt: Receipt, index: int, **values: Any) -> Receipt:
    lines = list(receipt.lines)
    lines[index] = replace(lines[index], **values)
    return replace(receipt, lines=tuple(lines))
