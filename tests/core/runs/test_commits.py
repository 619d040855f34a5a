"""How often the store is written to follows from time alone, however many mini-batches a second are made."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.runs import frame_recorder, job
from cifar_core.runs.db import Database
from cifar_core.runs.records import new_run
from cifar_core.runs.store import Store
from cifar_core.runs.worker import Worker
from cifar_core.training import progress

A_SLICE = 10
"""slices a second of a run that is alone; several share rounds of a fifth of a second, so that each has five"""


class Clock:
    """Goes on by a thousandth of a second whenever somebody looks at it."""

    now = 0.0

    def monotonic(self) -> float:
        self.now += 0.001
        return self.now

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize("runs", [1, 5], ids=["alone", "five"])
def test_a_run_costs_one_transaction_a_slice(
    tiny: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: int
) -> None:
    clock, written = Clock(), []
    original = Database.transaction

    @contextmanager
    def counted(self: Database, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        written.append(clock.now)
        with original(self, durable=durable) as database:
            yield database

    store = Store(tmp_path)
    for number in range(runs):
        store.add(
            new_run(
                f"{number:016x}",
                TrainConfig(epochs=8 if runs == 1 else 3, seed=number),
                tiny.folder,
                len(tiny.train),
                0,
            ),
            "ann",
        )
    for module in (job, frame_recorder, progress):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(Database, "transaction", counted)
    worker = Worker(store, 0, "cpu")  # with the timings that a visitor gets
    while worker.turn():
        pass
    seconds = clock.now
    assert seconds > 1, "the runs took long enough to be counted"
    assert len(store.active()) == 0
    assert len(written) <= max(A_SLICE, 5 * runs) * seconds + 6 * runs
    steps = sum(run.step for run in store.runs_of("ann"))
    assert len(written) < steps / 5, "mini-batches are written down together"
