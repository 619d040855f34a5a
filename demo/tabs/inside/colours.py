"""Numbers as colours: zero is black, positive is orange, negative is blue, and the stronger the brighter."""

import numpy as np

## Blue and orange differ for every kind of colour vision, and orange ends lighter than blue, so that even without
## colours a strong positive number looks other than a strong negative one.
_STRENGTHS = (0.0, 0.5, 1.0)
_POSITIVE = ((8, 8, 10), (205, 95, 15), (255, 226, 160))
_NEGATIVE = ((8, 8, 10), (25, 80, 165), (110, 180, 255))
DROPPED = (104, 108, 116)
"""the grey of what a max-pool throws away; no number has it"""


def number_colours(values: np.ndarray, largest: float) -> np.ndarray:
    """Colours of finite numbers of any shape (...): uint8 (..., 3). `largest` (and more) has the brightest colour."""
    strength = np.clip(np.abs(values) / (largest or 1), 0, 1)
    sides = [_ramp(strength, colours) for colours in (_POSITIVE, _NEGATIVE)]
    return np.where((values < 0)[..., None], sides[1], sides[0]).astype(np.uint8)


def kept_colours(values: np.ndarray, largest: float, kept: np.ndarray) -> np.ndarray:
    """The same, but grey where `kept`, bool of the values' shape, is False."""
    return np.where(kept[..., None], number_colours(values, largest), np.array(DROPPED, np.uint8))


def strip(values: np.ndarray, rows: int) -> np.ndarray:
    """Numbers in one row, (N,), broken into `rows` rows of equal length: (rows, N / rows)."""
    return values.reshape(rows, -1)


def _ramp(strength: np.ndarray, colours: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    channels = [np.interp(strength, _STRENGTHS, [colour[at] for colour in colours]) for at in range(3)]
    return np.stack(channels, axis=-1).round()
