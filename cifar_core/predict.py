"""Predict the class of one 32x32 image."""

import numpy as np
import torch

from cifar_core.errors import NOT_FINITE, WeightsError
from cifar_core.images import check_net_image
from cifar_core.net import Net
from cifar_core.pixels import normalize
from cifar_core.prediction import ClassScore, Prediction


def predict(net: Net, image: np.ndarray, classes: tuple[str, ...]) -> Prediction:
    """Return what `net` predicts for `image`, uint8 (32, 32, 3), prepared exactly as the training images were.

    Raise ImageError for another shape, WeightsError if the Net's weights are not finite (a diverged training).
    """
    check_net_image(image)
    device = next(net.parameters()).device
    net.eval()
    with torch.no_grad():
        inputs = normalize(torch.from_numpy(image[None].copy()).to(device))  # (1, 3, 32, 32)
        logits = net(inputs)[0, : len(classes)].double().cpu()  # (classes,)
    if not torch.isfinite(logits).all():
        raise WeightsError(NOT_FINITE)
    ## softmax makes all logits positive and lets them add up to 1: e^logit divided by the sum of all e^logit.
    probabilities = torch.softmax(logits, 0)
    return Prediction(tuple(map(ClassScore, classes, logits.tolist(), probabilities.tolist())))
