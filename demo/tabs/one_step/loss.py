"""From ten scores to one number: the loss of each image with its arithmetic, and their mean."""

from typing import TYPE_CHECKING

import numpy as np

from cifar_core.config import TrainConfig
from demo.tabs.one_step.numbers import Sum, adds_up, fixed, log_softmax, mean_of, minus_log, plain

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import StepTrace

READABLE = 12
"""the largest logit whose power of e is short enough to read"""


def before_and_after(step: "StepTrace", config: TrainConfig) -> tuple[str, str]:
    """Return the loss before and after the step, with as many decimals as it takes to see which is smaller."""
    mean = mean_of(step.losses)
    before = loss_before(step, config)
    for digits in range(mean.decimals, 7):  # further behind there is nothing but rounding
        texts = fixed(before, digits), fixed(step.loss_after, digits)
        if texts[0] != texts[1]:
            return texts
    return mean.result, fixed(step.loss_after, mean.decimals)


def loss_before(step: "StepTrace", config: TrainConfig) -> float:
    """Return the loss that the one after the step is compared with: in 32 bits, as that one."""
    return step.loss if config.precision == "float32" else sum(step.losses) / len(step.losses)


def softmax_line(step: "StepTrace") -> Sum | None:
    """Return the arithmetic of one probability; None where its numbers would be too long to read."""
    logits, label = step.logits[0].astype(np.float64), step.labels[0]
    if not np.isfinite(logits).all() or np.abs(logits).max() > READABLE:
        return None
    powers = np.exp(logits)
    terms = [float(powers[label]), float(powers.sum())]
    return adds_up(terms, float(step.probabilities[0][label]), lambda a, b: a / b, 4)


def loss_lines(step: "StepTrace", config: TrainConfig) -> list[str]:
    """Return the arithmetic of each image's loss: −log of the right class's probability."""
    decimals = mean_of(step.losses).decimals
    logs = log_softmax(step.probabilities if config.mistake == "softmax" else step.logits)
    return [_loss_line(step, config, logs, place, decimals) for place in range(len(step.labels))]


def _loss_line(step: "StepTrace", config: TrainConfig, logs: np.ndarray, place: int, decimals: int) -> str:
    label, loss, smooth = step.labels[place], step.losses[place], config.label_smoothing
    if smooth:
        parts = [-float(logs[place, label]), -float(logs[place].mean())]
        line = adds_up(parts, loss, lambda a, b: (1 - smooth) * a + smooth * b, decimals)
        return f"{plain(1 - smooth)} × {line.terms[0]} + {plain(smooth)} × {line.terms[1]} {line.sign} {line.result}"
    right = float(step.probabilities[place, label])
    if config.mistake == "softmax":
        right = float(np.exp(logs[place, label]))
    if right > 0:
        return minus_log(right, loss, decimals)
    # no number, or one below the smallest that 32 bits can hold
    return f"−log({'nearly 0' if right == 0 else 'NaN'}) = {fixed(loss, decimals)}"
