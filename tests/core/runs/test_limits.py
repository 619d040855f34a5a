"""The bounds of a shared server: what has run or rested too long is stopped, what has long ended is removed."""

import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import ConfigError, RunError
from cifar_core.field import settings_of
from cifar_core.runs.job import Job
from cifar_core.runs.limits import AGED_AT_ONCE, Limits, enforce_retention
from cifar_core.runs.records import ACTIVE, Point, Run, State, new_run
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from tests.helpers.runs import ANN, BOB, write_rows
from tests.helpers.tiny_data import tiny_splits

NOW = 1_000_000_000.0
DAY = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def added(
    store: Store,
    name: str,
    state: State = "done",
    ago: float = 60.0,
    owner: str = ANN,
    address: str | None = None,
    **columns: Any,
) -> Run:
    """A run of this state; one that has ended did so `ago` seconds before NOW."""
    run = new_run(name, TrainConfig(), Path("/data"), 400, 0)
    ended = None if state in ACTIVE else NOW - ago
    store.add(replace(run, state=state, created=NOW - ago - 1, ended=ended, **columns), owner, address=address)
    return run


def fill(store: Store, name: str, megabytes: float) -> None:
    """Files of this size in the folder of a run."""
    folder = store.folder_of(name)
    folder.mkdir()
    for part in ("1.pth", "1.resume"):
        with open(folder / part, "wb") as file:
            file.truncate(int(megabytes * 500_000))  # counts as that long, and takes no room


def left(store: Store) -> set[str]:
    """The runs that are still there."""
    return {run.id for run in (*store.active(), *store.ended())}


def asked(store: Store) -> list[tuple[str, str]]:
    return [(request.run, request.kind) for request in store.requests(0)]


# --------------------------------------------------------------------------------------------------- what is removed


def test_of_each_owners_ended_runs_the_newest_are_kept(store: Store) -> None:
    for number in range(5):
        added(store, f"ann {number}", ago=100 + number)
    for number in range(3):
        added(store, f"bob {number}", ago=5000 + number, owner=BOB)
    enforce_retention(store, Limits(kept_per_owner=3), (), NOW)
    assert left(store) == {"ann 0", "ann 1", "ann 2", "bob 0", "bob 1", "bob 2"}
    enforce_retention(store, Limits(kept_per_owner=1), (), NOW)
    assert left(store) == {"ann 0", "bob 0"}
    assert asked(store) == []


def test_a_removed_run_takes_its_files_along(store: Store) -> None:
    for name, ago in (("old", 200), ("new", 100)):
        added(store, name, ago=ago)
        fill(store, name, 0.1)
    enforce_retention(store, Limits(kept_per_owner=1), (), NOW)
    assert not store.folder_of("old").exists()
    assert len(list(store.folder_of("new").iterdir())) == 2


@pytest.mark.parametrize("state", ["done", "stopped", "diverged", "failed"])
def test_a_run_is_removed_when_it_ended_too_long_ago(store: Store, state: State) -> None:
    added(store, "old", state, ago=14 * DAY + 1)
    added(store, "new", state, ago=14 * DAY - 1)
    enforce_retention(store, Limits(days=14), (), NOW)
    assert left(store) == {"new"}


def test_a_clock_that_is_far_ahead_for_a_moment_removes_hardly_anything(store: Store) -> None:
    for number in range(40):
        added(store, f"run {number:02}", ago=100 + number)
    enforce_retention(store, Limits(kept_per_owner=99), (), NOW + 15 * DAY)
    assert len(left(store)) == 40 - AGED_AT_ONCE
    enforce_retention(store, Limits(kept_per_owner=99), (), NOW)
    assert len(left(store)) == 40 - AGED_AT_ONCE


def test_a_clock_that_was_set_back_removes_nothing_and_lets_visitors_start(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, limits=Limits(starts_a_minute=1, active_per_owner=9))
    first = service.start(ANN, TrainConfig(), tiny)
    added(service.store, "later", ago=-10 * DAY)
    enforce_retention(service.store, Limits(days=1), (), NOW)
    assert "later" in left(service.store)
    write_rows(service.store, first.id, created=time.time() + DAY)
    assert service.start(ANN, TrainConfig(), tiny).active


def test_a_run_is_taken_for_watched_whatever_the_clock_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(tmp_path / "runs", limits=Limits(days=1))
    added(service.store, "watched")  # in 2001
    service.snapshot("watched")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + DAY)
    service._enforce_limits()
    assert left(service.store) == {"watched"}


def test_a_run_that_trains_on_just_now_is_not_removed_and_makes_no_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        added(store, f"run {number}", ago=100 - number)
        fill(store, f"run {number}", 10)
    ended = store.ended()
    monkeypatch.setattr(store, "ended", lambda: ended)
    write_rows(store, "run 0", state="waiting")
    enforce_retention(store, Limits(disk_mb=25), (), NOW)
    assert [store.folder_of(f"run {number}").exists() for number in range(3)] == [True, False, True]
    assert [run.id for run in store.active()] == ["run 0"]


def test_the_runs_that_ended_first_make_room_on_the_disk(store: Store) -> None:
    for number in range(5):
        added(store, f"run {number}", ago=100 + number, owner=(ANN, BOB)[number % 2])
        fill(store, f"run {number}", 10)
    enforce_retention(store, Limits(disk_mb=50), (), NOW)
    assert len(left(store)) == 5
    enforce_retention(store, Limits(disk_mb=25), (), NOW)
    assert left(store) == {"run 0", "run 1"}  # each visitor's newest, and no more than are needed


def test_who_takes_most_of_the_disk_gives_it_back_first_however_many_keys_they_have(store: Store) -> None:
    for number in range(10):  # a class behind one address, with one run each
        added(store, f"learner {number}", ago=500 + number, owner=f"learner {number}", address="school")
        fill(store, f"learner {number}", 1)
    for number in range(20):
        added(store, f"flood {number}", ago=100 + number, owner=f"key {number}", address="elsewhere")
        fill(store, f"flood {number}", 4)
    enforce_retention(store, Limits(disk_mb=50), (), NOW)
    assert left(store) == {f"learner {number}" for number in range(10)} | {f"flood {number}" for number in range(10)}


def test_at_an_address_each_visitors_newest_run_goes_last(store: Store) -> None:
    added(store, "large and only", ago=1000, owner=BOB, address="school")
    fill(store, "large and only", 10)
    for number in range(3):
        added(store, f"ann {number}", ago=100 + number, address="school")
        fill(store, f"ann {number}", 1)
    enforce_retention(store, Limits(disk_mb=12), (), NOW)
    assert left(store) == {"large and only", "ann 0", "ann 1"}
    enforce_retention(store, Limits(disk_mb=5), (), NOW)
    assert left(store) == {"ann 0"}


def test_rows_and_frames_count_for_the_disk(store: Store) -> None:
    added(store, "many rows", ago=100)
    added(store, "few rows")
    write_rows(store, "many rows", points=[Point(step, step, 2.0) for step in range(30_000)])
    enforce_retention(store, Limits(disk_mb=1), (), NOW)
    assert left(store) == {"few rows"}


def test_a_large_old_run_is_enough_to_make_room_for_small_new_ones(store: Store) -> None:
    for number, megabytes in enumerate((1, 1, 30, 1)):
        added(store, f"run {number}", ago=100 + number)
        fill(store, f"run {number}", megabytes)
    enforce_retention(store, Limits(disk_mb=5), (), NOW)
    assert left(store) == {"run 0", "run 1"}


def test_what_goes_for_its_age_no_longer_counts_for_number_and_disk(store: Store) -> None:
    for number, ago in enumerate((20 * DAY, 19 * DAY, 50, 40)):
        added(store, f"run {number}", ago=ago)
        fill(store, f"run {number}", 10)
    enforce_retention(store, Limits(days=14, kept_per_owner=2, disk_mb=20), (), NOW)
    assert left(store) == {"run 2", "run 3"}


@pytest.mark.parametrize(
    ("limits", "ended"),
    [(Limits(kept_per_owner=1), {"ended 0"}), (Limits(days=1), set()), (Limits(disk_mb=1), set())],
)
def test_a_run_that_is_going_is_never_removed(store: Store, limits: Limits, ended: set[str]) -> None:
    for state in ACTIVE:
        added(store, state, state, ago=30 * DAY)
        fill(store, state, 10)
    for number in range(3):
        added(store, f"ended {number}", ago=2 * DAY + number)
        fill(store, f"ended {number}", 10)
    enforce_retention(store, limits, (), NOW)
    assert left(store) == {*ACTIVE} | ended
    assert all(store.folder_of(state).exists() for state in ACTIVE)


@pytest.mark.parametrize("limits", [Limits(kept_per_owner=2), Limits(days=1), Limits(disk_mb=25)])
def test_a_run_that_somebody_watches_is_never_removed(store: Store, limits: Limits) -> None:
    for number, ago in enumerate((30 * DAY, 20 * DAY, 50)):
        added(store, f"run {number}", ago=ago)
        fill(store, f"run {number}", 10)
    enforce_retention(store, limits, {"run 0"}, NOW)
    assert left(store) == {"run 0", "run 2"}  # the next one went in its place


def test_the_service_takes_a_run_for_watched_while_somebody_looks_at_it(tmp_path: Path) -> None:
    service = Service(tmp_path / "runs", limits=Limits(days=1))
    for name in ("watched", "forgotten"):
        added(service.store, name)  # in 2001
    service.snapshot("watched")
    service._enforce_limits()
    assert left(service.store) == {"watched"}
    service.timings = replace(service.timings, watched_for=0.0)
    service._enforce_limits()
    assert left(service.store) == set()
    with pytest.raises(RunError, match="it may have been removed"):
        service.snapshot("watched")


# --------------------------------------------------------------------------------------------------- what is stopped


def test_of_too_many_paused_runs_the_longest_paused_of_whoever_has_most_is_stopped(store: Store) -> None:
    added(store, "alone", "paused", owner=BOB, paused=NOW - 900)
    for number in range(3):
        added(store, f"ann {number}", "paused", paused=NOW - 100 - number)
    added(store, "going", "running")
    enforce_retention(store, Limits(active=3), (), NOW)
    assert asked(store) == [("ann 2", "stop")]
    assert message_of(store, "ann 2") == "Stopped: 3 runs may be paused at once here."


def test_a_run_that_has_worked_too_long_is_asked_to_stop_and_told_why(store: Store) -> None:
    added(store, "long", "running", busy=601.0)
    added(store, "short", "running", busy=599.0)
    added(store, "other's turns", "running", ago=DAY, busy=1.0)
    others: tuple[State, ...] = ("testing", "paused", "done")
    for state in others:
        added(store, state, state, busy=601.0)
    enforce_retention(store, Limits(minutes=10), (), NOW)
    assert asked(store) == [("long", "stop")]
    assert message_of(store, "long") == "Stopped: a run may work for 10 minutes here."
    assert [message_of(store, name) for name in ("short", "other's turns", "testing", "paused", "done")] == [""] * 5


def test_a_run_that_is_paused_too_long_is_asked_to_stop_and_told_why(store: Store) -> None:
    added(store, "long", "paused", paused=NOW - 1201)
    added(store, "short", "paused", paused=NOW - 1199)
    enforce_retention(store, Limits(paused_minutes=20), {"long"}, NOW)  # even if somebody watches it
    assert asked(store) == [("long", "stop")]
    assert message_of(store, "long") == "Stopped: a run may be paused for 20 minutes here."
    assert message_of(store, "short") == ""
    assert left(store) == {"long", "short"}


@pytest.mark.parametrize("why", ["work", "be paused"])
def test_a_run_that_was_stopped_for_its_time_still_says_so_at_its_end(store: Store, tmp_path: Path, why: str) -> None:
    splits = tiny_splits(tmp_path / "data", 400, 120)
    run = new_run("a", TrainConfig(epochs=200), splits.folder, len(splits.train), 0)
    store.add(run, ANN)
    snapshot = store.snapshot(run.id)
    assert snapshot is not None
    job = Job(store, snapshot, "cpu")
    job.advance()
    if why == "work":
        write_rows(store, run.id, busy=601.0)
    else:
        write_rows(store, run.id, state="paused", paused=NOW - 601)
        job.paused = True
    enforce_retention(store, Limits(minutes=10, paused_minutes=10), (), NOW)
    (stop,) = store.requests(0)
    job.handle(stop)
    while job.advance():
        pass
    ended = store.run(run.id)
    assert ended is not None
    assert (ended.state, ended.message) == ("stopped", f"Stopped: a run may {why} for 10 minutes here.")
    assert ended.step < ended.steps
    assert (ended.paused, store.requests(0)) == (None, [])  # or it would be stopped again as soon as it trains on


def message_of(store: Store, name: str) -> str:
    run = store.run(name)
    assert run is not None
    return run.message


# -------------------------------------------------------------------------------------------------------- the bounds


def test_every_bound_is_a_positive_number_with_a_meaning() -> None:
    for name, limit in settings_of(Limits).items():
        assert getattr(Limits(), name) == limit.default > 0  # type: ignore[operator]
        assert len(limit.help.split()) > 3
        with pytest.raises(ConfigError, match=f"^{limit.label} must be a whole number from 1 to "):
            Limits(**{name: 0})


def test_starting_too_often_is_refused_with_the_bound_and_for_that_visitor_only(tmp_path: Path, tiny: Splits) -> None:
    limits = Limits(starts_a_minute=2, active_per_owner=10)
    service = Service(tmp_path / "runs", workers=1, limits=limits)  # not entered: nothing trains
    for _ in range(2):
        service.start(ANN, TrainConfig(), tiny)
    with pytest.raises(RunError, match="2 runs within a minute, and 2 are allowed"):
        service.start(ANN, TrainConfig(), tiny)
    service.start(BOB, TrainConfig(), tiny)


def test_starting_too_often_is_refused_for_all_keys_of_an_address(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, limits=Limits(starts_a_minute_per_address=2))
    for number in range(2):
        service.start(f"key {number}" * 4, TrainConfig(), tiny, address="192.0.2.7")
    with pytest.raises(RunError, match="2 runs were started within a minute by all who share your internet address"):
        service.start(ANN, TrainConfig(), tiny, address="192.0.2.7")
    service.start(ANN, TrainConfig(), tiny, address="192.0.2.8")
    for _ in range(3):
        service.start(BOB, TrainConfig(), tiny)  # who is on their own: nothing is known of an address


def test_starts_before_the_clock_was_set_back_do_not_count(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, limits=Limits(starts_a_minute=1))
    run = service.start(ANN, TrainConfig(), tiny)
    write_rows(service.store, run.id, created=run.created + 3600)
    service.start(ANN, TrainConfig(), tiny)


def test_nothing_is_started_on_a_disk_that_is_nearly_full(
    tmp_path: Path, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, left = Service(tmp_path / "runs", workers=1, limits=Limits(free_disk_mb=100)), 99_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=left))
    for start in (
        lambda: service.start(ANN, TrainConfig(), tiny),
        lambda: service.start_pair(ANN, TrainConfig(), "softmax", tiny),
        lambda: service.start_quiz(ANN, tiny),
    ):
        with pytest.raises(RunError, match="disk is nearly full"):
            start()
    left = 101_000_000
    assert service.start(ANN, TrainConfig(), tiny).active
