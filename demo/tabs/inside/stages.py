"""The way of one picture through the Net: every stage with its numbers as small pictures."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cifar_core.images import image_grid
from demo.tabs.inside.architecture import shape_words
from demo.tabs.inside.colours import kept_colours, number_colours, strip
from demo.tabs.inside.inspection import Look, moment_words
from demo.tabs.inside.questions import questions
from demo.widgets.enlarged import enlarged
from demo.widgets.format import percent
from demo.widgets.templates import data_url

if TYPE_CHECKING:
    from cifar_core.inspect.stages import Stage

NOT_FINITE = (
    "This Net's weights are not finite numbers, so it has no answer: its training diverged. "
    "Train again with a smaller learning rate."
)


@dataclass(frozen=True)
class Place:
    """A unit of a convolution."""

    layer: str
    channel: int
    row: int
    column: int


def about_html(look: Look, *, then: bool) -> str:
    """The picture, its class and the Net's answer. `then` tells that the Net is shown as it was, and not as it is."""
    moment = html.escape(moment_words(look.chosen))
    state = f"<span class='chip'>as it was</span> {moment}" if then else f"This is {moment}."
    picture = enlarged(look.shown.image, f"{look.shown.title}, enlarged", title=look.shown.title)
    if not look.inside.finite:
        said = html.escape(NOT_FINITE)
        return (
            f"<section class='detail asked'><div class='detail-parts'>{picture}<div><p>{state}</p>"
            f"<div class='note error' role='alert'>{said}</div></div></div></section>"
        )
    name, sure = look.classes[look.answer], float(look.inside.stage("probabilities").values[look.answer])
    verdict = "Nobody told the page what it really shows."
    if look.truth:
        right = look.truth == name
        verdict = (
            f"<span class='chip {'done' if right else 'failed'}'>{'✓ right' if right else '✗ wrong'}</span> "
            f"the truth is <b>{html.escape(look.truth)}</b>"
        )
    return (
        f"<section class='detail asked'><div class='detail-parts'>{picture}<div>"
        f"<h3>The Net says <strong>{html.escape(name)}</strong>, {percent(sure)} sure</h3>"
        f"<p class='verdict'>{verdict}</p><p class='moment'>{state}</p></div></div></section>"
    )


def filters_html(tiles: np.ndarray, largest: float, words: str, *, live: bool) -> str:
    """The first layer's filters, uint8 (6, 5, 5, 3). `live` makes the page ask for new ones about once a second."""
    drawn = _maps("filters", tiles, [str(number) for number in range(len(tiles))], None)
    return (
        f"<section class='filters'{' data-live=1' if live else ''}><h3>The six filters of conv1</h3>"
        f"<p>{html.escape(words)}</p>{drawn}"
        f"<p class='small'>Each filter has 5 × 5 weights for red, for green and for blue, shown together as a colour. "
        f"Grey is weight 0; full colour is {largest:.2f} or −{largest:.2f}. Filter 0 makes map 0 of conv1, and so on."
        "</p></section>"
    )


def stages_html(look: Look, place: Place) -> str:
    """All stages of one picture from the input to the probabilities; `place` is the unit that is marked."""
    answers = questions(look)
    stages = look.inside.stages
    parts = []
    for stage in stages:
        asked = "".join(
            f"<details data-key='{stage.name} {number}'><summary>{html.escape(question)}</summary><p>{answer}</p>"
            "</details>"
            for number, (question, answer) in enumerate(answers.get(stage.name, []))
        )
        layer = stage.layer
        made = (
            f"<code>self.{layer.name} = {html.escape(layer.code)}</code> <span>{layer.arithmetic} parameters</span>"
            if layer
            else ""
        )
        parts.append(
            f"<li class='stage' data-stage='{stage.name}'><h4>{TITLES[stage.name]}</h4>"
            f"<p class='made'>{made}{_line(look, stage)}</p>"
            f"<p>{_SAID[stage.name]} {_scale(look, stage.name)}</p>{_drawn(look, stage.name, place)}{asked}</li>"
            f"<li class='shape'><span aria-hidden='true'>↓</span> {shape_words(stage.shape)}</li>"
        )
    parts[-1] = parts[-1].rsplit("<li class='shape'>", 1)[0]  # nothing comes after the last
    return f"<ol class='stages'>{''.join(parts)}</ol>"


TITLES = {
    "input": "The input",
    "conv1": "conv1: six filters",
    "relu1": "ReLU",
    "pool1": "max-pool",
    "conv2": "conv2: sixteen filters",
    "relu2": "ReLU",
    "pool2": "max-pool",
    "flatten": "view: one row of numbers",
    "fc1": "fc1, then ReLU",
    "fc2": "fc2, then ReLU",
    "logits": "fc3: ten scores, the logits",
    "probabilities": "softmax, outside of the Net",
}
_SAID = {
    "input": "Three channels: how much red, green and blue each pixel has.",
    "conv1": "Each filter is laid on every place of the picture, and each time gives one number of its map. Click into "
    "a map to see how that number comes about.",
    "relu1": "Negative numbers become 0. Positive numbers stay.",
    "pool1": "Of each square of 2 × 2 the largest number stays.",
    "conv2": "The same again, but each filter now looks at all six maps. Click into a map here too.",
    "relu2": "Negative numbers become 0.",
    "pool2": "Of each square of 2 × 2 the largest number stays.",
    "flatten": "The 16 maps, one after the other. Each line here shows four maps.",
    "fc1": "Each of these 120 numbers comes from all 400 before it.",
    "fc2": "Each of these 84 numbers comes from all 120 before it.",
    "logits": "Each of the ten scores comes from all 84 numbers before it.",
    "probabilities": "Only to read the scores more easily: now each is above 0, and all together give 1.",
}
_SCALED_BY = {"relu1": "conv1", "pool1": "conv1", "relu2": "conv2", "pool2": "conv2", "flatten": "conv2"}
"""stages with the scale of a stage before, so that what did not change looks the same"""
_CLICKABLE = {"conv1": "conv1", "relu1": "conv1", "conv2": "conv2", "relu2": "conv2"}
_ROWS = {"flatten": 4, "fc1": 2, "fc2": 2, "logits": 1}


def _line(look: Look, stage: "Stage") -> str:
    """The tutorial's line of code in which a stage is made; what makes it stands out."""
    whole = {"conv1": "pool1", "relu1": "pool1", "conv2": "pool2", "relu2": "pool2"}.get(stage.name, stage.name)
    line = html.escape(look.inside.stage(whole).code)
    made = "" if stage.name == "probabilities" else "x = "  # that line is not the Net's
    part = html.escape(stage.code)
    return f"<code class='line'>{made}{line.replace(part, f'<mark>{part}</mark>')}</code>"


def _largest(look: Look, name: str) -> float:
    return float(np.abs(look.inside.stage(_SCALED_BY.get(name, name)).values).max())


def _scale(look: Look, name: str) -> str:
    """The meaning of the colours, in words."""
    if name == "probabilities":
        return ""
    largest = _largest(look, name)
    values = look.inside.stage(name).values
    same = f", the same scale as in {_SCALED_BY[name]}" if name in _SCALED_BY else ""
    ends = f"the brightest orange {largest:.2f}"
    if values.min() < 0:
        ends += f", the brightest blue −{largest:.2f}"
    return f"<span class='meaning'>Black is 0, {ends}{same}. The largest number is {_said(values.max())}.</span>"


def _said(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _drawn(look: Look, name: str, place: Place) -> str:
    """The numbers of a stage, to be seen."""
    values = look.inside.stage(name).values
    if name == "probabilities":
        return scores_html(look)
    largest = _largest(look, name)
    if values.ndim == 1:
        picture = data_url(number_colours(strip(values, _ROWS[name]), largest))
        return (
            f"<img class='strip' src='{picture}' style='--rows:{_ROWS[name]}' alt='{len(values)} numbers from "
            f"{_said(values.min())} to {_said(values.max())}, as colours'>"
        )
    kept = {"relu1": look.inside.pool1_mask, "relu2": look.inside.pool2_mask}.get(name)
    captions = ["red", "green", "blue"] if name == "input" else [str(number) for number in range(len(values))]
    maps = _maps(name, number_colours(values, largest), captions, place)
    if kept is None:
        return maps
    overlay = data_url(image_grid(kept_colours(values, largest, kept), len(values)))
    return (
        f"<label class='switch'><input type='checkbox' data-key='{name}'> Show what the max-pool keeps "
        f"(the rest turns grey)</label>{maps.replace('--sheet:', f'--kept:url({overlay});--sheet:', 1)}"
    )


def _maps(name: str, pictures: np.ndarray, captions: Sequence[str], place: Place | None) -> str:
    """Maps side by side, uint8 (N, side, side, 3), from one sheet; those of a convolution can be clicked."""
    count, side = len(pictures), pictures.shape[1]
    layer = _CLICKABLE.get(name)
    cells = []
    for number, caption in enumerate(captions):
        x = 100 * number / max(count - 1, 1)
        inner = (
            f"<span class='pixels' style='background-position:{x:g}% 0'></span><span class='caption'>{caption}</span>"
        )
        if layer is None or place is None:
            cells.append(f"<span class='map'>{inner}</span>")
            continue
        marked = place.layer == layer and place.channel == number
        at = f" chosen' style='--row:{place.row};--column:{place.column}" if marked else ""
        cells.append(
            f"<button type='button' class='map{at}' data-layer='{layer}' data-channel='{number}' "
            f"data-key='{name} map {number}' aria-label='{name}, map {number}: choose a unit; the arrow keys move on'>"
            f"{inner}</button>"
        )
    role = "" if layer else f" role='img' aria-label='{count} pictures of {side} by {side} numbers, as colours'"
    return (
        f"<div class='maps of-{count}'{role} style='--sheet:url({data_url(image_grid(pictures, count))});--side:{side};"
        f"--size:{100 * count}% 100%'>{''.join(cells)}</div>"
    )


def scores_html(look: Look) -> str:
    """The logits and probabilities of all classes in the order of their labels."""
    logits, shares = look.inside.stage("logits").values, look.inside.stage("probabilities").values
    rows = "".join(
        f"<tr{' class=best' if label == look.answer else ''}><th scope='row'>{html.escape(name)}</th>"
        f"<td class='number'>{logits[label]:.3f}</td>"
        f"<td><div class='bar'><div style='width:{100 * shares[label]:.1f}%'></div></div></td>"
        f"<td class='number'>{percent(float(shares[label]))}</td></tr>"
        for label, name in enumerate(look.classes)
    ).replace("<td class='number'>-", "<td class='number'>−")
    return (
        "<table class='bars scores'><thead><tr><th>class</th><th class='number'>logit</th><th>probability</th>"
        f"<th></th></tr></thead><tbody>{rows}</tbody></table>"
    )
