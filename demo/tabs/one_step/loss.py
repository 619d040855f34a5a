"""From ten scores to one number: softmax, the loss of each picture with its arithmetic, and their mean."""

import html
from typing import TYPE_CHECKING

import numpy as np

from cifar_core.config import TrainConfig
from demo.tabs.one_step.numbers import adds_up, fixed, log_softmax, mean_of, minus_log, plain
from demo.tabs.one_step.parts import name_of, paired, picture, plain_name, table_html

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import StepTrace


def before_and_after(step: "StepTrace", config: TrainConfig) -> tuple[str, str]:
    """The loss before and after the step, with as many decimals as it takes to see which is smaller."""
    mean = mean_of(step.losses)
    before = loss_before(step, config)
    for digits in range(mean.decimals, 7):  # further behind there is nothing but rounding
        texts = fixed(before, digits), fixed(step.loss_after, digits)
        if texts[0] != texts[1]:
            return texts
    return mean.result, fixed(step.loss_after, mean.decimals)


def loss_before(step: "StepTrace", config: TrainConfig) -> float:
    """The loss that the one after the step compares with: in 32 bits, as that one."""
    return step.loss if config.precision == "float32" else sum(step.losses) / len(step.losses)


def loss_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> str:
    """Softmax, the loss of each picture with its arithmetic, and their mean."""
    cells = [[fixed(float(value), 4) for value in one] for one in step.probabilities]
    table = table_html(step, classes, "Softmax", cells, shares=step.probabilities)
    softmax = paired(
        table,
        "First, inside <code>criterion</code>, <i>softmax</i> turns the ten logits of a picture into probabilities: "
        "e to the power of each logit, divided by the sum of all ten. They add up to 1.",
        softmax_words(step, classes),
    )
    mean = mean_of(step.losses)
    listed = " + ".join(mean.terms)
    line = f"({listed}) / {len(mean.terms)} {mean.sign} <b>{mean.result}</b>" if len(mean.terms) > 1 else mean.result
    rounded = "The numbers are rounded; they are computed with more digits."
    losses = paired(
        f'<table class="facts-table step-losses"><thead><tr><th scope="col">picture</th><th scope="col">its loss</th>'
        f"</tr></thead><tbody>{losses_html(step, config, classes)}</tbody></table>"
        f'<p class="step-sum"><span>loss = </span>{line}</p>',
        loss_words(config),
        "A Net that only guesses gives every class 0.1, and −log(0.1) = log(10) = 2.303. That is why the loss of the "
        f"first steps is near 2.3. {lowest_words(config)}",
        f"The loss of the mini-batch is the mean. {rounded}",
        precision_words(step, config),
    )
    return softmax + losses


def softmax_words(step: "StepTrace", classes: tuple[str, ...]) -> str:
    """One probability with its arithmetic; nothing where its numbers would be too long to read."""
    logits, label = step.logits[0].astype(np.float64), step.labels[0]
    if not np.isfinite(logits).all() or np.abs(logits).max() > 12:
        return ""
    powers = np.exp(logits)
    one, all_ten = float(powers[label]), float(powers.sum())
    line = adds_up([one, all_ten], float(step.probabilities[0][label]), lambda a, b: a / b, 4)
    return (
        f"For the first picture and its right class, {html.escape(plain_name(label, classes))}, that is "
        f"{line.terms[0]} / {line.terms[1]} {line.sign} <b>{line.result}</b>."
    )


def losses_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> str:
    """A row for each picture: −log of the right class's probability."""
    decimals, count = mean_of(step.losses).decimals, len(step.labels)
    logs = log_softmax(step.probabilities if config.mistake == "softmax" else step.logits)
    smooth = config.label_smoothing
    rows = []
    for at, (label, loss) in enumerate(zip(step.labels, step.losses, strict=True)):
        if smooth:
            parts = [-float(logs[at, label]), -float(logs[at].mean())]
            sum_ = adds_up(parts, loss, lambda a, b: (1 - smooth) * a + smooth * b, decimals)
            line = (
                f"{plain(1 - smooth)} × {sum_.terms[0]} + {plain(smooth)} × {sum_.terms[1]} {sum_.sign} {sum_.result}"
            )
        else:
            right = float(step.probabilities[at, label])
            if config.mistake == "softmax":
                right = float(np.exp(logs[at, label]))
            if right > 0:
                line = minus_log(right, loss, decimals)
            else:  # no number, or one below the smallest that 32 bits can hold
                line = f"−log({'nearly 0' if right == 0 else 'NaN'}) = {fixed(loss, decimals)}"
        name = name_of(label, classes)
        rows.append(f'<tr><th scope="row">{picture(at, count, "")} {name}</th><td class="number">{line}</td></tr>')
    return "".join(rows)


def loss_words(config: TrainConfig) -> str:
    """What the loss of one picture is, with these settings."""
    twice = ""
    if config.mistake == "softmax":
        twice = "Here softmax is taken twice, that is the mistake: the probability in this table is the second one. "
    if config.label_smoothing:
        return (
            f"{twice}Then comes the loss. Label smoothing is on ({plain(config.label_smoothing)}): the first number is "
            "−log of the right class's probability, the second the mean of −log over all ten classes. The Net is asked "
            "to leave a little for the other classes too."
        )
    return (
        f"{twice}Then only one number of each picture counts: the probability of the class that is right. Its loss is "
        "<b>−log</b> of it (the natural logarithm). The smaller the probability, the larger the loss."
    )


def lowest_words(config: TrainConfig) -> str:
    """How low the loss can get."""
    if config.mistake == "softmax":
        return "After two softmaxes even a Net that is sure and right has a loss of 1.46 or more."
    if config.label_smoothing:
        return "With label smoothing the loss cannot reach 0, not even where the Net is sure and right."
    return "A Net that is sure and right has a loss near 0."


def precision_words(step: "StepTrace", config: TrainConfig) -> str:
    """What 16 bits do to these numbers."""
    if config.precision == "float32":
        return ""
    return (
        f"Logits and losses are shown in 32 bits. The step itself computes with {config.precision}, which has fewer "
        f"digits: its own loss is {fixed(step.loss, 4)}."
    )
