"""Classic mistakes, each made in the real loop on purpose: the line that is wrong, what goes wrong, and how it shows.

The setting `mistake` selects one. It wraps the one part of the training that it breaks; nothing else changes.
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet, Splits

if TYPE_CHECKING:  # torch takes seconds to load, and the words are needed before
    from torch import Tensor
    from torch.nn import Parameter

    from cifar_core.net import Net
    from cifar_core.pixels import Prepare
    from cifar_core.training.step import LossFn, Optimizer


def unchanged(part: Any, *more: Any) -> Any:
    """Return a part of the training as it is."""
    return part


class NeverCleared:
    """An optimizer that clears no gradients."""

    def __init__(self, optimizer: "Optimizer") -> None:
        self.step = optimizer.step

    def zero_grad(self) -> None: ...


def mixed_up(labels: "Tensor", seed: int) -> "Tensor":
    """Return the labels in another order, drawn from the seed."""
    import torch

    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))]


def without_normalize(prepare: "Prepare") -> "Prepare":
    """Return ToTensor alone."""
    from cifar_core.pixels import to_floats

    return to_floats


@dataclass(frozen=True)
class Mistake:
    """One mistake in the words of a lesson, and the part of the training that it wraps."""

    label: str
    what: str
    """what the code does wrong"""
    look_for: str
    """what to look for in the curves, in a sentence or two"""
    subtle: bool = False
    """whether it hardly shows within a minute, which is worth knowing too"""
    right: str = ""
    """the line of CODE that is concerned"""
    wrong: str = ""
    """what stands in its place: nothing if the line is missing, two lines if one is too many"""

    images: Callable[[Any], Any] = lambda splits: splits.train
    """which images are trained on"""
    labels: "Callable[[Tensor, int], Tensor]" = unchanged
    """of the training images, int64 (count,); the int is the seed"""
    order: "Callable[[Tensor], Tensor]" = unchanged
    """of the images in an epoch: their indices, int64 (count,)"""
    parameters: "Callable[[Net], Iterable[Parameter]]" = lambda net: net.parameters()
    """what the optimizer updates"""
    optimizer: "Callable[[Optimizer], Optimizer]" = unchanged
    criterion: "Callable[[LossFn], LossFn]" = unchanged
    learning_rate: Callable[[float], float] = unchanged
    prepare: "Callable[[Prepare], Prepare]" = unchanged
    """how the images of a test become the Net's inputs"""
    keeps_gradients: bool = False
    """whether a mini-batch's gradients outlive its step, and so belong to a checkpoint"""


CODE = (
    "transform = Compose([ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])",
    'trainset = CIFAR10("data", train=True, transform=transform)',
    'testset = CIFAR10("data", train=False, transform=transform)',
    "loader = DataLoader(trainset, batch_size={batch_size}, shuffle=True)",
    "net = Net()",
    "optimizer = SGD(net.parameters(), lr={lr:g}, momentum={momentum:g})",
    "",
    "for epoch in range({epochs}):",
    "    for inputs, labels in loader:",
    "        optimizer.zero_grad()",
    "        outputs = net(inputs)",
    "        loss = F.cross_entropy(outputs, labels)",
    "        loss.backward()",
    "        optimizer.step()",
)
"""The tutorial's training in short; each mistake changes one line of it. Settings stand in braces."""


@dataclass(frozen=True)
class CodeLine:
    text: str
    changed: bool
    """whether it is the line that differs"""


MISTAKES: dict[str, Mistake] = {
    "no_zero_grad": Mistake(
        "Gradients are never cleared",
        "optimizer.zero_grad() is missing: every update adds the gradients of all mini-batches before it.",
        "The steps grow longer and longer. The loss soon climbs far above the 2.30 of guessing, into the hundreds and "
        "beyond, and may end as NaN; the accuracy is that of guessing.",
        right="        optimizer.zero_grad()",
        optimizer=NeverCleared,
        keeps_gradients=True,
    ),
    "softmax": Mistake(
        "Softmax before the loss",
        "The Net's outputs go through softmax before CrossEntropyLoss, which has its own softmax inside.",
        "Learning begins late and is slow, and the loss cannot fall below 1.46: after two softmaxes even a perfect "
        "prediction has only 23 %. The accuracy still rises, which is why this mistake is often overlooked.",
        right="        loss = F.cross_entropy(outputs, labels)",
        wrong="        loss = F.cross_entropy(F.softmax(outputs, dim=1), labels)",
        criterion=lambda criterion: lambda outputs, labels: criterion(outputs.softmax(dim=1), labels),
    ),
    "no_shuffle": Mistake(
        "No shuffling",
        "The training images come in stored order, the same in every epoch.",
        "CIFAR-10 is stored well mixed, so it shows almost nothing. With images that are stored class by class the "
        "loss falls near zero, jumps at every new class, and the Net predicts the class it saw last.",
        subtle=True,
        right="loader = DataLoader(trainset, batch_size={batch_size}, shuffle=True)",
        wrong="loader = DataLoader(trainset, batch_size={batch_size}, shuffle=False)",
        order=lambda indices: indices.sort().values,
    ),
    "shuffled_labels": Mistake(
        "Labels mixed up",
        "The training labels are put in another order than the images: every image has the label of another one.",
        "The loss stays near 2.30 and the accuracy near 10 %, as when guessing. Trained for many epochs, a Net can "
        "still learn the wrong labels by heart.",
        right='trainset = CIFAR10("data", train=True, transform=transform)',
        wrong='trainset = CIFAR10("data", train=True, transform=transform)\nrandom.shuffle(trainset.targets)',
        labels=mixed_up,
    ),
    "no_normalize": Mistake(
        "Tested without Normalize",
        "The test images go into the Net as numbers from 0 to 1; it was trained on numbers from -1 to 1.",
        "The loss curve is exactly the baseline's. Only the accuracy is lower: the Net is tested with images that are "
        "far too bright and pale for it.",
        right='testset = CIFAR10("data", train=False, transform=transform)',
        wrong='testset = CIFAR10("data", train=False, transform=ToTensor())',
        prepare=without_normalize,
    ),
    "lr_ten": Mistake(
        "Learning rate ten times too large",
        "The optimizer gets ten times the learning rate, and momentum makes each step about ten times longer again.",
        "The loss falls a little at first, even faster than the baseline's. Then it stays high, and the accuracy jumps "
        "up and down. It may also stop at 2.30, where the Net predicts the same for every image.",
        right="optimizer = SGD(net.parameters(), lr={lr:g}, momentum={momentum:g})",
        wrong="optimizer = SGD(net.parameters(), lr={ten_times:g}, momentum={momentum:g})",
        learning_rate=lambda lr: 10 * lr,
    ),
    "other_parameters": Mistake(
        "Optimizer of another Net",
        "The optimizer was given the parameters of another Net: this Net's weights are never updated.",
        "The loss is flat at 2.30 from the first step to the last, and the accuracy stays what it was by chance.",
        right="optimizer = SGD(net.parameters(), lr={lr:g}, momentum={momentum:g})",
        wrong="optimizer = SGD(Net().parameters(), lr={lr:g}, momentum={momentum:g})",
        parameters=lambda net: copy.deepcopy(net).parameters(),
    ),
    "test_data": Mistake(
        "Trained on the test images",
        "The training loader reads the test images.",
        "Nothing in the curves gives it away. At first this run is even behind, because its epoch has fewer images. "
        "But its accuracy is measured on images it was trained with, so it goes on rising as they are learned by "
        "heart, and says nothing about new images.",
        subtle=True,
        right='trainset = CIFAR10("data", train=True, transform=transform)',
        wrong='trainset = CIFAR10("data", train=False, transform=transform)',
        images=lambda splits: splits.test,
    ),
}
"""by the word in the setting `mistake`"""


def mistake_of(config: TrainConfig) -> Mistake:
    """Return the mistake that these settings ask for; one that changes nothing if they ask for none."""
    return MISTAKES.get(config.mistake, Mistake("", "", ""))


def training_images(config: TrainConfig, splits: Splits) -> ImageSet:
    """Return the images that are trained on."""
    return mistake_of(config).images(splits)


def prepare_for(config: TrainConfig) -> "Prepare":
    """Return how the images of a test become the Net's inputs."""
    from cifar_core.pixels import normalize

    return mistake_of(config).prepare(normalize)


def code_of(mistake: str, config: TrainConfig) -> tuple[list[CodeLine], list[CodeLine]]:
    """Return the training in short with these settings, without and with this mistake.

    A missing line is an empty one that is changed.
    """
    values = {**config.to_json(), "ten_times": 10 * config.lr}
    made = MISTAKES[mistake]
    right, wrong = [made.right], made.wrong.split("\n")
    baseline = [CodeLine(line.format(**values), line in right and line not in wrong) for line in CODE]
    changed = []
    for line in CODE:
        instead = wrong if line in right else [line]
        changed += [CodeLine(new.format(**values), line in right and new not in right) for new in instead]
    return baseline, changed
