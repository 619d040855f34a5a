"""One unit of a convolution, added up by hand: patch times kernel, plus bias."""

from dataclasses import dataclass

import numpy as np

from cifar_core.errors import NetError
from cifar_core.inspect.stages import Inspection, inspect_image
from cifar_core.net import Net, layers

_LAYERS_BELOW = {"conv1": ((5, 1),), "conv2": ((5, 1), (2, 2), (5, 1))}
"""kernel size and stride of each layer from the unit down to the image"""


@dataclass(frozen=True)
class ReceptiveField:
    """The square of the 32x32 image that a unit sees, in pixels."""

    top: int
    left: int
    side: int


@dataclass(frozen=True, eq=False)
class Unit:
    """What one unit computes for one image; C is the number of its input channels, 3 or 6."""

    patch: np.ndarray
    """float32 (C, 5, 5): the part of the layer's input at rows row to row + 4, columns column to column + 4"""
    kernel: np.ndarray
    """float32 (C, 5, 5): the weights, the same for all units of a channel"""
    products: np.ndarray
    """float32 (C, 5, 5): each number of the patch times its weight"""
    sums: np.ndarray
    """float32 (C,): the products of each input channel, added up"""
    bias: float
    total: float
    """all sums and the bias: the unit's place in the map after the convolution"""
    activation: float
    """after ReLU: the total, or 0 if that is negative"""
    selected: bool
    """whether the next max-pool takes this unit out of its square of four"""
    receptive_field: ReceptiveField


def unit(
    net: Net,
    pixels: np.ndarray,
    layer: str,
    channel: int,
    row: int,
    column: int,
    *,
    inspection: Inspection | None = None,
) -> Unit:
    """Return the unit at (channel, row, column) of `layer`, conv1 or conv2, for `pixels`, uint8 (32, 32, 3).

    `inspection` is what `inspect_image` gave for the same Net and pixels; without it, the Net computes it again.
    Weights that are not finite give a Unit with NaN. Raise NetError if there is no such unit, ImageError for another
    array than an image.
    """
    shapes = {part.name: part.output for part in layers()}
    if layer not in _LAYERS_BELOW:
        raise NetError(f"The Net has no convolution {layer!r:.40}; choose conv1 or conv2.")
    for name, value, size in zip(("channel", "row", "column"), (channel, row, column), shapes[layer], strict=True):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < size:
            raise NetError(f"There is no {name} {value!r:.40} in {layer}; they go from 0 to {size - 1}.")
    seen = inspection or inspect_image(net, pixels)
    below, mask = (seen.stage("input"), seen.pool1_mask) if layer == "conv1" else (seen.stage("pool1"), seen.pool2_mask)
    weights = net.state_dict()
    ## A kernel of 5x5 starts at the unit's own place, as there is no padding, and reaches through all channels below.
    kernel = weights[f"{layer}.weight"][channel].numpy().copy()  # (C, 5, 5)
    bias = float(weights[f"{layer}.bias"][channel])
    patch = below.values[:, row : row + 5, column : column + 5]  # (C, 5, 5)
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are shown as they are
        products = patch * kernel
        sums = products.sum(axis=(1, 2))  # (C,)
        total = float(sums.sum()) + bias
    activation = float(np.maximum(total, 0))  # unlike max, passes NaN on
    place = (channel, row, column)
    return Unit(patch, kernel, products, sums, bias, total, activation, bool(mask[place]), _field(layer, row, column))


def _field(layer: str, row: int, column: int) -> ReceptiveField:
    ## Seen from below, n neighbours stand `stride` apart, and the last one still sees a whole kernel:
    ## conv2: 1 -> 5 -> 4 * 2 + 2 = 10 -> 9 * 1 + 5 = 14 pixels, which start at twice the unit's place.
    side = 1
    for kernel, stride in _LAYERS_BELOW[layer]:
        row, column, side = row * stride, column * stride, (side - 1) * stride + kernel
    return ReceptiveField(row, column, side)
