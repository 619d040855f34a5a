"""The timeline of a run: frames, recorded at times that follow from the settings and the data alone.

A frame holds what the Net was like at one moment (its first layer, its predictions, its mistakes) and, in a file
beside the run's checkpoint, all weights. A slider can so move over a training, also while it goes on.
"""

import math
from collections.abc import Sequence

from cifar_core.runs.records import FrameTime

COST = 0.05
"""the part of a training's work that its frames may cost in batches of 64; a short one costs no more than FEWEST"""
TEST_COST = 0.36
"""measured: what testing the Net on an image costs, in images trained with in batches of 64"""
FEWEST, MOST = 6, 24
"""frames of a run, the untrained Net and the end among them"""
MAX_FRAMES = 48
"""frames of a run that was trained on again and again"""


def planned(epochs: int, images: int, tested: int) -> list[int]:
    """Return after how many training images a frame is recorded, from 0 (the untrained Net) to the end.

    For a training of `epochs` times `images` images, with frames that test the Net on `tested` images. The distance
    between frames grows steadily, because a Net changes most at the start.
    """
    total = epochs * images
    count = max(FEWEST, min(MOST, round(COST * total / (TEST_COST * tested))))
    return sorted({round(total * (number / (count - 1)) ** 2) for number in range(count)})


def thinned(times: Sequence[FrameTime], most: int) -> list[FrameTime]:
    """Return at most `most` (from 2) of `times`: the first, the last, and others as evenly as they were planned."""
    left = list(times)
    while len(left) > most:
        at = [math.sqrt(time.images) for time in left]  # on this scale all distances are alike
        left.pop(min(range(1, len(left) - 1), key=lambda place: at[place + 1] - at[place - 1]))
    return left
