"""The settings of one training: every value with its bounds, its unit and the reason to touch it.

The sliders of the page, the options of the command line and the check in the training itself all read FIELDS below,
so that a bound stands in one place only.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from cifar_core.errors import ConfigError

CHANGEABLE = ("lr", "momentum", "batch_size")
"""the settings that may change while a training runs"""

CLASSES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""The ten classes of CIFAR-10 under the tutorial's names, in the order of their labels 0 to 9."""


@dataclass(frozen=True)
class Field:
    """What a person needs to know of one setting, and the bounds that are checked."""

    label: str
    help: str
    low: float = -math.inf
    """smallest allowed value"""
    high: float = math.inf
    """largest allowed value"""
    choices: tuple[str, ...] = ()
    """the allowed words, where the setting is a word"""


FIELDS: dict[str, Field] = {
    "epochs": Field(
        "Epochs",
        "How many times the Net sees every training image. More epochs learn more, and take proportionally longer.",
        1,
        200,
    ),
    "batch_size": Field(
        "Batch size",
        "How many images are averaged into one update of the weights. Small batches update often and noisily; "
        "large ones run faster per image but want a larger learning rate.",
        1,
        1024,
    ),
    "lr": Field(
        "Learning rate",
        "How far each update moves the weights. Too small and nothing is learned; too large and the loss jumps or "
        "becomes NaN.",
        1e-6,
        1.0,
    ),
    "momentum": Field(
        "Momentum",
        "How much of the previous update is carried into the next one, which smooths the path. 0 switches it off; "
        "0.9 makes steps about ten times longer in a steady direction.",
        0.0,
        0.999,
    ),
    "weight_decay": Field(
        "Weight decay",
        "How strongly every update also pulls the weights towards zero, so that the Net does not learn single images "
        "by heart. The tutorial uses none.",
        0.0,
        0.1,
    ),
    "label_smoothing": Field(
        "Label smoothing",
        "Which share of the right answer is given to all ten classes alike: with 0.1 the Net is to be 91 % sure, not "
        "100 %, and so learns less by heart. The loss then cannot reach zero. The tutorial uses none.",
        0.0,
        0.5,
    ),
    "seed": Field(
        "Seed",
        "The number that decides the Net's first random weights and the order of the images. "
        "The same seed gives the same run again.",
        0,
        999_999,
    ),
    "report_every": Field(
        "Report every",
        "How many mini-batches one line of the log averages over. The tutorial prints a line every 2,000.",
        1,
        100_000,
    ),
    "augment": Field(
        "Augmentation",
        "Shows each training image a little differently every time: mirrored at random and moved by up to two pixels. "
        "The Net learns more slowly but memorises less.",
        choices=("none", "flip_shift"),
    ),
    "schedule": Field(
        "Schedule",
        "How the learning rate moves during the run: constant as in the tutorial, or one cycle, which warms up to the "
        "given rate in the first quarter and then falls to zero.",
        choices=("constant", "one_cycle"),
    ),
    "stop_rule": Field(
        "Stop rule",
        "When to end before the last epoch: never, when no line of the log has been better for a while (patience), "
        "or when enough test images are answered right (accuracy). A loss that is no number always ends a run.",
        choices=("none", "patience", "accuracy"),
    ),
    "patience": Field(
        "Patience",
        "For the stop rule patience: how many lines of the log may pass without a new lowest loss.",
        1,
        100,
    ),
    "target_accuracy": Field(
        "Target accuracy",
        "For the stop rule accuracy: the percentage of test images that must be answered right.",
        1.0,
        100.0,
    ),
    "device": Field(
        "Device",
        "The processor that trains: a GPU where there is one (auto), or the one named here. "
        "It changes the speed, not what is learned.",
        choices=("auto", "cpu", "cuda", "mps"),
    ),
    "precision": Field(
        "Precision",
        "The numbers in which convolutions and matrix products are computed: 32 bits each, or 16 (bfloat16 keeps the "
        "range and has fewer digits, float16 the other way round). 16 bits save memory and help large batches on a "
        "GPU; on most CPUs they are slower.",
        choices=("float32", "bfloat16", "float16"),
    ),
    "mistake": Field(
        "Mistake",
        "One classic mistake, made on purpose to see what it does; mistakes.py tells of each.",
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
    ),
}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The recipe of one training. The defaults are the tutorial's, to the digit.

    Raises ConfigError, naming the field and its bounds, when a value is not allowed: an instance is always valid.
    """

    epochs: int = 2
    """passes over the training set"""
    batch_size: int = 4
    """images in a mini-batch"""
    lr: float = 0.001
    """learning rate: the step length of SGD (the highest one, under the one_cycle schedule)"""
    momentum: float = 0.9
    """share of the last update that is kept, as torch.optim.SGD defines it"""
    weight_decay: float = 0.0
    """L2 penalty, as torch.optim.SGD defines it"""
    label_smoothing: float = 0.0
    """share of the target that is spread over all classes, as torch.nn.CrossEntropyLoss defines it"""
    seed: int = 0
    """of the first weights, the order of the images and the augmentation"""
    report_every: int = 2000
    """mini-batches in one line of the log"""
    augment: str = "none"
    """none | flip_shift"""
    schedule: str = "constant"
    """constant | one_cycle"""
    stop_rule: str = "none"
    """none | patience | accuracy"""
    patience: int = 5
    """lines of the log without a new lowest loss, after which the rule patience ends the training"""
    target_accuracy: float = 60.0
    """percent of the probe images, at which the rule accuracy ends the training"""
    device: str = "auto"
    """auto | cpu | cuda | mps"""
    precision: str = "float32"
    """float32 | bfloat16 | float16"""
    mistake: str = "none"
    """none | one of those in mistakes.py"""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = check(field.name, getattr(self, field.name), whole=field.type in (int, "int"))
            object.__setattr__(self, field.name, value)
        if self.mistake == "no_zero_grad" and self.precision == "float16":
            raise ConfigError(
                "Gradients that are never cleared cannot be scaled for float16; take float32 or bfloat16."
            )

    @classmethod
    def from_json(cls, settings: dict[str, Any]) -> Self:
        """A config from a plain dict, as `to_json` gave it. Unknown names raise ConfigError."""
        unknown = sorted(set(settings) - set(FIELDS))
        if unknown:
            raise ConfigError(f"There is no setting called {unknown[0]!r}; there are {', '.join(FIELDS)}.")
        return cls(**settings)

    def to_json(self) -> dict[str, int | float | str]:
        """A plain dict of numbers and words; `from_json` of it equals this config."""
        return dataclasses.asdict(self)

    def changed(self, settings: Mapping[str, int | float | str]) -> Self:
        """This config with other values of some settings. Raises ConfigError where one is not allowed."""
        return self.from_json(self.to_json() | dict(settings))

    def steps(self, images: int) -> int:
        """How many mini-batches the whole training on `images` pictures takes; the last of an epoch may be smaller."""
        return self.epochs * math.ceil(images / self.batch_size)


def check(name: str, value: Any, *, whole: bool) -> int | float | str:
    """The value of setting `name`, as int, float or word, if it is allowed; else ConfigError says what is."""
    return checked(FIELDS[name], value, whole=whole)


def checked(field: Field, value: Any, *, whole: bool) -> int | float | str:
    """The same for any field, also one that is no setting of a training."""
    if field.choices:
        if value not in field.choices:
            raise ConfigError(
                f"{field.label} must be one of {', '.join(field.choices)}; {value!r:.40} is none of them."
            )
        return str(value)
    allowed = f"{field.label} must be a {'whole number' if whole else 'number'} from {field.low:,g} to {field.high:,g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{allowed}; {value!r:.40} is not a number.")
    if not field.low <= value <= field.high:  # NaN is not either: every comparison with it is false
        raise ConfigError(f"{allowed}; {value!r:.40} is not.")
    if whole and value != int(value):
        raise ConfigError(f"{allowed}; {value:g} is not a whole number.")
    return int(value) if whole else float(value)
