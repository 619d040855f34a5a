"""A worker measures itself: what a mini-batch costs, for the estimates of the page."""

import time
from collections.abc import Iterator

import numpy as np

from cifar_core.config import CLASSES, TrainConfig
from cifar_core.data.image_set import ImageSet
from cifar_core.net import new_net
from cifar_core.training.events import Progress
from cifar_core.training.loop import train

BATCHES = ((256, 1), (4, 48), (64, 8))
"""mini-batches of which size, and how many; the first is not counted, torch loads its parts in it"""


def measuring(device: str) -> Iterator[tuple[float, float] | None]:
    """Train on blank images, a mini-batch at a time; give None after each, and the result at the end.

    The result is what a mini-batch costs however small it is, and what each of its images adds: seconds.
    """
    # the time of this process alone, because other workers may be measuring themselves on the same cores
    clock = time.process_time if device == "cpu" else time.perf_counter
    seconds = {}
    for batch, count in BATCHES:
        blank = ImageSet(
            np.zeros((batch * count, 32, 32, 3), np.uint8), np.arange(batch * count) % 10, CLASSES, "train"
        )
        events = train(new_net(0), blank, TrainConfig(epochs=1, batch_size=batch), device=device)
        costs: list[float] = []  # of each mini-batch; the pauses in between are not counted
        while True:
            started = clock()
            event = next(events, None)
            if event is None:
                break
            if isinstance(event, Progress):
                costs.append(clock() - started)
                yield None
        seconds[batch] = sum(costs[1:]) / max(1, len(costs) - 1)
    image = max(0.0, (seconds[64] - seconds[4]) / 60)
    yield max(0.0, seconds[4] - 4 * image), image


def measure(device: str) -> tuple[float, float]:
    """Return the result of `measuring`."""
    *_, costs = measuring(device)
    assert costs is not None
    return costs
