"""What the upload doctor shows: the answer to a treated picture, how sure that is, and what normalization did to it."""

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cifar_core.prediction import Prediction
from demo.widgets.enlarged import enlarged
from demo.widgets.format import percent
from demo.widgets.prediction_view import bars_html, scores_html

if TYPE_CHECKING:
    from cifar_core.image_edit import Channel, ValueRange
    from cifar_core.inspect.judge import ConfidenceRank, Proportion

PHOTO_SIDE = 640
"""pixels of the longer side of the photo that the crop is chosen on; the Net is shown the whole photo's pixels"""

EMPTY = (
    '<div class="detail empty"><p>Bring a picture of your own, and the Net\'s answer appears here. '
    "Then crop, turn, blur or darken it, and watch the answer change.</p></div>"
)
COMPARING = '<p class="certainty" role="status">Comparing with the test images …</p>'


def photo_url(picture: Image.Image) -> str:
    """A small copy of an RGB picture, as a link of its own: 60 kB where the lossless one has 1.5 MB."""
    small = picture.copy()
    small.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def doctor_html(answer: Prediction, image: np.ndarray) -> str:
    """The answer to `image`, uint8 (32, 32, 3), beside that image; the bars keep their places while one drags."""
    best = answer.best
    seen = enlarged(image, "What the Net sees: 32 by 32 pixels, enlarged", title="the 32 × 32 the Net sees")
    return (
        f"<h3>The Net says <strong>{html.escape(best.name)}</strong>, {percent(best.probability)} sure</h3>"
        f'<div class="doctor-parts">{seen}{bars_html(answer, ranked=False)}</div>'
    )


def certainty_html(found: "ConfidenceRank", alike: "Proportion", *, behind: str = "") -> str:
    """How sure the answer is beside the answers to the test images.

    `alike` is how many of the test images with a best score as low as this one, or lower, are answered right. `behind`
    says in words of which earlier step the comparison is.
    """
    score = f"Its best score, the largest logit, is {found.score:.2f}"
    if found.higher == found.total:
        place = f"{score}. Every one of the {found.total:,} test images has a higher one."
    elif found.higher == 0:
        place = f"{score}. None of the {found.total:,} test images has a higher one."
    else:
        share = percent(found.fraction)
        if share in (percent(0), percent(1)):  # rounded; it is neither none nor all of them
            share = f"{found.higher:,}"
        place = f"{score}: lower than on {share} of the {found.total:,} test images."
    verdict = found.verdict
    record = ""
    if verdict != "typical" and alike.total:
        mostly = " Such answers are mostly wrong:" if verdict == "atypical" and alike.fraction < 0.5 else ""
        images = "test image" if alike.total == 1 else "test images"
        of = "Of" if not mostly else "of"
        record = (
            f"{mostly} {of} the {alike.total:,} {images} with a score this low, the Net got "
            f"{percent(alike.fraction)} right."
        )
    head, end = {
        "typical": (
            "As sure as usual.",
            " That does not make it right: shown something that is none of the ten, a Net can be just as sure.",
        ),
        "low": ("Less sure than usual.", ""),
        "atypical": ("Doubtful.", " Perhaps the picture shows none of the ten."),
    }[verdict]
    late = f' <span class="behind">{html.escape(behind)}</span>' if behind else ""
    return f'<p class="certainty {verdict}" role="status"><b>{head}</b> {place}{record}{end}{late}</p>'


STAGES = ("bytes", "0 to 1", "normalized")
"""the ways in which a picture's values are written"""


def numbers_html(channels: "Sequence[Channel]", answer: Prediction) -> str:
    """What normalization does to the picture, and how logits become the answer."""
    return (
        f"<h4>What normalization does to the picture</h4>{spreads_html(channels)}"
        f"<h4>Where the answer comes from</h4>{scores_html(answer)}"
    )


def spreads_html(channels: "Sequence[Channel]") -> str:
    """The lowest, mean and highest value of each colour: as stored, as numbers from 0 to 1, and normalized."""
    words = "<span class='spread'><span>lowest</span><b>mean</b><span>highest</span></span>"
    heads = "".join(f'<th scope="col">{stage}<br>{words}</th>' for stage in STAGES)
    rows = "".join(
        f'<tr><th scope="row"><i class="dot {channel.name}"></i>{channel.name}</th>'
        f"{_spread(0, channel.stored, 0)}{_spread(1, channel.before, 2)}{_spread(2, channel.after, 2)}</tr>"
        for channel in channels
    )
    return (
        '<p class="quiet">A picture is stored in bytes, 0 to 255. They are divided by 255, which gives 0 to 1. '
        "Then Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)) takes 0.5 away and divides by 0.5, which gives −1 to 1. "
        "The Net was trained on such numbers.</p>"
        f'<table class="facts-table spreads"><thead><tr><th scope="col">colour</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _spread(stage: int, spread: "ValueRange", digits: int) -> str:
    low, mean, high = (f"{value:.{digits}f}".replace("-", "−") for value in (spread.low, spread.mean, spread.high))
    numbers = f"<span>{low}</span><b>{mean}</b><span>{high}</span>"
    return f"<td data-stage='{STAGES[stage]}'><span class='spread'>{numbers}</span></td>"
