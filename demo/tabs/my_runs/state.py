"""What My runs knows beyond its visible controls."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MyRunsState:
    """Which question is on the screen."""

    deleting: str = ""
    """id of the run whose deletion was asked for and is still to be confirmed"""
