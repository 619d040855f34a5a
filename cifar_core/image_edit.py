"""Edit an image on its way to the Net, to see how much of its prediction is left.

A photo is rarely framed, lit and sharp as the training images were. Each part of an `ImageEdit` changes one of these
things, so that people can watch which of them the Net depends on.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from cifar_core.field import check_settings, setting, settings_of
from cifar_core.images import NET_SIDE, resized, square

FINE = 4 * NET_SIDE
"""the side, in pixels, at which an image is rotated: at 32 pixels that alone would blur it"""


@dataclass(frozen=True, kw_only=True)
class ImageEdit:
    """What is done to an image on its way to the Net. The defaults do what is done to every image, and no more.

    Raises ConfigError, naming the part and its bounds, if a value is not allowed: an instance is always valid.
    """

    crop_size: float = setting(
        1.0,
        "Size of the crop",
        low=0.1,
        high=1,
        help="The side of the square that is cut out, as a fraction of the image's shorter side.",
    )
    crop_x: float = setting(
        0.5, "Crop across", low=0, high=1, help="Where the square lies, from 0 (at the left) to 1 (at the right)."
    )
    crop_y: float = setting(
        0.5, "Crop down", low=0, high=1, help="Where the square lies, from 0 (at the top) to 1 (at the bottom)."
    )
    rotate: float = setting(
        0.0, "Rotate", low=-180, high=180, unit="degrees", help="Clockwise, about the middle of the square."
    )
    blur: float = setting(
        0.0, "Blur", low=0, high=8, unit="pixels", help="Mixes each of the 32 x 32 pixels with those around it."
    )
    """the standard deviation of a Gaussian, in pixels of the 32 x 32"""
    shift_right: int = setting(
        0, "Shift right", low=-16, high=16, unit="pixels", help="Of the 32 x 32; below 0 to the left."
    )
    shift_down: int = setting(0, "Shift down", low=-16, high=16, unit="pixels", help="Of the 32 x 32; below 0 upwards.")
    brightness: float = setting(
        1.0, "Brightness", low=0, high=3, help="Multiplies all values: 0 is black, 1 leaves them, 2 doubles them."
    )
    noise: float = setting(
        0.0, "Noise", low=0, high=100, help="Adds a random number of about this size to each value from 0 to 255."
    )
    """the standard deviation of a normal distribution; the same edit adds the same noise"""

    def __post_init__(self) -> None:
        check_settings(self)

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return the square to cut out of an image of `size` (width, height): left, top, right, bottom in pixels."""
        return square(size, self.crop_size, self.crop_x, self.crop_y)


FIELDS = settings_of(ImageEdit)
"""what may be done to an image, with words for people and bounds"""


def apply_edit(image: Image.Image, edit: ImageEdit) -> np.ndarray:
    """Return what the Net sees of an edited image: uint8 (32, 32, 3).

    With `ImageEdit()` it equals `images.to_net_input`. The parts are done in their order: cut out and shrunk, rotated,
    blurred, shifted, made brighter or darker, noisy. What is missing at an edge repeats the edge's pixels, as in
    `pixels.flip_and_shift`. Give it what `read_image` returns, of at most 1,024 pixels a side: that takes 4 to 8 ms;
    a photo of 4,000 x 3,000 pixels takes 60.
    """
    box = edit.box(image.size)
    if edit.rotate:
        fine = _rotated(resized(image, box, FINE), edit.rotate)
        small = resized(fine, (0, 0, FINE, FINE), NET_SIDE)
    else:
        small = resized(image, box, NET_SIDE)
    small = small.filter(ImageFilter.GaussianBlur(edit.blur))
    small = _shifted(small, edit.shift_right, edit.shift_down)
    small = ImageEnhance.Brightness(small).enhance(edit.brightness)
    noise = np.random.default_rng(0).normal(0, edit.noise, (NET_SIDE, NET_SIDE, 3))
    return (np.asarray(small) + noise).round().clip(0, 255).astype(np.uint8)  # (32, 32, 3)


def _rotated(image: Image.Image, degrees: float) -> Image.Image:
    """Rotate a square image clockwise about its middle; its size stays."""
    side = image.width
    around = side // 4  # its corners reach (sqrt(2) - 1) / 2 = 0.21 of a side beyond its edges
    larger = Image.fromarray(_framed(image, around)).rotate(-degrees, Image.Resampling.BICUBIC)
    return larger.crop((around, around, around + side, around + side))


def _shifted(image: Image.Image, right: int, down: int) -> Image.Image:
    around = max(abs(right), abs(down))
    larger = Image.fromarray(_framed(image, around))
    left, top = around - right, around - down
    return larger.crop((left, top, left + image.width, top + image.height))


def _framed(image: Image.Image, around: int) -> np.ndarray:
    """Return an image with `around` more pixels on each side, which repeat those of its edge: uint8 (H, W, 3)."""
    return np.pad(np.asarray(image), ((around, around), (around, around), (0, 0)), "edge")


@dataclass(frozen=True)
class ValueRange:
    """The smallest, the mean and the largest of many numbers."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Channel:
    """One colour of an image on its way into the Net."""

    name: Literal["red", "green", "blue"]
    stored: ValueRange
    """the bytes, 0 to 255"""
    before: ValueRange
    """after ToTensor and before Normalize, 0 to 1"""
    after: ValueRange
    """after Normalize, -1 to 1: what the Net is given"""


def channels(image: np.ndarray) -> tuple[Channel, Channel, Channel]:
    """Return what normalization does to red, green and blue of an image, uint8 (32, 32, 3); else raise ImageError."""
    from cifar_core.pixels import net_input  # loads torch, which takes seconds and is not needed for the bounds above

    inputs = net_input(image)[0].numpy()  # (3, 32, 32)

    def channel(name: Literal["red", "green", "blue"], at: int) -> Channel:
        stored = image[:, :, at]  # (32, 32)
        return Channel(name, _spread(stored), _spread(stored / 255), _spread(inputs[at]))

    return channel("red", 0), channel("green", 1), channel("blue", 2)


def _spread(values: np.ndarray) -> ValueRange:
    return ValueRange(float(values.min()), float(values.mean(dtype=np.float64)), float(values.max()))
