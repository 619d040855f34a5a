"""What the tab Code knows beyond its visible controls."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CodeState:
    """The run that repeats the receipt."""

    repeated: str = ""
    """its id; empty before one was started"""
