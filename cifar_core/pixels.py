"""Pixels to numbers and back: the one code path that prepares pictures for training and for classifying.

The tutorial writes `transforms.Compose([ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3)])` and applies it to one image
after the other. Here the same arithmetic runs on a whole batch, wherever the batch lies (CPU or GPU), and gives the
same numbers to the last bit.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Prepare = Callable[[Tensor], Tensor]
"""images uint8 (N, 32, 32, 3) in, the Net's inputs float32 (N, 3, 32, 32) out"""

MEAN = 0.5
STD = 0.5


def normalize(images: Tensor) -> Tensor:
    """uint8 (N, 32, 32, 3) from 0 to 255 becomes float32 (N, 3, 32, 32) from -1 to 1, on the same device.

    ToTensor divides by 255 and puts the channels first; Normalize subtracts the mean and divides by the standard
    deviation. A black pixel becomes -1, a white one 1.
    """
    return to_floats(images).sub_(MEAN).div_(STD)


def to_floats(images: Tensor) -> Tensor:
    """What ToTensor does: uint8 (N, 32, 32, 3) from 0 to 255 becomes float32 (N, 3, 32, 32) from 0 to 1."""
    ## A picture file has its three colours side by side in each pixel ("channels last"); a convolution wants three
    ## whole planes, one a colour ("channels first"). permute only renames the axes, contiguous moves the bytes.
    channels_first = images.permute(0, 3, 1, 2).contiguous()  # (N, 3, 32, 32)
    return channels_first.float().div_(255)


def unnormalize(inputs: Tensor) -> Tensor:
    """The way back: float32 (N, 3, 32, 32) from -1 to 1 becomes uint8 (N, 32, 32, 3). Undoes `normalize` exactly."""
    images = inputs * STD + MEAN  # the tutorial's `img / 2 + 0.5`
    return (images * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def flip_and_shift(images: Tensor, flips: Tensor, shifts: Tensor) -> Tensor:
    """Mirror and move pictures: uint8 (N, 32, 32, 3) in and out.

    `flips`: bool (N,), True mirrors left to right. `shifts`: int64 (N, 2), pixels to look further down and right;
    what is then missing at an edge repeats the edge's own pixels.
    """
    ## Both are only a matter of which pixel is looked up, so one indexing does the whole work.
    side = images.shape[1]
    line = torch.arange(side, device=images.device)
    rows = (line + shifts[:, 0, None]).clamp(0, side - 1)  # (N, 32)
    columns = (line + shifts[:, 1, None]).clamp(0, side - 1)  # (N, 32)
    columns = torch.where(flips[:, None], columns.flip(1), columns)
    picture = torch.arange(len(images), device=images.device)[:, None, None]
    return images[picture, rows[:, :, None], columns[:, None, :]]
