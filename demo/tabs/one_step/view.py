"""One mini-batch, from its images to the moved weights: each line of the tutorial's loop beside what it makes."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from cifar_core.config import TrainConfig
from cifar_core.images import image_grid
from cifar_core.mistakes import MISTAKES
from demo.tabs.one_step.arithmetic import arithmetic, place_words
from demo.tabs.one_step.loss import before_and_after, loss_before, loss_lines, softmax_line
from demo.tabs.one_step.numbers import decimals_for, fixed, mean_of, plain
from demo.widgets.templates import data_url, render

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import LayerUpdate, StepTrace

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MANY = 6
"""images from which on a table needs smaller type"""
A_LITTLE = 0.05
"""a change of the loss by less than this fraction is called little"""


def forward_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> Markup:
    """Return the first four lines of the loop: images, cleared gradients, logits, loss."""
    mean = mean_of(step.losses)
    return render(
        "tabs/one_step/forward.html.j2",
        **_shared(step, config),
        made=MISTAKES.get(config.mistake),
        sheet=data_url(image_grid(step.images, len(step.labels))),
        columns=_columns(step, classes),
        logits=_rows(step, classes, step.logits, 3),
        softmax=_rows(step, classes, step.probabilities, 4, shares=True),
        right=int((step.logits.argmax(1) == np.array(step.labels)).sum()),
        first_class=class_name(step.labels[0], classes),
        softmax_line=softmax_line(step),
        losses=loss_lines(step, config),
        mean=mean,
        own_loss=fixed(step.loss, 4),
        plain=plain,
    )


def backward_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> Markup:
    """Return the last two lines of the loop, and the loss of the same mini-batch after the step."""
    weight = step.weight
    raw = weight.gradient - config.weight_decay * weight.before
    before, after = before_and_after(step, config)
    old = loss_before(step, config)
    change = step.loss_after - old
    return render(
        "tabs/one_step/backward.html.j2",
        **_shared(step, config),
        weight=weight,
        place=place_words(weight.name, weight.place, classes),
        gradient=raw,
        gradient_text=fixed(raw, decimals_for(raw)),
        lines=arithmetic(weight, config),
        layers=_layers(step.moved, weight.name),
        before=before,
        after=after,
        change=change,
        finite=math.isfinite(change),
        little=abs(change) < A_LITTLE * old,
        these="this one image" if len(step.labels) == 1 else f"these {counted(len(step.labels))}",
        longest=plain(1 / (1 - weight.momentum), 3),
        plain=plain,
    )


def summary_html(step: "StepTrace", config: TrainConfig) -> Markup:
    """Return the step in a line."""
    before, after = before_and_after(step, config)
    images = counted(len(step.labels))
    return render("tabs/one_step/summary.html.j2", number=step.number, images=images, before=before, after=after)


def end_html(config: TrainConfig, images: int, small_batch: bool) -> Markup:
    """Return which training this step belongs to; `small_batch`: not the one that Start would begin."""
    return render("tabs/one_step/end.html.j2", config=config, steps=config.steps(images), small_batch=small_batch)


def counted(count: int) -> str:
    """Return a number of images in words: four images."""
    word = COUNTS[count] if count < len(COUNTS) else str(count)
    return f"{word} image{'' if count == 1 else 's'}"


def class_name(label: int, classes: tuple[str, ...]) -> str:
    """Return the class of a label; an output that this data has no class for is called by its number."""
    return classes[label] if label < len(classes) else f"({label})"


def size_text(size: float) -> str:
    """Return a length with three digits."""
    return fixed(size, decimals_for(size, significant=3, least=2, most=8))


def _shared(step: "StepTrace", config: TrainConfig) -> dict[str, Any]:
    count = len(step.labels)
    return {"step": step, "config": config, "mistake": config.mistake, "count": count, "images": counted(count)}


def _columns(step: "StepTrace", classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the images of the mini-batch: class, label, index, and the place in their sheet in percent."""
    last = max(len(step.labels) - 1, 1)
    return [
        {"name": class_name(label, classes), "label": label, "index": index, "x": f"{100 * place / last:g}"}
        for place, (index, label) in enumerate(zip(step.indices, step.labels, strict=True))
    ]


def _rows(
    step: "StepTrace", classes: tuple[str, ...], values: np.ndarray, decimals: int, *, shares: bool = False
) -> list[dict[str, Any]]:
    """Return a row for each class with a cell for each image; with `shares` the numbers are widths too."""
    best = step.logits.argmax(1)
    rows = []
    for number in range(10):
        cells = []
        for place, label in enumerate(step.labels):
            value = float(values[place, number])
            kinds = ["right"] * (label == number) + ["best"] * (int(best[place]) == number)
            cells.append({"text": fixed(value, decimals), "kinds": " ".join(kinds), "share": _width(value, shares)})
        rows.append({"name": class_name(number, classes), "cells": cells})
    return rows


def _layers(moved: "tuple[LayerUpdate, ...]", chosen: str) -> list[dict[str, Any]]:
    """Return a row for each tensor: its size, and those of its gradient and its update beside the largest."""
    largest = [_largest([part.gradient for part in moved]), _largest([part.update for part in moved])]
    return [
        {
            "name": part.name,
            "chosen": part.name == chosen,
            "count": part.count,
            "size": size_text(part.size),
            "gradient": size_text(part.gradient),
            "gradient_width": _width(part.gradient / largest[0] if largest[0] else 0.0),
            "moved": size_text(part.update),
            "moved_width": _width(part.update / largest[1] if largest[1] else 0.0),
            "share": _share(part),
        }
        for part in moved
    ]


def _largest(values: list[float]) -> float:
    return max((value for value in values if math.isfinite(value)), default=0.0)


def _share(part: "LayerUpdate") -> str:
    """Return how large the update is, measured by the weights."""
    if not part.size or not math.isfinite(part.update):
        return "–"
    return f"{plain(100 * part.update / part.size, 2)}\N{NO-BREAK SPACE}%"


def _width(share: float, drawn: bool = True) -> str:
    """Return a fraction as a width in CSS; nothing where it is no number."""
    if not drawn:
        return ""
    return f"{100 * share:.1f}%" if math.isfinite(share) else "0%"
