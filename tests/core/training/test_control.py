"""A training that is controlled while it runs: settings changed, stop rules, accuracy on the way."""

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.evaluate import evaluate
from cifar_core.net import Net, new_net
from cifar_core.pixels import normalize
from cifar_core.training.checkpoint import load_checkpoint, save_checkpoint
from cifar_core.training.control import Change, Control
from cifar_core.training.convolution import convolutions
from cifar_core.training.events import (
    Changed,
    Checkpointed,
    Finished,
    Progress,
    Reported,
    Started,
    TimeUp,
    TrainEvent,
    Validated,
)
from cifar_core.training.loop import train
from cifar_core.training.progress import VALIDATIONS_PER_EPOCH
from cifar_core.training.sampler import EpochSampler

CONFIG = TrainConfig(epochs=2, batch_size=8, report_every=10, seed=4)
CHANGES = (Change("lr", 0.02, 13), Change("momentum", 0.5, 20), Change("batch_size", 16, 31), Change("lr", 0.005, 60))


def run(splits: Splits, config: TrainConfig, **options: Any) -> tuple[Net, list[TrainEvent]]:
    net = new_net(config.seed)
    return net, list(train(net, splits.train, config, **options))


def of(kind: type, events: list[TrainEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def same(one: Net, other: Net) -> bool:
    """Bit for bit."""
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_changed_settings_apply_from_their_very_step_as_in_a_loop_written_out(tiny: Splits) -> None:
    net, events = run(tiny, CONFIG, control=Control(changes=list(CHANGES)))
    mine = new_net(CONFIG.seed)
    optimizer = torch.optim.SGD(mine.parameters(), lr=CONFIG.lr, momentum=CONFIG.momentum, fused=True)
    images, labels = torch.from_numpy(tiny.train.images), torch.from_numpy(tiny.train.labels)
    step, batch = 0, CONFIG.batch_size
    for epoch in range(CONFIG.epochs):
        indices, seen = EpochSampler.for_epoch(CONFIG, epoch, len(tiny.train)).indices, 0
        while seen < len(tiny.train):
            for change in CHANGES:
                if change.step == step and change.name == "batch_size":
                    batch = int(change.value)
                elif change.step == step:
                    optimizer.param_groups[0][change.name] = change.value
            chosen = indices[seen : seen + batch]
            optimizer.zero_grad()
            with convolutions("cpu", batch):
                outputs = mine(normalize(images[chosen]))
            torch.nn.functional.cross_entropy(outputs, labels[chosen]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step, seen = step + 1, seen + len(chosen)
    assert same(net, mine)
    assert of(Finished, events)[0].step == step


def test_every_change_is_reported_with_its_place_its_value_and_the_new_end(tiny: Splits) -> None:
    _, events = run(tiny, CONFIG, control=Control(changes=list(CHANGES)))
    changes = of(Changed, events)
    assert [(change.step, change.name, change.value) for change in changes] == [
        (change.step, change.name, change.value) for change in CHANGES
    ]
    assert changes[0].images == 13 * 8 and changes[0].steps == 100
    assert changes[2].steps == of(Finished, events)[0].step


def test_a_change_without_a_step_applies_before_the_next_mini_batch(tiny: Splits) -> None:
    control = Control()
    events: list[TrainEvent] = []
    for event in train(new_net(0), tiny.train, CONFIG, control=control):
        events.append(event)
        if isinstance(event, Progress) and event.step == 7:
            control.changes.append(Change("lr", 0.5))
    [change] = of(Changed, events)
    assert (change.step, change.value) == (7, 0.5)
    assert isinstance(events[events.index(change) - 1], Progress)


def test_once_its_time_is_up_a_training_pauses_after_each_mini_batch_and_reports_the_same(tiny: Splits) -> None:
    config = replace(CONFIG, epochs=100)  # a point every 5 of 5,000 mini-batches
    usual = train(new_net(0), tiny.train, config)
    hurried = list(islice(train(new_net(0), tiny.train, config, control=Control(until=0.0)), 200))
    assert [type(event) for event in hurried[1:7]] == [TimeUp, TimeUp, TimeUp, TimeUp, Progress, TimeUp]
    reported = [event for event in hurried if not isinstance(event, TimeUp)]
    assert reported == list(islice(usual, len(reported)))


def test_what_is_asked_between_two_points_is_done_before_the_next_mini_batch(tiny: Splits) -> None:
    control = Control(until=0.0)
    training = train(new_net(0), tiny.train, replace(CONFIG, epochs=100), control=control)
    assert [type(event) for event in islice(training, 3)] == [Started, TimeUp, TimeUp]
    control.changes.append(Change("lr", 0.5))
    assert next(training) == Changed(2, 16, "lr", 0.5, 5000)
    control.stop = True
    steps = [event.step for event in training if isinstance(event, Progress | Finished)]
    assert steps == [3, 3]


def test_a_training_resumed_behind_its_changes_equals_one_never_interrupted(tiny: Splits, tmp_path: Any) -> None:
    whole, events = run(tiny, CONFIG, control=Control(changes=list(CHANGES)))
    for at in (12, 13, 31, 44):  # before a change, at one, at a new batch size, in the next epoch
        control = Control(changes=list(CHANGES))
        for event in train(new_net(CONFIG.seed), tiny.train, CONFIG, control=control):
            control.checkpoint = isinstance(event, Progress) and event.step == at
            if isinstance(event, Checkpointed):
                save_checkpoint(event.checkpoint, tmp_path / "here")
                break
        before = {change.name: change.value for change in CHANGES if change.step < at}
        later = [change for change in CHANGES if change.step >= at]
        net, resumed = run(
            tiny,
            replace(CONFIG, **before),  # type: ignore[arg-type]
            resume=load_checkpoint(tmp_path / "here"),
            control=Control(changes=later),
        )
        assert same(net, whole)
        assert of(Progress, resumed) == [event for event in of(Progress, events) if event.step > at]
        assert of(Reported, resumed) == [event for event in of(Reported, events) if event.step > at]


def test_a_trained_net_trains_on_as_if_more_epochs_had_been_requested(tiny: Splits) -> None:
    whole, _ = run(tiny, replace(CONFIG, epochs=3))
    _, first = run(tiny, replace(CONFIG, epochs=1))
    resume = of(Checkpointed, first)[-1].checkpoint
    net, later = run(tiny, replace(CONFIG, epochs=3), resume=resume)
    assert same(net, whole)
    assert of(Started, later)[0].steps == 150


def test_the_accuracy_on_the_way_is_that_of_the_net_at_that_step_and_changes_nothing(tiny: Splits) -> None:
    plain, without = run(tiny, CONFIG)
    net = new_net(CONFIG.seed)
    events: list[TrainEvent] = []
    for event in train(net, tiny.train, CONFIG, validation=tiny.test):
        if isinstance(event, Validated):
            assert evaluate(net, tiny.test).correct == event.correct and event.total == len(tiny.test)
        events.append(event)
    assert same(net, plain)
    assert [event for event in events if not isinstance(event, Validated)][:-2] == without[:-2]
    validations = of(Validated, events)
    assert len(validations) == VALIDATIONS_PER_EPOCH * CONFIG.epochs
    quarter = len(tiny.train) / VALIDATIONS_PER_EPOCH
    assert all(0 <= validation.images - quarter * n < 8 for n, validation in enumerate(validations, 1))


def test_patience_ends_a_training_whose_log_does_not_improve(tiny: Splits) -> None:
    config = replace(CONFIG, epochs=50, lr=1e-6, momentum=0.0, stop_rule="patience", patience=3)
    _, events = run(tiny, config)
    assert of(Finished, events)[0].reason == "no_better"
    losses = [line.loss for line in of(Reported, events)]
    lowest = losses.index(min(losses))
    assert len(losses) == lowest + 1 + 3
    assert isinstance(events[-2], Checkpointed)


def test_a_reached_accuracy_ends_a_training(tiny: Splits) -> None:
    config = replace(CONFIG, epochs=50, lr=0.01, stop_rule="accuracy", target_accuracy=50)
    _, events = run(tiny, config, validation=tiny.test)
    assert of(Finished, events)[0].reason == "reached"
    shares = [validation.correct / validation.total for validation in of(Validated, events)]
    assert shares[-1] >= 0.5 and all(share < 0.5 for share in shares[:-1])


@pytest.mark.parametrize("rule", ["none", "patience", "accuracy"])
def test_a_loss_that_is_no_number_ends_a_training_under_every_rule(tiny: Splits, rule: str) -> None:
    config = replace(CONFIG, batch_size=4, lr=1.0, momentum=0.999, weight_decay=0.1, stop_rule=rule, patience=50)
    _, events = run(tiny, config, validation=tiny.test)
    assert of(Finished, events)[0].reason == "diverged"
