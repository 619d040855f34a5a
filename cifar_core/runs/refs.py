"""The two pointers there are: which Net, and which image. They are small enough to travel through a browser."""

from dataclasses import dataclass
from typing import Literal

PRETRAINED = "pretrained"


@dataclass(frozen=True)
class NetRef:
    """One Net: the pretrained one, or that of a run."""

    run: str = PRETRAINED
    """pretrained, or a run's id"""
    step: int | None = None
    """the step of one of the run's frames; None for the newest weights"""


@dataclass(frozen=True)
class ImageRef:
    """One image: of the data set that belongs to a Net, or a visitor's own."""

    split: Literal["train", "test"] = "test"
    index: int = 0
    """its place in the split, from 0"""
    png: str = ""
    """a visitor's own image: a PNG of 32x32 pixels in base64; split and index then mean nothing"""
