"""Pixels to numbers and back: the one code path that prepares images for training and for classifying.

The tutorial writes `transforms.Compose([ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3)])` and applies it to one image
after the other. Here the same arithmetic runs on a whole batch, wherever the batch lies (CPU or GPU), and gives the
same numbers to the last bit.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from cifar_core.errors import ImageError

Prepare = Callable[[Tensor], Tensor]
"""images uint8 (N, 32, 32, 3) in, the Net's inputs float32 (N, 3, 32, 32) out"""

MEAN = 0.5
STD = 0.5


def normalize(images: Tensor) -> Tensor:
    """Turn uint8 (N, 32, 32, 3) from 0 to 255 into float32 (N, 3, 32, 32) from -1 to 1, on the same device.

    ToTensor divides by 255 and puts the channels first; Normalize subtracts the mean and divides by the standard
    deviation. A black pixel becomes -1, a white one 1.
    """
    return to_floats(images).sub_(MEAN).div_(STD)


def net_input(image: np.ndarray) -> Tensor:
    """Return one image, uint8 (32, 32, 3), as the Net takes it: float32 (1, 3, 32, 32). Raise ImageError for another.

    This is exactly how the training images are prepared.
    """
    if image.shape != (32, 32, 3) or image.dtype != np.uint8:
        raise ImageError(f"The Net sees images of uint8 (32, 32, 3), not {image.dtype} {image.shape}.")
    return normalize(torch.from_numpy(image[None].copy()))


def to_floats(images: Tensor) -> Tensor:
    """Do what ToTensor does: turn uint8 (N, 32, 32, 3) from 0 to 255 into float32 (N, 3, 32, 32) from 0 to 1."""
    ## An image file has its three colours side by side in each pixel ("channels last"); a convolution wants three
    ## whole planes, one per colour ("channels first"). permute only renames the axes, contiguous moves the bytes.
    channels_first = images.permute(0, 3, 1, 2).contiguous()  # (N, 3, 32, 32)
    return channels_first.float().div_(255)


def unnormalize(inputs: Tensor) -> Tensor:
    """Undo `normalize` exactly, as the tutorial's `imshow` does: float32 (N, 3, 32, 32) into uint8 (N, 32, 32, 3)."""
    images = inputs * STD + MEAN  # the tutorial's `img / 2 + 0.5`
    return (images * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def flip_and_shift(images: Tensor, flips: Tensor, shifts: Tensor) -> Tensor:
    """Mirror and move images: uint8 (N, 32, 32, 3) in and out.

    `flips`: bool (N,), True mirrors left to right. `shifts`: int64 (N, 2), pixels to look further down and right;
    pixels that are missing at an edge repeat those of the edge.
    """
    ## Both are only a matter of which pixel is looked up, so one indexing does the whole work.
    side = images.shape[1]
    line = torch.arange(side, device=images.device)
    rows = (line + shifts[:, 0, None]).clamp(0, side - 1)  # (N, 32)
    columns = (line + shifts[:, 1, None]).clamp(0, side - 1)  # (N, 32)
    columns = torch.where(flips[:, None], columns.flip(1), columns)
    image = torch.arange(len(images), device=images.device)[:, None, None]
    return images[image, rows[:, :, None], columns[:, None, :]]
