"""What the tab One step knows beyond its visible controls."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OneStepState:
    """Whether a step is shown although the batch size of the tab Train is too large to show each image."""

    small_batch: bool = False
