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
from demo.tabs.inside.state import Place
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


def _largest(inspection: "Inspection", name: str) -> float:
    return float(np.abs(inspection.stage(_SCALED_BY.get(name, name)).values).max())
