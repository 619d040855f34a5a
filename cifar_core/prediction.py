"""A Net's answer to one picture, as plain numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassScore:
    """What the Net says of one class."""

    name: str
    """the class"""
    logit: float
    """the Net's own output: any number; only the differences between classes matter"""
    probability: float
    """softmax of the logits: 0 to 1, and all classes together give 1"""


@dataclass(frozen=True)
class Prediction:
    """The Net's scores for one picture."""

    scores: tuple[ClassScore, ...]
    """in the order of the labels"""

    @property
    def best(self) -> ClassScore:
        """The class with the largest logit (argmax): the Net's answer."""
        return max(self.scores, key=lambda score: score.logit)

    @property
    def ranked(self) -> tuple[ClassScore, ...]:
        """The scores from the most to the least probable."""
        return tuple(sorted(self.scores, key=lambda score: -score.logit))
