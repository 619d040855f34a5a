"""The learning rate's course over a training."""

import math

from cifar_core.config import TrainConfig
from cifar_core.mistakes import mistake_of


def learning_rate(config: TrainConfig, done: float) -> float:
    """Return the learning rate when the fraction `done` (0 to 1) of all images has been seen.

    `one_cycle` rises in a straight line over the first quarter and falls along half a cosine to zero. Source of the
    idea: Smith and Topin, 'Super-Convergence' (2017).
    """
    highest = mistake_of(config).learning_rate(config.lr)
    if config.schedule == "constant":
        return highest
    if done < 0.25:
        return highest * (0.04 + 0.96 * done / 0.25)
    return highest * 0.5 * (1 + math.cos(math.pi * (done - 0.25) / 0.75))
