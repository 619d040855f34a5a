"""Classic mistakes, each made in the real loop on purpose: the line that is wrong, what goes wrong, and how it shows.

The setting `mistake` puts one of them in. Where it is made stands beside the right code in `step.py`, `order.py`,
`train.py` and `evaluate.py`; nothing else about the training changes, so that a twin without it shows the difference.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet, Splits

if TYPE_CHECKING:
    from cifar_core.pixels import Prepare


@dataclass(frozen=True)
class Mistake:
    """One mistake in the words of a lesson."""

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
    """what stands in its place: nothing where the line is missing, two lines where one is too many"""


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
"""The tutorial's training in short: what each mistake changes is a line of it. In braces stand settings."""


@dataclass(frozen=True)
class CodeLine:
    """A line of the training in short."""

    text: str
    changed: bool
    """whether it is the one that is not the same in both"""


MISTAKES: dict[str, Mistake] = {
    "no_zero_grad": Mistake(
        "Gradients are never cleared",
        "optimizer.zero_grad() is missing: every update adds the gradients of all mini-batches before it.",
        "The steps grow longer and longer. The loss soon climbs far above the 2.30 of guessing, into the hundreds and "
        "beyond, and may end as NaN; the accuracy is that of guessing.",
        right="        optimizer.zero_grad()",
        wrong="",
    ),
    "softmax": Mistake(
        "Softmax before the loss",
        "The Net's outputs go through softmax before CrossEntropyLoss, which has a softmax of its own inside.",
        "Learning begins late and is slow, and the loss cannot fall below 1.46: after two softmaxes even a perfect "
        "answer is only 23 % sure. The accuracy still rises, which is why this mistake is often overlooked.",
        right="        loss = F.cross_entropy(outputs, labels)",
        wrong="        loss = F.cross_entropy(F.softmax(outputs, dim=1), labels)",
    ),
    "no_shuffle": Mistake(
        "No shuffling",
        "The training images come in stored order, the same in every epoch.",
        "CIFAR-10 is stored well mixed, so on it almost nothing is to be seen. On pictures that are stored class by "
        "class the loss falls near zero, jumps at every new class, and the Net answers with the class it saw last.",
        subtle=True,
        right="loader = DataLoader(trainset, batch_size={batch_size}, shuffle=True)",
        wrong="loader = DataLoader(trainset, batch_size={batch_size}, shuffle=False)",
    ),
    "shuffled_labels": Mistake(
        "Labels mixed up",
        "The training labels are put in another order than the pictures: every picture has somebody else's label.",
        "The loss stays near 2.30 and the accuracy near 10 %, as when guessing. Trained for many epochs, a Net can "
        "still learn the wrong labels by heart.",
        right='trainset = CIFAR10("data", train=True, transform=transform)',
        wrong='trainset = CIFAR10("data", train=True, transform=transform)\nrandom.shuffle(trainset.targets)',
    ),
    "no_normalize": Mistake(
        "Tested without Normalize",
        "The test images go into the Net as numbers from 0 to 1; it was trained on numbers from -1 to 1.",
        "The loss curve is exactly the twin's. Only the accuracy is lower: the Net is asked about pictures that are "
        "far too bright and pale for it.",
        right='testset = CIFAR10("data", train=False, transform=transform)',
        wrong='testset = CIFAR10("data", train=False, transform=ToTensor())',
    ),
    "lr_ten": Mistake(
        "Learning rate ten times too large",
        "The optimizer gets ten times the learning rate, and momentum makes each step about ten times longer again.",
        "The loss falls a little at first, even faster than the twin's. Then it stays high, and the accuracy jumps up "
        "and down. It may also stop at 2.30, where the Net gives every picture the same answer.",
        right="optimizer = SGD(net.parameters(), lr={lr:g}, momentum={momentum:g})",
        wrong="optimizer = SGD(net.parameters(), lr={ten_times:g}, momentum={momentum:g})",
    ),
    "other_parameters": Mistake(
        "Optimizer of another Net",
        "The optimizer was given the parameters of another Net: this Net's weights are never updated.",
        "The loss is flat at 2.30 from the first step to the last, and the accuracy stays what it was by chance.",
        right="optimizer = SGD(net.parameters(), lr={lr:g}, momentum={momentum:g})",
        wrong="optimizer = SGD(Net().parameters(), lr={lr:g}, momentum={momentum:g})",
    ),
    "test_data": Mistake(
        "Trained on the test images",
        "The training loader reads the test images.",
        "Nothing in the curves gives it away. At first the twin is even behind, for its epoch has fewer images. But "
        "its accuracy is that on pictures it was trained with, so it goes on rising as they are learned by heart, and "
        "tells nothing of new pictures.",
        subtle=True,
        right='trainset = CIFAR10("data", train=True, transform=transform)',
        wrong='trainset = CIFAR10("data", train=False, transform=transform)',
    ),
}
"""by the word in the setting `mistake`"""


def training_images(config: TrainConfig, splits: Splits) -> ImageSet:
    """The pictures that are trained on."""
    return splits.test if config.mistake == "test_data" else splits.train


def prepare_for(config: TrainConfig) -> "Prepare":
    """Return how the images of a test become the Net's inputs."""
    from cifar_core.pixels import normalize, to_floats

    return to_floats if config.mistake == "no_normalize" else normalize


def code_of(mistake: str, config: TrainConfig) -> tuple[list[CodeLine], list[CodeLine]]:
    """The training in short with these settings: as it is right, and with this mistake.

    A line that is missing is an empty one that is changed.
    """
    values = {**config.to_json(), "ten_times": 10 * config.lr}
    made = MISTAKES[mistake]
    right, wrong = [made.right], made.wrong.split("\n")
    healthy = [CodeLine(line.format(**values), line in right and line not in wrong) for line in CODE]
    changed = []
    for line in CODE:
        instead = wrong if line in right else [line]
        changed += [CodeLine(new.format(**values), line in right and new not in right) for new in instead]
    return healthy, changed
