"""What Classify shows, as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from cifar_core.data.browse import Page
from cifar_core.data.image_set import ImageSet
from cifar_core.image_edit import Channel
from cifar_core.prediction import Prediction
from demo.widgets.format import count, percent
from demo.widgets.image_grid import grid_html
from demo.widgets.templates import render

if TYPE_CHECKING:
    from cifar_core.inspect.judge import ConfidenceRank, Proportion


@dataclass(frozen=True)
class Comparison:
    """How sure a prediction is beside the predictions for the test images."""

    rank: "ConfidenceRank | None"
    """None if the Net's logits for the test images are not all numbers"""
    alike: "Proportion | None" = None
    """of the test images whose largest logit is as low as this one, or lower: how many are predicted correctly"""
    steps: tuple[int, int] | None = None
    """the step of the run at which the test images were evaluated, and that of the prediction; None: the same"""

    @property
    def lower_than(self) -> str:
        """Return for how many test images the largest logit is higher, as a count if percent would say 0 or 100."""
        assert self.rank
        rounded = percent(self.rank.fraction)
        return f"{count(self.rank.higher)} of" if rounded in (percent(0), percent(1)) else f"{rounded} of"


def page_html(test: ImageSet, page: Page) -> Markup:
    """Return a page of test images to click on."""
    indices = list(page.indices)
    captions = [test.classes[label] for label in test.labels[indices]]
    names = [f"{caption}, test image {index}" for caption, index in zip(captions, indices, strict=True)]
    return grid_html(test.images[indices], captions, indices, columns=4, names=names)


def prediction_html(prediction: Prediction | None, image: np.ndarray | None = None, **about: object) -> Markup:
    """Return what the Net predicts for a test image, `index` and `truth` in `about`; what stands there before if None.

    It has the 32x32 that the Net sees, all ten probabilities and where they come from.
    """
    return render("tabs/classify/test_prediction.html.j2", prediction=prediction, image=image, **about)


def no_upload_html() -> Markup:
    """Return what stands there before a visitor brings an image."""
    return render("tabs/classify/no_upload.html.j2")


def upload_prediction_html(
    prediction: Prediction, image: np.ndarray, comparison: Comparison | None, *, retry: bool = False
) -> Markup:
    """Return the prediction for `image`, uint8 (32, 32, 3), beside that image; without a comparison, that it follows.

    With `retry` the page asks for it again. The bars keep their places while one drags.
    """
    return render(
        "tabs/classify/upload_prediction.html.j2",
        prediction=prediction,
        image=image,
        comparison=comparison,
        retry=retry,
    )


def numbers_html(channels: Sequence[Channel], prediction: Prediction) -> Markup:
    """Return what normalization does to the image, and how logits become the prediction."""
    return render("tabs/classify/numbers.html.j2", channels=channels, prediction=prediction)
