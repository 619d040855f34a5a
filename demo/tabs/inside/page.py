"""Everything the tab Inside shows of one picture before one Net, made at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cifar_core.errors import CifarError, NetError
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry, OpenNet
from demo.tabs.inside.inspection import Look, batches, take_look
from demo.tabs.inside.stages import NOT_FINITE, Place, about_html, filters_html, stages_html
from demo.tabs.inside.unit import unit_html
from demo.tabs.inside.why import neighbours_html, saliency_html
from demo.widgets.pointer import Pointer
from demo.widgets.templates import message_box

if TYPE_CHECKING:
    from cifar_core.inspect.saliency import Saliency
    from cifar_core.net import Net

FIRST = Place("conv1", 0, 12, 12)
"""the unit that is shown before one is chosen"""
NEAREST = 5


@dataclass(frozen=True)
class InsidePage:
    """The parts of the tab, as HTML."""

    about: str
    filters: str
    stages: str
    unit: str
    saliency: str
    neighbours: str
    """empty until the training images of this Net have been searched"""
    classes: tuple[str, ...]
    drawn: str
    """which state of the Net this shows; another than `newest_state` gives means that there is a newer one"""


def inside_page(nets: NetRegistry, pointer: Pointer, place: Place, target: object = None) -> InsidePage:
    """All parts; `target` is the label whose saliency is asked for, None for the Net's answer.

    Raises CifarError where there is no such Net or picture. What only concerns a part is told in that part's place.
    """
    look = take_look(nets, pointer)
    state = f"{look.chosen.name} {look.chosen.step}"
    about = about_html(look, then=pointer.step is not None)
    filters = net_filters(nets, pointer, look.chosen)
    if not look.inside.finite:
        return InsidePage(about, filters, message_box(NOT_FINITE, "error"), "", "", "", look.classes, state)
    return InsidePage(
        about=about,
        filters=filters,
        stages=stages_html(look, place),
        unit=_unit_part(look.chosen.net, look.shown.image, place),
        saliency=_saliency_part(look, target),
        neighbours=_neighbours_part(nets, look),
        classes=look.classes,
        drawn=state,
    )


def read_place(layer: object, channel: object, row: object, column: object) -> Place:
    """A unit's place as the page's fields hold it. Raises NetError where a number is missing or not whole."""
    numbers = []
    for name, value in (("map", channel), ("row", row), ("column", column)):
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
            raise NetError(f"Choose a whole number as the {name}.")
        numbers.append(int(value))
    return Place(str(layer), *numbers)


def unit_part(nets: NetRegistry, pointer: Pointer, place: Place) -> str:
    """One unit, added up. Raises CifarError where there is no such Net or picture."""
    look = take_look(nets, pointer)
    return _unit_part(look.chosen.net, look.shown.image, place)


def saliency_part(nets: NetRegistry, pointer: Pointer, target: object) -> str:
    """The saliency maps for the label `target`, None for the Net's answer. Raises CifarError as `inside_page`."""
    look = take_look(nets, pointer)
    return _saliency_part(look, target) if look.inside.finite else message_box(NOT_FINITE, "error")


def net_filters(nets: NetRegistry, pointer: Pointer, chosen: OpenNet | None) -> str:
    """The first layer's filters; of a run that is going, as they were a moment ago.

    `chosen` is the Net that `pointer` names; None opens it where it is needed. Raises CifarError where there is none.
    """
    from cifar_core.inspect.filters import filter_tiles, first_filters

    run = None if pointer.net == PRETRAINED else nets.service.find(pointer.net)
    live = run is not None and run.active and pointer.step is None
    latest = nets.service.filters(pointer.net) if live else None
    if latest is not None:
        weights, step = latest.weights, latest.step
    else:
        if chosen is None:
            chosen = nets.open(NetRef(pointer.net, pointer.step))
        weights, step = first_filters(chosen.net), chosen.step or 0
    words = "As training has made them."
    if run is not None:
        words = f"After {batches(step)}{'. They change while the run trains' if live else ''}."
    finite = np.abs(weights[np.isfinite(weights)])
    return filters_html(filter_tiles(weights), float(finite.max(initial=0)), words, live=live)


def newest_state(nets: NetRegistry, pointer: Pointer) -> str:
    """What `InsidePage.drawn` would be now. Raises CifarError where there is no such run."""
    if pointer.net == PRETRAINED or pointer.step is not None:
        return f"{pointer.net} {pointer.step}"
    return f"{pointer.net} {nets.service.find(pointer.net).checkpoint}"


def search_result(look: Look, features: np.ndarray) -> str:
    """The nearest training images, of which `features`, float32 (N, 84), were extracted before."""
    from cifar_core.inspect.neighbours import nearest

    return neighbours_html(look, nearest(features, look.inside.stage("fc2").values, NEAREST))


def _unit_part(net: "Net", image: np.ndarray, place: Place) -> str:
    from cifar_core.inspect.unit import unit

    try:
        found = unit(net, image, place.layer, place.channel, place.row, place.column)
    except CifarError as error:
        return message_box(str(error), "error")
    return unit_html(found, image, place.layer, place.channel, place.row, place.column)


def _saliency_part(look: Look, target: object) -> str:
    from cifar_core.inspect.saliency import saliency, smooth_saliency

    named = isinstance(target, int) and not isinstance(target, bool) and 0 <= target < len(look.classes)
    label = target if named and isinstance(target, int) else look.answer
    maps: list[Saliency] = []
    try:
        maps = [method(look.chosen.net, look.shown.image, label) for method in (saliency, smooth_saliency)]
    except CifarError as error:
        return message_box(str(error), "error")
    return saliency_html(look, label, maps[0], maps[1])


def _neighbours_part(nets: NetRegistry, look: Look) -> str:
    features = nets.cached_features(look.chosen)
    return "" if features is None else search_result(look, features)
