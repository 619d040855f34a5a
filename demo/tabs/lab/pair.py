"""Transitional: pairs live in the core (`cifar_core.runs.pairs`); this gives them their former names for the tab."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import CifarError, RunError
from cifar_core.mistakes import Mistake
from cifar_core.runs import pairs
from cifar_core.runs.pairs import BASELINE, PAIR_DEFAULTS, PAIR_SETTINGS, QUIZ, QUIZ_MISTAKES, pair_config, plain
from cifar_core.runs.records import Run, Snapshot
from cifar_core.runs.service import Service

HEALTHY, DEFAULTS, SETTINGS, ASKED = BASELINE, PAIR_DEFAULTS, PAIR_SETTINGS, QUIZ_MISTAKES
lab_config = pair_config
__all__ = ["QUIZ", "plain"]


@dataclass(frozen=True)
class Pair:
    """The two runs as they are now."""

    healthy: Snapshot
    wrong: Snapshot

    @property
    def word(self) -> str:
        return self._pair.word

    @property
    def mistake(self) -> Mistake:
        return self._pair.mistake

    @property
    def secret(self) -> bool:
        return self._pair.secret

    @property
    def was_quiz(self) -> bool:
        return self._pair.was_quiz

    @property
    def going(self) -> bool:
        return self._pair.active

    @property
    def _pair(self) -> pairs.Pair:
        return pairs.Pair(self.healthy, self.wrong)


def _text(runs: tuple[Run, Run]) -> str:
    return " ".join(run.id for run in runs)


def read_pair(service: Service, owner: str, text: str) -> Pair:
    ids = str(text).split()
    if len(ids) != 2:
        raise RunError("There is no pair of runs to show; start one.")
    found = service.pair(owner, ids[0])
    if found.faulty.run.id != ids[1]:
        raise RunError("These two runs are no pair; start one.")
    return Pair(found.baseline, found.faulty)


def newest_pair(service: Service, owner: str) -> str:
    return next(map(_text, service.pairs_of(owner)), "")


def start_pair(service: Service, owner: str, config: TrainConfig, mistake: str, data: Splits, *, quiz: bool) -> str:
    return _text(service.start_pair(owner, config, mistake, data, quiz=quiz))


def start_quiz(service: Service, owner: str, data: Splits) -> str:
    return _text(service.start_quiz(owner, data))


def stop_pair(service: Service, owner: str, text: str) -> None:
    read_pair(service, owner, text)
    service.stop_pair(owner, text.split()[0])


def make_room(service: Service, owner: str, text: Any) -> None:
    with suppress(CifarError):
        stop_pair(service, owner, text)


def solve(service: Service, owner: str, pair: Pair) -> Pair:
    service.solve(owner, pair.wrong.run.id)
    return read_pair(service, owner, f"{pair.healthy.run.id} {pair.wrong.run.id}")
