"""Stores of older programs are upgraded in place: nothing is lost, and no quiz gives its answer away."""

import fcntl
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.net import save_weights
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Point, Request, Run, Snapshot, TestResult, WorkerInfo, new_run
from cifar_core.runs.schema import FIRST_TABLES, UPGRADES
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from cifar_core.runs.tables.holder import digest
from cifar_core.training.checkpoint import save_checkpoint
from cifar_core.training.control import Control
from cifar_core.training.events import Checkpointed, Progress, Reported, Validated
from cifar_core.training.loop import train
from tests.core.runs.test_store import CHANGES, KEY, in_threads, seen, store
from tests.helpers.runs import refusal, work, write_rows
from tests.helpers.tiny_data import tiny_splits

__all__ = ["store"]

OLD_CONFIG: dict[str, Any] = {"epochs": 2, "batch_size": 64, "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "seed": 7}
OLD_CONFIG |= {"report_every": 5, "augment": "none", "schedule": "constant", "device": "auto"}
"""before there were stop rules"""
OLD_RUN = ("done", "", "", 1e9, 1e9 + 60, 14, 14, 2, 800, 123.5, 120, 14, 0)
"""state, ending, message, created, ended, step, steps, epoch, seen, speed, tested, checkpoint and attempts"""


@pytest.fixture
def old_folder(tmp_path: Path) -> Path:
    """A runs folder as the first program left it: a run of 400 images in batches of 64, and one that was going."""
    folder = tmp_path / "old runs"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "14.pth").write_bytes(b"weights")
    with closing(sqlite3.connect(folder / "store.sqlite3", isolation_level=None)) as database:
        database.executescript(FIRST_TABLES)
        for run, values in (("old", OLD_RUN), ("going", ("running", *OLD_RUN[1:4], None, *OLD_RUN[5:]))):
            row = (run, KEY, f"run {run}", json.dumps(OLD_CONFIG), "/data", 400, 1, *values)
            database.execute(f"insert into runs values (?{', ?' * (len(row) - 1)})", row)
        for step in range(1, 15):
            database.execute("insert into points values ('old', ?, ?)", (step, 2.3 / step))
        database.execute("insert into points values ('going', 3, 2.0)")
        database.execute("insert into reports values ('old', 5, 1, 5, 1.7)")
        content = {"correct": 31, "total": 120, "per_class": [0.25, None], "first_predictions": [3, 8, 8, 0]}
        database.execute("insert into evaluations values ('old', 14, ?)", (json.dumps(content),))
        database.execute("insert into requests (run, worker, kind) values ('going', 1, 'stop')")
        database.execute("insert into workers values (0, 11, 'cpu', 'A processor', 'No GPU can be used.', 'cpu cuda')")
        database.execute("pragma user_version = 1")
    return folder


def test_a_store_of_the_first_program_is_upgraded_in_place_and_keeps_everything(old_folder: Path) -> None:
    store = Store(old_folder)
    there = seen(store, "old")
    config = TrainConfig(batch_size=64, lr=0.1, seed=7, report_every=5)
    expected = replace(new_run("old", config, Path("/data"), 400, 1), name="run old", state="done", created=1e9)
    expected = replace(expected, ended=1e9 + 60, step=14, epoch=2, seen=800, speed=123.5, tested=120, checkpoint=14)
    assert there.run == expected
    assert (there.run.busy, there.run.accuracy, there.run.paused) == (0.0, None, None)
    # 6 mini-batches of 64 and one of 16 in each epoch
    images = [64, 128, 192, 256, 320, 384, 400, 464, 528, 592, 656, 720, 784, 800]
    assert there.points == tuple(Point(step, seen, 2.3 / step) for step, seen in enumerate(images, 1))
    assert seen(store, "going").points == (Point(3, 192, 2.0),)
    assert there.reports == (Reported(5, 1, 5, 1.7),)
    assert there.result == TestResult(14, 31, 120, (0.25, None), (3, 8, 8, 0))
    assert (there.validations, there.changes, there.config) == ((), (), config)
    assert store.owner_of("old") == digest(KEY)
    assert store.weights_of(there.run).read_bytes() == b"weights"
    assert (store.frame_times("old"), store.frames("old"), store.filters("old")) == ([], [], None)
    (asked,) = store.requests(1)
    assert asked == Request(asked.id, "going", "stop", {})
    assert store.workers() == [WorkerInfo(11, "cpu", "A processor", "No GPU can be used.", ("cpu", "cuda"), 0.0, 0.0)]


def test_an_upgraded_store_is_as_good_as_a_new_one(old_folder: Path, store: Store) -> None:
    old = Store(old_folder)
    assert columns_of(old) == columns_of(store)
    before = seen(old, "old")
    assert seen(Store(old_folder), "old") == before  # and is not upgraded again
    run = before.run
    old.restart(run, replace(run.config, epochs=3), 0)
    write_rows(
        old, run.id, points=[Point(15, 864, 1.0)], validations=[Validated(15, 864, 3, 60)], changes=CHANGES, busy=1.5
    )
    there = seen(old, "old")
    assert there.points == (*before.points, Point(15, 864, 1.0))
    assert there.validations == (Validated(15, 864, 3, 60),)
    assert there.config == replace(run.config, epochs=3, lr=0.02, momentum=0.5)


def test_several_that_open_an_old_store_at_once_upgrade_it_once(old_folder: Path) -> None:
    found: list[Snapshot] = []
    in_threads([lambda: found.append(seen(Store(old_folder), "old"))] * 4)
    assert len(found) == 4 and len(set(found)) == 1


def test_a_store_that_another_server_uses_is_not_upgraded(old_folder: Path) -> None:
    with open(old_folder / "server.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sentence = refusal(lambda: Service(old_folder, workers=1))
        with closing(sqlite3.connect(old_folder / "store.sqlite3")) as database:
            assert database.execute("pragma user_version").fetchone() == (1,)
    assert sentence == f"Another server already uses the runs in {old_folder}."
    assert Service(old_folder, workers=1).runs_of(KEY)


def test_an_old_store_learns_to_give_room_back(old_folder: Path) -> None:
    store = Store(old_folder)
    store.shrink()
    with store.reading() as tx:
        assert tx.execute("pragma auto_vacuum").fetchone() == (2,)
    assert len(seen(store, "old").points) == 14


def test_of_old_requests_the_last_of_each_kind_stands_and_what_is_left_of_removed_runs_goes(old_folder: Path) -> None:
    with closing(sqlite3.connect(old_folder / "store.sqlite3")) as database, database:
        for run, kind in (("going", "pause"), ("going", "stop"), ("gone", "stop")):
            database.execute("insert into requests (run, worker, kind) values (?, 1, ?)", (run, kind))
        database.execute("insert into points values ('gone', 3, 2.0)")
    store = Store(old_folder)
    assert [request.kind for request in store.requests(1)] == ["pause", "stop"]
    with store.reading() as tx:
        assert {run for (run,) in tx.execute("select run from points")} == {"old", "going"}


def test_an_upgrade_that_fails_leaves_the_old_store_as_it_was(
    old_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.runs.schema.UPGRADES", (*UPGRADES, "insert into no_such_table values (1)"))
    with pytest.raises(RunError, match="no_such_table"):
        Store(old_folder)
    monkeypatch.undo()
    assert len(seen(Store(old_folder), "old").points) == 14


def columns_of(store: Store) -> dict[str, list[tuple[str, str]]]:
    """Each table's columns and their types."""
    with store.transaction() as database:
        tables = sorted(table for (table,) in database.execute("select name from sqlite_master where type = 'table'"))
        return {
            table: [(name, kind) for _, name, kind, *_ in database.execute(f"pragma table_info({table})")]
            for table in tables
        }


# -------------------------------------------------------------- a store of the program before there were pairs as data

OLD_STORE = Path(__file__).parent / "store_before.sql"
"""written by commit 41731ca, then killed while it trained: see `test_its_runs_are_listed_as_they_were` for its runs"""
ANNA, BEN = "anna-secret-key-0123456789", "ben-secret-key-abcdefghij"
CHANGED, FAILED, DIVERGED, STOPPED = "238098799337bf53", "58c6e00ec127d65a", "0553eaf9de25f3a1", "03055e514120131c"
PAUSED, ACTIVE = "780d61547cef9329", "6ea7d9900e31d674"
LAB = ("ae03f53edd6c2766", "0de292eb5f3fb488")
SOLVED = ("ab1dd362bd6e6423", "2a5eee76b9915524")
OPEN = ("569ac68d2fdd8e28", "2743d9f854ed6587")


@pytest.fixture(scope="module")
def old_data(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """The images that the runs of the old store train on."""
    return tiny_splits(tmp_path_factory.mktemp("old") / "data", train=80, test=400, seed=0)


@pytest.fixture
def before(tmp_path: Path, old_data: Splits) -> Path:
    """The runs folder as the old program left it."""
    folder = tmp_path / "runs"
    folder.mkdir()
    text = OLD_STORE.read_text().replace("'/tmp/oldstore/data'", f"'{old_data.folder.resolve()}'")
    with closing(sqlite3.connect(folder / "store.sqlite3")) as database:
        database.executescript(text)
    return folder


@pytest.fixture
def service(before: Path) -> Service:
    """A service without workers on the old store. Its times are long ago, so nothing is removed for its age."""
    return Service(before, workers=1, limits=Limits(days=100_000, paused_minutes=10**8))


def columns_before(folder: Path) -> dict[str, tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "store.sqlite3")) as database:
        rows = database.execute("select id, name, state, step, steps, checkpoint, busy, accuracy from runs").fetchall()
    return {row[0]: row[1:] for row in rows}


def test_its_runs_are_listed_as_they_were(before: Path) -> None:
    old = columns_before(before)
    service = Service(before, workers=1)
    runs = {run.id: run for owner in (ANNA, BEN) for run in service.runs_of(owner)}
    now = {
        run.id: (run.name, run.state, run.step, run.steps, run.checkpoint, run.busy, run.accuracy)
        for run in runs.values()
    }
    assert now == old and len(old) == 12
    assert runs[CHANGED].name == "Fast <b>steps</b> & \u00fcn\u00ef"
    changed = service.snapshot(CHANGED)
    assert {change.name for change in changed.changes} == {"batch_size", "lr", "epochs"}
    assert (changed.config.batch_size, changed.config.lr, changed.config.epochs) == (20, 0.02, 7)
    assert changed.result is not None and (changed.result.correct, changed.result.total) == (112, 400)
    assert len(changed.points) == 21 and changed.validations
    assert [time.step for time in service.frame_times(CHANGED)] == [frame.step for frame in service.frames(CHANGED)]
    assert [time.step for time in service.frame_times(DIVERGED)] == [0]
    assert [(asked.run, asked.kind, asked.arguments) for asked in service.store.requests(0)] == [
        (PAUSED, "change", {"lr": 0.005})
    ]
    assert runs[DIVERGED].message.startswith("The loss is no longer a finite number")


def test_the_owners_keys_leave_it_and_still_open_their_runs(before: Path) -> None:
    before.chmod(0o755)
    service = Service(before, workers=1)
    assert {run.id for run in service.runs_of(BEN)} | {run.id for run in service.runs_of(ANNA)} == set(
        columns_before(before)
    )
    assert service.is_own(ANNA, PAUSED) and not service.is_own(digest(ANNA), PAUSED)
    service.store.close()
    for path in before.iterdir():
        assert ANNA.encode() not in path.read_bytes() and BEN.encode() not in path.read_bytes()
    assert before.stat().st_mode & 0o777 == 0o700


def test_its_quizzes_and_pairs_become_data(service: Service) -> None:
    def facts(run: Run) -> tuple[str, str, bool]:
        return run.kind, run.pair, run.secret

    for (baseline, faulty), kind, secret in ((LAB, "lab", False), (SOLVED, "quiz", False), (OPEN, "quiz", True)):
        assert facts(service.find(baseline)) == (kind, baseline, False)
        assert facts(service.find(faulty)) == (kind, baseline, secret)
    for run in (CHANGED, FAILED, DIVERGED, STOPPED, PAUSED, ACTIVE):
        assert facts(service.find(run)) == ("run", "", False)
    assert [tuple(run.id for run in pair) for pair in service.pairs_of(ANNA)] == [OPEN, LAB]
    assert [tuple(run.id for run in pair) for pair in service.pairs_of(BEN)] == [SOLVED]
    assert service.pair(BEN, SOLVED[0]).was_quiz and service.pair(BEN, SOLVED[0]).word == "shuffled_labels"
    assert service.find(LAB[1]).config.mistake == "no_zero_grad"


def test_its_open_quiz_is_still_a_secret_until_it_is_solved(service: Service) -> None:
    assert "no_shuffle" not in repr((service.find(OPEN[1]), service.snapshot(OPEN[1]), service.runs_of(ANNA)))
    assert refusal(lambda: service.bundle(ANNA, OPEN[1])).startswith("This run is an unsolved quiz")
    assert service.pair(ANNA, OPEN[0]).secret
    solved = service.solve(ANNA, OPEN[1])
    assert (solved.config.mistake, solved.name, solved.secret) == ("no_shuffle", "quiz: no shuffling", False)


def test_a_quiz_without_its_baseline_is_a_secret_too(before: Path) -> None:
    with closing(sqlite3.connect(before / "store.sqlite3")) as database, database:
        database.execute("delete from runs where id = ?", (OPEN[0],))
    run = Service(before, workers=1).find(OPEN[1])
    assert (run.kind, run.pair, run.secret, run.config.mistake) == ("quiz", "", True, "none")


def test_no_message_of_it_names_a_folder_of_the_server(before: Path) -> None:
    with closing(sqlite3.connect(before / "store.sqlite3")) as database:
        (message,) = database.execute("select message from runs where id = ?", (FAILED,)).fetchone()
    assert "/tmp/oldstore" in message
    service = Service(before, workers=1)
    assert service.find(FAILED).message == "The images of this run are no longer on this server."
    assert not any("/" in service.find(run).message for run in columns_before(before))


def test_its_unfinished_runs_go_on_and_a_change_asked_for_is_made(service: Service, old_data: Splits) -> None:
    for run_id in (ACTIVE, PAUSED):
        leave_checkpoint(service.store, service.find(run_id), old_data)
    service.stop(BEN, ACTIVE)  # what is left of 800 steps would take its time
    service.resume(ANNA, PAUSED)
    with service.store.transaction() as tx:
        tx.execute("update runs set config = json_set(config, '$.epochs', 5) where id = ?", (PAUSED,))
    work(service.store)
    stopped, done = service.snapshot(ACTIVE), service.snapshot(PAUSED)
    assert (stopped.run.state, done.run.state) == ("stopped", "done")
    assert [(change.step, change.name, change.value) for change in done.changes] == [(1, "lr", 0.005)]
    assert [point.step for point in done.points] == list(range(1, 11)) and done.run.step == 10
    assert (done.result and done.result.total, service.store.requests(0)) == (400, [])


def leave_checkpoint(store: Store, run: Run, splits: Splits) -> None:
    """Write the files that the old program had written for this run, whose checkpoint is at step 1."""
    from cifar_core.net import new_net

    assert run.checkpoint == 1
    store.folder_of(run.id).mkdir()
    for event in train(new_net(run.config.seed), splits.train, run.config, control=Control(checkpoint=True)):
        if isinstance(event, Progress):
            assert event.step == 1
        if isinstance(event, Checkpointed):
            save_weights(event.checkpoint.weights, store.folder_of(run.id) / "1.pth")
            save_checkpoint(event.checkpoint, store.folder_of(run.id) / "1.resume")
            break
