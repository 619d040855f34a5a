"""The upload doctor: how a picture becomes what the Net sees, and what is left of an answer when that is made worse.

A photo is rarely framed, lit and sharp as the training images were. Each part of a `Treatment` changes one of these
things, so that one can watch which of them the Net minds.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from cifar_core.config import Field, checked
from cifar_core.errors import ImageError
from cifar_core.images import NET_SIDE, resized, square

FINE = 4 * NET_SIDE
"""the side, in pixels, at which a picture is rotated: at 32 pixels that alone would blur it"""

FIELDS: dict[str, Field] = {
    "crop_size": Field("Size of the crop", "The side of the square, as a share of the picture's shorter side.", 0.1, 1),
    "crop_x": Field("Crop across", "Where the square lies, from 0 (at the left) to 1 (at the right).", 0, 1),
    "crop_y": Field("Crop down", "Where the square lies, from 0 (at the top) to 1 (at the bottom).", 0, 1),
    "rotate": Field("Rotate", "By so many degrees, clockwise.", -180, 180),
    "blur": Field("Blur", "Mixes each of the 32 x 32 pixels with those around it, about so many pixels wide.", 0, 8),
    "shift_right": Field("Shift right", "By so many of the 32 pixels; below 0 to the left.", -16, 16),
    "shift_down": Field("Shift down", "By so many of the 32 pixels; below 0 upwards.", -16, 16),
    "brightness": Field("Brightness", "Multiplies all values: 0 is black, 1 leaves them, 2 doubles them.", 0, 3),
    "noise": Field("Noise", "Adds a random number to each value; about so large, where values go to 255.", 0, 100),
}
"""what may be done to a picture, with words for a person and bounds"""


@dataclass(frozen=True, kw_only=True)
class ImageEdit:
    """What is done to a picture on its way to the Net. The defaults do what is done to every picture, and no more.

    Raises ConfigError, naming the part and its bounds, when a value is not allowed: an instance is always valid.
    """

    crop_size: float = 1.0
    """side of the square that is cut out, as a share of the picture's shorter side"""
    crop_x: float = 0.5
    """its place across: 0 touches the left edge, 1 the right one"""
    crop_y: float = 0.5
    """its place down: 0 touches the upper edge, 1 the lower one"""
    rotate: float = 0.0
    """degrees clockwise about the middle of the square"""
    blur: float = 0.0
    """standard deviation of a Gaussian, in pixels of the 32 x 32"""
    shift_right: int = 0
    """pixels of the 32 x 32; negative: to the left"""
    shift_down: int = 0
    """pixels of the 32 x 32; negative: upwards"""
    brightness: float = 1.0
    """factor of all values"""
    noise: float = 0.0
    """standard deviation of a normal distribution, in values of 0 to 255; the same treatment adds the same noise"""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = checked(FIELDS[field.name], getattr(self, field.name), whole=field.type in (int, "int"))
            object.__setattr__(self, field.name, value)

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """The square that is cut out of a picture of `size` (width, height): left, top, right, bottom in its pixels."""
        return square(size, self.crop_size, self.crop_x, self.crop_y)


def apply_edit(picture: Image.Image, treatment: ImageEdit) -> np.ndarray:
    """What the Net sees of a treated picture: uint8 (32, 32, 3).

    With `Treatment()` it equals `pictures.to_net_input`. The parts are done in their own order: cut out and shrunk,
    rotated, blurred, shifted, made brighter or darker, noisy. What is missing at an edge repeats the edge's pixels, as
    in `pixels.flip_and_shift`. Give it what `pictures.read_picture` returns, of at most 1,024 pixels a side: that takes
    4 to 8 ms, where a photo of 4,000 x 3,000 pixels takes 60.
    """
    box = treatment.box(picture.size)
    if treatment.rotate:
        fine = _rotated(resized(picture, box, FINE), treatment.rotate)
        small = resized(fine, (0, 0, FINE, FINE), NET_SIDE)
    else:
        small = resized(picture, box, NET_SIDE)
    small = small.filter(ImageFilter.GaussianBlur(treatment.blur))
    small = _shifted(small, treatment.shift_right, treatment.shift_down)
    small = ImageEnhance.Brightness(small).enhance(treatment.brightness)
    noise = np.random.default_rng(0).normal(0, treatment.noise, (NET_SIDE, NET_SIDE, 3))
    return (np.asarray(small) + noise).round().clip(0, 255).astype(np.uint8)  # (32, 32, 3)


def _rotated(picture: Image.Image, degrees: float) -> Image.Image:
    """A square picture rotated clockwise about its middle, of the same size."""
    side = picture.width
    around = side // 4  # its corners reach (sqrt(2) - 1) / 2 = 0.21 of a side beyond its edges
    larger = Image.fromarray(_framed(picture, around)).rotate(-degrees, Image.Resampling.BICUBIC)
    return larger.crop((around, around, around + side, around + side))


def _shifted(picture: Image.Image, right: int, down: int) -> Image.Image:
    around = max(abs(right), abs(down))
    larger = Image.fromarray(_framed(picture, around))
    left, top = around - right, around - down
    return larger.crop((left, top, left + picture.width, top + picture.height))


def _framed(picture: Image.Image, around: int) -> np.ndarray:
    """A picture with `around` more pixels on each side, which repeat those of its edge: uint8 (H, W, 3)."""
    return np.pad(np.asarray(picture), ((around, around), (around, around), (0, 0)), "edge")


@dataclass(frozen=True)
class ValueRange:
    """The smallest, the mean and the largest of many numbers."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Channel:
    """One colour of a picture on its way into the Net."""

    name: Literal["red", "green", "blue"]
    stored: ValueRange
    """the bytes, 0 to 255"""
    before: ValueRange
    """after ToTensor and before Normalize, 0 to 1"""
    after: ValueRange
    """after Normalize, -1 to 1: what the Net is given"""


def channels(image: np.ndarray) -> tuple[Channel, Channel, Channel]:
    """What normalization does to a picture, uint8 (32, 32, 3): red, green, blue. PictureError for another array."""
    import torch  # takes seconds to load, and the bounds above are wanted before

    from cifar_core.pixels import normalize

    if image.shape != (NET_SIDE, NET_SIDE, 3) or image.dtype != np.uint8:
        raise ImageError(f"The Net sees pictures of uint8 (32, 32, 3), not {image.dtype} {image.shape}.")
    inputs = normalize(torch.from_numpy(image[None].copy()))[0].numpy()  # (3, 32, 32)

    def channel(name: Literal["red", "green", "blue"], at: int) -> Channel:
        stored = image[:, :, at]  # (32, 32)
        return Channel(name, _spread(stored), _spread(stored / 255), _spread(inputs[at]))

    return channel("red", 0), channel("green", 1), channel("blue", 2)


def _spread(values: np.ndarray) -> ValueRange:
    return ValueRange(float(values.min()), float(values.mean(dtype=np.float64)), float(values.max()))
