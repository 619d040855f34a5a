"""Which convolution runs on a CPU: torch's own one for very small mini-batches, else that of oneDNN."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

NATIVE_UP_TO = 4
"""images in a mini-batch up to which torch's own convolution is faster on a CPU than oneDNN's: 1.3 times at 4 images,
as fast at 8, slower from 16 on"""


@contextmanager
def convolutions(device: str, batch_size: int) -> Iterator[None]:
    """Choose the faster convolution for mini-batches of this size. Which of the two ran in the forward pass runs in
    the backward pass too; their results differ in the last digits."""
    mkldnn, before = torch.backends.mkldnn, torch.backends.mkldnn.enabled
    if device != "cpu" or batch_size > NATIVE_UP_TO or not before:
        yield
        return
    mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        mkldnn.enabled = before
