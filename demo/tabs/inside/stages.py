"""The way of one image through the Net: every stage with its numbers as colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from cifar_core.errors import NOT_FINITE
from demo.tabs.inside.architecture import shape_words
from demo.tabs.inside.colours import DROPPED, to_colours
from demo.tabs.inside.questions import answer_numbers
from demo.tabs.inside.sheet import Row, sheet_of
from demo.tabs.inside.state import Place, key_of
from demo.tabs.inside.subject import Subject
from demo.widgets.templates import render

if TYPE_CHECKING:
    from cifar_core.inspect.stages import Inspection, Stage

_SCALED_BY = {"relu1": "conv1", "pool1": "conv1", "relu2": "conv2", "pool2": "conv2", "flatten": "conv2"}
"""stages with the scale of a stage before, so that what did not change looks the same"""
_UNITS_OF = {"conv1": "conv1", "relu1": "conv1", "conv2": "conv2", "relu2": "conv2"}
"""stages in whose maps units can be chosen, and the layer they belong to"""
_LINE_OF = {"conv1": "pool1", "relu1": "pool1", "conv2": "pool2", "relu2": "pool2"}
"""stages that are made in the middle of a line of code, and the stage that the whole line makes"""
_LINES = {"flatten": 4, "fc1": 2, "fc2": 2, "logits": 1}
"""in how many lines a long row of numbers is drawn"""


@dataclass(frozen=True)
class StageView:
    """One stage, ready to be drawn."""

    stage: "Stage"
    shape: str
    code: tuple[str, str, str]
    """the line of code in which it is made: what stands before the part that makes it, that part, and what follows"""
    largest: float
    """the size of the brightest colour"""
    scaled_by: str
    """the stage that its colours are shared with; empty if it has a scale of its own"""
    captions: tuple[str, ...]
    """one for each map; empty for a row of numbers"""
    row: Row | None
    """where its numbers stand in the sheet; None if they are not drawn as colours"""
    selected: Row | None
    """the same with everything grey that the next max-pool does not select"""
    lines: int
    units_of: str
    """the layer whose units can be chosen in its maps; empty if they cannot"""


def about_html(subject: Subject, *, past: bool, key: str) -> Markup:
    """Return the image, its class and the prediction. `past` says that the Net is shown as it was, not as it is."""
    return render("tabs/inside/about.html.j2", subject=subject, past=past, key=key, not_finite=NOT_FINITE)


def stages_html(subject: Subject, place: Place) -> Markup:
    """Return all stages of an image from the input to the probabilities; `place` is the unit that is marked."""
    inspection = subject.inspection
    sheet = sheet_of(_maps_of(inspection))
    logits, shares = (inspection.stage(name).values for name in ("logits", "probabilities"))
    return render(
        "tabs/inside/stages.html.j2",
        sheet=sheet.url,
        stages=[_view(inspection, stage, sheet.rows) for stage in inspection.stages],
        place=place,
        numbers=answer_numbers(subject),
        scores=list(zip(subject.classes, logits.tolist(), shares.tolist(), strict=False)),
        predicted=subject.classes[subject.predicted],
    )


def _view(inspection: "Inspection", stage: "Stage", rows: Mapping[str, Row]) -> StageView:
    name, values = stage.name, stage.values
    line = inspection.stage(_LINE_OF.get(name, name)).code
    before, _, after = line.partition(stage.code)
    maps = values.ndim == 3
    return StageView(
        stage=stage,
        shape=shape_words(stage.shape),
        code=("" if name == "probabilities" else f"x = {before}", stage.code, after),  # that line is not the Net's
        largest=_largest(inspection, name),
        scaled_by=_SCALED_BY.get(name, ""),
        captions=("red", "green", "blue") if name == "input" else tuple(map(str, range(len(values)))) if maps else (),
        row=rows.get(name),
        selected=rows.get(f"{name} selected"),
        lines=_LINES.get(name, 0),
        units_of=_UNITS_OF.get(name, ""),
    )


def _maps_of(inspection: "Inspection") -> dict[str, np.ndarray]:
    """Return the numbers of each stage as places in the palette, uint8 (N, height, width); all but the last."""
    selected = {"relu1": inspection.pool1_mask, "relu2": inspection.pool2_mask}
    maps = {}
    for stage in inspection.stages[:-1]:
        colours = to_colours(stage.values, _largest(inspection, stage.name))
        maps[stage.name] = colours if colours.ndim == 3 else colours.reshape(1, _LINES[stage.name], -1)
        if stage.name in selected:
            maps[f"{stage.name} selected"] = np.where(selected[stage.name], colours, np.uint8(DROPPED))
    return maps


<<<<<<< HEAD
def _largest(inspection: "Inspection", name: str) -> float:
    return float(np.abs(inspection.stage(_SCALED_BY.get(name, name)).values).max())
=======
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
>>>>>>> main
