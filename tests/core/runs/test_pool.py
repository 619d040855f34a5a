"""What keeps the workers alive: whatever happens to them or to the store. No process is started here."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from cifar_core.runs import pool as pool_module
from cifar_core.runs import worker as worker_module
from cifar_core.runs.pool import LONGEST_WAIT, Pool
from cifar_core.runs.records import WorkerInfo
from cifar_core.runs.store import Store
from cifar_core.runs.timings import Timings


@dataclass
class Clock:
    """Stands still unless it is put on."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Worker:
    """A worker process that lives for so many seconds."""

    clock: Clock
    lives: float
    begun: float = 0.0
    stdin: None = None

    def poll(self) -> int | None:
        return 1 if self.clock.now - self.begun >= self.lives else None


@dataclass
class Rounds:
    """A pool in a test's hands: every look at its workers is one round."""

    pool: Pool
    clock: Clock
    lives: float = 0.0
    begun: list[float] = field(default_factory=list)
    """when workers were started"""

    def spawn(self) -> "subprocess.Popen[str]":
        self.begun.append(self.clock.now)
        return cast("subprocess.Popen[str]", Worker(self.clock, self.lives, self.clock.now))

    def go_on(self, seconds: float) -> None:
        """Look five times a second, as the pool does."""
        ends = self.clock.now + seconds
        while self.clock.now < ends:
            self.clock.now += 0.2
            self.pool._replace_the_dead()


@pytest.fixture
def rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rounds:
    clock = Clock()
    monkeypatch.setattr(pool_module, "time", clock)
    pool = Pool(Store(tmp_path), 1, "cpu", lambda: None, Timings(), spare=False)
    rounds = Rounds(pool, clock)
    monkeypatch.setattr(pool, "_spawn", rounds.spawn)
    monkeypatch.setattr(pool, "_assign", lambda index: None)
    pool._processes, pool._back_off, pool._spare = [], [], None
    pool._add()
    return rounds


def test_workers_that_cannot_start_are_tried_ever_more_seldom(rounds: Rounds) -> None:
    rounds.go_on(3600)
    assert 120 <= len(rounds.begun) < 140
    pauses = [later - earlier for earlier, later in zip(rounds.begun, rounds.begun[1:], strict=False)]
    assert pauses[0] < 0.5 and pauses[1:5] == sorted(pauses[1:5])
    assert max(pauses) == pytest.approx(LONGEST_WAIT, abs=0.5)


def test_a_worker_that_has_worked_is_replaced_at_once_also_after_a_bad_time(rounds: Rounds) -> None:
    rounds.go_on(600)
    rounds.lives = 60.0
    rounds.go_on(600)
    pauses = [later - earlier for earlier, later in zip(rounds.begun, rounds.begun[1:], strict=False)]
    assert pauses[-4:] == pytest.approx([60.0] * 4, abs=0.5)


def test_no_error_ends_the_care_for_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pool, looks = Pool(Store(tmp_path), 1, "cpu", lambda: None, Timings(look_every=0.0), spare=False), list[int]()

    def failing() -> None:
        looks.append(len(looks))
        if len(looks) == 3:
            pool._closing.set()
        raise KeyError("a bug")

    monkeypatch.setattr(pool, "_replace_the_dead", failing)
    pool._keep_alive()
    assert looks == [0, 1, 2]
    assert "The runs cannot be looked after" in capsys.readouterr().err


def test_no_error_ends_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    turns: list[int] = []

    def failing(self: Any) -> bool:
        turns.append(len(turns))
        raise KeyError("a bug")

    monkeypatch.setattr(worker_module.os, "getppid", lambda: 7 if len(turns) < 3 else 0)
    monkeypatch.setattr(worker_module.Worker, "turn", failing)
    life = worker_module._Life(str(tmp_path), "7", "cpu", Timings(wait_for_disk=0.0).text())
    life.info = WorkerInfo(1, "cpu", "A processor", "", ("cpu",))
    life.work(0)
    assert turns == [0, 1, 2]
    assert "The runs cannot be advanced, trying again" in capsys.readouterr().err
