"""Numbers as colours: zero is black, positive is orange, negative is blue, and the stronger the brighter."""

import io

import numpy as np
from PIL import Image

## Blue and orange differ for every kind of colour vision, and orange ends lighter than blue, so that even without
## colours a strong positive number does not look like a strong negative one.
_STRENGTHS = (0.0, 0.5, 1.0)
_ZERO = (8, 8, 10)
_POSITIVE = (_ZERO, (205, 95, 15), (255, 226, 160))
_NEGATIVE = (_ZERO, (25, 80, 165), (110, 180, 255))
LEVELS = 127
"""shades of orange, and of blue"""
DROPPED = 255
"""the colour of what a max-pool does not select; no number has it"""


def _shades(colours: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    strengths = np.arange(1, LEVELS + 1) / LEVELS
    channels = [np.interp(strengths, _STRENGTHS, channel) for channel in zip(*colours, strict=True)]
    return np.stack(channels, axis=-1).round()


PALETTE = np.concatenate([[_ZERO], _shades(_POSITIVE), _shades(_NEGATIVE), [(104, 108, 116)]]).astype(np.uint8)
"""uint8 (256, 3): zero, the shades of orange, the shades of blue, and a grey"""


def to_colours(values: np.ndarray, largest: float) -> np.ndarray:
    """Return the place in PALETTE of each number, uint8. The size `largest` (and more) has the brightest colour."""
    levels = np.rint(np.clip(np.abs(values) / (largest or 1), 0, 1) * LEVELS).astype(np.uint8)
    return np.where((values < 0) & (levels > 0), levels + LEVELS, levels).astype(np.uint8)


def encode_colours(places: np.ndarray) -> bytes:
    """Return a PNG of places in PALETTE, uint8 (H, W). It has one byte for each pixel, where others have three."""
    image = Image.fromarray(places)
    image.putpalette(PALETTE.tobytes())  # turns the image's kind from grey into palette
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)  # of 9: the fastest
    return file.getvalue()
