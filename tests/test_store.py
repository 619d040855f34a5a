"""The store: what is written is there for everybody, whole, once, and after any restart."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.errors import RunError
from cifar_core.events import Reported
from cifar_core.runs.records import ACTIVE, Point, Run, Snapshot, TestResult, WorkerInfo, new_run
from cifar_core.runs.store import UPGRADES, Store

KEY = "the secret key of an owner"
POINTS = tuple(Point(step, 4 * step, 2.3 / step) for step in range(1, 41))
REPORTS = tuple(Reported(step, 1 + step // 20, step % 20 + 1, 1.7 / step) for step in range(5, 41, 5))
RESULT = TestResult(40, 31, 120, (0.25, None, 1 / 3), (3, 8, 8, 0))


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
    store.update(run.id, points=POINTS, reports=REPORTS, state="running", step=40, epoch=2, speed=123.5)
    store.add_result(run.id, RESULT)
    there = seen(store, run.id)
    assert there.run == replace(run, state="running", step=40, epoch=2, speed=123.5)
    assert (there.points, there.reports, there.result) == (POINTS, REPORTS, RESULT)
    again = Store(store.folder)
    assert again.run(run.id) == there.run
    assert seen(again, run.id) == there
    assert again.owner_of(run.id) == KEY


def test_what_is_not_there_is_none(store: Store) -> None:
    assert (store.run("x"), store.snapshot("x"), store.owner_of("x")) == (None, None, None)
    assert (store.runs_of("x"), store.active(), store.take_requests(0), store.workers()) == ([], [], [], [])
    assert seen(store, added(store).id).result is None


def test_the_owners_key_is_no_part_of_what_a_reader_gets(store: Store) -> None:
    run = added(store)
    store.update(run.id, points=POINTS)
    assert "owner" not in {field.name for field in fields(Run)} | {field.name for field in fields(Snapshot)}
    assert KEY not in repr((store.run(run.id), seen(store, run.id), store.runs_of(KEY), store.active()))


def test_following_in_steps_gives_each_point_and_line_once(store: Store) -> None:
    run, since = added(store), -1
    points: list[Point] = []
    reports: list[Reported] = []
    for first, last in ((0, 3), (3, 4), (4, 4), (4, 25), (25, 40)):
        lines = [report for report in REPORTS if first < report.step <= last]
        store.update(run.id, points=POINTS[first:last], reports=lines, step=last)
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
            store.update(run.id, points=POINTS[first : first + 2], reports=lines, step=first + 2)

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
    with store.writing() as database:
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
        store.update(run.id, step=5)
        assert reader.execute("select step from runs").fetchall() == [(0,)]  # still of that one moment
    assert store.run(run.id) == replace(run, step=5)


def test_several_threads_write_at_once(store: Store) -> None:
    runs = [added(store, f"run {number}") for number in range(8)]

    def write(run: Run) -> Callable[[], None]:
        def slices() -> None:
            for point in POINTS:
                store.update(run.id, points=[point], step=point.step)

        return slices

    in_threads([write(run) for run in runs])
    assert all(seen(store, run.id) == Snapshot(replace(run, step=40), POINTS, (), None) for run in runs)


def test_the_newest_result_counts(store: Store) -> None:
    run = added(store)
    for result in (RESULT, replace(RESULT, step=30, correct=3)):
        store.add_result(run.id, result)
    assert seen(store, run.id).result == RESULT
    assert RESULT.accuracy == 31 / 120


def test_an_owner_sees_his_own_runs_the_newest_first(store: Store) -> None:
    for number, owner in enumerate((KEY, "another", KEY, KEY)):
        added(store, f"run {number}", owner=owner, created=100.0 + number // 2)
    assert [run.id for run in store.runs_of(KEY)] == ["run 3", "run 2", "run 0"]
    assert [run.id for run in store.runs_of(KEY, limit=1)] == ["run 3"]
    assert [run.id for run in store.runs_of("another")] == ["run 1"]


def test_active_runs_are_those_not_ended_the_oldest_first(store: Store) -> None:
    states = ("waiting", "done", "running", "stopped", "testing", "diverged", "failed")
    for number, state in enumerate(states):
        added(store, state, worker=number // 4, state=state, created=100.0 - number)
    assert [run.id for run in store.active()] == ["testing", "running", "waiting"] == list(reversed(ACTIVE))
    assert [run.id for run in store.active(0)] == ["running", "waiting"]
    assert [run.id for run in store.active(2)] == []
    assert [run.id for run in store.runs_of(KEY) if run.active] == ["waiting", "running", "testing"]


def test_a_request_is_taken_once_and_by_the_runs_own_worker_only(store: Store) -> None:
    a, b, c = added(store, "a", worker=0), added(store, "b", worker=1), added(store, "c", worker=0)
    for run in (c, b, a):
        store.ask(run, "stop")
    assert store.take_requests(2) == []
    assert store.take_requests(0) == [("c", "stop"), ("a", "stop")]
    assert store.take_requests(0) == []
    assert Store(store.folder).take_requests(1) == [("b", "stop")]
    assert store.take_requests(1) == []


def test_two_that_take_requests_at_once_get_each_request_once(store: Store) -> None:
    run, taken = added(store), []
    for number in range(30):
        store.ask(run, f"wish {number}")

    def take() -> None:
        while found := store.take_requests(0):
            taken.extend(found)

    in_threads([take] * 4)
    assert sorted(taken) == sorted((run.id, f"wish {number}") for number in range(30))


def test_an_update_is_written_as_a_whole_or_not_at_all(store: Store) -> None:
    run = added(store)
    store.update(run.id, points=POINTS[:10], step=10)
    before = seen(store, run.id)
    with pytest.raises(sqlite3.Error):
        store.update(run.id, points=POINTS[10:], reports=REPORTS, step=40, no_such_column=1)
    assert seen(store, run.id) == before


def test_an_error_between_two_writings_takes_both_back_and_the_store_goes_on(store: Store) -> None:
    run = added(store)
    with pytest.raises(KeyboardInterrupt), store.writing() as database:
        database.execute("update runs set step = 5 where id = ?", (run.id,))
        raise KeyboardInterrupt
    assert store.run(run.id) == run
    store.update(run.id, step=6)
    assert store.run(run.id) == replace(run, step=6)


def test_a_writing_that_fails_at_its_very_end_is_taken_back_and_the_store_goes_on(store: Store) -> None:
    run = added(store)
    with store.writing() as database:
        database.execute("create table parent (id integer primary key)")
        database.execute("create table child (id integer references parent deferrable initially deferred)")
    database.execute("pragma foreign_keys = on")  # checked at the commit, which makes it fail as a full disk would
    with pytest.raises(sqlite3.Error), store.writing() as database:
        database.execute("update runs set step = 5 where id = ?", (run.id,))
        database.execute("insert into child values (1)")
    assert store.run(run.id) == run
    store.update(run.id, step=6)
    assert store.run(run.id) == replace(run, step=6)


def test_steps_that_will_be_done_again_are_forgotten(store: Store) -> None:
    for name in ("a", "b"):
        run = added(store, name)
        store.update(run.id, points=POINTS, reports=REPORTS)
        store.add_result(run.id, RESULT)
    store.forget_after("a", 20)
    kept = seen(store, "a")
    assert (kept.points, kept.reports, kept.result) == (POINTS[:20], REPORTS[:4], None)
    kept = seen(store, "b")
    assert (kept.points, kept.reports, kept.result) == (POINTS, REPORTS, RESULT)
    store.forget_after("b", -1)
    assert seen(store, "b").points == ()


def test_active_runs_and_their_requests_are_shared_out_among_other_workers(store: Store) -> None:
    for number in range(5):
        run = added(store, f"run {number}", worker=6, created=100.0 + number, attempts=2)
        store.ask(run, f"wish {number}")
    ended = added(store, "ended", worker=6, state="done", attempts=1)
    store.spread(2)
    assert [(run.id, run.worker, run.attempts) for run in store.active()] == [
        ("run 0", 0, 0),
        ("run 1", 1, 0),
        ("run 2", 0, 0),
        ("run 3", 1, 0),
        ("run 4", 0, 0),
    ]
    assert store.take_requests(1) == [("run 1", "wish 1"), ("run 3", "wish 3")]
    assert store.take_requests(6) == []
    assert store.run("ended") == ended


def test_workers_sign_in_and_out(store: Store) -> None:
    first, second = (WorkerInfo(pid, "cpu", "A processor", "No GPU can be used.", ("cpu", "cuda")) for pid in (11, 12))
    store.sign_in(1, second)
    store.sign_in(0, first)
    assert store.workers() == [first, second]
    store.sign_out(0)
    assert store.workers() == [second]
    store.sign_in(1, first)
    assert store.workers() == [first]
    store.sign_in(0, second)
    store.sign_out()
    assert store.workers() == []


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
        assert str(folder) in str(caught.value)
        assert str(caught.value).endswith("name a folder that can be written with --runs.")


def test_a_store_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").write_text("once upon a time " * 100)
    with pytest.raises(RunError, match=r"Runs cannot be kept in .* with --runs\.$"):
        Store(tmp_path)


def test_the_weights_of_a_run_lie_in_its_own_folder_under_their_step(store: Store) -> None:
    run = a_run(checkpoint=250)
    assert store.weights_of(run) == store.folder / "a" / "250.pth"
