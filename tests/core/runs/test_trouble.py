"""Trouble with the store or the disk: a sentence for the visitor, and no run is lost."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cifar_core.data import Splits
from cifar_core.errors import CifarError, DataError, RunError, StoreError, WeightsError
from cifar_core.net import new_net, save_weights
from cifar_core.runs import job as job_module
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from cifar_core.runs.worker import Worker, message_of
from tests.helpers.runs import (
    ANN,
    EACH_CHECKPOINT,
    FAST,
    NO_LIMITS,
    SHORT,
    a_store_with,
    alone,
    assert_same,
    work,
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
            lambda: [closed.change(ANN, run.id, lr=lr / 1e4) for lr in range(20, 1000)],  # the last page has some room
            lambda: [closed.pause(ANN, run.id) for _ in range(1000)],
        ):
            with pytest.raises(StoreError) as caught:
                for _ in range(100):
                    command()
            sentences.append(str(caught.value))
        before = closed.runs_of(ANN)
        assert closed.snapshot(run.id).run == run
    assert sentences == [sentence] * 3
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
    run, save = closed.start(ANN, SHORT, tiny), job_module.save_weights

    def full_later(weights: Any, path: Path) -> None:
        if int(path.stem) >= 30:
            raise WeightsError("There is no room on the disk.")
        save(weights, path)

    with monkeypatch.context() as patch:
        patch.setattr(job_module, "save_weights", full_later)
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
