"""The arithmetic of one weight: where in the Net it is, and how the step moves it, line by line."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cifar_core.config import TrainConfig
from demo.tabs.one_step.numbers import MINUS, adds_up, bracketed, decimals_for, fixed, plain

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import WeightUpdate

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
"""the Net's ten tensors, in its order (`cifar_core.net` needs torch, which the page does not load at its start)"""
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Line:
    """One line of arithmetic."""

    rule: str
    """in words"""
    name: str
    """what it gives"""
    numbers: str


def count_of(name: str) -> int:
    """Return how many numbers a tensor holds."""
    return math.prod(SHAPES[name])


def place_words(name: str, place: tuple[int, ...], classes: tuple[str, ...]) -> str:
    """Say where in the Net a weight is: filter 2, red, row 0, column 3."""
    layer, kind = name.split(".")
    if layer.startswith("conv"):
        if kind == "bias":
            return f"the bias of filter {place[0]}"
        seen = COLOURS[place[1]] if layer == "conv1" else f"map {place[1]}"
        return f"filter {place[0]}, {seen}, row {place[2]}, column {place[3]}"
    named = layer == "fc3" and place[0] < len(classes)
    unit = f"the output for {classes[place[0]]}" if named else f"neuron {place[0]}"
    return f"the bias of {unit}" if kind == "bias" else f"{unit}, its weight for input {place[1]}"


def arithmetic(weight: "WeightUpdate", config: TrainConfig) -> list[Line]:
    """Return the lines of SGD with this step's numbers, with as many digits as make them add up."""
    digits = decimals_for(weight.gradient, weight.buffer)
    tries = [_lines(weight, config, digits + more) for more in range(4)]
    return next((lines for lines in tries if not any("≈" in line.numbers for line in lines)), tries[0])


def _lines(weight: "WeightUpdate", config: TrainConfig, digits: int) -> list[Line]:
    """Return gradient and buffer with so many decimals, then the weight."""
    lines, gradient = _gradient(weight, config, digits)
    if config.mistake == "other_parameters":
        stays = "it stays, because the optimizer only has another Net's weights"
        return [*lines, Line("weight before", "weight", f"{fixed(weight.before, 6)}: {stays}")]
    moving = gradient
    if weight.momentum:
        line, moving = _buffer(weight, gradient, digits)
        lines.append(line)
    return [*lines, _weight(weight, moving)]


def _gradient(weight: "WeightUpdate", config: TrainConfig, digits: int) -> tuple[list[Line], str]:
    if not config.weight_decay:
        return [], fixed(weight.gradient, digits)
    raw = weight.gradient - config.weight_decay * weight.before
    line = adds_up([raw, weight.before], weight.gradient, lambda a, b: a + config.weight_decay * b, digits)
    decay = f"{plain(config.weight_decay)} × {bracketed(line.terms[1])}"
    numbers = f"{line.terms[0]} + {decay} {line.sign} {line.result}"
    return [Line("gradient of the loss + weight decay × weight", "gradient", numbers)], line.result


def _buffer(weight: "WeightUpdate", gradient: str, digits: int) -> tuple[Line, str]:
    if weight.buffer_before is None:
        return Line("gradient (before the first step there is no buffer)", "buffer", gradient), gradient
    terms = [weight.buffer_before, weight.gradient]
    line = adds_up(terms, weight.buffer, lambda a, b: weight.momentum * a + b, digits)
    carried = f"{plain(weight.momentum)} × {bracketed(line.terms[0])}"
    numbers = f"{carried} + {bracketed(line.terms[1])} {line.sign} {line.result}"
    return Line("momentum × buffer of the step before + gradient", "buffer", numbers), line.result


def _weight(weight: "WeightUpdate", moving: str) -> Line:
    lr, moved = plain(weight.lr), weight.buffer if weight.momentum else weight.gradient
    taken = float(lr) * float(moving.replace(MINUS, "-")) if math.isfinite(moved) else math.nan
    seen = decimals_for(weight.after - weight.before, significant=2)
    line = adds_up([weight.before], weight.after, lambda before: before - taken, seen)
    numbers = f"{line.terms[0]} − {lr} × {bracketed(moving)} {line.sign} {line.result}"
    return Line(f"weight before − lr × {'buffer' if weight.momentum else 'gradient'}", "weight", numbers)
