"""What the service starts and what it refuses, with a sentence: without any worker."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits, image_set
from cifar_core.errors import ConfigError
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Run, WorkerInfo
from cifar_core.runs.service import Service
from tests.helpers.runs import ANN, BOB, EVE, NO_LIMITS, SHORT, refusal, work, write_rows


@pytest.fixture
def closed(tmp_path: Path) -> Service:
    """A service without workers, so that its runs wait."""
    return Service(tmp_path / "runs", workers=2, limits=Limits(steps=1000, active_per_owner=2, active=3))


@pytest.fixture
def free(tmp_path: Path) -> Service:
    """The same with one worker, and hardly any limits."""
    return Service(tmp_path / "runs", workers=1, limits=NO_LIMITS)


def test_a_run_of_too_many_steps_is_refused(closed: Service, tiny: Splits) -> None:
    assert closed.start(ANN, TrainConfig(epochs=10), tiny).steps == 1000
    assert refusal(lambda: closed.start(ANN, TrainConfig(epochs=11), tiny)) == (
        "These settings need 1,100 mini-batches and this server allows 1,000: take fewer epochs or a larger batch."
    )
    assert closed.start(ANN, TrainConfig(epochs=11, batch_size=5), tiny).steps == 880


def test_a_visitor_may_have_only_some_runs_going(closed: Service, tiny: Splits) -> None:
    first, _ = (closed.start(ANN, SHORT, tiny) for _ in range(2))
    sentence = refusal(lambda: closed.start(ANN, SHORT, tiny))
    assert sentence == "You have 2 active runs, the most that one visitor may; stop one before starting another."
    assert closed.start(BOB, SHORT, tiny).active
    write_rows(closed.store, first.id, state="stopped")
    assert closed.start(ANN, SHORT, tiny).active


def test_all_visitors_together_may_have_only_some_runs_going(closed: Service, tiny: Splits) -> None:
    first, *_ = (closed.start(owner, SHORT, tiny) for owner in (ANN, ANN, BOB))
    assert closed.active_count() == 3
    sentence = refusal(lambda: closed.start(EVE, SHORT, tiny))
    assert sentence == "This server trains 3 runs at once at most; try again in a while."
    write_rows(closed.store, first.id, state="done")
    assert closed.start(EVE, SHORT, tiny).active


def test_new_runs_go_to_the_worker_with_the_fewest(closed: Service, tiny: Splits) -> None:
    first, second = (closed.start(ANN, SHORT, tiny) for _ in range(2))
    assert (first.worker, second.worker) == (0, 1)
    write_rows(closed.store, first.id, state="done")
    assert closed.start(ANN, SHORT, tiny).worker == 0


def test_a_device_that_the_server_has_not_is_refused(closed: Service, tiny: Splits) -> None:
    closed.store.register(0, WorkerInfo(1, "cuda", "A GPU", "", ("cpu", "cuda")))
    assert refusal(lambda: closed.start(ANN, replace(SHORT, device="mps"), tiny)) == (
        "This server has no mps device; it has cpu, cuda. Choose auto."
    )
    for device in ("cpu", "cuda"):
        assert closed.start(ANN, replace(SHORT, device=device), tiny).config.device == device


@pytest.mark.parametrize("key", ["", "short", "x" * 15, "x" * 101, "k\u00e9y" * 8, "\ud800" * 16, None, 7, ["x"] * 20])
def test_a_bad_owner_key_is_refused(closed: Service, tiny: Splits, key: Any) -> None:
    assert "16 to 100" in refusal(lambda: closed.start(key, SHORT, tiny))
    assert closed.active_count() == 0


@pytest.mark.parametrize("run", ["", "x", "../runs", "\ud800", "'; drop table runs; --"])
def test_a_run_that_does_not_exist_is_told_in_a_sentence(closed: Service, run: str) -> None:
    for command in (closed.find, closed.snapshot, closed.weights, partial(closed.stop, ANN)):
        assert refusal(partial(command, run)).startswith("There is no such run")
    assert not closed.is_own("", run)
    assert not closed.is_own(ANN, run)


def test_weights_that_do_not_exist_yet_are_told_in_a_sentence(closed: Service, tiny: Splits) -> None:
    run = closed.start(ANN, SHORT, tiny)
    assert refusal(lambda: closed.weights(run.id)) == "This run has no weights yet; try again in a moment."


def test_a_run_knows_its_data_also_from_another_current_folder(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.folder.parent)
    run = closed.start(ANN, SHORT, image_set.load(Path(tiny.folder.name)))
    monkeypatch.chdir("/")
    assert len(image_set.load(Path(run.data)).train) == run.images


def test_weights_that_newer_ones_replace_at_that_moment_are_read_again(
    closed: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = closed.start(ANN, SHORT, tiny)
    write_rows(closed.store, run.id, checkpoint=5)  # whose file has just been removed
    closed.store.folder_of(run.id).mkdir()
    (closed.store.folder_of(run.id) / "9.pth").write_bytes(b"weights")
    find = closed._find

    def find_just_before(run_id: str) -> Run:
        run_then = find(run_id)
        write_rows(closed.store, run.id, checkpoint=9)
        return run_then

    monkeypatch.setattr(closed, "_find", find_just_before)
    assert closed.weights(run.id) == b"weights"


def test_a_change_out_of_bounds_of_another_setting_or_by_another_is_refused(free: Service, tiny: Splits) -> None:
    run = free.start(ANN, SHORT, tiny)
    for settings in ({"lr": 2.0}, {"lr": float("nan")}, {"momentum": -0.1}, {"batch_size": 2.5}, {"batch_size": 0}):
        with pytest.raises(ConfigError, match=r"must be a (whole )?number from .*\.$"):
            free.change(ANN, run.id, **settings)
    assert refusal(lambda: free.change(ANN, run.id, epochs=3)) == (
        "Only lr, momentum, batch_size can change while a run is active."
    )
    for command in (free.pause, free.resume, free.stop, lambda *who: free.change(*who, lr=0.1)):
        assert refusal(partial(command, BOB, run.id)).startswith("Only the one who started this run")
    free.change(ANN, run.id, lr=SHORT.lr)  # as it is
    assert free.store.requests(0) == []
    free.limits = replace(NO_LIMITS, steps=200)
    assert "200 mini-batches" in refusal(lambda: free.change(ANN, run.id, batch_size=1))


@pytest.mark.parametrize("state", ["done", "stopped", "diverged", "failed", "testing"])
def test_a_change_of_an_ended_run_is_refused(free: Service, tiny: Splits, state: str) -> None:
    run = free.start(ANN, SHORT, tiny)
    write_rows(free.store, run.id, state=state)
    sentence = refusal(lambda: free.change(ANN, run.id, lr=0.1))
    assert sentence == "This run has ended; let it train on first, or start another."
    assert free.store.requests(0) == []


def test_a_run_trains_on_only_when_it_has_ended_and_by_its_owner_and_within_the_bounds(
    free: Service, tiny: Splits
) -> None:
    run = free.start(ANN, SHORT, tiny)
    assert refusal(lambda: free.train_on(ANN, run.id, 1)).startswith("Only a run that has ended")
    work(free.store)
    assert refusal(lambda: free.train_on(BOB, run.id, 1)).startswith("Only the one who started this run")
    bad: list[Any] = [0, -1, 1.5, float("nan"), True, "2", None]
    for epochs in bad:
        assert refusal(partial(free.train_on, ANN, run.id, epochs)).startswith("More epochs must be")
    with pytest.raises(ConfigError):
        free.train_on(ANN, run.id, 199)  # 201 in all
    free.limits = replace(NO_LIMITS, steps=500)
    assert "500 mini-batches" in refusal(lambda: free.train_on(ANN, run.id, 4))
    free.train_on(ANN, run.id, 3)
    assert refusal(lambda: free.train_on(ANN, run.id, 3)).startswith("Only a run that has ended")


def test_no_sentence_of_the_service_speaks_of_the_command_line(closed: Service, tiny: Splits) -> None:
    refused: list[Callable[[], object]] = [
        lambda: closed.start("", SHORT, tiny),
        lambda: closed.start(ANN, replace(SHORT, epochs=200), tiny),
        lambda: closed.find("x"),
        lambda: closed.train_on(ANN, closed.start(ANN, SHORT, tiny).id, 1),
    ]
    assert not any("--" in refusal(each) or "/" in refusal(each) for each in refused)
