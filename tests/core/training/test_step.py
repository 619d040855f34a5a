"""One step: recorded or not, in 32 bits or 16, it learns the same; and it waits for the device only to report."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.net import new_net
from cifar_core.pixels import normalize
from cifar_core.training.batches import PREFETCH, BatchLoader
from cifar_core.training.events import Change, Control, Progress, TrainEvent
from cifar_core.training.loop import train
from cifar_core.training.sampler import EpochSampler
from cifar_core.training.step import Learn, Step, convolutions

CONFIG = TrainConfig(batch_size=8, lr=0.01, weight_decay=1e-3, label_smoothing=0.1, seed=2)


def batches(splits: Splits, config: TrainConfig = CONFIG) -> list[tuple[Tensor, Tensor]]:
    """One epoch's mini-batches."""
    images, labels = torch.from_numpy(splits.train.images), torch.from_numpy(splits.train.labels)
    feed = BatchLoader(EpochSampler.make(config, 0, len(labels)), images, labels)
    return [feed.batch(first, config.batch_size) for first in range(0, len(labels), config.batch_size)]


def stand_in(learn: Learn, inputs: Tensor, labels: Tensor) -> Learn:
    """Behaves as `capture` does, without a GPU: trains three times, then answers for this one shape of mini-batch."""
    inputs, labels = inputs.clone(), labels.clone()
    for _ in range(3):
        learn(inputs, labels)

    def replay(new_inputs: Tensor, new_labels: Tensor) -> Tensor:
        assert new_inputs.shape == inputs.shape, "a recorded step has one batch size"
        inputs.copy_(new_inputs)
        labels.copy_(new_labels)
        return learn(inputs, labels).clone()

    return replay


def losses_of(step: Step, parts: list[tuple[Tensor, Tensor]]) -> list[float]:
    return [step(inputs, labels).item() for inputs, labels in parts]


def same_weights(one: Step, other: Step) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.net.parameters(), other.net.parameters(), strict=True))


def a_pair(config: TrainConfig = CONFIG) -> tuple[Step, Step]:
    """One plain step, one that is recorded."""
    plain, recorded = (Step(new_net(config.seed), config, "cpu") for _ in range(2))
    recorded.record = stand_in
    return plain, recorded


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, momentum=0.0)], ids=["momentum", "none"])
def test_what_a_recording_trains_is_undone_before_it_counts(tiny: Splits, config: TrainConfig) -> None:
    plain, recorded = a_pair(config)
    assert losses_of(recorded, batches(tiny)[:20]) == losses_of(plain, batches(tiny)[:20])
    assert same_weights(plain, recorded)
    assert list(recorded.recorded) == [8]


def test_a_recording_in_the_middle_keeps_weights_and_momentum(tiny: Splits) -> None:
    plain, recorded = a_pair()
    small = replace(CONFIG, batch_size=3)
    parts = batches(tiny)[:5] + batches(tiny, small)[:5] + batches(tiny)[5:9]
    assert losses_of(recorded, parts) == losses_of(plain, parts)
    assert same_weights(plain, recorded)
    assert list(recorded.recorded) == [8, 3]


def test_another_learning_rate_or_momentum_is_in_force_at_once_when_recorded(tiny: Splits) -> None:
    plain, recorded = a_pair()
    for lr, momentum in ((0.01, 0.9), (0.05, 0.9), (0.05, 0.2)):
        for step in (plain, recorded):
            step.set(lr, momentum, 8)
        assert losses_of(recorded, batches(tiny)[:6]) == losses_of(plain, batches(tiny)[:6])
    assert same_weights(plain, recorded)


def test_a_state_put_back_gives_the_same_steps_again(tiny: Splits) -> None:
    step, _ = a_pair()
    losses_of(step, batches(tiny)[:3])
    state = step.state()
    losses = losses_of(step, batches(tiny)[3:9])
    step.restore(*state)
    assert losses_of(step, batches(tiny)[3:9]) == losses


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_16_bits_learn_nearly_the_same(tiny: Splits, precision: str) -> None:
    full, half = (Step(new_net(2), replace(CONFIG, precision=kind), "cpu") for kind in ("float32", precision))
    expected, losses = losses_of(full, batches(tiny)[:30]), losses_of(half, batches(tiny)[:30])
    assert losses != expected
    assert losses == pytest.approx(expected, abs=0.05)
    for (name, weight), other in zip(half.net.named_parameters(), full.net.parameters(), strict=True):
        assert weight.dtype == torch.float32
        assert torch.allclose(weight, other, atol=0.02), name


def test_only_very_small_mini_batches_on_a_cpu_leave_onednn_aside() -> None:
    def used(device: str, batch_size: int) -> bool:
        with convolutions(device, batch_size):
            return bool(torch.backends.mkldnn.enabled)

    assert [used("cpu", size) for size in (1, 4, 5, 64)] == [False, False, True, True]
    assert used("cuda", 4)
    assert torch.backends.mkldnn.enabled


def test_an_error_in_a_step_leaves_the_choice_of_convolutions_as_it_was() -> None:
    with pytest.raises(ZeroDivisionError), convolutions("cpu", 4):
        raise ZeroDivisionError
    assert torch.backends.mkldnn.enabled


def test_the_feed_gives_every_picture_once_in_the_seeds_order_however_the_batches_are_cut() -> None:
    count = 2 * PREFETCH + 100
    images = torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8)
    labels = torch.arange(count)
    for config in (CONFIG, replace(CONFIG, augment="flip_shift")):
        order = EpochSampler.make(config, 0, count)
        feed, first, seen = BatchLoader(order, images, labels), 0, []
        for size in [4] * 100 + [7] * 100 + [PREFETCH + 50, 3, 1, 400]:
            inputs, targets = feed.batch(first, size)
            assert torch.equal(inputs, normalize(order.pictures(images, slice(first, first + size))))
            seen += targets.tolist()
            first += len(targets)
        assert seen == order.indices.tolist()


# ------------------------------------------------------------------------------------- counted, where a clock would lie


def test_losses_are_read_only_to_report(tiny: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()
    for name in ("item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__"):
        original = getattr(Tensor, name)

        def counted(tensor: Tensor, *values: Any, _name: str = name, _original: Any = original, **more: Any) -> Any:
            read[_name] += 1
            return _original(tensor, *values, **more)

        monkeypatch.setattr(Tensor, name, counted)
    config = TrainConfig(epochs=40, batch_size=4)
    events: list[TrainEvent] = []
    for event in train(new_net(0), tiny.train, config):
        events.append(event)
    reports = sum(isinstance(event, Progress) for event in events)
    assert reports * 3 < config.steps(len(tiny.train))
    assert read.pop("tolist") == reports
    assert read.pop("cpu") == 2 * len(new_net(0).state_dict())  # the last checkpoint: weights and momentum
    assert not read


def test_a_long_training_keeps_no_more_tensors_than_a_short_one(tiny: Splits) -> None:
    import gc

    def tensors() -> int:
        gc.collect()
        return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())

    counts = []
    for event in train(new_net(0), tiny.train, TrainConfig(epochs=8, batch_size=4)):
        if isinstance(event, Progress) and event.images % len(tiny.train) == 0:
            counts.append(tensors())
    assert len(counts) == 8 and max(counts[1:]) == min(counts[1:])


# ---------------------------------------------------------------------------------------------------------- on a GPU


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
@pytest.mark.parametrize("changes", [[], [Change("lr", 0.003, 500), Change("batch_size", 16, 900)]])
def test_replayed_steps_equal_the_eager_loops_on_a_gpu(
    tiny: Splits, changes: list[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    def losses() -> list[float]:
        config = TrainConfig(epochs=30, batch_size=4, seed=5)
        control = Control(changes=list(changes))
        events = train(new_net(5), tiny.train, config, device="cuda", control=control)
        return [event.loss for event in events if isinstance(event, Progress)]

    replayed = losses()
    monkeypatch.setattr("cifar_core.training.step.capture", lambda learn, inputs, labels: learn)
    assert replayed == pytest.approx(losses(), rel=1e-3, abs=1e-3)
