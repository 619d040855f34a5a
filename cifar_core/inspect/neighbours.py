"""Neighbours: the images that a Net finds most alike.

Before its last layer the Net has turned a picture into 84 numbers. Pictures whose 84 numbers lie close together look
alike to the Net, whatever their pixels are.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from cifar_core.data.image_set import ImageSet
from cifar_core.net import Net
from cifar_core.pixels import normalize

BATCH = 500
"""images in one forward pass; it changes the speed only"""


@dataclass(frozen=True)
class ExtractingFeatures:
    """An extraction of features under way."""

    done: int
    """images so far"""
    total: int


@dataclass(frozen=True, eq=False)
class ExtractedFeatures:
    """The end of an extraction."""

    features: np.ndarray
    """float32 (N, 84): what goes into the last layer, after ReLU, so none is negative"""


FeatureEvent = ExtractingFeatures | ExtractedFeatures


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest of many vectors, the nearest first."""

    indices: np.ndarray
    """int64 (M,): rows of the features"""
    distances: np.ndarray
    """float32 (M,): Euclidean"""


def features(net: Net, image_set: ImageSet) -> Iterator[FeatureEvent]:
    """The features of every image, in small portions: ExtractingFeatures after each, ExtractedFeatures at the end.

    `net` is on the CPU; what happens to it meanwhile changes nothing. Weights that are no numbers give rows with NaN.
    For one picture they are the values of the stage fc2 in `inspect_image`.
    """
    ## Without its last layer a trained Net is a feature extractor: the usual first step of transfer learning.
    body = copy.deepcopy(net)
    body.register_module("fc3", nn.Identity())
    count = len(image_set)
    found = np.empty((count, net.fc3.in_features), np.float32)  # (N, 84)
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        with torch.no_grad():
            found[part] = body(normalize(torch.from_numpy(image_set.images[part]))).numpy()
        yield ExtractingFeatures(min(start + BATCH, count), count)
    yield ExtractedFeatures(found)


def nearest(vectors: np.ndarray, vector: np.ndarray, count: int = 5) -> Neighbours:
    """The `count` rows of `vectors`, float32 (N, D), that lie nearest to `vector`, float32 (D,); all where N is less.

    Of equally near rows the one with the lower index comes first. Rows that are not finite numbers have no distance
    and are left out; where `vector` itself is not, there are no neighbours.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        differences = vectors - vector  # (N, D)
        distances = np.sqrt(np.einsum("nd,nd->n", differences, differences))  # (N,)
    order = np.argsort(distances, kind="stable")[:count]  # stable keeps equals in order; NaN comes last
    order = order[np.isfinite(distances[order])]
    return Neighbours(order, distances[order])
