"""The history of a run: frames, taken at moments that follow from the settings and the data alone.

A frame holds what the Net was like at one moment (its first layer, its answers, its mistakes) and, in a file beside
the run's checkpoint, all weights. A slider can so move over a training, also while it goes on.
"""

import math
from collections.abc import Sequence

import numpy as np

from cifar_core.errors import RunError
from cifar_core.runs.records import Filters, Frame, Moment, Run
from cifar_core.runs.store import Store

SHARE = 0.05
"""how much of a training's work its frames may cost in batches of 64; a short one costs no more than FEWEST"""
TEST_COST = 0.36
"""measured: what testing the Net on an image costs, in images trained with in batches of 64"""
FEWEST, MOST = 6, 24
"""frames of a run, the untrained Net and the end among them"""
MOST_KEPT = 48
"""frames of a run that was trained on again and again"""


def due(epochs: int, images: int, tested: int) -> list[int]:
    """After how many training images a frame is due, from 0 (the untrained Net) to the end.

    Of a training of `epochs` times `images` pictures, with frames that test the Net on `tested` images. The distance
    between frames grows steadily, for a Net changes most at the start.
    """
    total = epochs * images
    count = max(FEWEST, min(MOST, round(SHARE * total / (TEST_COST * tested))))
    return sorted({round(total * (number / (count - 1)) ** 2) for number in range(count)})


def thinned(moments: Sequence[Moment], most: int) -> list[Moment]:
    """At most `most` (from 2) of `moments`: the first, the last, and others as evenly as they were due."""
    kept = list(moments)
    while len(kept) > most:
        at = [math.sqrt(moment.images) for moment in kept]  # there all distances are alike
        kept.pop(min(range(1, len(kept) - 1), key=lambda place: at[place + 1] - at[place - 1]))
    return kept


def moments_of(store: Store, run_id: str) -> list[Moment]:
    """When the frames of a run were taken, the first first."""
    with store.reading() as database:
        rows = database.execute("select step, images from frames where run = ? order by step", (run_id,)).fetchall()
    return [Moment(*row) for row in rows]


def frames_of(store: Store, run_id: str) -> list[Frame]:
    """All frames of a run, the first first."""
    with store.reading() as database:
        rows = database.execute(
            "select step, images, confusion, answers, filters from frames where run = ? order by step", (run_id,)
        ).fetchall()
    return [_as_frame(*row) for row in rows]


def _as_frame(step: int, images: int, confusion: bytes, answers: bytes, filters: bytes) -> Frame:
    counts = np.frombuffer(confusion, np.int32).astype(np.int64)
    classes = math.isqrt(len(counts))
    counts = counts.reshape(classes, classes)
    return Frame(step, images, counts, np.frombuffer(answers, np.float32).reshape(-1, classes), _as_filters(filters))


def _as_filters(weights: bytes) -> np.ndarray:
    return np.frombuffer(weights, np.float32).reshape(6, 3, 5, 5)


def filters_of(store: Store, run_id: str) -> Filters | None:
    """The first layer of a run about a second ago, or at its end; None before the first step."""
    with store.reading() as database:
        row = database.execute("select step, weights from filters where run = ?", (run_id,)).fetchone()
    return Filters(row[0], _as_filters(row[1])) if row else None


def weights_at(store: Store, run: Run, step: float) -> bytes:
    """All weights of the frame at `step`, as the content of a `.pth` file. Raises RunError where there is no such."""
    if isinstance(step, bool) or not isinstance(step, int | float):
        raise RunError(f"A step must be a whole number; {step!r:.40} is not.")
    kept = [moment.step for moment in moments_of(store, run.id)]
    if not kept:
        raise RunError(
            "This run has no weights yet; try again in a moment." if run.active else "This run kept no earlier weights."
        )
    nearest = min(kept, key=lambda other: abs(other - step))
    if nearest != step:
        raise RunError(f"This run kept no weights of step {step!r:.20}; the nearest are those of step {nearest}.")
    try:
        return store.weights_of(run, nearest).read_bytes()
    except FileNotFoundError as error:  # the run was removed just now, or trains on with fewer frames
        raise RunError(f"The weights of step {nearest} have just been removed; choose another step.") from error


def keep_only(store: Store, run_id: str, moments: Sequence[Moment]) -> None:
    """Forget the other frames of a run. The worker that has the run removes their files."""
    steps = [moment.step for moment in moments]
    with store.writing() as database:
        database.execute(
            f"delete from frames where run = ? and step not in (?{', ?' * (len(steps) - 1)})", (run_id, *steps)
        )
