"""Pairs of the Lab: a baseline, and a faulty run that differs from it by one mistake.

They start together. In a quiz the mistake is to be guessed: until then the run is `secret`, and nothing that leaves
the store for a browser names it (see `Run.public`).
"""

import secrets
from dataclasses import dataclass, replace
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError, RunError
from cifar_core.mistakes import MISTAKES, Mistake
from cifar_core.runs.records import Run, Snapshot

BASELINE = "baseline"
QUIZ = "quiz"
"""the name of a faulty run whose mistake is still to be guessed, unless its owner gives it another"""
PAIR_DEFAULTS = TrainConfig(epochs=2, batch_size=16, lr=0.005)
"""settings that show each mistake within a minute on two cores, if it shows at all"""
PAIR_SETTINGS = ("epochs", "batch_size", "lr", "seed")
QUIZ_MISTAKES = tuple(word for word, mistake in MISTAKES.items() if not mistake.subtle)
"""the mistakes that a quiz may be about: those that can be seen"""
REPORT_IMAGES = 8000
"""images in one line of the log, as on the tab Train"""


@dataclass(frozen=True)
class Pair:
    """The two runs of a pair as they are now, as everybody may see them."""

    baseline: Snapshot
    faulty: Snapshot

    @property
    def id(self) -> str:
        """What `Service.pair` finds it by."""
        return self.baseline.run.id

    @property
    def word(self) -> str:
        """The mistake, as the setting names it; "none" as long as it is secret."""
        return self.faulty.run.config.mistake

    @property
    def mistake(self) -> Mistake:
        """The mistake in the words of a lesson. Raises RunError as long as it is secret."""
        self.faulty.run.check_solved()
        return MISTAKES[self.word]

    @property
    def secret(self) -> bool:
        """Whether the mistake is still to be guessed."""
        return self.faulty.run.secret

    @property
    def was_quiz(self) -> bool:
        """Whether the mistake was to be guessed, and has been."""
        return self.faulty.run.kind == "quiz" and not self.secret

    @property
    def active(self) -> bool:
        """Whether one of the two has not ended yet."""
        return self.baseline.run.active or self.faulty.run.active


def pair_config(values: dict[str, Any], images: int) -> TrainConfig:
    """Return the baseline's settings on `images` training images. Raises ConfigError if a value is not allowed."""
    config = replace(PAIR_DEFAULTS, **values)
    return replace(config, report_every=max(1, min(REPORT_IMAGES, images // 5) // config.batch_size))


def quiz_config(images: int) -> TrainConfig:
    """Return the baseline's settings for a quiz, with a seed that nobody has chosen."""
    return pair_config({"seed": secrets.randbelow(1000)}, images)


def check_mistake(mistake: str, *, quiz: bool) -> None:
    """Raise ConfigError if a pair, or a quiz, cannot be about this mistake."""
    if mistake not in MISTAKES:
        raise ConfigError("Choose a mistake first.")
    if quiz and mistake not in QUIZ_MISTAKES:
        raise ConfigError("A quiz cannot be about this mistake: it hardly shows.")


def in_order(runs: list[Run]) -> tuple[Run, Run]:
    """Return the baseline and the faulty run of a pair. Raises RunError if one is missing."""
    if not runs:
        raise RunError("This run is not the baseline of a pair; start one.")
    if len(runs) != 2:
        raise RunError("A run of this pair has been removed; start another pair.")
    baseline, faulty = sorted(runs, key=lambda run: run.id != run.pair)
    return baseline, faulty


def plain(mistake: str) -> str:
    """Return a mistake's name as it stands within a sentence."""
    label = MISTAKES[mistake].label
    return label[0].lower() + label[1:]
