"""A pointer from one tab to another: which picture before which Net. It travels as text in a hidden field.

Nothing of it is kept on the server, so that two visitors cannot meet in it; an uploaded picture travels as the 32x32
that the Net sees.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass

import numpy as np

from cifar_core.errors import ImageError, RunError
from cifar_core.image_files import read_image
from cifar_core.images import encode_png, to_net_input
from cifar_core.runs.registry import OpenNet

LONGEST = 20_000
"""characters; a 32x32 picture as PNG has some 4,000"""


@dataclass(frozen=True)
class Pointer:
    """One picture before one Net. `text` writes it, `read_pointer` reads it."""

    net: str
    """pretrained, or a run's id"""
    picture: str
    """`test 12`, `train 7`, or `png` and the picture itself"""
    step: int | None = None
    """that of one of the run's frames; None for the Net as it is now"""

    def text(self) -> str:
        """Never the same twice, so that a second click on the same picture is a change too."""
        return json.dumps([self.net, self.picture, self.step, secrets.token_hex(4)])


@dataclass(frozen=True, eq=False)
class Shown:
    """The picture a pointer names."""

    image: np.ndarray
    """uint8 (32, 32, 3)"""
    title: str
    """test image 12, or: your picture"""
    label: int | None
    """its true class, where that is known"""


def picture_pointer(image: np.ndarray) -> str:
    """What names a picture of the visitor's own, uint8 (32, 32, 3)."""
    return "png " + base64.b64encode(encode_png(image)).decode()


def read_pointer(text: object) -> Pointer:
    """The pointer in `text`. Raises RunError where it is none: the field can be written to by anybody."""
    try:
        net, picture, step, _ = json.loads(str(text)[:LONGEST])
    except (ValueError, TypeError, RecursionError) as error:
        raise RunError("Choose a picture first.") from error
    if not isinstance(net, str) or not isinstance(picture, str) or not (step is None or type(step) is int):
        raise RunError("Choose a picture first.")
    return Pointer(net, picture, step)


def shown_by(picture: str, chosen: OpenNet) -> Shown:
    """The picture called `picture` in the pointer's words. Raises CifarError where there is no such picture."""
    kind, _, rest = picture.partition(" ")
    if kind == "png":
        try:
            read = read_image(base64.b64decode(rest, validate=True))
        except (binascii.Error, ValueError) as error:
            raise ImageError("This picture did not arrive whole; upload it again.") from error
        return Shown(to_net_input(read), "your picture", None)
    images = chosen.splits.split(kind)
    if not rest.isascii() or not rest.isdigit() or len(rest) > 9 or int(rest) >= len(images):
        raise RunError(f"There is no {kind} image {rest:.20}; they are numbered from 0 to {len(images) - 1:,}.")
    index = int(rest)
    return Shown(np.asarray(images.images[index]), f"{kind} image {index}", int(images.labels[index]))
