"""The settings of one training: every value with its bounds, its unit and the reason to touch it.

Each is described once, on its field; the page, its links, the endpoint /start, the command line and the check in the
training itself all follow from FIELDS.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from cifar_core.errors import ConfigError
from cifar_core.field import Field, check_settings, setting, settings_of

CHANGEABLE = ("lr", "momentum", "batch_size")
"""the settings that may change while a training runs"""

CLASSES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""The ten classes of CIFAR-10 under the tutorial's names, in the order of their labels 0 to 9."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The settings of one training. The defaults are the tutorial's, to the digit.

    Raises ConfigError, naming the setting and its bounds, if a value is not allowed: an instance is always valid.
    """

    epochs: int = setting(
        2,
        "Epochs",
        low=1,
        high=200,
        unit="passes over the training set",
        help="How many times the Net sees every training image. More epochs learn more and take proportionally longer.",
    )
    batch_size: int = setting(
        4,
        "Batch size",
        low=1,
        high=1024,
        unit="images",
        help="How many images are averaged into one update of the weights. Small batches update often and noisily; "
        "large ones run faster per image but want a larger learning rate.",
    )
    lr: float = setting(
        0.001,
        "Learning rate",
        low=1e-6,
        high=1.0,
        help="How far each update moves the weights. Too small and nothing is learned; too large and the loss jumps or "
        "becomes NaN.",
    )
    """the step length of SGD (the highest one, under the schedule one_cycle)"""
    momentum: float = setting(
        0.9,
        "Momentum",
        low=0.0,
        high=0.999,
        unit="fraction of the previous update",
        help="How much of the previous update is carried into the next one, which smooths the path. 0 switches it off; "
        "0.9 makes steps about ten times longer in a steady direction.",
    )
    """as torch.optim.SGD defines it"""
    weight_decay: float = setting(
        0.0,
        "Weight decay",
        low=0.0,
        high=0.1,
        help="How strongly every update also pulls the weights towards zero, so that the Net does not learn single "
        "images by heart. The tutorial uses none.",
    )
    """L2 penalty, as torch.optim.SGD defines it"""
    label_smoothing: float = setting(
        0.0,
        "Label smoothing",
        low=0.0,
        high=0.5,
        unit="fraction of the target",
        help="How much of the target is spread evenly over all ten classes. With 0.1 the target for the right class is "
        "91 %, not 100 %, so the Net learns less by heart. The loss then cannot reach zero. The tutorial uses none.",
    )
    """as torch.nn.CrossEntropyLoss defines it"""
    seed: int = setting(
        0,
        "Seed",
        low=0,
        high=999_999,
        help="The number that decides the Net's first random weights and the order of the images. "
        "The same seed gives the same run again.",
    )
    """of the first weights, the order of the images and the augmentation"""
    report_every: int = setting(
        2000,
        "Report every",
        low=1,
        high=100_000,
        unit="mini-batches",
        help="How many mini-batches one line of the log averages over. The tutorial prints a line every 2,000.",
    )
    augment: str = setting(
        "none",
        "Augmentation",
        choices=("none", "flip_shift"),
        help="Shows each training image a little differently every time: mirrored at random and moved by up to two "
        "pixels. The Net learns more slowly but memorises less.",
    )
    schedule: str = setting(
        "constant",
        "Schedule",
        choices=("constant", "one_cycle"),
        help="How the learning rate moves during the run: constant as in the tutorial, or one cycle, which warms up to "
        "the given rate in the first quarter and then falls to zero.",
    )
    stop_rule: str = setting(
        "none",
        "Stop rule",
        choices=("none", "patience", "accuracy"),
        help="When to end before the last epoch: never, when no line of the log has been better for a while "
        "(patience), or when enough test images are predicted right (accuracy). A loss that is NaN or infinite always "
        "ends a run.",
    )
    patience: int = setting(
        5,
        "Patience",
        low=1,
        high=100,
        unit="lines of the log",
        help="For the stop rule patience: how many lines of the log may pass without a new lowest loss.",
    )
    target_accuracy: float = setting(
        60.0,
        "Target accuracy",
        low=1.0,
        high=100.0,
        unit="percent",
        help="For the stop rule accuracy: the percentage of test images that must be predicted right.",
    )
    device: str = setting(
        "auto",
        "Device",
        choices=("auto", "cpu", "cuda", "mps"),
        help="The processor that trains: a GPU if there is one (auto), or the one named here. "
        "It changes the speed, not what is learned.",
    )
    precision: str = setting(
        "float32",
        "Precision",
        choices=("float32", "bfloat16", "float16"),
        help="The numbers in which convolutions and matrix products are computed: 32 bits each, or 16 (bfloat16 keeps "
        "the range and has fewer digits, float16 the other way round). 16 bits save memory and help large batches on "
        "a GPU; on most CPUs they are slower.",
    )
    mistake: str = setting(
        "none",
        "Mistake",
        choices=(
            "none",
            "no_zero_grad",
            "softmax",
            "no_shuffle",
            "shuffled_labels",
            "no_normalize",
            "lr_ten",
            "other_parameters",
            "test_data",
        ),
        help="One classic mistake, made on purpose to see what it does; mistakes.py describes each.",
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if (self.mistake, self.precision) in _NOT_TOGETHER:
            raise ConfigError(_NOT_TOGETHER[self.mistake, self.precision])

    @classmethod
    def from_json(cls, settings: dict[str, Any]) -> Self:
        """Return a config from a plain dict, as `to_json` gave it. Raise ConfigError for an unknown name."""
        unknown = sorted(set(settings) - set(FIELDS))
        if unknown:
            raise ConfigError(f"There is no setting called {unknown[0]!r}; there are {', '.join(FIELDS)}.")
        return cls(**settings)

    def to_json(self) -> dict[str, int | float | str]:
        """Return a plain dict of numbers and words; `from_json` of it equals this config."""
        return dataclasses.asdict(self)

    def changed(self, settings: Mapping[str, int | float | str]) -> Self:
        """Return this config with other values of some settings. Raise ConfigError if one is not allowed."""
        return self.from_json(self.to_json() | dict(settings))

    def steps(self, images: int) -> int:
        """Return how many mini-batches the whole training takes; the last one of an epoch may be smaller."""
        return self.epochs * math.ceil(images / self.batch_size)

    def lines(self, images: int) -> int:
        """Return how many lines the log of the whole training has; each epoch counts its mini-batches anew."""
        return self.epochs * (math.ceil(images / self.batch_size) // self.report_every)

    def check_device(self, device: str) -> None:
        """Raise ConfigError if these settings cannot be trained on `device` (cpu, cuda or mps) in a sensible time."""
        if device == "cpu" and self.precision == "float16":
            raise ConfigError(
                "A CPU computes up to fifty times more slowly in float16 than in float32; take float32 or bfloat16."
            )


FIELDS: dict[str, Field] = settings_of(TrainConfig)
"""each setting's description, by its name"""

_NOT_TOGETHER = {
    ("no_zero_grad", "float16"): "Gradients that are never cleared cannot be scaled for float16; "
    "take float32 or bfloat16.",
}
"""why a mistake and a precision do not go together"""
