"""Classifying: one 32x32 image and a Net give ten scores."""

import numpy as np
import torch

from cifar_core.errors import NOT_FINITE, WeightsError
from cifar_core.net import Net
from cifar_core.pixels import net_input
from cifar_core.prediction import ClassScore, Prediction


def predict(net: Net, image: np.ndarray, classes: tuple[str, ...]) -> Prediction:
    """Return what `net` predicts for `image`, uint8 (32, 32, 3).

    Raise ImageError for another shape, WeightsError if the Net's outputs are not finite (its training diverged).
    """
    device = next(net.parameters()).device
    net.eval()
    with torch.no_grad():
        logits = net(net_input(image).to(device))[0, : len(classes)].double().cpu()  # (classes,)
    if not torch.isfinite(logits).all():
        raise WeightsError(NOT_FINITE)
    ## softmax makes all logits positive and lets them add up to 1: e^logit divided by the sum of all e^logit.
    probabilities = torch.softmax(logits, 0)
    return Prediction(tuple(map(ClassScore, classes, logits.tolist(), probabilities.tolist())))
