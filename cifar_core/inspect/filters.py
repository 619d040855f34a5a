"""The first layer's filters as images: their three channels are those of the image, so they have colours."""

from typing import TYPE_CHECKING

import numpy as np

from cifar_core.errors import WeightsError

if TYPE_CHECKING:  # a page shows filters before torch has been loaded
    from cifar_core.net import Net

GREY = 128
"""what a weight of zero looks like"""


def first_filters(net: "Net") -> np.ndarray:
    """Return a copy of the weights of the first convolution: float32 (6, 3, 5, 5)."""
    return net.conv1.weight.detach().cpu().numpy().copy()


def largest_weight(*weights: np.ndarray) -> float:
    """Return the largest size of all finite weights, whatever their sign; 0 where there are none."""
    return max((float(np.abs(part[np.isfinite(part)]).max(initial=0)) for part in weights), default=0.0)


def filter_tiles(weights: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Return filters as small colour images: float (N, 3, 5, 5) -> uint8 (N, 5, 5, 3).

    Zero is grey, 128; a weight of the size `largest` is 255 or 1, whatever its sign, and so is one beyond it. None
    stands for the largest of these weights. Weights that are NaN or infinite are grey. Raise WeightsError for weights
    of another shape.
    """
    if weights.shape[1:] != (3, 5, 5):
        raise WeightsError(f"Filters that can be shown in colour have the shape (N, 3, 5, 5), not {weights.shape}.")
    ## One scale for all filters: the same colour is the same weight in every tile, and a filter that does little looks
    ## pale. With a scale of its own each would look equally strong. To compare several frames of a training, give them
    ## all the same `largest`.
    finite = np.where(np.isfinite(weights), weights, 0).astype(np.float64)
    scale = (largest_weight(weights) if largest is None else largest) or 1
    tiles = np.round(GREY + np.clip(127 * finite / scale, -127, 127)).astype(np.uint8)
    return tiles.transpose(0, 2, 3, 1)  # (N, 5, 5, 3)
