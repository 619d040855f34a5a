"""Trouble with the store or the disk: a sentence for the visitor, and no run is lost."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cifar_core import durable
from cifar_core.data import Splits
from cifar_core.errors import CifarError, DataError, RunError, StoreError, WeightsError
from cifar_core.net import new_net, save_weights
from cifar_core.runs import checkpoints
from cifar_core.runs.job import MAX_ATTEMPTS
from cifar_core.runs.records import Run
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from cifar_core.runs.worker import Worker, message_of
from tests.helpers.runs import (
    ANN,
    BRIEF,
    EACH_CHECKPOINT,
    FAST,
    NO_LIMITS,
    SHORT,
    a_store_with,
    alone,
    assert_same,
    work,
    write_rows,
)


@contextmanager
def held(store: Store) -> Iterator[None]:
    """The store, locked by another program."""
    with closing(sqlite3.connect(store.folder / "store.sqlite3", isolation_level=None)) as other:
        other.execute("begin exclusive")
        yield
        other.execute("rollback")


@contextmanager
def full(store: Store) -> Iterator[None]:
    """The disk without room for any further page."""
    with store.reading() as tx:  # the one connection there is; the next transaction uses it again
        pages = tx.execute("pragma max_page_count = 1").fetchone()[0]  # the least possible is what there is
        assert pages == tx.execute("pragma page_count").fetchone()[0]
    yield
    with store.reading() as tx:
        tx.execute("pragma max_page_count = 1000000")


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    """The file without the right to write it."""
    with store.reading() as tx:
        tx.execute("pragma query_only = 1")
    yield
    with store.reading() as tx:
        tx.execute("pragma query_only = 0")


TROUBLES = pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (held, "The runs are locked by another program just now; try again in a moment."),
        (full, "The disk with the runs is full: make room on it, then try again; nothing saved is lost."),
        (read_only, "The runs may only be read: let the server write their folder, then try again."),
    ],
)
Trouble = Callable[[Store], Any]


def ask_for_much(service: Service, run: Run) -> None:
    for number in range(1000):
        service.store.ask(run, f"request {number}")


@pytest.fixture
def closed(tmp_path: Path) -> Service:
    """A service without workers, that hardly waits for others."""
    return Service(tmp_path / "runs", workers=1, limits=NO_LIMITS, timings=replace(FAST, patience=0.05))


@TROUBLES
def test_a_command_that_cannot_be_written_is_refused_with_a_sentence_and_leaves_all_as_it_was(
    closed: Service, tiny: Splits, trouble: Trouble, sentence: str
) -> None:
    run = closed.start(ANN, SHORT, tiny)
    sentences = []
    with trouble(closed.store):
        for command in (
            lambda: closed.start(ANN, SHORT, tiny),
            lambda: ask_for_much(closed, run),  # because the last page has some room
        ):
            with pytest.raises(StoreError) as caught:
                for _ in range(100):
                    command()
            sentences.append(str(caught.value))
        before = closed.runs_of(ANN)
        assert closed.snapshot(run.id).run == run
    assert sentences == [sentence] * 2
    assert closed.runs_of(ANN) == before
    assert closed.start(ANN, SHORT, tiny).active


@TROUBLES
def test_trouble_with_the_store_in_a_workers_hands_ends_no_run(
    closed: Service, tiny: Splits, trouble: Trouble, sentence: str
) -> None:
    run = closed.start(ANN, SHORT, tiny)
    worker = Worker(closed.store, 0, "cpu", replace(FAST, slice=0.01))
    assert worker.turn()
    with trouble(closed.store), pytest.raises(StoreError) as caught:
        while worker.turn():
            pass
    assert str(caught.value) == sentence
    left = closed.find(run.id)
    assert (left.state, left.message, left.step < left.steps) == ("running", "", True)
    work(closed.store)
    assert_same(closed.store, run, alone(SHORT, tiny))


@contextmanager
def failing_disk(number: int, below: Path) -> Iterator[None]:
    """A disk that takes no file below a folder: full, used up or not responding, as the error's number says."""
    write = durable.write

    def no_more(path: Path, content: bytes) -> None:
        if not path.is_relative_to(below):
            write(path, content)
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            write(path, content)

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "write", no_more)
        yield


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_takes_no_file_for_a_moment_ends_no_run_and_holds_up_no_other(
    closed: Service, tiny: Splits, number: int
) -> None:
    run, other = closed.start(ANN, SHORT, tiny), closed.start(ANN, BRIEF, tiny)
    worker = Worker(closed.store, 0, "cpu", replace(EACH_CHECKPOINT, wait_for_disk=0.0))
    while closed.find(run.id).checkpoint < 3:
        worker.turn()
    folder = closed.store.folder_of(run.id)
    with failing_disk(number, folder):
        for _ in range(5 * MAX_ATTEMPTS):
            worker.turn()
        left = closed.find(run.id)
        assert (left.state, left.message) == ("running", "")
        assert left.checkpoint >= 3 and not list(folder.glob("*.tmp"))
        while closed.find(other.id).active:
            worker.turn()
    assert_same(closed.store, other, alone(BRIEF, tiny))
    work(closed.store)
    assert_same(closed.store, run, alone(SHORT, tiny))


def test_a_run_that_waits_for_the_disk_is_not_tried_again_at_each_turn(closed: Service, tiny: Splits) -> None:
    run = closed.start(ANN, SHORT, tiny)
    worker = Worker(closed.store, 0, "cpu", replace(EACH_CHECKPOINT, wait_for_disk=100.0))
    with failing_disk(errno.ENOSPC, closed.store.folder_of(run.id)):
        while worker.turn():
            pass
        assert not worker.turn() and worker.jobs == {}
    assert closed.find(run.id).active


def test_interruptions_by_the_store_are_not_counted_as_deaths(closed: Service, tiny: Splits) -> None:
    run = closed.start(ANN, SHORT, tiny)
    for _ in range(MAX_ATTEMPTS + 1):
        worker = Worker(closed.store, 0, "cpu", FAST)
        write_rows(closed.store, run.id, attempts=MAX_ATTEMPTS)
        worker.begin_again()
        assert worker.turn()
    assert closed.find(run.id).active


def test_a_bug_in_a_statement_is_not_told_as_trouble_with_the_disk(closed: Service) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such column"), closed.store.reading() as tx:
        tx.execute("select no_such_column from runs")


def test_a_run_whose_folder_cannot_be_made_fails_with_a_sentence_and_disturbs_no_other(
    tiny: Splits, tmp_path: Path
) -> None:
    store, (blocked, other) = a_store_with(tmp_path, tiny, SHORT, SHORT)
    store.folder_of(blocked.id).write_text("in the way")
    work(store)
    now = store.run(blocked.id)
    assert now is not None and now.state == "failed"
    assert now.message == "The files of this run cannot be read or written (File exists); check the server's disk."
    assert store.folder_of(blocked.id).read_text() == "in the way"
    assert_same(store, other, alone(SHORT, tiny))


def test_a_run_whose_weights_cannot_be_written_keeps_what_it_has_and_can_train_on(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, save = closed.start(ANN, SHORT, tiny), save_weights

    def full_later(weights: Any, path: Path) -> None:
        if int(path.stem) >= 30:
            raise WeightsError("There is no room on the disk.")
        save(weights, path)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_weights", full_later)
        work(closed.store, EACH_CHECKPOINT)
    failed = closed.find(run.id)
    assert (failed.state, failed.message) == ("failed", "There is no room on the disk.")
    assert failed.checkpoint == 29 and failed.step >= 29
    expected = alone(SHORT, tiny)
    assert closed.snapshot(run.id).points == expected.points[: failed.step]
    assert closed.weights(run.id)
    closed.train_on(ANN, run.id, 2)
    work(closed.store)
    assert_same(closed.store, run, expected)


@pytest.mark.parametrize("error", [RunError("Why."), DataError("Why."), CifarError("Why.")])
def test_an_error_of_the_core_ends_a_run_with_its_own_sentence(error: CifarError, tmp_path: Path) -> None:
    assert message_of(error, tmp_path) == "Why."


def test_weights_that_cannot_be_written_are_told_without_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(WeightsError) as caught:
        save_weights(new_net(0).state_dict(), folder / "5.pth")
    assert str(tmp_path) not in message_of(caught.value, folder)
    assert message_of(WeightsError(f"{folder}/5.pth cannot be written."), folder) == (
        "The weights of this run could not be written; check the server's disk."
    )


def test_a_bug_ends_a_run_with_its_type_and_the_log_has_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message_of(ValueError(f"{tmp_path} is bad"), tmp_path) == (
        "An unexpected error ended this run (ValueError); the server's log has the details."
    )
    assert f"{tmp_path} is bad" in capsys.readouterr().err
