"""One step: captured or not, in 32 bits or 16, it learns the same; and it waits for the device only to report."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.net import new_net
from cifar_core.pixels import normalize
from cifar_core.training.batches import PREFETCH, BatchLoader
from cifar_core.training.control import Change, Control
from cifar_core.training.convolution import convolutions
from cifar_core.training.cuda_graph import Captured
from cifar_core.training.events import Progress, TrainEvent
from cifar_core.training.learner import Learner
from cifar_core.training.loop import train
from cifar_core.training.sampler import EpochSampler
from cifar_core.training.step import StepFn

CONFIG = TrainConfig(batch_size=8, lr=0.01, weight_decay=1e-3, label_smoothing=0.1, seed=2)


def batches(splits: Splits, config: TrainConfig = CONFIG) -> list[tuple[Tensor, Tensor]]:
    """One epoch's mini-batches."""
    images, labels = torch.from_numpy(splits.train.images), torch.from_numpy(splits.train.labels)
    loader = BatchLoader(EpochSampler.for_epoch(config, 0, len(labels)), images, labels)
    return [loader.batch(first, config.batch_size) for first in range(0, len(labels), config.batch_size)]


def stand_in(step: StepFn, inputs: Tensor, labels: Tensor) -> StepFn:
    """Behaves as `capture` does, without a GPU: trains three times, then works for this one shape of mini-batch."""
    inputs, labels = inputs.clone(), labels.clone()
    for _ in range(3):
        step(inputs, labels)

    def replay(new_inputs: Tensor, new_labels: Tensor) -> Tensor:
        assert new_inputs.shape == inputs.shape, "a captured step has one batch size"
        inputs.copy_(new_inputs)
        labels.copy_(new_labels)
        return step(inputs, labels).clone()

    return replay


def losses_of(learner: Learner, parts: list[tuple[Tensor, Tensor]]) -> list[float]:
    return [learner.step(inputs, labels).item() for inputs, labels in parts]


def weights_of(learner: Learner) -> list[Tensor]:
    return list(learner.state.net.parameters())


def same_weights(one: Learner, other: Learner) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True))


def a_learner(config: TrainConfig = CONFIG) -> Learner:
    return Learner(new_net(config.seed), config, "cpu")


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Learner]:
    """Makes a learner whose step is captured as on a GPU."""
    monkeypatch.setattr("cifar_core.training.cuda_graph.capture", stand_in)

    def make(config: TrainConfig = CONFIG) -> Learner:
        learner = a_learner(config)
        learner.fast_step = Captured(learner.fast_step, learner.state)
        return learner

    return make


def sizes_of(learner: Learner) -> list[int]:
    """The sizes of mini-batches that are captured."""
    assert isinstance(learner.fast_step, Captured)
    return list(learner.fast_step.graphs)


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, momentum=0.0)], ids=["momentum", "none"])
def test_what_a_capture_trains_is_undone_before_it_counts(
    tiny: Splits, config: TrainConfig, captured: Callable[..., Learner]
) -> None:
    plain, replayed = a_learner(config), captured(config)
    assert losses_of(replayed, batches(tiny)[:20]) == losses_of(plain, batches(tiny)[:20])
    assert same_weights(plain, replayed)
    assert sizes_of(replayed) == [8]


def test_a_capture_in_the_middle_restores_weights_and_momentum(tiny: Splits, captured: Callable[..., Learner]) -> None:
    plain, replayed = a_learner(), captured()
    small = replace(CONFIG, batch_size=3)
    parts = batches(tiny)[:5] + batches(tiny, small)[:5] + batches(tiny)[5:9]
    assert losses_of(replayed, parts) == losses_of(plain, parts)
    assert same_weights(plain, replayed)
    assert sizes_of(replayed) == [8, 3]


def test_another_learning_rate_or_momentum_is_in_force_at_once_when_captured(
    tiny: Splits, captured: Callable[..., Learner]
) -> None:
    plain, replayed = a_learner(), captured()
    graphs = []
    for lr, momentum in ((0.01, 0.9), (0.05, 0.9), (0.05, 0.2)):
        for learner in (plain, replayed):
            learner.set(lr, momentum, 8)
        assert losses_of(replayed, batches(tiny)[:6]) == losses_of(plain, batches(tiny)[:6])
        assert isinstance(replayed.fast_step, Captured)
        graphs.append(replayed.fast_step.graphs[8])
    assert same_weights(plain, replayed)
    # a GPU reads the learning rate anew, but the momentum is a number within the graph
    assert graphs[0] is graphs[1] is not graphs[2]


def test_a_state_put_back_gives_the_same_steps_again(tiny: Splits) -> None:
    learner = a_learner()
    losses_of(learner, batches(tiny)[:3])
    state = learner.state.copy()
    losses = losses_of(learner, batches(tiny)[3:9])
    learner.state.restore(*state)
    assert losses_of(learner, batches(tiny)[3:9]) == losses


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_16_bits_learn_nearly_the_same(tiny: Splits, precision: str) -> None:
    full, half = (Learner(new_net(2), replace(CONFIG, precision=kind), "cpu") for kind in ("float32", precision))
    expected, losses = losses_of(full, batches(tiny)[:30]), losses_of(half, batches(tiny)[:30])
    assert losses != expected
    assert losses == pytest.approx(expected, abs=0.05)
    for weight, other in zip(weights_of(half), weights_of(full), strict=True):
        assert weight.dtype == torch.float32
        assert torch.allclose(weight, other, atol=0.02)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_16_bits_are_computed_as_in_a_loop_written_out(tiny: Splits, precision: str) -> None:
    config, scale = replace(CONFIG, precision=precision), 1024.0 if precision == "float16" else 1.0
    learner, net = Learner(new_net(2), config, "cpu"), new_net(2)
    optimizer = torch.optim.SGD(
        net.parameters(), lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay, fused=True
    )
    wanted = []
    for inputs, labels in batches(tiny)[:10]:
        optimizer.zero_grad()
        with torch.autocast("cpu", getattr(torch, precision)):
            loss = F.cross_entropy(net(inputs), labels, label_smoothing=config.label_smoothing)
        (loss * scale).backward()  # type: ignore[no-untyped-call]
        for weight in net.parameters():
            assert weight.grad is not None
            weight.grad /= scale
        optimizer.step()
        wanted.append(loss.item())
    assert losses_of(learner, batches(tiny)[:10]) == wanted
    assert all(torch.equal(a, b) for a, b in zip(weights_of(learner), net.parameters(), strict=True))


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


def test_the_loader_gives_every_image_once_in_the_seeds_order_however_the_batches_are_cut() -> None:
    count = 2 * PREFETCH + 100
    images = torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8)
    labels = torch.arange(count)
    for config in (CONFIG, replace(CONFIG, augment="flip_shift")):
        order = EpochSampler.for_epoch(config, 0, count)
        loader, first, seen = BatchLoader(order, images, labels), 0, []
        for size in [4] * 100 + [7] * 100 + [PREFETCH + 50, 3, 1, 400]:
            inputs, targets = loader.batch(first, size)
            assert torch.equal(inputs, normalize(order.images_at(slice(first, first + size), images)))
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
    monkeypatch.setattr("cifar_core.training.progress.progress_every", lambda config, images: 20)
    config = TrainConfig(epochs=4, batch_size=4)
    events: list[TrainEvent] = []
    for event in train(new_net(0), tiny.train, config):
        events.append(event)
    reports = sum(isinstance(event, Progress) for event in events)
    assert reports * 3 < config.steps(len(tiny.train))
    assert read.pop("tolist") == reports
    assert read.pop("cpu") == 2 * len(new_net(0).state_dict())  # the last checkpoint: weights and momentum
    assert not read


def test_a_long_training_holds_no_more_tensors_than_a_short_one(tiny: Splits) -> None:
    import gc

    def tensors() -> int:
        gc.collect()
        return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())

    counts = []
    some = tiny.train.first(100)
    for event in train(new_net(0), some, TrainConfig(epochs=5, batch_size=4)):
        if isinstance(event, Progress) and event.images in (2 * len(some), 5 * len(some)):
            counts.append(tensors())
    assert len(counts) == 2 and counts[0] == counts[1]


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
    monkeypatch.setattr("cifar_core.training.cuda_graph.capture", lambda step, inputs, labels: step)
    assert replayed == pytest.approx(losses(), rel=1e-3, abs=1e-3)
