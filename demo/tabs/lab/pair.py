"""A healthy run and its twin with one mistake: begun together, found again, stopped together.

All that is known of a pair lies in the store. The page keeps the two ids; the mistake of a quiz is in the run's
settings and nowhere else, and that it is not solved yet is in the run's name.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import CifarError, ConfigError, RunError
from cifar_core.mistakes import MISTAKES, Mistake
from cifar_core.runs.records import Run, Snapshot
from cifar_core.runs.service import Service

HEALTHY = "healthy twin"
QUIZ = "quiz"
"""the name of a run whose mistake is still to be guessed"""
DEFAULTS = TrainConfig(epochs=2, batch_size=16, lr=0.005)
"""what shows each mistake within a minute of two cores, where it shows at all"""
SETTINGS = ("epochs", "batch_size", "lr", "seed")
ASKED = tuple(word for word, mistake in MISTAKES.items() if not mistake.subtle)
"""the mistakes that a quiz may be about: those that can be seen"""
REPORT_IMAGES = 8000
"""images in one line of the log, as on the tab Train"""


@dataclass(frozen=True)
class Pair:
    """The two runs as they are now."""

    healthy: Snapshot
    wrong: Snapshot

    @property
    def word(self) -> str:
        """The mistake, as the setting names it."""
        return self.wrong.run.config.mistake

    @property
    def mistake(self) -> Mistake:
        """The mistake in the words of a lesson."""
        return MISTAKES[self.word]

    @property
    def secret(self) -> bool:
        """Whether the mistake is still to be guessed."""
        return self.wrong.run.name == QUIZ

    @property
    def was_quiz(self) -> bool:
        """Whether it was to be guessed, and has been."""
        return self.wrong.run.name.startswith(f"{QUIZ}: ")

    @property
    def going(self) -> bool:
        """Whether one of the two has not ended yet."""
        return self.healthy.run.active or self.wrong.run.active


def lab_config(values: dict[str, Any], images: int) -> TrainConfig:
    """The healthy twin's settings on `images` training images. Raises ConfigError where a value is not allowed."""
    config = replace(DEFAULTS, **values)
    return replace(config, report_every=max(1, min(REPORT_IMAGES, images // 5) // config.batch_size))


def read_pair(service: Service, owner: str, text: str) -> Pair:
    """The pair behind two ids. Raises RunError where one is gone or somebody else's, or they are no pair."""
    ids = str(text).split()
    if len(ids) != 2:
        raise RunError("There is no pair of runs to show; start one.")
    healthy, wrong = (service.snapshot(service.own(owner, run).id) for run in ids)
    if not is_pair(healthy.run, wrong.run):
        raise RunError("These two runs are no pair; start one.")
    return Pair(healthy, wrong)


def is_pair(healthy: Run, wrong: Run) -> bool:
    """Whether nothing but a mistake is not the same in these two."""
    made = wrong.config.mistake in MISTAKES
    return made and healthy.config == replace(wrong.config, mistake="none") and healthy.data == wrong.data


def newest_pair(service: Service, owner: str) -> str:
    """The visitor's newest pair, as its ids; empty where he has none. After a refresh it is found again by this."""
    runs = service.runs_of(owner)
    for wrong, healthy in zip(runs, runs[1:], strict=False):
        if is_pair(healthy, wrong):
            return f"{healthy.id} {wrong.id}"
    return ""


def start_pair(service: Service, owner: str, config: TrainConfig, mistake: str, data: Splits, *, quiz: bool) -> str:
    """Begin both; their ids. Raises CifarError where one may not be started; then none of the two goes on."""
    if mistake not in MISTAKES:
        raise ConfigError("Choose a mistake first.")
    healthy = service.start(owner, config, data)
    try:
        wrong = service.start(owner, replace(config, mistake=mistake), data)
    except CifarError:
        service.stop(owner, healthy.id)
        raise
    service.rename(owner, healthy.id, HEALTHY)
    service.rename(owner, wrong.id, QUIZ if quiz else plain(mistake))
    return f"{healthy.id} {wrong.id}"


def start_quiz(service: Service, owner: str, data: Splits) -> str:
    """Begin a pair with a mistake and a seed that nobody has chosen; their ids."""
    config = lab_config({"seed": secrets.randbelow(1000)}, len(data.train))
    return start_pair(service, owner, config, secrets.choice(ASKED), data, quiz=True)


def stop_pair(service: Service, owner: str, text: str) -> None:
    """End both trainings. Raises RunError where one is gone or somebody else's."""
    pair = read_pair(service, owner, text)
    for run in (pair.healthy.run, pair.wrong.run):
        service.stop(owner, run.id)


def make_room(service: Service, owner: str, text: str) -> None:
    """End the pair that a newer one takes the place of, if there is one."""
    with suppress(CifarError):
        stop_pair(service, owner, text)


def solve(service: Service, owner: str, pair: Pair) -> Pair:
    """The same pair, its mistake no longer a secret."""
    if not pair.secret:
        return pair
    name = f"{QUIZ}: {plain(pair.word)}"
    return replace(pair, wrong=replace(pair.wrong, run=service.rename(owner, pair.wrong.run.id, name)))


def plain(mistake: str) -> str:
    """A mistake's name within a sentence."""
    label = MISTAKES[mistake].label
    return label[0].lower() + label[1:]
