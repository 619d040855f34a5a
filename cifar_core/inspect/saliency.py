"""Saliency: which pixels the score of a class depends on.

The gradient of one logit with respect to the input tells, pixel by pixel, how much the score would change if the pixel
changed a little. It shows what the Net reacts to, not that it is right to do so.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cifar_core.errors import NOT_FINITE, NetError, WeightsError
from cifar_core.inspect.stages import net_input
from cifar_core.net import Net

SAMPLES = 50
"""noisy copies; Smilkov et al. saw little change with more than 50"""
NOISE = 0.15
"""standard deviation of the noise, as a fraction of the image's range; Smilkov et al. recommend 0.1 to 0.2"""


@dataclass(frozen=True, eq=False)
class Saliency:
    """How strongly a class's logit depends on each pixel."""

    map: np.ndarray
    """float32 (32, 32), from 0 to 1, the pixel that matters most; all 0 if none does"""
    maximum: float
    """what 1 stands for: logits for one unit of normalized input"""


def saliency(net: Net, pixels: np.ndarray, label: int) -> Saliency:
    """Return the plain gradient for class `label` (0 to 9) on `pixels`, uint8 (32, 32, 3).

    `net` is on the CPU and does not change.
    Source: Simonyan et al. 2013, 'Deep Inside Convolutional Networks', section 3.
    Raise NetError if there is no such class, WeightsError if the weights are not finite (a diverged training).
    """
    return _as_map(_gradients(net, net_input(pixels), label)[0])


def smooth_saliency(
    net: Net, pixels: np.ndarray, label: int, *, samples: int = SAMPLES, noise: float = NOISE, seed: int = 0
) -> Saliency:
    """Return SmoothGrad: the mean of the gradients on `samples` noisy copies of the image; else as `saliency`.

    The same seed gives the same map. Source: Smilkov et al. 2017, 'SmoothGrad: removing noise by adding noise'.
    """
    ## The gradient jumps from pixel to pixel, because each ReLU and each pool switches at some point. Averaged over
    ## images that nobody could tell apart, what remains is what they have in common.
    inputs = net_input(pixels)  # (1, 3, 32, 32)
    sigma = noise * float(inputs.max() - inputs.min())
    random = torch.Generator().manual_seed(seed)
    copies = inputs + sigma * torch.randn((samples, 3, 32, 32), generator=random)
    return _as_map(_gradients(net, copies, label).mean(0))


def _gradients(net: Net, inputs: Tensor, label: int) -> Tensor:
    """Return d logit / d input of each image: float32 (N, 3, 32, 32) in and out."""
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < 10:
        raise NetError(f"The Net has no class {label!r:.40}; they go from 0 to 9.")
    with torch.enable_grad():
        inputs = inputs.requires_grad_()
        logits = net(inputs)  # (N, 10)
        ## No image's logit depends on another image, so the gradient of the sum holds each one's own.
        ## backward() would also fill the gradients of all weights; autograd.grad returns the one asked for.
        (gradients,) = torch.autograd.grad(logits[:, label].sum(), inputs)
    # the gradient alone is not enough: a bias that is NaN makes the logits NaN, but not the gradient
    if not (torch.isfinite(logits).all() and torch.isfinite(gradients).all()):
        raise WeightsError(NOT_FINITE)
    return gradients


def _as_map(gradient: Tensor) -> Saliency:
    """Take the largest absolute value among the channels, float32 (3, 32, 32), scaled to 0..1."""
    sizes = gradient.abs().amax(0)  # (32, 32)
    maximum = float(sizes.max())
    return Saliency((sizes / (maximum or 1)).numpy(), maximum)
