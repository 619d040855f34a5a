"""What the tab Lab knows beyond its visible controls."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LabState:
    """The pair of runs that is shown, and what may be done with it."""

    pair: str = ""
    """the id of its baseline; empty for none"""
    can_stop: bool = False
    can_answer: bool = False
    """whether it is a quiz whose mistake is still to be guessed"""
    was_quiz: bool = False
    """whether it is a quiz that has been answered"""
