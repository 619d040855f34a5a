"""The store: what is written is there for everybody, whole, once, and after any restart."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.config import TrainConfig
from cifar_core.errors import RunError
from cifar_core.runs.records import (
    ACTIVE,
    Filters,
    Frame,
    FrameTime,
    Point,
    Request,
    Run,
    RunChange,
    Snapshot,
    State,
    TestResult,
    WorkerInfo,
    new_run,
)
from cifar_core.runs.schema import UPGRADES
from cifar_core.runs.slice_result import SliceResult
from cifar_core.runs.store import Store
from cifar_core.runs.tables.holder import Holder, digest
from cifar_core.training.events import Changed, Reported, Validated
from tests.helpers.runs import write_rows

KEY = "the secret key of an owner"
POINTS = tuple(Point(step, 4 * step, 2.3 / step) for step in range(1, 41))
REPORTS = tuple(Reported(step, 1 + step // 20, step % 20 + 1, 1.7 / step) for step in range(5, 41, 5))
VALIDATIONS = tuple(Validated(step, 4 * step, step, 60) for step in (10, 20, 30, 40))
CHANGES = (Changed(15, 60, "lr", 0.05, 200), Changed(15, 60, "momentum", 0.5, 200), Changed(30, 120, "lr", 0.02, 200))
RESULT = TestResult(40, 31, 120, (0.25, None, 1 / 3), (3, 8, 8, 0))
FRAMES = tuple(
    Frame(
        step,
        4 * step,
        np.arange(100).reshape(10, 10) * 70 + step,
        np.random.default_rng(step).random((4, 10), np.float32),
        np.random.default_rng(step).random((6, 3, 5, 5), np.float32) - 0.5,
    )
    for step in (0, 5, 20, 40)
)
FILTERS = Filters(40, FRAMES[-1].filters)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def a_run(name: str = "a", worker: int = 0, **changes: Any) -> Run:
    return replace(new_run(name, TrainConfig(seed=7, lr=0.1), Path("/data"), 400, worker), **changes)


def added(store: Store, name: str = "a", worker: int = 0, owner: str = KEY, **changes: Any) -> Run:
    run = a_run(name, worker, **changes)
    store.add(run, owner)
    return run


def seen(store: Store, run: str, since: int = -1) -> Snapshot:
    snapshot = store.snapshot(run, since)
    assert snapshot is not None
    return snapshot


def in_threads(work: Sequence[Callable[[], None]]) -> None:
    """All of `work` at once; what one of them raises is raised here."""
    errors: list[BaseException] = []
    together = threading.Barrier(len(work))

    def do(part: Callable[[], None]) -> None:
        together.wait()
        try:
            part()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=do, args=(part,)) for part in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_a_run_survives_reopening_with_all_that_happened(store: Store) -> None:
    run = added(store)
    columns: dict[str, Any] = {"state": "paused", "step": 40, "epoch": 2, "busy": 12.5, "accuracy": 0.25, "paused": 1e9}
    write_rows(store, run.id, points=POINTS, reports=REPORTS, validations=VALIDATIONS, changes=CHANGES, **columns)
    write_rows(store, run.id, result=RESULT)
    there = seen(store, run.id)
    assert there == Snapshot(replace(run, **columns), POINTS, REPORTS, RESULT, VALIDATIONS, CHANGES)
    again = Store(store.folder)
    assert again.run(run.id) == there.run
    assert seen(again, run.id) == there
    assert again.owner_of(run.id) == digest(KEY)


def test_what_is_not_there_is_none(store: Store) -> None:
    assert (store.run("x"), store.snapshot("x"), store.owner_of("x")) == (None, None, None)
    assert (store.runs_of("x"), store.active(), store.requests(0), store.workers()) == ([], [], [], [])
    assert store.ended() == []
    run = added(store)
    assert seen(store, run.id) == Snapshot(run, (), (), None, (), ())


def test_the_owners_key_is_no_part_of_what_a_reader_gets(store: Store) -> None:
    run = added(store)
    write_rows(store, run.id, points=POINTS)
    assert "owner" not in {field.name for field in fields(Run)} | {field.name for field in fields(Snapshot)}
    assert KEY not in repr((store.run(run.id), seen(store, run.id), store.runs_of(KEY), store.active()))


def test_following_in_steps_gives_each_point_and_line_once(store: Store) -> None:
    run, since = added(store), -1
    points: list[Point] = []
    reports: list[Reported] = []
    for first, last in ((0, 3), (3, 4), (4, 4), (4, 25), (25, 40)):
        lines = [report for report in REPORTS if first < report.step <= last]
        write_rows(store, run.id, points=POINTS[first:last], reports=lines, step=last)
        snapshot = seen(store, run.id, since)
        points += snapshot.points
        reports += snapshot.reports
        since = snapshot.points[-1].step if snapshot.points else since
    assert tuple(points) == POINTS
    assert tuple(reports) == REPORTS


def test_a_reader_beside_the_writer_misses_nothing_and_gets_nothing_twice(store: Store) -> None:
    run = added(store)
    points: list[Point] = []
    reports: list[Reported] = []

    def write() -> None:
        for first in range(0, 40, 2):
            lines = [report for report in REPORTS if first < report.step <= first + 2]
            slice = SliceResult(RunChange(step=first + 2), points=POINTS[first : first + 2], reports=tuple(lines))
            store.apply(run.id, slice)

    def read() -> None:
        since = -1
        while since < 40:
            snapshot = seen(store, run.id, since)
            since = snapshot.points[-1].step if snapshot.points else since
            assert snapshot.run.step == max(since, 0)  # the row is of the same moment as the points
            points.extend(snapshot.points)
            reports.extend(snapshot.reports)

    in_threads([write, read])
    assert tuple(points) == POINTS
    assert tuple(reports) == REPORTS


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    run, found = added(store), []
    with store.transaction() as database:
        database.execute("update runs set step = 5 where id = ?", (run.id,))
        in_threads([lambda: found.append(store.run(run.id))])
    assert found == [run]
    assert store.run(run.id) == replace(run, step=5)


def test_a_writer_does_not_wait_for_a_reader(store: Store) -> None:
    run = added(store)
    with closing(sqlite3.connect(store.folder / "store.sqlite3", isolation_level=None)) as reader:
        reader.execute("begin")
        steps = reader.execute("select step from runs")
        assert steps.fetchall() == [(0,)]
        write_rows(store, run.id, step=5)
        assert reader.execute("select step from runs").fetchall() == [(0,)]  # still of that one moment
    assert store.run(run.id) == replace(run, step=5)


def test_several_threads_write_at_once(store: Store) -> None:
    runs = [added(store, f"run {number}") for number in range(8)]

    def write(run: Run) -> Callable[[], None]:
        def slices() -> None:
            for point in POINTS:
                write_rows(store, run.id, points=[point], step=point.step)

        return slices

    in_threads([write(run) for run in runs])
    assert all(seen(store, run.id) == Snapshot(replace(run, step=40), POINTS, (), None, (), ()) for run in runs)


def test_frames_come_back_as_they_were_the_first_first(store: Store) -> None:
    run, other = added(store), added(store, "b")
    write_rows(store, run.id, frames=FRAMES[2:])
    write_rows(store, run.id, frames=FRAMES[:3], filters=replace(FILTERS, step=3))  # one of them again
    write_rows(store, other.id, frames=FRAMES[:1])
    write_rows(store, run.id, filters=FILTERS)
    found = store.frames(run.id)
    for frame, kept in zip(found, FRAMES, strict=True):
        assert (frame.step, frame.images) == (kept.step, kept.images)
        for name in ("confusion", "answers", "filters"):
            read, written = getattr(frame, name), getattr(kept, name)
            assert (read.dtype, read.shape, read.tolist()) == (written.dtype, written.shape, written.tolist())
    assert store.frame_times(run.id) == [FrameTime(0, 0), FrameTime(5, 20), FrameTime(20, 80), FrameTime(40, 160)]
    assert (store.frame_times(other.id), store.frame_times("x")) == ([FrameTime(0, 0)], [])
    filters = store.filters(run.id)
    assert filters is not None and filters.step == 40
    assert np.array_equal(filters.weights, FILTERS.weights)
    assert store.filters(other.id) is None
    store.keep_frames(run.id, [FrameTime(0, 0), FrameTime(20, 80)])
    assert store.frame_times(run.id) == [FrameTime(0, 0), FrameTime(20, 80)]
    assert store.frame_times(other.id) == [FrameTime(0, 0)]


def test_a_frame_takes_little_room_in_the_store(store: Store) -> None:
    run = added(store)

    def pages() -> int:
        with store.reading() as database:
            return int(database.execute("pragma page_count").fetchone()[0])

    before = pages()
    write_rows(store, run.id, frames=[replace(FRAMES[0], step=step) for step in range(48)])
    with store.reading() as database:
        size = database.execute("pragma page_size").fetchone()[0]
    assert (pages() - before) * size < 48 * 8000


def test_the_newest_result_counts(store: Store) -> None:
    run = added(store)
    for result in (RESULT, replace(RESULT, step=30, correct=3)):
        write_rows(store, run.id, result=result)
    assert seen(store, run.id).result == RESULT
    assert RESULT.accuracy == 31 / 120


def test_an_owner_sees_his_own_runs_the_newest_first(store: Store) -> None:
    for number, owner in enumerate((KEY, "another", KEY, KEY)):
        added(store, f"run {number}", owner=owner, created=100.0 + number // 2)
    assert [run.id for run in store.runs_of(KEY)] == ["run 3", "run 2", "run 0"]
    assert [run.id for run in store.runs_of(KEY, limit=1)] == ["run 3"]
    assert [run.id for run in store.runs_of("another")] == ["run 1"]


def test_active_runs_are_those_not_ended_the_oldest_first(store: Store) -> None:
    states = ("waiting", "done", "running", "paused", "stopped", "testing", "diverged", "failed")
    for number, state in enumerate(states):
        added(store, state, worker=number // 5, state=state, created=100.0 - number)
    assert [run.id for run in store.active()] == ["testing", "paused", "running", "waiting"] == list(reversed(ACTIVE))
    assert [run.id for run in store.active(0)] == ["paused", "running", "waiting"]
    assert [run.id for run in store.active(2)] == []
    assert [run.id for run in store.runs_of(KEY) if run.active] == ["waiting", "running", "paused", "testing"]


def test_ended_runs_are_told_the_first_ended_first_and_whom_each_belongs_to(store: Store) -> None:
    states = ("done", "waiting", "stopped", "testing", "diverged", "paused", "failed", "running")
    for number, state in enumerate(states):
        added(store, state, owner=f"owner {number}", state=state, ended=100.0 - number)
    assert [run.id for run in store.ended()] == ["failed", "diverged", "stopped", "done"]
    assert store.ended()[0] == store.run("failed")
    assert store.holders() == {name: Holder.of(f"owner {number}", None) for number, name in enumerate(states)}


def test_no_key_and_no_address_is_in_the_store_and_nobody_else_may_read_it(store: Store) -> None:
    run = a_run("a")
    store.add(run, KEY, address="192.0.2.7")
    assert store.holders() == {"a": Holder.of(KEY, "192.0.2.7")}
    assert [run.id for run in store.runs_of(KEY)] == ["a"]
    assert store.folder.stat().st_mode & 0o777 == 0o700
    for path in store.folder.iterdir():
        assert KEY.encode() not in path.read_bytes() and b"192.0.2.7" not in path.read_bytes()


def test_a_request_is_for_the_runs_own_worker_and_stands_until_it_is_handled(store: Store) -> None:
    b, c = added(store, "b", worker=1), added(store, "c", worker=0)
    store.ask(c, "change", lr=0.01, batch_size=64)
    store.ask(b, "pause")
    store.ask(c, "stop")
    assert store.requests(2) == []
    change, other, stop = store.requests(0)
    assert change == Request(change.id, "c", "change", {"lr": 0.01})
    assert other == Request(other.id, "c", "change", {"batch_size": 64})
    assert stop == Request(stop.id, "c", "stop", {})
    assert store.requests_of("c") == [change, other, stop]
    assert Store(store.folder).requests(0) == [change, other, stop]  # a successor finds them too
    write_rows(store, "c", state="running")
    assert store.requests(0) == [change, other, stop]
    write_rows(store, "c", handled=[change.id, other.id], changes=CHANGES)
    assert store.requests(0) == [stop]
    assert [request.kind for request in store.requests(1)] == ["pause"]


def test_however_often_a_thing_is_asked_for_one_request_stands_the_last(store: Store) -> None:
    run = added(store)
    for number in range(1, 50):
        store.ask(run, "change", lr=number / 100, momentum=0.5)
        store.ask(run, "resume")
        store.ask(run, "pause")
    asked = [(request.kind, request.arguments) for request in store.requests(0)]
    assert asked == [("change", {"lr": 0.49}), ("change", {"momentum": 0.5}), ("resume", {}), ("pause", {})]


def test_a_request_that_takes_the_place_of_one_already_taken_up_is_another(store: Store) -> None:
    run = added(store)
    store.ask(run, "change", lr=0.1)
    (taken,) = store.requests(0)
    store.ask(run, "change", lr=0.2)
    write_rows(store, run.id, handled=[taken.id])
    (later,) = store.requests(0)
    assert later.arguments == {"lr": 0.2}
    write_rows(store, run.id, handled=[later.id])
    store.ask(run, "change", lr=0.3)
    assert store.requests(0)[0].id > later.id > taken.id


@pytest.mark.parametrize("state", ["done", "stopped", "diverged", "failed"])
def test_no_request_is_left_for_a_run_that_has_ended(store: Store, state: State) -> None:
    run = added(store)
    store.ask(run, "pause")
    store.change(run.id, RunChange(state=state, ended=1.0))
    assert store.requests(0) == []
    store.ask(run, "stop")  # by a page that does not know it yet
    store.ask(a_run("never"), "stop")
    assert store.requests(0) == []


def test_a_request_made_while_others_are_handled_is_not_lost(store: Store) -> None:
    run = added(store)
    handled: list[str] = []

    asked: list[int] = []  # a number from each that has asked everything

    def ask(page: int) -> None:
        for number in range(30):
            store.ask(run, f"request {number} of page {page}")
        asked.append(page)

    def handle() -> None:
        while len(asked) < 3 or store.requests(0):
            found = store.requests(0)
            write_rows(store, run.id, handled=[request.id for request in found])
            handled.extend(request.kind for request in found)

    in_threads([*(partial(ask, page) for page in range(3)), handle])
    assert sorted(handled) == sorted(f"request {number} of page {page}" for number in range(30) for page in range(3))
    assert store.requests(0) == []


def test_an_update_is_written_as_a_whole_or_not_at_all(store: Store) -> None:
    run = added(store)
    write_rows(store, run.id, points=POINTS[:10], step=10)
    store.ask(run, "pause")
    before, asked = seen(store, run.id), store.requests(0)
    events: dict[str, Any] = {
        "points": POINTS[10:],
        "reports": REPORTS,
        "validations": VALIDATIONS,
        "changes": CHANGES,
    }
    no_id: Any = object()
    with pytest.raises(sqlite3.Error):
        store.apply(run.id, SliceResult(RunChange(step=40), **events, handled=(asked[0].id, no_id)))
    assert (seen(store, run.id), store.requests(0)) == (before, asked)


def test_an_error_between_two_writings_takes_both_back_and_the_store_goes_on(store: Store) -> None:
    run = added(store)
    with pytest.raises(KeyboardInterrupt), store.transaction() as database:
        database.execute("update runs set step = 5 where id = ?", (run.id,))
        raise KeyboardInterrupt
    assert store.run(run.id) == run
    write_rows(store, run.id, step=6)
    assert store.run(run.id) == replace(run, step=6)


def test_a_writing_that_fails_at_its_very_end_is_taken_back_and_the_store_goes_on(store: Store) -> None:
    run = added(store)
    with store.transaction() as database:
        database.execute("create table parent (id integer primary key)")
        database.execute("create table child (id integer references parent deferrable initially deferred)")
    database.execute("pragma foreign_keys = on")  # checked at the commit, which makes it fail as a full disk would
    with pytest.raises(sqlite3.Error), store.transaction() as database:
        database.execute("update runs set step = 5 where id = ?", (run.id,))
        database.execute("insert into child values (1)")
    assert store.run(run.id) == run
    write_rows(store, run.id, step=6)
    assert store.run(run.id) == replace(run, step=6)


def test_steps_that_will_be_done_again_are_forgotten(store: Store) -> None:
    first, run = added(store, "a"), added(store, "b")
    for name in ("a", "b"):
        write_rows(store, name, points=POINTS, reports=REPORTS, validations=VALIDATIONS, changes=CHANGES, frames=FRAMES)
        write_rows(store, name, result=RESULT)
    store.forget_after("a", 20)
    assert [[time.step for time in store.frame_times(name)] for name in "ab"] == [[0, 5, 20], [0, 5, 20, 40]]
    # what was asked for is not forgotten: it is handled again at the same step
    assert seen(store, "a") == Snapshot(first, POINTS[:20], REPORTS[:4], None, VALIDATIONS[:2], CHANGES)
    assert seen(store, "b") == Snapshot(run, POINTS, REPORTS, RESULT, VALIDATIONS, CHANGES)
    store.forget_after("b", -1)
    assert (seen(store, "b").points, seen(store, "b").validations, store.frame_times("b")) == ((), (), [])


def test_the_settings_in_force_are_those_of_the_start_with_all_changes_made_since(store: Store) -> None:
    run = added(store)
    assert seen(store, run.id).config == run.config
    write_rows(store, run.id, changes=CHANGES[:2])
    assert seen(store, run.id).config == replace(run.config, lr=0.05, momentum=0.5)
    write_rows(store, run.id, changes=[*CHANGES[2:], Changed(35, 140, "batch_size", 64, 99)])
    now = seen(store, run.id).config
    assert now == replace(run.config, lr=0.02, momentum=0.5, batch_size=64)
    assert isinstance(now.batch_size, int)
    assert seen(store, run.id).run.config == run.config


def test_a_change_made_again_at_its_step_stands_once(store: Store) -> None:
    run = added(store)
    for _ in range(2):
        write_rows(store, run.id, points=POINTS, validations=VALIDATIONS, changes=CHANGES)
    assert seen(store, run.id) == Snapshot(run, POINTS, (), None, VALIDATIONS, CHANGES)


def test_an_ended_run_goes_on_to_more_epochs_with_all_that_it_had(store: Store) -> None:
    ending: dict[str, Any] = {
        "state": "failed",
        "ended": 5e8,
        "ending": "done",
        "message": "Why.",
        "tested": 120,
        "attempts": 3,
    }
    run = added(store, step=100, seen=400, checkpoint=100, busy=3.5, accuracy=0.25, paused=4e8, **ending)
    write_rows(store, run.id, points=POINTS, reports=REPORTS, validations=VALIDATIONS, changes=CHANGES)
    write_rows(store, run.id, result=RESULT)
    config = replace(run.config, epochs=5)
    store.restart(run, config, 3)
    there = seen(store, run.id)
    active: dict[str, Any] = {
        "state": "waiting",
        "ended": None,
        "ending": "",
        "message": "",
        "tested": 0,
        "attempts": 0,
    }
    expected = replace(run, config=config, steps=500, worker=3, paused=None, **active)
    mark = Changed(100, 400, "epochs", 5, 500)
    assert there == Snapshot(expected, POINTS, REPORTS, RESULT, VALIDATIONS, (*CHANGES, mark))
    assert there.config == replace(config, lr=0.02, momentum=0.5)
    assert store.active(3) == [expected]


def test_a_request_that_came_too_late_does_not_stop_the_run_that_trains_on(store: Store) -> None:
    run, other = added(store, state="done"), added(store, "b")
    for one in (run, other):
        store.ask(one, "stop")
    store.restart(run, replace(run.config, epochs=5), 0)
    assert [request.run for request in store.requests(0)] == ["b"]


def test_a_removed_run_leaves_nothing_behind(store: Store) -> None:
    for name in ("a", "b"):
        run = added(store, name)
        events: dict[str, Any] = {
            "points": POINTS,
            "reports": REPORTS,
            "validations": VALIDATIONS,
            "changes": CHANGES,
        }
        write_rows(store, name, **events, frames=FRAMES, filters=FILTERS)
        write_rows(store, name, result=RESULT)
        store.ask(run, "stop")
        write_rows(store, name, state="done")
        store.folder_of(name).mkdir()
        (store.folder_of(name) / "40.pth").write_bytes(b"weights")
    kept = seen(store, "b")
    assert store.remove("a")
    assert not store.folder_of("a").exists()
    assert "a" not in all_ids(store)
    assert seen(store, "b") == kept
    assert (store.folder_of("b") / "40.pth").read_bytes() == b"weights"
    assert all_ids(store) == {"b"}
    assert not store.remove("a")  # once more, or one without files, does no harm
    shutil.rmtree(store.folder_of("b"))
    assert store.remove("b")
    assert (store.runs_of(KEY), all_ids(store)) == ([], set())


def test_what_a_worker_writes_of_a_run_that_was_removed_is_not_kept(store: Store) -> None:
    added(store, state="done")
    store.remove("a")
    write_rows(store, "a", points=POINTS, reports=REPORTS, changes=CHANGES, frames=FRAMES, filters=FILTERS)
    assert all_ids(store) == set()


@pytest.mark.parametrize("state", ACTIVE)
def test_a_run_that_trains_again_is_not_removed_by_one_who_thought_it_had_ended(store: Store, state: State) -> None:
    added(store, state=state)
    write_rows(store, "a", points=POINTS)
    store.folder_of("a").mkdir()
    assert not store.remove("a")
    assert seen(store, "a").points == POINTS and store.folder_of("a").exists()


def test_a_run_that_was_removed_does_not_train_on(store: Store) -> None:
    run = added(store, state="done")
    store.remove("a")
    with pytest.raises(RunError, match="removed, or is active already"):
        store.restart(run, TrainConfig(epochs=3), 0)
    assert all_ids(store) == set()


def test_the_room_of_what_was_removed_goes_back_to_the_disk(store: Store) -> None:
    added(store, state="done")
    write_rows(store, "a", points=[Point(step, 4 * step, 2.3) for step in range(50_000)])
    with store.reading() as tx:
        before = tx.execute("pragma page_count").fetchone()[0]
    store.remove("a")
    with store.reading() as tx:
        assert tx.execute("pragma page_count").fetchone()[0] < before / 5
        assert tx.execute("pragma integrity_check").fetchone()[0] == "ok"


# ------------------------------------------------------------------------------- settings that are not allowed here


NOT_ALLOWED = TrainConfig().to_json() | {"epochs": 300}
"""as a version of this program with other bounds writes them"""


def test_a_run_with_settings_that_are_not_allowed_here_has_failed_and_disturbs_nobody(store: Store) -> None:
    for name in ("a", "b"):
        added(store, name, state="running", checkpoint=30)
        write_rows(store, name, points=POINTS)
    ended = added(store, "c", state="done", ended=5.0)
    for name in ("a", "c"):
        write_rows(store, name, config=json.dumps(NOT_ALLOWED))
    again = Store(store.folder)
    assert [run.id for run in again.active()] == [run.id for run in again.active(0)] == ["b"]
    assert again.active_count() == 1
    for run in again.runs_of(KEY):
        if run.id != "b":
            assert (run.state, run.checkpoint, run.active) == ("failed", -1, False)
            assert run.message.startswith("This version of the program does not allow the settings of this run")
            with pytest.raises(RunError, match="nothing can be made of it"):
                run.check_solved()
    assert {run.id for run in again.ended()} == {"a", "c"}
    assert seen(again, "a").points == POINTS
    assert again.remove("a") and again.remove(ended.id)


def test_settings_that_are_not_allowed_disturb_nobody_in_a_store_that_is_open_either(store: Store) -> None:
    added(store, "a")
    added(store, "b")
    write_rows(store, "a", config=json.dumps(NOT_ALLOWED))
    assert [run.id for run in store.active(0)] == ["b"]
    store.rebalance(2)
    there = store.run("a")
    assert there is not None and there.state == "failed"


def all_ids(store: Store) -> set[str]:
    """The runs that any table of the store names; whichever tables there are."""
    with store.transaction() as database:
        names = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        tables = {table for (table,) in database.execute(names)}
        ids = {run for (run,) in database.execute("select id from runs")}
        for table in tables - {"runs", "workers"}:
            ids |= {run for (run,) in database.execute(f"select run from {table}")}
    return ids


def test_active_runs_and_their_requests_are_shared_out_among_other_workers(store: Store) -> None:
    for number in range(5):
        run = added(store, f"run {number}", worker=6, created=100.0 + number, attempts=2)
        store.ask(run, f"request {number}")
    ended = added(store, "ended", worker=6, state="done", attempts=1)
    store.rebalance(2)
    assert [(run.id, run.worker, run.attempts) for run in store.active()] == [
        ("run 0", 0, 0),
        ("run 1", 1, 0),
        ("run 2", 0, 0),
        ("run 3", 1, 0),
        ("run 4", 0, 0),
    ]
    assert [(asked.run, asked.kind) for asked in store.requests(1)] == [("run 1", "request 1"), ("run 3", "request 3")]
    assert store.requests(6) == []
    assert store.run("ended") == ended


def test_workers_sign_in_and_out(store: Store) -> None:
    first, second = (
        WorkerInfo(pid, "cpu", "A processor", "No GPU can be used.", ("cpu", "cuda"), pid / 1e4, pid / 1e6)
        for pid in (11, 12)
    )
    store.register(1, second)
    store.register(0, first)
    assert store.workers() == [first, second]
    store.unregister(0)
    assert store.workers() == [second]
    store.register(1, first)
    assert store.workers() == [first]
    store.register(0, second)
    store.unregister()
    assert store.workers() == []


# ---------------------------------------------------------------------------------------- a store that cannot be used


def test_a_store_of_a_newer_version_is_refused_and_left_alone(store: Store) -> None:
    run = added(store)
    with closing(sqlite3.connect(store.folder / "store.sqlite3")) as database:
        database.execute(f"pragma user_version = {len(UPGRADES) + 1}")
    with pytest.raises(RunError, match=r"written by a newer version of this program; use that one\.$"):
        Store(store.folder)
    assert store.run(run.id) == run


def test_a_folder_that_cannot_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(RunError) as caught:
            Store(folder)
        assert str(caught.value).startswith(f"Runs cannot be saved in the folder {folder}: ")
        assert str(caught.value).endswith(".") and "--runs" not in str(caught.value)


def test_a_store_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").write_text("once upon a time " * 100)
    with pytest.raises(RunError, match=r"^Runs cannot be saved in the folder .*: file is not a database\.$"):
        Store(tmp_path)


def test_the_weights_of_a_run_lie_in_its_own_folder_under_their_step(store: Store) -> None:
    run = a_run(checkpoint=250)
    assert store.weights_of(run) == store.folder / "a" / "250.pth"
