"""A visitor's own image: how it is edited, what the Net predicts for it, and what that is compared with."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cifar_core.image_edit import FIELDS, ImageEdit
from cifar_core.prediction import Prediction
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import NetRegistry, OpenNet
from demo.tabs.classify.view import Comparison
from demo.widgets.crop import CROP_PARTS
from demo.widgets.sliders import Slider, numbers_in

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

_STEPS = {"rotate": 1, "blur": 0.1, "shift_right": 1, "shift_down": 1, "brightness": 0.05, "noise": 1}
SLIDERS = tuple(Slider(name, FIELDS[name], step) for name, step in _STEPS.items())
"""the parts of an ImageEdit that have a slider; the crop has the others"""
LATE = 1.25
"""a run still training is evaluated again once it has made this many times the steps it had at its last evaluation"""


def edit_of(crop: object, sliders: object) -> ImageEdit:
    """Return the edit that the frame and the sliders show; raise ConfigError if their values are not allowed."""
    return ImageEdit(**numbers_in(crop, CROP_PARTS), **numbers_in(sliders, tuple(_STEPS)))


@dataclass(frozen=True, eq=False)
class Baseline:
    """The evaluation that a prediction is compared with."""

    evaluation: "Evaluation | None"
    """None if there is none yet"""
    net: NetRef
    """the Net, with its step, that was evaluated"""
    due: bool
    """whether the Net should be evaluated now"""


def baseline(nets: NetRegistry, opened: OpenNet, compared: NetRef | None) -> Baseline:
    """Return the evaluation of the Net, or of a slightly earlier step of the same run if that is still training.

    `compared` is what this visitor's last prediction was compared with.
    """
    exact = nets.cached_evaluation(opened)
    if exact is not None:
        return Baseline(exact, opened.ref, False)
    unknown = Baseline(None, opened.ref, True)
    if opened.run is None or opened.step is None or compared is None or compared.step is None:
        return unknown
    if compared.run != opened.name:
        return unknown
    earlier = nets.cached_evaluation(replace(opened, ref=compared))
    if earlier is None:
        return unknown
    recent = opened.run.state == "running" and compared.step <= opened.step <= LATE * compared.step
    return Baseline(earlier, compared, not recent)


def compare(prediction: Prediction, opened: OpenNet, found: Baseline) -> Comparison | None:
    """Return how sure the prediction is beside those for the test images; None if that is not known yet."""
    from cifar_core.inspect.judge import Proportion, confidence_rank

    evaluation = found.evaluation
    if evaluation is None:
        return None
    if not evaluation.finite:
        return Comparison(None)
    largest = evaluation.logits[:, : len(evaluation.classes)].max(axis=1)  # (N,)
    low = largest <= prediction.best.logit
    alike = Proportion(int((evaluation.predictions == evaluation.labels)[low].sum()), int(low.sum()))
    steps = None
    if found.net.step is not None and opened.step is not None and found.net.step != opened.step:
        steps = found.net.step, opened.step
    return Comparison(confidence_rank(prediction, evaluation), alike, steps)


@dataclass(frozen=True, eq=False)
class UploadPrediction:
    """What one Net predicts for one edited image."""

    image: np.ndarray
    """uint8 (32, 32, 3)"""
    opened: OpenNet
    prediction: Prediction


def predict_edited(nets: NetRegistry, net: NetRef, image: np.ndarray) -> UploadPrediction:
    """Open the Net once and predict; raise CifarError if there is no such Net, or it gives no numbers."""
    from cifar_core.predict import predict

    opened = nets.open(net)
    return UploadPrediction(image, opened, predict(opened.net, image, opened.splits.test.classes))
