"""What happens in the tab One step."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from cifar_core.mistakes import training_images
from demo.setup.settings import NAMES, page_config
from demo.tabs.one_step.arithmetic import SHAPES, count_of
from demo.tabs.one_step.view import backward_html, end_html, forward_html, summary_html

if TYPE_CHECKING:
    from cifar_core.training.state import Checkpoint

MAX_CHECKPOINTS = 32
"""in the cache, half a megabyte each: from there, a step with another of its weights takes milliseconds"""
SMALL_BATCH = 4
"""the batch size that is shown in place of one that is too large: the tutorial's"""
FIRST = "conv1.weight"


class Refusal(CifarError):
    """No step can be shown; `too_large` says that the batch size is the reason."""

    def __init__(self, sentence: str, *, too_large: bool = False) -> None:
        super().__init__(sentence)
        self.too_large = too_large


class Steps:
    """Makes what the tab shows of a step; remembers where the last ones began for the next who asks."""

    def __init__(self, source: DataSource) -> None:
        self.source = source
        self._before = lru_cache(MAX_CHECKPOINTS)(_before)

    def show(
        self, number: object, weight: object, place: object, small_batch: bool, values: Sequence[Any]
    ) -> dict[str, Any]:
        """Return number and place (corrected where they are out of bounds), a message, and the parts of the step.

        `values` are the settings of the tab Train. Raises Refusal where no step can be shown.
        """
        from cifar_core.teach.step_trace import MOST_IMAGES, MOST_STEPS, trace_step

        given, data = dict(zip(NAMES, values, strict=True)), self.source.splits
        too_large = not fits(given["batch_size"], MOST_IMAGES)
        if too_large and small_batch:
            given["batch_size"] = SMALL_BATCH
        try:
            config = page_config(given, len(data.train))
            if config.batch_size > MOST_IMAGES:
                raise Refusal(too_many(config.batch_size, MOST_IMAGES), too_large=True)
            images, name = training_images(config, data), str(weight) if str(weight) in SHAPES else FIRST
            last, end = min(MOST_STEPS, config.steps(len(images))), count_of(name) - 1
            at, within = nearest(number, 1, last), nearest(place, 0, end)
            step = trace_step(config, images, self._before(config, images, at), name, within)
        except Refusal:
            raise
        except CifarError as error:
            raise Refusal(f"{error} Change it on the tab Train.", too_large=too_large) from error
        sentences = [
            f"Shown with batch size {SMALL_BATCH}; the tab Train keeps its own." if too_large else "",
            f"The steps 1 to {last} can be shown; this is step {at}." if number not in (at, None) else "",
            f"{name} has the numbers 0 to {end:,}; this is number {within}." if place not in (within, None) else "",
        ]
        return {
            "number": at,
            "place": within,
            "message": " ".join(filter(None, sentences)),
            "summary": summary_html(step, config),
            "forward": forward_html(step, config, images.classes),
            "backward": backward_html(step, config, images.classes) + end_html(config, len(images), too_large),
        }


def _before(config: TrainConfig, images: ImageSet, number: int) -> "Checkpoint":
    from cifar_core.teach.step_trace import before_step

    return before_step(config, images, number)


def nearest(given: object, low: int, high: int) -> int:
    """Return the whole number from `low` to `high` that is nearest to `given`; `low` for what is no number."""
    if isinstance(given, bool) or not isinstance(given, int | float) or given != given:
        return low
    return int(min(max(given, low), high))


def fits(batch_size: object, most: int) -> bool:
    """Return whether so many images can be shown."""
    return isinstance(batch_size, int | float) and batch_size in range(1, most + 1)


def too_many(batch_size: int, most: int) -> str:
    """Say what to do about a batch size that is too large to show each image."""
    return (
        f"The batch size on the tab Train is {batch_size}: too many images to show each. "
        f"Set it to {most} or less there, or press the button."
    )
