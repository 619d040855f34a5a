"""Neighbours: the images that are most similar for a Net.

Before its last layer the Net has turned an image into 84 numbers. Images whose 84 numbers are close together are
similar for the Net, whatever their pixels are.
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
    """The features of some images have been extracted."""

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
    """Extract the features of every image: ExtractingFeatures after each part, ExtractedFeatures at the end.

    `net` is on the CPU; what happens to it meanwhile changes nothing. Weights that are not finite give rows with NaN.
    For one image they are the values of the stage fc2 in `inspect_image`.
    """
    ## Without its last layer a trained Net is a feature extractor: the usual first step of transfer learning.
    body = copy.deepcopy(net)
    body.register_module("fc3", nn.Identity())
    count = len(image_set)
    extracted = np.empty((count, net.fc3.in_features), np.float32)  # (N, 84)
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        with torch.no_grad():
            extracted[part] = body(normalize(torch.from_numpy(image_set.images[part]))).numpy()
        yield ExtractingFeatures(min(start + BATCH, count), count)
    yield ExtractedFeatures(extracted)


def nearest(vectors: np.ndarray, vector: np.ndarray, count: int = 5) -> Neighbours:
    """Return the `count` rows of `vectors`, float32 (N, D), nearest to `vector`, float32 (D,); all if N is less.

    Of equally near rows the one with the lower index comes first. Rows that are not finite are left out; if `vector`
    itself is not finite, there are no neighbours.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        differences = vectors - vector  # (N, D)
        distances = np.sqrt(np.einsum("nd,nd->n", differences, differences))  # (N,)
    order = np.argsort(distances, kind="stable")[:count]  # stable keeps equals in order; NaN comes last
    order = order[np.isfinite(distances[order])]
    return Neighbours(order, distances[order])
