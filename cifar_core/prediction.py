"""A Net's prediction for one image, as plain numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassScore:
    """The Net's output for one class."""

    name: str
    """the class"""
    logit: float
    """the Net's own output: any number; only the differences between classes matter"""
    probability: float
    """softmax of the logits: 0 to 1, and all classes together give 1"""


@dataclass(frozen=True)
class Prediction:
    """The Net's scores for one image."""

    scores: tuple[ClassScore, ...]
    """in the order of the labels"""

    @property
    def best(self) -> ClassScore:
        """The class with the largest logit (argmax): what the Net predicts."""
        return max(self.scores, key=lambda score: score.logit)

    @property
    def ranked(self) -> tuple[ClassScore, ...]:
        """The scores from the most to the least probable."""
        return tuple(sorted(self.scores, key=lambda score: -score.logit))
