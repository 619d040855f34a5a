"""Why this answer: which pixels the score depends on, and which training images the Net finds alike."""

import html
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from demo.tabs.inside.colours import number_colours
from demo.tabs.inside.inspection import Look, moment_words
from demo.widgets.enlarged import enlarged
from demo.widgets.image_grid import grid_html
from demo.widgets.templates import message_box

if TYPE_CHECKING:
    from cifar_core.inspect.neighbours import Neighbours
    from cifar_core.inspect.saliency import Saliency

TRUST = (
    "Do not read them as <i>what the Net looked at</i>. They only show where a small change of a pixel would move this "
    "score most, for this very picture. They are noisy, and a map can look convincing without explaining anything: "
    "Adebayo and others (<i>Sanity Checks for Saliency Maps</i>, 2018) found methods whose maps hardly change when the "
    "Net's weights are replaced by random ones. The plain gradient passed their checks."
)


def saliency_html(look: Look, target: int, plain: "Saliency", smooth: "Saliency") -> str:
    """The picture between the maps of two methods; `target` is the label whose score is asked about."""
    name = html.escape(look.classes[target])
    predicted = " (the Net's answer)" if target == look.answer else ""
    maps = "".join(
        enlarged(
            number_colours(found.map, 1.0),
            f"{title} for {look.classes[target]}: bright where the score depends on the pixel",
            title=f"{title}: {about}",
        )
        for title, about, found in (
            ("Gradient", "one picture, one gradient", plain),
            ("SmoothGrad", "the mean over 50 noisy copies of the picture", smooth),
        )
    )
    row, column = (int(place) for place in np.unravel_index(int(plain.map.argmax()), plain.map.shape))
    strongest = (
        f"In the plain gradient the strongest pixel is at row {row}, column {column}: there the score moves by about "
        f"{plain.maximum / 10:.2f} if one of its colours changes by 0.1, where the input goes from −1 to 1."
        if plain.maximum
        else "No pixel changes this score at all."
    )
    return (
        f"<section class='saliency'><p>Bright pixels: here a small change would change the score of <b>{name}</b>"
        f"{predicted} most. {strongest}</p><div class='three'>"
        f"{enlarged(look.shown.image, f'{look.shown.title}, enlarged', title=look.shown.title)}{maps}</div>"
        f"<p class='small'>{TRUST}</p></section>"
    )


def neighbours_html(look: Look, found: "Neighbours") -> str:
    """The training images nearest to the picture in the 84 numbers before the last layer."""
    if not len(found.indices):
        return message_box("This Net has no finite numbers for this picture, so nothing is near to it.", "error")
    train = look.chosen.splits.train
    indices = [int(index) for index in found.indices]
    labels = [train.classes[int(label)] for label in train.labels[indices]]
    captions = [f"{name} · {distance:.2f}" for name, distance in zip(labels, found.distances.tolist(), strict=True)]
    names = [
        f"{label}, training image {index}, distance {distance:.2f}: open it here"
        for label, index, distance in zip(labels, indices, found.distances.tolist(), strict=True)
    ]
    counted = ", ".join(f"{count} × {html.escape(name)}" for name, count in Counter(labels).most_common())
    answer = html.escape(look.classes[look.answer])
    return (
        f"<section class='neighbours'><p>Nearest to <b>{html.escape(look.shown.title)}</b> for "
        f"{html.escape(moment_words(look.chosen))}: {counted}. The Net's answer is <b>{answer}</b>.</p>"
        f"{grid_html(train.images[indices], captions, indices, columns=5, names=names)}"
        "<p class='small'>Below each picture: its class, and how far its 84 numbers are from those of your picture "
        "(0 would be the same). Click one to look inside with it.</p></section>"
    )


def searching_html(done: int, total: int) -> str:
    """How far the search has come."""
    share = 100 * done / max(total, 1)
    return (
        f"<div class='searching' role='status'><p class='small'>The Net looks at every training image: {done:,} of "
        f"{total:,}.</p><div class='progress'><div style='width:{share:.1f}%'></div></div></div>"
    )
