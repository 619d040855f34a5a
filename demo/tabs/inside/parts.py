"""The parts of the tab that the core computes: a sentence stands in the place of a part that is impossible."""

from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from cifar_core.errors import NOT_FINITE, CifarError
from demo.tabs.inside.architecture import architecture_html
from demo.tabs.inside.state import Place
from demo.tabs.inside.subject import Subject
from demo.tabs.inside.unit import unit_html
from demo.tabs.inside.why import neighbours_html, saliency_html
from demo.widgets.templates import message_box

if TYPE_CHECKING:
    from cifar_core.inspect.saliency import Saliency

NEAREST = 5


def architecture_part() -> Markup:
    """Return the Net as a drawing."""
    from cifar_core.net import layers

    return architecture_html(layers())


def unit_part(subject: Subject, place: Place) -> Markup:
    """Return one unit, added up."""
    from cifar_core.inspect.unit import unit

    net, pixels = subject.opened.net, subject.image.pixels
    try:
        found = unit(net, pixels, place.layer, place.channel, place.row, place.column, inspection=subject.inspection)
    except CifarError as error:
        return message_box(str(error), "error")
    return unit_html(found, pixels, place)


def saliency_part(subject: Subject, target: Any) -> Markup:
    """Return the saliency maps for the label `target`; anything else stands for the predicted class."""
    from cifar_core.inspect.saliency import saliency, smooth_saliency

    if not subject.inspection.finite:
        return message_box(NOT_FINITE, "error")
    label = target if type(target) is int and 0 <= target < len(subject.classes) else subject.predicted
    try:
        maps: list[Saliency] = [
            method(subject.opened.net, subject.image.pixels, label) for method in (saliency, smooth_saliency)
        ]
    except CifarError as error:
        return message_box(str(error), "error")
    return saliency_html(subject, label, *maps)


def neighbours_part(subject: Subject, features: np.ndarray, key: str) -> Markup:
    """Return the nearest training images; `features`, float32 (N, 84), are those of all training images."""
    from cifar_core.inspect.neighbours import nearest

    return neighbours_html(subject, nearest(features, subject.inspection.stage("fc2").values, NEAREST), key)
