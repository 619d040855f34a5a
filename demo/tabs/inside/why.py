"""Why this prediction: which pixels a score depends on, and which training images look similar to the Net."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from demo.tabs.inside.colours import to_colours
from demo.tabs.inside.sheet import png_url
from demo.tabs.inside.subject import Subject
from demo.widgets.image_grid import grid_of
from demo.widgets.templates import message_box, render

if TYPE_CHECKING:
    from cifar_core.inspect.neighbours import Neighbours
    from cifar_core.inspect.saliency import Saliency


def saliency_html(subject: Subject, target: int, plain: "Saliency", smooth: "Saliency") -> Markup:
    """Return the image between the maps of two methods; `target` is the label whose score is asked about."""
    row, column = (int(place) for place in np.unravel_index(int(plain.map.argmax()), plain.map.shape))
    return render(
        "tabs/inside/saliency.html.j2",
        subject=subject,
        name=subject.classes[target],
        predicted=target == subject.predicted,
        plain=png_url(to_colours(plain.map, 1.0)),
        smooth=png_url(to_colours(smooth.map, 1.0)),
        maximum=plain.maximum,
        row=row,
        column=column,
    )


def neighbours_html(subject: Subject, nearest: "Neighbours", key: str) -> Markup:
    """Return the training images nearest to the image in the 84 numbers before the last layer."""
    if not len(nearest.indices):
        return message_box(
            "This Net has no finite numbers for this image, so no training image is similar to it.", "error"
        )
    train = subject.opened.splits.train
    indices, distances = nearest.indices.tolist(), nearest.distances.tolist()
    labels = [train.classes[int(label)] for label in train.labels[indices]]
    names = [
        f"{label}, training image {index}, distance {distance:.2f}: open it here"
        for label, index, distance in zip(labels, indices, distances, strict=True)
    ]
    captions = [f"{label} · {distance:.2f}" for label, distance in zip(labels, distances, strict=True)]
    return render(
        "tabs/inside/neighbours.html.j2",
        subject=subject,
        counts=Counter(labels).most_common(),
        grid=grid_of(train.images[indices], captions, indices, columns=5, names=names),
        key=key,
    )


def searching_html(done: int, total: int) -> Markup:
    """Return how far the search is; a `total` of 0 says that it has not begun."""
    return render("tabs/inside/searching.html.j2", done=done, total=total)
