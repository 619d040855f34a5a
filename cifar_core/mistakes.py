"""Classic mistakes, each made in the real loop on purpose: what goes wrong, and how it shows.

The setting `mistake` puts one of them in. Where it is made stands beside the right code in `step.py`, `order.py`,
`train.py` and `evaluate.py`; nothing else about the training changes, so that a twin without it shows the difference.
"""

from dataclasses import dataclass

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet, Splits


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


MISTAKES: dict[str, Mistake] = {
    "no_zero_grad": Mistake(
        "Gradients are never cleared",
        "optimizer.zero_grad() is missing: every update adds the gradients of all mini-batches before it.",
        "The steps grow longer and longer: the loss falls for a moment, then jumps or climbs, and may end as NaN.",
    ),
    "softmax": Mistake(
        "Softmax before the loss",
        "The Net's outputs go through softmax before CrossEntropyLoss, which has a softmax of its own inside.",
        "Learning is slow, and the loss cannot fall below 1.46: after two softmaxes even a perfect answer is only "
        "23 % sure. The accuracy still rises, which is why this mistake is often overlooked.",
    ),
    "no_shuffle": Mistake(
        "No shuffling",
        "The training images come in stored order, the same in every epoch.",
        "CIFAR-10 is stored well mixed, so on it almost nothing is to be seen. On pictures that are stored class by "
        "class the loss falls near zero, jumps at every new class, and the Net answers with the class it saw last.",
        subtle=True,
    ),
    "shuffled_labels": Mistake(
        "Labels mixed up",
        "The training labels are put in another order than the pictures: every picture has somebody else's label.",
        "The loss stays near 2.30 and the accuracy near 10 %, as when guessing. Trained for many epochs, a Net can "
        "still learn the wrong labels by heart.",
    ),
    "no_normalize": Mistake(
        "Tested without Normalize",
        "The test images go into the Net as numbers from 0 to 1; it was trained on numbers from -1 to 1.",
        "The loss curve is exactly the twin's. Only the accuracy is lower: the Net is asked about pictures that are "
        "far too bright and pale for it.",
    ),
    "lr_ten": Mistake(
        "Learning rate ten times too large",
        "The optimizer gets ten times the learning rate, and momentum makes each step about ten times longer again.",
        "The loss falls quickly at first, then stays high and jumpy. It may stop at 2.30, where the Net gives every "
        "picture the same answer.",
    ),
    "other_parameters": Mistake(
        "Optimizer of another Net",
        "The optimizer was given the parameters of another Net: this Net's weights are never updated.",
        "The loss is flat at 2.30 from the first step to the last, and the accuracy stays what it was by chance.",
    ),
    "test_data": Mistake(
        "Trained on the test images",
        "The training loader reads the test images.",
        "Everything looks better than it is: the accuracy is that on pictures the Net has learned by heart. An epoch "
        "is also five times shorter, for there are only 10,000 of them; train for more epochs to see it well.",
        subtle=True,
    ),
}
"""by the word in the setting `mistake`"""


def training_images(config: TrainConfig, splits: Splits) -> ImageSet:
    """The pictures that are trained on."""
    return splits.test if config.mistake == "test_data" else splits.train
