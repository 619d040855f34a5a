"""Runs in tests: what a training gives alone, a worker in the test's own process, and rows written without one."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.evaluate import evaluate
from cifar_core.net import Net, load_net, new_net
from cifar_core.runs.folding import result_of
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Filters, Frame, Point, Run, Snapshot, TestResult, new_run
from cifar_core.runs.service import Service
from cifar_core.runs.slice_result import SliceResult
from cifar_core.runs.store import Store
from cifar_core.runs.timings import Timings
from cifar_core.runs.worker import Worker
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Changed, Progress, Reported, Validated
from cifar_core.training.loop import train

ROOT = Path(__file__).parents[2]
ANN, BOB, EVE = (name * 8 for name in ("ann", "bob", "eve"))
"""the secret keys of three visitors"""
SHORT = TrainConfig(epochs=2, report_every=30, seed=3)
"""200 mini-batches on the tiny data"""
BRIEF = TrainConfig(epochs=1, batch_size=80, report_every=2, seed=9)
"""5 mini-batches"""
LONG = TrainConfig(epochs=8, report_every=70, seed=4)
"""800 mini-batches: long enough to be interrupted"""
ENDLESS = TrainConfig(epochs=200, report_every=100, seed=5)
"""20,000 mini-batches: it is always stopped"""
DIVERGING = TrainConfig(epochs=2, lr=1, momentum=0.999)
NO_LIMITS = Limits(starts_a_minute=1000, active_per_owner=1000, active=1000)
FAST = Timings(
    slice=0.02,
    checkpoint_every=0.3,
    filters_every=0.1,
    idle=0.01,
    patience=0.5,
    look_every=0.03,
    limits_every=1.0,
    nice=0,
)
"""about a tenth of what a visitor gets"""
EACH_EVENT = replace(FAST, slice=0.0, patience=0.05)
"""a slice for each event"""
EACH_CHECKPOINT = replace(EACH_EVENT, checkpoint_every=0.0)
"""and a checkpoint after each slice"""


class Death(BaseException):
    """Ends a worker in the test's own process at once, as kill -9 does."""


def until(true: Callable[[], object]) -> None:
    """Return when `true` is."""
    deadline = time.monotonic() + 100
    while not true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.01)


def refusal(work: Callable[[], object]) -> str:
    """Return the sentence with which `work` is refused."""
    with pytest.raises(RunError) as caught:
        work()
    assert str(caught.value).endswith(".")
    return str(caught.value)


# ------------------------------------------------------------------------------------------------ what a run should be


@dataclass(frozen=True)
class Alone:
    """What a training gives by itself, without runs, slices or checkpoints."""

    points: tuple[Point, ...]
    reports: tuple[Reported, ...]
    result: TestResult
    weights: dict[str, Tensor]


@cache
def alone(config: TrainConfig, splits: Splits, steps: int | None = None, changes: tuple[Change, ...] = ()) -> Alone:
    """Train `config` with `changes`; if `steps` is given, stop after so many."""
    net, points, reports = new_net(config.seed), list[Point](), list[Reported]()
    control = Control(changes=list(changes))
    if steps:  # a change that changes nothing says when the last step is next
        control.changes = [change for change in changes if change.step < steps]
        rates = [change.value for change in control.changes if change.name == "lr"]
        control.changes.append(Change("lr", [config.lr, *rates][-1], steps - 1))
    for event in train(net, splits.train, config, control=control):
        control.stop = control.stop or (isinstance(event, Changed) and event.step + 1 == steps)
        if isinstance(event, Reported):
            reports.append(event)
        if isinstance(event, Progress):
            points.append(Point(event.step, event.images, event.loss))
    return untrained(net, splits, tuple(points), tuple(reports))


def untrained(net: Net, splits: Splits, points: tuple[Point, ...] = (), reports: tuple[Reported, ...] = ()) -> Alone:
    """Return what a run with this Net should be; without points, one that was never trained."""
    weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    step = points[-1].step if points else 0
    return Alone(points, reports, result_of(evaluate(net, splits.test), step), weights)


def assert_same(store: Store, run: Run, expected: Alone) -> None:
    """Check that curve, log, test result and weights of the run, as all its readers find them, are the expected."""
    snapshot = store.snapshot(run.id)
    assert snapshot is not None
    assert (snapshot.points, snapshot.reports) == (expected.points, expected.reports)
    assert snapshot.result == expected.result
    weights = load_net(store.weights_of(snapshot.run)).state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.weights.items())


def changes_of(snapshot: Snapshot) -> tuple[Change, ...]:
    """Return what was changed, as a training by itself would be told."""
    return tuple(Change(change.name, change.value, change.step) for change in snapshot.changes)


# ----------------------------------------------------------------------------------- a worker in the test's own process


def a_store_with(folder: Path, splits: Splits, *configs: TrainConfig) -> tuple[Store, list[Run]]:
    """Return a store with a run of Ann's for each config, and these runs."""
    store = Store(folder)
    runs = [new_run(str(number), config, splits.folder, 400, 0) for number, config in enumerate(configs)]
    for run in runs:
        store.add(run, ANN)
    return store, runs


def work(store: Store, timings: Timings = FAST) -> None:
    """Live a worker's life until there is nothing to do."""
    worker = Worker(store, 0, "cpu", timings)
    while worker.turn():
        pass


def ended(service: Service, run: Run) -> Snapshot:
    """Return the run when it has ended."""
    until(lambda: not service.find(run.id).active)
    return service.snapshot(run.id)


def live_and_die(
    store: Store, monkeypatch: pytest.MonkeyPatch, dies_at: int, request: Callable[[], object], timings: Timings
) -> bool:
    """Work until nothing is active; return False if there was no writing `dies_at`.

    `request` is made after three turns, and the first worker dies just before the writing `dies_at` behind that.
    """
    writings, turns, write = -1, 0, store.apply

    def apply(run: str, slice: SliceResult) -> None:
        nonlocal writings
        writings += turns >= 3
        if writings == dies_at:
            writings += 1
            raise Death
        write(run, slice)

    with monkeypatch.context() as patch:
        patch.setattr(store, "apply", apply)
        while store.active():
            worker = Worker(store, 0, "cpu", timings)
            try:
                while worker.turn():
                    turns += 1
                    if turns == 3:
                        request()
            except Death:
                continue
    return writings > dies_at


# ----------------------------------------------------------------------------------------------- rows without a worker


def remove(store: Store, run: str) -> None:
    """Remove a run, whatever its state, if it is there."""
    write_rows(store, run, state="stopped")
    store.remove(run)


def write_rows(
    store: Store,
    run: str,
    *,
    points: Iterable[Point] = (),
    reports: Iterable[Reported] = (),
    validations: Iterable[Validated] = (),
    changes: Iterable[Changed] = (),
    frames: Iterable[Frame] = (),
    filters: Filters | None = None,
    result: TestResult | None = None,
    handled: Iterable[int] = (),
    **columns: Any,
) -> None:
    """Write what a worker writes of a run, and any columns of its row."""
    events = SliceResult(
        points=tuple(points),
        reports=tuple(reports),
        validations=tuple(validations),
        changes=tuple(changes),
        frames=tuple(frames),
        filters=filters,
        result=result,
        handled=tuple(handled),
    )
    if columns:
        with store.transaction() as tx:
            names = ", ".join(f"{name} = ?" for name in columns)
            tx.execute(f"update runs set {names} where id = ?", (*columns.values(), run))
    store.apply(run, events)
