"""Each mistake is made in the real loop exactly as in its line of code, and in nothing else."""

import math
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, SequentialSampler

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data import ImageSet, Splits
from cifar_core.errors import ConfigError
from cifar_core.evaluate import evaluate
from cifar_core.mistakes import CODE, MISTAKES, code_of, training_images
from cifar_core.net import Net, new_net
from cifar_core.pixels import normalize, to_floats
from cifar_core.training.checkpoint import load_checkpoint, save_checkpoint
from cifar_core.training.control import Control
from cifar_core.training.events import Checkpointed, Progress, TrainEvent, Validated
from cifar_core.training.loop import train
from cifar_core.training.sampler import EpochSampler

CORE = Path(__file__).parents[2] / "cifar_core"

BASELINE = TrainConfig(epochs=2, batch_size=8, lr=0.01, seed=3)


@pytest.fixture(scope="module")
def some(tiny: Splits) -> ImageSet:
    return tiny.train.first(84)


def losses(image_set: ImageSet, config: TrainConfig, **options: Any) -> tuple[Net, list[float]]:
    """A whole training: the Net and the loss of each mini-batch."""
    net = new_net(config.seed)
    events = list(train(net, image_set, config, **options))
    return net, [event.loss for event in events if isinstance(event, Progress)]


def by_hand(
    image_set: ImageSet,
    config: TrainConfig,
    *,
    clear: bool = True,
    loss_of: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    lr: float | None = None,
    shuffled: bool = True,
    labels: Tensor | None = None,
    own: bool = True,
) -> tuple[Net, list[float]]:
    """The tutorial's loop with one line of it changed."""
    net = new_net(config.seed)
    trained: nn.Module = net if own else Net()
    optimizer = torch.optim.SGD(trained.parameters(), lr=lr or config.lr, momentum=config.momentum, fused=True)
    inputs = normalize(torch.from_numpy(image_set.images))
    labels = torch.from_numpy(image_set.labels) if labels is None else labels
    found = []
    for epoch in range(config.epochs):
        order = torch.arange(len(image_set))
        if shuffled:
            order = EpochSampler.for_epoch(BASELINE, epoch, len(image_set)).indices
        for chosen in torch.split(order, config.batch_size):
            if clear:
                optimizer.zero_grad()
            loss = loss_of(net(inputs[chosen]), labels[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            found.append(loss.item())
    return net, found


def mixed_up_labels(some: ImageSet) -> Tensor:
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(BASELINE.seed))
    return torch.from_numpy(some.labels)[order]


IN_THE_LOOP: dict[str, Callable[[ImageSet], dict[str, Any]]] = {
    "none": lambda some: {},
    "no_zero_grad": lambda some: {"clear": False},
    "softmax": lambda some: {"loss_of": lambda outputs, labels: F.cross_entropy(F.softmax(outputs, dim=1), labels)},
    "no_shuffle": lambda some: {"shuffled": False},
    "shuffled_labels": lambda some: {"labels": mixed_up_labels(some)},
    "lr_ten": lambda some: {"lr": 10 * BASELINE.lr},
    "other_parameters": lambda some: {"own": False},
}


@pytest.mark.parametrize("mistake", IN_THE_LOOP)
def test_a_mistake_in_the_loop_is_exactly_its_one_changed_line(some: ImageSet, mistake: str) -> None:
    net, found = losses(some, replace(BASELINE, mistake=mistake))
    wanted_net, wanted = by_hand(some, BASELINE, **IN_THE_LOOP[mistake](some))
    assert found == wanted
    for weight, other in zip(net.parameters(), wanted_net.parameters(), strict=True):
        assert torch.equal(weight, other)


@pytest.mark.parametrize("mistake", sorted(set(IN_THE_LOOP) - {"none"}))
def test_with_a_mistake_in_the_loop_the_losses_are_not_the_baselines(some: ImageSet, mistake: str) -> None:
    assert losses(some, replace(BASELINE, mistake=mistake))[1][1:] != losses(some, BASELINE)[1][1:]


def test_an_optimizer_of_another_net_leaves_every_weight_as_it_was(some: ImageSet) -> None:
    net, _ = losses(some, replace(BASELINE, mistake="other_parameters"))
    for weight, before in zip(net.parameters(), new_net(BASELINE.seed).parameters(), strict=True):
        assert torch.equal(weight, before)


def test_without_shuffling_the_augmentation_is_still_the_seeds(some: ImageSet) -> None:
    moved = replace(BASELINE, augment="flip_shift")
    baseline, stored = (EpochSampler.for_epoch(replace(moved, mistake=word), 1, 84) for word in ("none", "no_shuffle"))
    assert stored.indices.tolist() == list(range(84)) and baseline.indices.tolist() != list(range(84))
    assert baseline.shifts is not None and stored.shifts is not None and torch.equal(baseline.shifts, stored.shifts)


def test_forgetting_normalize_changes_the_predictions_and_not_the_training(some: ImageSet, tiny: Splits) -> None:
    events: dict[str, list[TrainEvent]] = {}
    nets = {word: new_net(BASELINE.seed) for word in ("none", "no_normalize")}
    for word, net in nets.items():
        events[word] = list(train(net, some, replace(BASELINE, mistake=word), validation=tiny.test))
    reported, wanted = ([event for event in events[word] if isinstance(event, Progress)] for word in nets)
    assert reported == wanted
    inputs = torch.from_numpy(tiny.test.images).permute(0, 3, 1, 2).contiguous() / 255  # from 0 to 1, and no further
    with torch.no_grad():
        logits = nets["no_normalize"](inputs)
    right = int((logits.argmax(1) == torch.from_numpy(tiny.test.labels)).sum())
    last = [event for event in events["no_normalize"] if isinstance(event, Validated)][-1]
    assert last.correct == right == evaluate(nets["none"], tiny.test, prepare=to_floats).correct
    assert last.correct != evaluate(nets["none"], tiny.test).correct


def test_training_on_the_test_images_takes_the_test_images(tiny: Splits) -> None:
    assert training_images(replace(BASELINE, mistake="test_data"), tiny) is tiny.test
    for mistake in {*FIELDS["mistake"].choices} - {"test_data"}:
        config = replace(BASELINE, mistake=mistake)
        assert training_images(config, tiny) is tiny.train


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_training_with_a_mistake_goes_on_from_its_checkpoint_bit_for_bit(
    some: ImageSet, mistake: str, tmp_path: Any
) -> None:
    config = replace(BASELINE, mistake=mistake)
    _, wanted = losses(some, config)
    control, begun, checkpoint = Control(), [], None
    for event in train(new_net(config.seed), some, config, control=control):
        if isinstance(event, Progress):
            begun.append(event.loss)
            control.stop = event.step == 9
        if isinstance(event, Checkpointed):
            checkpoint = event.checkpoint
    assert checkpoint is not None and len(begun) == 9
    save_checkpoint(checkpoint, tmp_path / "resume")
    _, later = losses(some, config, resume=load_checkpoint(tmp_path / "resume"))
    assert begun + later == wanted


def test_only_what_outlives_the_step_is_in_a_checkpoint(some: ImageSet) -> None:
    (checkpoint,) = (e.checkpoint for e in train(new_net(0), some, BASELINE) if isinstance(e, Checkpointed))
    assert checkpoint.gradients == {}


def test_each_mistake_has_words_for_a_lesson_and_a_place_among_the_settings() -> None:
    assert FIELDS["mistake"].choices == ("none", *MISTAKES)
    for mistake in MISTAKES.values():
        assert mistake.what.endswith(".") and mistake.look_for.endswith(".") and len(mistake.label) < 45


def test_no_other_part_of_the_core_knows_the_word_of_a_mistake() -> None:
    word = re.compile(f"""["']({"|".join(MISTAKES)})["']""")
    files = {str(path.relative_to(CORE)): len(word.findall(path.read_text())) for path in CORE.glob("**/*.py")}
    assert files["mistakes.py"] >= len(MISTAKES)
    # in config.py: the setting's choices, and the one combination that is not allowed
    assert {name for name, count in files.items() if count} <= {"mistakes.py", "config.py"}


def test_gradients_that_are_never_cleared_do_not_go_with_float16() -> None:
    with pytest.raises(ConfigError, match="cannot be scaled for float16"):
        TrainConfig(mistake="no_zero_grad", precision="float16")


def test_the_lowest_loss_that_a_softmax_too_many_leaves_is_the_one_its_words_name() -> None:
    sure = F.softmax(torch.eye(10)[:1] * 1e4, dim=1)  # one class at 1, all others at 0
    lowest = F.cross_entropy(sure, torch.tensor([0])).item()
    assert f"{lowest:.2f}" in MISTAKES["softmax"].look_for
    assert f"{100 * math.exp(-lowest):.0f} %" in MISTAKES["softmax"].look_for


class TinyCifar:
    """Stands for torchvision's CIFAR10, whose labels are a list called targets."""

    def __init__(self, root: str, train: bool, transform: Callable[[Any], Tensor]) -> None:
        self.targets, self.transform, self.train = list(range(10)) * (4 if train else 2), transform, train

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        return self.transform(image), self.targets[index]


class ToTensor:
    def __call__(self, image: np.ndarray) -> Tensor:
        return torch.from_numpy(image).permute(2, 0, 1) / 255


class Normalize:
    def __init__(self, mean: tuple[float, ...], spread: tuple[float, ...]) -> None:
        self.mean, self.spread = (torch.tensor(part)[:, None, None] for part in (mean, spread))

    def __call__(self, image: Tensor) -> Tensor:
        return (image - self.mean) / self.spread


class Compose:
    def __init__(self, parts: list[Callable[[Any], Any]]) -> None:
        self.parts = parts

    def __call__(self, image: Any) -> Any:
        for part in self.parts:
            image = part(image)
        return image


def executed(lines: list[str]) -> dict[str, Any]:
    """The variables of the short training after it has run on tiny data; `weights` are the Net's before it."""
    random.seed(1)
    torch.manual_seed(1)
    made: dict[str, Any] = {"CIFAR10": TinyCifar, "DataLoader": DataLoader, "SGD": torch.optim.SGD, "Net": Net, "F": F}
    made |= {"ToTensor": ToTensor, "Normalize": Normalize, "Compose": Compose, "random": random}
    lines = [
        line + "; weights = net.conv1.weight.detach().clone()" if line == "net = Net()" else line for line in lines
    ]
    exec("\n".join(lines), made)
    return made


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_training_in_short_runs_and_has_the_mistake(mistake: str) -> None:
    config = TrainConfig(epochs=1, batch_size=8, lr=0.004)
    right, wrong = ([line.text for line in lines] for lines in code_of(mistake, config))
    baseline, made = executed(right), executed(wrong)
    moved = not torch.equal(made["net"].conv1.weight, made["weights"])
    assert moved == (mistake != "other_parameters")
    (group,) = made["optimizer"].param_groups
    assert group["lr"] == (0.04 if mistake == "lr_ten" else 0.004) and group["momentum"] == 0.9
    assert isinstance(made["loader"].sampler, SequentialSampler) == (mistake == "no_shuffle")
    assert made["trainset"].train == (mistake != "test_data") and not made["testset"].train
    assert (made["trainset"].targets == baseline["trainset"].targets) == (
        mistake not in ("shuffled_labels", "test_data")
    )
    assert (made["testset"][0][0].min() >= 0) == (mistake == "no_normalize")
    sums = [loss.item() for loss in (F.cross_entropy(made["outputs"], made["labels"]), made["loss"])]
    assert (sums[0] != sums[1]) == (mistake == "softmax")
    assert ("optimizer.zero_grad()" in "".join(wrong)) == (mistake != "no_zero_grad")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_lines_that_differ_are_marked(mistake: str) -> None:
    right, wrong = code_of(mistake, BASELINE)
    assert len(right) == len(CODE) and sum(line.changed for line in wrong) == 1
    assert sum(line.changed for line in right) == (mistake != "shuffled_labels")
    same = [[line.text for line in lines if not line.changed] for lines in (right, wrong)]
    assert same[0] == same[1]
