"""One weight of the 62,006: where in the Net it is, and how the step moves it, with the arithmetic written out."""

import html
import math
from typing import TYPE_CHECKING

from cifar_core.config import TrainConfig
from demo.tabs.one_step.numbers import MINUS, adds_up, bracketed, decimals_for, fixed, plain

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import StepTrace, WeightUpdate

SHAPES: dict[str, tuple[int, ...]] = {
    "conv1.weight": (6, 3, 5, 5),
    "conv1.bias": (6,),
    "conv2.weight": (16, 6, 5, 5),
    "conv2.bias": (16,),
    "fc1.weight": (120, 400),
    "fc1.bias": (120,),
    "fc2.weight": (84, 120),
    "fc2.bias": (84,),
    "fc3.weight": (10, 84),
    "fc3.bias": (10,),
}
"""the Net's ten tensors, in its order"""
COLOURS = ("red", "green", "blue")


def count_of(name: str) -> int:
    """How many numbers a tensor holds."""
    return math.prod(SHAPES[name])


def place_words(name: str, place: tuple[int, ...], classes: tuple[str, ...]) -> str:
    """Where in the Net a weight is: filter 2, red, row 0, column 3."""
    layer, kind = name.split(".")
    last = layer == "fc3"
    unit = f"the output for {classes[place[0]]}" if last and place[0] < len(classes) else f"neuron {place[0]}"
    if layer.startswith("conv"):
        if kind == "bias":
            return f"the bias of filter {place[0]}"
        seen = COLOURS[place[1]] if layer == "conv1" else f"map {place[1]}"
        return f"filter {place[0]}, {seen}, row {place[2]}, column {place[3]}"
    return f"the bias of {unit}" if kind == "bias" else f"{unit}, its weight for input {place[1]}"


def chosen_name(weight: "WeightUpdate", classes: tuple[str, ...]) -> str:
    """The weight that is followed, and where it is."""
    return f"<code>{weight.name}</code>, {html.escape(place_words(weight.name, weight.place, classes))}"


Line = tuple[str, str, str]
"""a rule in words, the name of what it gives, and its numbers"""


def arithmetic_html(weight: "WeightUpdate", config: TrainConfig) -> str:
    """The lines of SGD with this step's numbers, with as many digits as make them add up."""
    digits = decimals_for(weight.gradient, weight.buffer)
    tries = [_lines(weight, config, digits + more) for more in range(4)]
    lines = next((lines for lines in tries if not any("≈" in numbers for *_, numbers in lines)), tries[0])
    return "\n".join(f"<i>{name} = {rule}</i>\n{name} = {numbers}" for rule, name, numbers in lines)


def _lines(weight: "WeightUpdate", config: TrainConfig, digits: int) -> list[Line]:
    """Gradient and buffer with so many decimals; then the weight."""
    lines: list[Line] = []
    printed = fixed(weight.gradient, digits)
    if config.weight_decay:
        raw = weight.gradient - config.weight_decay * weight.before
        line = adds_up([raw, weight.before], weight.gradient, lambda a, b: a + config.weight_decay * b, digits)
        printed = line.result
        numbers = f"{line.terms[0]} + {plain(config.weight_decay)} × {bracketed(line.terms[1])} {line.sign} {printed}"
        lines.append(("gradient of the loss + weight decay × weight", "gradient", numbers))
    if config.mistake == "other_parameters":
        stays = "it stays, for the optimizer knows only another Net's weights"
        return [*lines, ("weight before", "weight", f"{fixed(weight.before, 6)}: {stays}")]
    moves = "gradient"
    if weight.momentum:
        moves = "buffer"
        if weight.buffer_before is None:
            lines.append(("gradient (before the first step there is no buffer)", "buffer", printed))
        else:
            terms = [weight.buffer_before, weight.gradient]
            line = adds_up(terms, weight.buffer, lambda a, b: weight.momentum * a + b, digits)
            printed = line.result
            kept = f"{plain(weight.momentum)} × {bracketed(line.terms[0])}"
            numbers = f"{kept} + {bracketed(line.terms[1])} {line.sign} {printed}"
            lines.append(("momentum × buffer of the step before + gradient", "buffer", numbers))
    lr, moved = plain(weight.lr), weight.buffer if weight.momentum else weight.gradient
    taken = float(lr) * float(printed.replace(MINUS, "-")) if math.isfinite(moved) else math.nan
    seen = decimals_for(weight.after - weight.before, significant=2)
    line = adds_up([weight.before], weight.after, lambda before: before - taken, seen)
    numbers = f"{line.terms[0]} − {lr} × {bracketed(printed)} {line.sign} {line.result}"
    return [*lines, (f"weight before − lr × {moves}", "weight", numbers)]


def rate_words(step: "StepTrace", config: TrainConfig) -> str:
    """Where the learning rate of this step comes from, if it is not simply that of the settings."""
    lr = plain(step.weight.lr)
    if config.mistake == "other_parameters":
        return ""
    if config.mistake == "lr_ten":
        return f"<p>The learning rate (lr) is {lr}: ten times the setting, that is the mistake.</p>"
    if config.schedule == "one_cycle":
        return (
            f"<p>The learning rate (lr) of this step is {lr}. The schedule one cycle begins low, rises to "
            f"{plain(config.lr)} in the first quarter of the training, and falls to 0 at its end.</p>"
        )
    taken = "buffer" if step.weight.momentum else "gradient"
    return f"<p>The learning rate (lr) is {lr}: the step takes only that much of the {taken}.</p>"


def buffer_words(weight: "WeightUpdate", config: TrainConfig) -> str:
    """What momentum's buffer is."""
    if config.mistake == "other_parameters":
        return ""
    if not weight.momentum:
        return "<p>Momentum is 0 in these settings: there is no buffer, the gradient alone moves the weight.</p>"
    kept, longest = plain(weight.momentum), plain(1 / (1 - weight.momentum), 3)
    first = " At the first step there is none yet: it begins as the gradient." if weight.buffer_before is None else ""
    return (
        f"<p><b>What is the buffer?</b> Momentum's memory, one number a weight. Every step keeps {kept} of it and "
        f"adds the new gradient.{first} Where the gradients of many steps agree, it grows, up to {longest} times a "
        "gradient; where they contradict each other, they cancel out.</p>"
    )
