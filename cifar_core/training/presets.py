"""Three presets to begin with: the tutorial's, one for a minute, and the best one known for this Net."""

from dataclasses import dataclass

from cifar_core.config import TrainConfig


@dataclass(frozen=True)
class Preset:
    """Settings with a name."""

    label: str
    help: str
    """one sentence: what it is for"""
    config: TrainConfig


PRESETS: dict[str, Preset] = {
    "tutorial": Preset(
        "The tutorial's",
        "The settings of the PyTorch tutorial to the digit: about 55 % of the test images after two epochs.",
        TrainConfig(),
    ),
    ## Larger batches run faster per image and, with a larger learning rate, learn as much from each. The rate rises and
    ## then falls to zero, so that the last steps settle. So few epochs leave no time to learn by heart, and images
    ## that change each time would only slow them down.
    "quick": Preset(
        "Quick",
        "The best result in about one minute on one CPU core: four epochs in larger batches, with a learning rate "
        "that rises and falls; about 61 %.",
        TrainConfig(epochs=4, batch_size=64, lr=0.05, weight_decay=5e-4, schedule="one_cycle"),
    ),
    ## So small a Net needs more time, not more images: on images held back from training it predicted 73 % right
    ## after 40 epochs and 75.4 % after 120. Mirrored and moved images, weight decay and smoothed labels stop it from
    ## learning by heart.
    "best": Preset(
        "Best known",
        "The best settings known for this Net: 200 epochs of mirrored and moved images with smoothed labels; about "
        "76 %, after 30 to 60 minutes on one CPU core.",
        TrainConfig(
            epochs=200,
            batch_size=128,
            lr=0.1,
            weight_decay=5e-4,
            label_smoothing=0.1,
            augment="flip_shift",
            schedule="one_cycle",
        ),
    ),
}
"""by the word that the command line takes"""
