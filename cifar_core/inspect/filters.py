"""The first layer's filters as pictures: their three channels are those of the image, so they have colours."""

from typing import TYPE_CHECKING

import numpy as np

from cifar_core.errors import WeightsError

if TYPE_CHECKING:  # a page shows filters before torch has been loaded
    from cifar_core.net import Net

GREY = 128
"""what a weight of zero looks like"""


def first_filters(net: "Net") -> np.ndarray:
    """The weights of the first convolution, float32 (6, 3, 5, 5), as they are now."""
    return net.conv1.weight.detach().cpu().numpy().copy()


def filter_tiles(weights: np.ndarray) -> np.ndarray:
    """Filters as small colour images: float (N, 3, 5, 5) -> uint8 (N, 5, 5, 3).

    Zero is grey, 128; the largest weight, whatever its sign, is 255 or 1. Weights that are NaN or infinite are grey
    too, and play no part in the scale. Raises WeightsError for weights of another shape.
    """
    if weights.shape[1:] != (3, 5, 5):
        raise WeightsError(f"Filters that can be shown in colour have the shape (N, 3, 5, 5), not {weights.shape}.")
    ## One scale for all filters: the same colour is the same weight in every tile, and a filter that does little looks
    ## pale. With a scale of its own each would look equally strong. To compare several moments of a training, hand
    ## their filters over together.
    finite = np.where(np.isfinite(weights), weights, 0).astype(np.float64)
    largest = np.abs(finite).max(initial=0) or 1
    tiles = np.round(GREY + 127 * finite / largest).astype(np.uint8)
    return tiles.transpose(0, 2, 3, 1)  # (N, 5, 5, 3)
