"""How often and how long the parts of the service work and wait, and who goes first."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Timings:
    """All but `nice` in seconds. Tests use shorter ones, which are given to the worker processes too."""

    slice: float = 0.1
    """that a run may work before it is the next one's turn"""
    checkpoint_every: float = 3.0
    """between a run's checkpoints: the work that is done again at most when a worker dies"""
    filters_every: float = 1.0
    """between two looks at the first layer"""
    idle: float = 0.04
    """between a worker's looks into the store when there is nothing to do"""
    patience: float = 5.0
    """to wait for a lock of the store"""
    wait_for_disk: float = 1.0
    """before trying again what a full or failing disk, or a store in trouble, refused"""
    look_every: float = 0.2
    """between the service's looks at its worker processes"""
    limits_every: float = 10.0
    """between two checks of the limits"""
    watched_for: float = 15.0
    """for which a run counts as watched after somebody looked at it"""
    nice: int = 10
    """added to the niceness of the worker processes, so that the page goes first"""

    def text(self) -> str:
        """Return the timings for a command line."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_text(text: str) -> "Timings":
        """Return the timings that `text` stands for."""
        return Timings(**json.loads(text))


USUAL = Timings()
