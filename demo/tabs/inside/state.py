"""What the tab Inside knows beyond its visible fields."""

import hashlib
from dataclasses import dataclass

from cifar_core.runs.refs import ImageRef, NetRef


@dataclass(frozen=True)
class InsideState:
    """One image before one Net, and a page of test images to choose from."""

    net: NetRef = NetRef()
    image: ImageRef = ImageRef()
    chosen: bool = False
    """whether the visitor chose this Net; otherwise it is their newest run"""
    opened: bool = False
    """whether the tab has been opened"""
    drawn: int | None = None
    """the step of the weights that are drawn; None for the pretrained Net, or if nothing is drawn"""
    page: int = 1
    """of the test images, from 1"""
    seed: int | None = None
    """shuffles the test images; None: as stored"""


@dataclass(frozen=True)
class Place:
    """A unit of a convolution: the place of one number in one map."""

    layer: str = "conv1"
    channel: int = 0
    row: int = 12
    column: int = 12


def key_of(net: NetRef, image: ImageRef) -> str:
    """Return a short text that is the same for the same image before the same Net.

    By it the browser sees that the result of a search belongs to another image than the one that is shown by now.
    """
    return hashlib.sha256(repr((net, image)).encode()).hexdigest()[:12]
