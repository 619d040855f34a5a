"""The second half of one step as HTML: gradients, the update, and the same pictures asked again."""

import math
from typing import TYPE_CHECKING

from cifar_core.config import TrainConfig
from demo.tabs.one_step.loss import before_and_after, loss_before
from demo.tabs.one_step.numbers import decimals_for, fixed, plain
from demo.tabs.one_step.one_weight import arithmetic_html, buffer_words, chosen_name, rate_words
from demo.tabs.one_step.parts import counted, row, these, width

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import LayerUpdate, StepTrace


def backward_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> str:
    """The last two lines of the loop, and the same mini-batch asked again."""
    stays = config.mistake == "other_parameters"
    title = "No weight moves, that is the mistake" if stays else "Every weight moves a little"
    parts = [
        row("loss.backward()", "Which way would each weight have to move?", gradient_html(step, config, classes)),
        row("optimizer.step()", title, update_html(step, config, classes)),
        row(
            "criterion(net(inputs), labels)",
            f"{these(len(step.labels)).capitalize()}, asked again",
            again_html(step, config),
            aside="asked here, not in the loop",
        ),
    ]
    return f'<div class="step">{"".join(parts)}</div>'


def gradient_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> str:
    """What a gradient is, the one of the chosen weight, and their size in each layer."""
    weight = step.weight
    raw = weight.gradient - config.weight_decay * weight.before
    digits = decimals_for(raw)
    if raw > 0:
        meaning = "It is positive: a larger weight would give a larger loss, so the weight should become smaller."
    elif raw < 0:
        meaning = "It is negative: a larger weight would give a smaller loss, so the weight should become larger."
    else:
        meaning = "It is exactly 0: with these pictures this weight made no difference to the loss."
    summed = ""
    if config.mistake == "no_zero_grad":
        summed = " All gradients here are sums over all steps so far, for they were never cleared."
    decay = " SGD then adds the weight decay, see below." if config.weight_decay else ""
    return (
        "<p>From the loss, PyTorch goes back through all layers and finds for each of the 62,006 weights: if it grew "
        "a little, how fast would the loss grow? That number is the weight's <i>gradient</i>.</p>"
        f'<p class="step-chosen">{chosen_name(weight, classes)}: gradient <b>{fixed(raw, digits)}</b>. '
        f"{meaning}{decay}{summed}</p>"
        f"{sizes_html(step.moved, weight.name)}"
        "<p>The size of many numbers together is their <i>L2 norm</i>: square each, add all, take the square root. It "
        f"is the length of an arrow that has so many coordinates.</p>"
    )


def sizes_html(moved: "tuple[LayerUpdate, ...]", chosen: str) -> str:
    """The size of weights and gradient, a row for each tensor."""
    rows = "".join(
        f"<tr{_chosen(part, chosen)}><th scope='row'>{part.name}</th><td class='number'>{part.count:,}</td>"
        f"<td class='number'>{size_words(part.size)}</td>{_bar(part.gradient, [one.gradient for one in moved])}</tr>"
        for part in moved
    )
    return (
        '<table class="facts-table step-sizes"><thead><tr><th scope="col">layer</th><th scope="col">weights in it</th>'
        f'<th scope="col">their size</th><th scope="col" colspan="2">size of their gradient</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def update_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> str:
    """The arithmetic of the chosen weight, and the size of the update in each layer."""
    return (
        f'<p class="step-chosen">{chosen_name(step.weight, classes)}:</p>'
        f'<pre class="step-sum step-update">{arithmetic_html(step.weight, config)}</pre>'
        '<p class="quiet">These numbers are rounded; the computer has about seven digits of each.</p>'
        f"{rate_words(step, config)}{buffer_words(step.weight, config)}"
        f"{updates_html(step.moved, step.weight.name)}"
        f"{small_words(step, config)}"
    )


def small_words(step: "StepTrace", config: TrainConfig) -> str:
    """Why one step changes so little."""
    if config.mistake == "other_parameters":
        return ""
    return (
        "<p><b>Why so small a step?</b> A gradient is true only close to where the weights are now; a long step would "
        f"leave that place. And {counted(len(step.labels))} cannot speak for all images: each mini-batch moves the "
        "weights a little, and what many of them agree on adds up.</p>"
    )


def updates_html(moved: "tuple[LayerUpdate, ...]", chosen: str) -> str:
    """The size of the update, a row for each tensor."""
    rows = "".join(
        f"<tr{_chosen(part, chosen)}><th scope='row'>{part.name}</th>"
        f"<td class='number'>{size_words(part.size)}</td>{_bar(part.update, [one.update for one in moved])}"
        f"<td class='number'>{share_words(part)}</td></tr>"
        for part in moved
    )
    return (
        '<table class="facts-table step-sizes"><thead><tr><th scope="col">layer</th>'
        '<th scope="col">size of its weights</th><th scope="col" colspan="2">size of the update</th>'
        f'<th scope="col">of the weights</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def again_html(step: "StepTrace", config: TrainConfig) -> str:
    """The loss of the same mini-batch after the step."""
    before, after = before_and_after(step, config)
    old = loss_before(step, config)
    change, on = step.loss_after - old, these(len(step.labels))
    if not math.isfinite(change):
        return (
            f'<p class="step-change">{before} → {after}</p><p>These are no numbers any more (NaN): the training '
            "diverged here. Take a smaller learning rate on the tab Train.</p>"
        )
    if before == after:
        words = f"just as wrong as before on {on}"
    else:
        much = "a little " if abs(change) < 0.05 * old else ""
        words = f"{much}{'less' if change < 0 else 'more'} wrong on {on}"
    why = ""
    if change > 0 and step.weight.buffer_before is not None:
        why = (
            "That can happen: the step also follows the gradients of earlier mini-batches, which the buffer carries. "
            "Or it was too long: see what a smaller learning rate does. "
        )
    elif change > 0:
        why = "That can happen where the step is too long: see what a smaller learning rate does. "
    return (
        f'<p class="step-change"><b>{before} → {after}</b>: {words}.</p><p>{why}On other pictures the loss can go '
        "up at the same time. Only over thousands of steps does it fall for all.</p>"
    )


def size_words(size: float) -> str:
    """A length, with three digits."""
    return fixed(size, decimals_for(size, significant=3, least=2, most=8))


def share_words(part: "LayerUpdate") -> str:
    """How large the update is, measured by the weights."""
    if not part.size or not math.isfinite(part.update):
        return "–"
    return f"{plain(100 * part.update / part.size, 2)}\N{NO-BREAK SPACE}%"


def _bar(value: float, values: list[float]) -> str:
    largest = max((one for one in values if math.isfinite(one)), default=0.0)
    share = value / largest if largest else 0.0
    return (
        f"<td class='number'>{size_words(value)}</td>"
        f"<td class='step-bar'><div class='bar'><div style='width:{width(share)}'></div></div></td>"
    )


def _chosen(part: "LayerUpdate", chosen: str) -> str:
    return " class='best' data-chosen" if part.name == chosen else ""
