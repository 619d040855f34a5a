"""Training equals the tutorial's loop bit for bit, pauses between its events, and continues from any checkpoint."""

import contextlib
import io
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data import ImageSet, Splits, open_splits
from cifar_core.errors import WeightsError
from cifar_core.net import Net, new_net, save_weights
from cifar_core.pixels import flip_and_shift
from cifar_core.training.checkpoint import load_checkpoint, save_checkpoint
from cifar_core.training.control import Control
from cifar_core.training.events import (
    Checkpointed,
    Finished,
    Progress,
    Reported,
    Started,
    TrainEvent,
)
from cifar_core.training.loop import train
from cifar_core.training.progress import progress_every
from cifar_core.training.sampler import MAX_SHIFT, EpochSampler
from cifar_core.training.schedule import learning_rate
from cifar_core.training.state import Checkpoint
from tests.helpers import tutorial

TUTORIAL = TrainConfig(epochs=2, report_every=10, seed=3)
EVERYTHING = replace(
    TUTORIAL, batch_size=5, lr=0.01, weight_decay=5e-4, augment="flip_shift", schedule="one_cycle", report_every=9
)


@pytest.fixture(scope="module")
def odd(tiny: Splits) -> ImageSet:
    """134 images: 33 mini-batches of four and one of two."""
    return tiny.train.first(134)


def run(image_set: ImageSet, config: TrainConfig, **options: Any) -> tuple[Net, list[TrainEvent]]:
    """A whole training: the Net and all events."""
    net = new_net(config.seed)
    return net, list(train(net, image_set, config, **options))


def losses_of(events: list[TrainEvent]) -> list[float]:
    return [event.loss for event in events if isinstance(event, Progress)]


def lines_of(events: list[TrainEvent]) -> list[str]:
    return [event.line for event in events if isinstance(event, Reported)]


def checkpoint_of(events: list[TrainEvent]) -> Checkpoint:
    """The last one."""
    return [event.checkpoint for event in events if isinstance(event, Checkpointed)][-1]


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit for bit."""
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def shown(event: TrainEvent) -> Any:
    """An event, to be compared; of a checkpoint its position."""
    return event.checkpoint.position if isinstance(event, Checkpointed) else event


# ------------------------------------------------------------------------------------------- the tutorial's numbers


def in_the_tutorials_loop(
    image_set: ImageSet, config: TrainConfig, orders: list[list[int]]
) -> tuple[tutorial.Net, list[float], list[str]]:
    """The weights, the loss of every mini-batch and the printed lines of the tutorial's code over `orders`."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        net = tutorial.Net()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        losses = tutorial.train(
            net,
            image_set,
            orders,
            batch_size=config.batch_size,
            print_every=config.report_every,
            lr=config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            label_smoothing=config.label_smoothing,
        )
    return net, losses, printed.getvalue().splitlines()


@pytest.mark.parametrize(
    "config",
    [
        TUTORIAL,
        replace(TUTORIAL, batch_size=7, lr=0.02, momentum=0.5, weight_decay=0.01, report_every=6),
        replace(TUTORIAL, batch_size=64, momentum=0.0, label_smoothing=0.1, report_every=1),
        replace(TUTORIAL, batch_size=1024, epochs=3, report_every=1),
    ],
    ids=["as in the tutorial", "weight decay", "no momentum, label smoothing", "one batch an epoch"],
)
@pytest.mark.parametrize("count", [400, 134])
def test_losses_lines_and_weights_equal_the_tutorials_bit_for_bit(
    tiny: Splits, config: TrainConfig, count: int
) -> None:
    image_set = tiny.train.first(count)
    orders = [EpochSampler.for_epoch(config, epoch, count).indices.tolist() for epoch in range(config.epochs)]
    expected_net, expected_losses, expected_lines = in_the_tutorials_loop(image_set, config, orders)
    net, events = run(image_set, config)
    assert progress_every(config, count) == 1  # so every single loss is reported
    assert losses_of(events) == expected_losses
    assert lines_of(events) == expected_lines and len(expected_lines) >= 2
    for event in events:
        if isinstance(event, Reported):  # the whole number that a line shows three decimals of
            running_loss = 0.0
            for loss in expected_losses[event.step - config.report_every : event.step]:
                running_loss += loss
            assert event.loss == running_loss / config.report_every
    assert same(net.state_dict(), expected_net.state_dict())


@pytest.mark.real_data
def test_300_steps_on_the_real_images_equal_the_tutorials_bit_for_bit(real_folder: Path) -> None:
    image_set = open_splits(real_folder, unverified=True).train
    config = TrainConfig(report_every=100)
    order = EpochSampler.for_epoch(config, 0, len(image_set)).indices.tolist()
    expected_net, expected_losses, expected_lines = in_the_tutorials_loop(image_set, config, [order[:1200]])
    net, control, events = new_net(config.seed), Control(), []
    for event in train(net, image_set, config, control=control):
        events.append(event)
        control.stop = isinstance(event, Progress) and event.step == 300
    assert lines_of(events) == expected_lines and len(expected_lines) == 3
    assert losses_of(events) == [sum(expected_losses[at : at + 25]) / 25 for at in range(0, 300, 25)]
    assert same(net.state_dict(), expected_net.state_dict())


def test_the_tiny_images_are_learned(tiny: Splits) -> None:
    _, events = run(tiny.train, replace(TUTORIAL, epochs=5, lr=0.002, report_every=100))
    first, *_, last = (event.loss for event in events if isinstance(event, Reported))
    assert last < 0.5 < 2 < first


# ------------------------------------------------------------------------------------------------- order and rate


def test_each_epoch_is_a_permutation_and_another_one_each_time() -> None:
    seeds = [TrainConfig(seed=seed) for seed in (0, 1)]
    orders = [EpochSampler.for_epoch(config, epoch, 134).indices.tolist() for config in seeds for epoch in (0, 1, 2)]
    for order in orders:
        assert sorted(order) == list(range(134))
    assert len({tuple(order) for order in orders}) == 6


def test_no_two_epochs_of_any_two_seeds_share_their_order() -> None:
    # seed 0 with epoch 199 and seed 1 with epoch 0 lie nearest to each other
    last = EpochSampler.for_epoch(TrainConfig(seed=0), 199, 50).indices
    first = EpochSampler.for_epoch(TrainConfig(seed=1), 0, 50).indices
    assert not torch.equal(last, first)


def test_the_same_seed_gives_the_same_order_whatever_else_is_drawn() -> None:
    first = EpochSampler.for_epoch(EVERYTHING, 1, 134)
    torch.rand(10)
    again = EpochSampler.for_epoch(EVERYTHING, 1, 134)
    for part in ("indices", "flips", "shifts"):
        assert torch.equal(getattr(first, part), getattr(again, part))


def test_augmentation_changes_the_images_but_not_their_order(odd: ImageSet) -> None:
    images = torch.from_numpy(odd.images)
    plain = EpochSampler.for_epoch(TrainConfig(seed=4), 0, 134)
    augmented = EpochSampler.for_epoch(TrainConfig(seed=4, augment="flip_shift"), 0, 134)
    assert torch.equal(plain.indices, augmented.indices)
    some = slice(8, 60)
    assert torch.equal(plain.images_at(some, images), images[plain.indices[some]])
    assert augmented.flips is not None and augmented.shifts is not None
    expected = flip_and_shift(images[plain.indices[some]], augmented.flips[some], augmented.shifts[some])
    assert torch.equal(augmented.images_at(some, images), expected)
    assert not torch.equal(augmented.images_at(some, images), plain.images_at(some, images))


def test_half_the_images_are_mirrored_and_each_shift_up_to_two_pixels_occurs() -> None:
    order = EpochSampler.for_epoch(EVERYTHING, 0, 10_000)
    assert order.flips is not None and order.shifts is not None
    assert abs(order.flips.double().mean().item() - 0.5) < 0.02
    counts = torch.bincount((order.shifts + MAX_SHIFT).flatten(), minlength=5)
    assert MAX_SHIFT == 2 and len(counts) == 5 and (counts / 20_000 - 0.2).abs().max() < 0.02


def test_training_with_augmentation_is_training_on_the_augmented_images(odd: ImageSet) -> None:
    config = replace(EVERYTHING, epochs=1)
    order = EpochSampler.for_epoch(config, 0, len(odd))
    images = torch.from_numpy(odd.images)
    moved = torch.empty_like(images)
    moved[order.indices] = order.images_at(slice(None), images)
    _, expected = run(ImageSet(moved.numpy(), odd.labels, odd.classes, "train"), replace(config, augment="none"))
    _, found = run(odd, config)
    assert losses_of(found) == losses_of(expected)
    assert losses_of(found) != losses_of(run(odd, replace(config, augment="none"))[1])


def test_the_constant_schedule_does_not_change_the_rate() -> None:
    assert {learning_rate(TrainConfig(lr=0.1), done / 10) for done in range(11)} == {0.1}


def test_one_cycle_rises_for_a_quarter_and_then_falls_to_zero() -> None:
    config = TrainConfig(lr=0.1, schedule="one_cycle")
    rates = [learning_rate(config, done / 1000) for done in range(1001)]
    assert all(now < then for now, then in pairwise(rates[:251]))
    assert all(now > then for now, then in pairwise(rates[250:]))
    assert rates[250] == max(rates) == pytest.approx(0.1)
    assert rates[0] == pytest.approx(0.004) and rates[625] == pytest.approx(0.05) and abs(rates[1000]) < 1e-9


def test_each_step_takes_the_rate_of_its_place_in_the_whole_training(
    tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = []

    def zero(config: TrainConfig, done: float) -> float:
        requested.append(done)
        return 0.0

    monkeypatch.setattr("cifar_core.training.loop.learning_rate", zero)
    net, _ = run(tiny.train.first(100), replace(TUTORIAL, epochs=3, lr=0.5))
    assert requested == pytest.approx([step / 75 for step in range(75)])
    assert same(net.state_dict(), new_net(TUTORIAL.seed).state_dict())  # a rate of 0 moves nothing


# --------------------------------------------------------------------------------------------------------- events


def test_started_comes_first_then_points_and_lines_then_the_checkpoint_and_finished(odd: ImageSet) -> None:
    _, events = run(odd, TUTORIAL)
    assert events[0] == Started(steps=68, step=0)
    assert {type(event) for event in events[1:-2]} == {Progress, Reported}
    assert isinstance(events[-2], Checkpointed)
    assert events[-1] == Finished("done", 68)
    assert [event.step for event in events if isinstance(event, Progress)] == list(range(1, 69))


def test_progress_of_the_same_step_follows_every_line(odd: ImageSet) -> None:
    _, events = run(odd, TUTORIAL)
    for event, following in pairwise(events):
        if isinstance(event, Reported):
            assert isinstance(following, Progress) and (following.step, following.epoch) == (event.step, event.epoch)
    reported = [(event.step, event.epoch, event.batch) for event in events if isinstance(event, Reported)]
    assert reported == [(10, 1, 10), (20, 1, 20), (30, 1, 30), (44, 2, 10), (54, 2, 20), (64, 2, 30)]


def test_progress_counts_epochs_and_images(odd: ImageSet) -> None:
    _, events = run(odd, TUTORIAL)
    points = [event for event in events if isinstance(event, Progress)]
    assert [(point.epoch, point.images) for point in points[32:35]] == [(1, 132), (1, 134), (2, 138)]


def test_a_line_reads_as_the_tutorial_prints_it() -> None:
    assert Reported(step=2000, epoch=1, batch=2000, loss=2.1936).line == "[1,  2000] loss: 2.194"
    assert Reported(step=12000, epoch=12, batch=12000, loss=1.2).line == "[12, 12000] loss: 1.200"


@pytest.mark.parametrize(
    ("images", "batch_size", "epochs", "every"),
    [(400, 4, 2, 1), (50_000, 4, 2, 25), (50_000, 4, 200, 50), (8, 8, 1, 1)],
)
def test_a_training_has_about_a_thousand_points_or_one_every_50_mini_batches(
    images: int, batch_size: int, epochs: int, every: int
) -> None:
    assert progress_every(TrainConfig(batch_size=batch_size, epochs=epochs), images) == every


@pytest.fixture
def point_every_7(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points as far apart as those of a longer training."""
    monkeypatch.setattr("cifar_core.training.progress.progress_every", lambda config, images: 7)


@pytest.mark.usefixtures("point_every_7")
def test_a_point_is_the_mean_of_the_losses_since_the_last_one(odd: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    _, coarse = run(odd, TUTORIAL)
    monkeypatch.undo()
    _, fine = run(odd, TUTORIAL)
    steps = [event.step for event in coarse if isinstance(event, Progress)]
    # every 7th, with every line (10, 20, 30, 44, ...), and at the end of each epoch (34, 68)
    assert steps == [7, 10, 14, 20, 21, 28, 30, 34, 35, 42, 44, 49, 54, 56, 63, 64, 68]
    losses = losses_of(fine)
    assert losses_of(coarse) == [sum(losses[a:b]) / (b - a) for a, b in pairwise([0, *steps])]
    assert lines_of(coarse) == lines_of(fine)


def test_an_infinite_loss_ends_the_training_as_diverged(odd: ImageSet) -> None:
    _, events = run(odd, replace(TUTORIAL, lr=1.0, momentum=0.999, weight_decay=0.1))
    last = events[-1]
    assert isinstance(last, Finished) and last.reason == "diverged" and 0 < last.step < 68
    assert not any(isinstance(event, Checkpointed) for event in events)
    assert all(math.isfinite(loss) for loss in losses_of(events))


def test_a_training_leaves_the_callers_random_numbers_as_they_were(odd: ImageSet) -> None:
    state = torch.get_rng_state()
    run(odd, replace(EVERYTHING, epochs=1))
    assert torch.equal(torch.get_rng_state(), state)


def test_the_images_are_the_same_after_training_on_them(odd: ImageSet) -> None:
    before = odd.images.copy()
    run(odd, replace(EVERYTHING, epochs=1))
    assert np.array_equal(odd.images, before)


def test_two_trainings_in_turns_give_each_what_it_gives_alone(odd: ImageSet) -> None:
    configs = (TUTORIAL, replace(EVERYTHING, seed=8))
    alone = [run(odd, config) for config in configs]
    nets = [new_net(config.seed) for config in configs]
    trainings = [train(net, odd, config) for net, config in zip(nets, configs, strict=True)]
    together: list[list[TrainEvent]] = [[], []]
    going = [0, 1]
    while going:
        for one in tuple(going):
            event = next(trainings[one], None)
            if event is None:
                going.remove(one)
            else:
                together[one].append(event)
    for one in (0, 1):
        assert list(map(shown, together[one])) == list(map(shown, alone[one][1]))
        assert same(nets[one].state_dict(), alone[one][0].state_dict())


# ------------------------------------------------------------------------------------------------------- stopping


def weights_after(image_set: ImageSet, config: TrainConfig, steps: int) -> dict[str, Tensor]:
    """The weights after exactly `steps` mini-batches, by the tutorial's loop."""
    orders = []
    for epoch in range(config.epochs):
        order = EpochSampler.for_epoch(config, epoch, len(image_set)).indices.tolist()
        per_epoch = math.ceil(len(order) / config.batch_size)
        orders.append(order[: config.batch_size * max(0, steps - epoch * per_epoch)])
    return in_the_tutorials_loop(image_set, config, [order for order in orders if order])[0].state_dict()


@pytest.mark.parametrize("step", [1, 5, 10, 33, 34, 35, 67])
def test_a_stop_takes_effect_before_the_next_mini_batch(odd: ImageSet, step: int) -> None:
    net, control, events = new_net(TUTORIAL.seed), Control(), []
    for event in train(net, odd, TUTORIAL, control=control):
        events.append(event)
        control.stop = control.stop or (isinstance(event, Progress) and event.step == step)
    assert [type(event) for event in events[-3:]] == [Progress, Checkpointed, Finished]
    assert events[-1] == Finished("stopped", step)
    assert same(net.state_dict(), weights_after(odd, TUTORIAL, step))
    assert same(checkpoint_of(events).weights, net.state_dict())


def test_a_stop_before_the_first_mini_batch_leaves_the_first_weights(odd: ImageSet) -> None:
    net, events = run(odd, TUTORIAL, control=Control(stop=True))
    assert [type(event) for event in events] == [Started, Checkpointed, Finished]
    assert events[-1] == Finished("stopped", 0)
    assert same(net.state_dict(), new_net(TUTORIAL.seed).state_dict()) and checkpoint_of(events).momentum == {}


def test_a_stop_after_the_last_mini_batch_comes_too_late(odd: ImageSet) -> None:
    control = Control()
    for event in train(new_net(0), odd, TUTORIAL, control=control):
        control.stop = isinstance(event, Progress) and event.step == 68
    assert event == Finished("done", 68)


class StopsInBetween(Control):
    """Its stop comes true when it has been read so many times: as if a signal came at that very moment."""

    def __init__(self, readings: int) -> None:
        self.readings, self.checkpoint, self.changes = readings, False, []

    @property
    def stop(self) -> bool:  # type: ignore[override]
        self.readings -= 1
        return self.readings < 0


@pytest.mark.usefixtures("point_every_7")
def test_whenever_a_stop_comes_every_step_until_then_is_reported_and_the_others_can_follow(odd: ImageSet) -> None:
    config = replace(TUTORIAL, epochs=1)
    _, whole = run(odd, config)
    for readings in range(34):
        _, events = run(odd, config, control=StopsInBetween(readings))
        last = events[-1]
        assert isinstance(last, Finished), readings
        reported_steps = [event.step for event in events if isinstance(event, Progress)]
        assert last.step == (reported_steps[-1] if reported_steps else 0), readings
        assert last.step <= readings, "it is read once per mini-batch"
        assert checkpoint_of(events).position.step == last.step, readings
        if readings % 8 == 1:
            _, later = run(odd, config, resume=checkpoint_of(events))
            assert lines_of(events) + lines_of(later) == lines_of(whole), readings


@pytest.mark.parametrize("step", [1, 34, 40])
def test_dropping_the_training_leaves_the_net_after_the_last_step_reported(odd: ImageSet, step: int) -> None:
    net = new_net(TUTORIAL.seed)
    training = train(net, odd, TUTORIAL)
    for event in training:
        if isinstance(event, Progress) and event.step == step:
            break
    assert isinstance(training, Iterator)
    del training
    assert same(net.state_dict(), weights_after(odd, TUTORIAL, step))


# ---------------------------------------------------------------------------------------------------- checkpoints


def with_all_checkpoints(image_set: ImageSet, config: TrainConfig) -> list[TrainEvent]:
    """The events of a training with a checkpoint after each point."""
    control, events = Control(), []
    for event in train(new_net(config.seed), image_set, config, control=control):
        control.checkpoint = True
        events.append(event)
    return events


@pytest.mark.parametrize("config", [TUTORIAL, EVERYTHING], ids=["as in the tutorial", "augmentation and one cycle"])
@pytest.mark.usefixtures("point_every_7")
def test_going_on_from_a_checkpoint_equals_never_having_stopped(
    odd: ImageSet, config: TrainConfig, tmp_path: Path
) -> None:
    whole = with_all_checkpoints(odd, config)
    taken = [at for at, event in enumerate(whole) if isinstance(event, Checkpointed)]
    assert len(taken) > 10  # within a line of the log, at its end, at the end of an epoch, at the end of all
    for at in taken if config is TUTORIAL else taken[1::3]:
        checkpointed = whole[at]
        assert isinstance(checkpointed, Checkpointed)
        save_checkpoint(checkpointed.checkpoint, tmp_path / "run.checkpoint")
        resume = load_checkpoint(tmp_path / "run.checkpoint")
        _, later = run(odd, replace(config), resume=resume, control=None)
        assert later[0] == Started(steps=config.steps(len(odd)), step=resume.position.step)
        expected = [shown(event) for event in whole[at + 1 :] if not isinstance(event, Checkpointed)]
        assert [shown(event) for event in later[1:] if not isinstance(event, Checkpointed)] == expected
        final, expected_final = checkpoint_of(later), checkpoint_of(whole)
        assert same(final.weights, expected_final.weights)
        assert same(final.momentum, expected_final.momentum) and len(final.momentum) == 10


def test_going_on_after_a_stop_equals_never_having_stopped(odd: ImageSet) -> None:
    whole_net, whole = run(odd, EVERYTHING)
    net, control, events = new_net(EVERYTHING.seed), Control(), []
    for event in train(net, odd, EVERYTHING, control=control):
        events.append(event)
        control.stop = isinstance(event, Progress) and event.step == 23
    later_net, later = run(odd, EVERYTHING, resume=checkpoint_of(events))
    assert losses_of(events) + losses_of(later) == losses_of(whole)
    assert lines_of(events) + lines_of(later) == lines_of(whole)
    assert same(later_net.state_dict(), whole_net.state_dict())


def test_a_checkpoint_does_not_change_while_the_training_goes_on(odd: ImageSet) -> None:
    control, saved = Control(checkpoint=True), []
    for event in train(new_net(TUTORIAL.seed), odd, TUTORIAL, control=control):
        if isinstance(event, Checkpointed):
            saved.append(event.checkpoint)
    first = saved[0]
    assert len(saved) == 2 and (first.position.step, saved[1].position.step) == (1, 68)
    assert same(first.weights, weights_after(odd, TUTORIAL, 1))
    for _ in range(2):  # nor by being resumed from
        later = run(odd, TUTORIAL, resume=first)[1]
        assert first.position.step == 1
        assert same(checkpoint_of(later).weights, saved[1].weights)
        assert same(checkpoint_of(later).momentum, saved[1].momentum)


def test_resuming_what_is_already_finished_only_finishes(odd: ImageSet) -> None:
    _, events = run(odd, TUTORIAL)
    for config in (TUTORIAL, replace(TUTORIAL, epochs=1)):
        net, later = run(odd, config, resume=checkpoint_of(events))
        assert [type(event) for event in later] == [Started, Checkpointed, Finished]
        assert later[-1] == Finished("done", 68)
        assert same(net.state_dict(), checkpoint_of(events).weights)


class Malicious:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self.trace,)


def test_a_foreign_file_is_no_checkpoint(odd: ImageSet, tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    save_checkpoint(checkpoint_of(run(odd, TUTORIAL)[1]), path)
    content = torch.load(path)
    foreign: dict[str, Any] = {
        "weights alone": new_net(0).state_dict(),
        "a list": [1, 2],
        "no position": {**content, "position": {}} | {"position": None},
        "an unknown position": {**content, "position": {"page": 3}},
        "words for a position": {**content, "position": {**content["position"], "step": "many"}},
        "a negative position": {**content, "position": {**content["position"], "seen": -4}},
        "no momentum": {"weights": content["weights"], "position": content["position"]},
        "momentum of another shape": {**content, "momentum": {"fc3.bias": torch.zeros(3)}},
        "momentum that is none": {**content, "momentum": [1, 2]},
        "other weights": {**content, "weights": {"fc1.weight": torch.zeros(3, 3)}},
        "malicious": {**content, "position": Malicious(tmp_path / "trace")},
    }
    for what, thing in foreign.items():
        torch.save(thing, path)
        with pytest.raises(WeightsError, match=r"^run\.checkpoint is no checkpoint of this Net; start .* anew\.$"):
            load_checkpoint(path)
            pytest.fail(what)
    assert not (tmp_path / "trace").exists()
    for bytes_ in (b"", b"hello"):
        path.write_bytes(bytes_)
        with pytest.raises(WeightsError, match="is no checkpoint"):
            load_checkpoint(path)
    with pytest.raises(WeightsError):
        load_checkpoint(tmp_path / "missing.checkpoint")


def test_a_checkpoint_is_no_weights_file_but_its_weights_are(odd: ImageSet, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(run(odd, TUTORIAL)[1])
    save_weights(checkpoint.weights, tmp_path / "net.pth")
    net = tutorial.Net()
    net.load_state_dict(torch.load(tmp_path / "net.pth"))
    assert same(net.state_dict(), checkpoint.weights)


def test_a_checkpoint_of_an_earlier_version_is_still_read(odd: ImageSet, tmp_path: Path) -> None:
    path = tmp_path / "5.resume"
    checkpoint = checkpoint_of(run(odd, TUTORIAL, validation=odd)[1])
    save_checkpoint(checkpoint, path)
    content = torch.load(path)
    content["position"]["probes"] = content["position"].pop("validations")  # its name until 2026-11
    torch.save(content, path)
    assert load_checkpoint(path).position == checkpoint.position and checkpoint.position.validations > 0
