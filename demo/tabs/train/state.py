"""What the Train tab knows beyond its visible controls: which run it follows, and what may be done with it."""

from dataclasses import dataclass
from typing import Literal

Command = Literal["start", "stop", "pause", "resume", "change", "train_on", "download"]


@dataclass(frozen=True)
class TrainState:
    """The run that a page follows. It is the same as long as nothing but the curve changes."""

    run: str = ""
    """its id; empty before the first"""
    state: str = ""
    """the run's state, such as running or done"""
    commands: tuple[Command, ...] = ()
    """what this visitor may do now; nothing until the page has found its run"""
    new: bool = True
    """whether the page has just begun to follow this run, so that its settings are still to be filled in"""
