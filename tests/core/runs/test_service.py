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
from cifar_core.training.control import Change
from tests.helpers.runs import ANN, BOB, EVE, NO_LIMITS, SHORT, refusal, work, write_rows

CARL = "carl" * 8


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
    first, *_ = (closed.start(owner, SHORT, tiny) for owner in (ANN, BOB, EVE))
    assert closed.active_count() == 3
    sentence = refusal(lambda: closed.start(CARL, SHORT, tiny))  # nobody has more than they would have
    assert sentence == "This server trains 3 runs at once at most; try again in a while."
    assert refusal(lambda: closed.start(ANN, SHORT, tiny)) == sentence
    write_rows(closed.store, first.id, state="done")
    assert closed.start(CARL, SHORT, tiny).active


def stopped(service: Service) -> list[str]:
    """The runs that were asked to stop."""
    return [one.run for worker in range(2) for one in service.store.requests(worker) if one.kind == "stop"]


def test_when_all_places_are_taken_a_newcomer_gets_that_of_the_longest_running_run_of_whoever_has_most(
    closed: Service, tiny: Splits
) -> None:
    first, second, _ = (closed.start(owner, SHORT, tiny) for owner in (ANN, ANN, BOB))
    write_rows(closed.store, second.id, state="running", busy=9.0)
    assert closed.start(EVE, SHORT, tiny).active
    assert stopped(closed) == [second.id]
    assert closed.find(second.id).message == (
        "Stopped: all places were taken, and a visitor with no run going needed one."
    )
    assert "at once at most" in refusal(lambda: closed.start(CARL, SHORT, tiny))  # Ann's other one is her only one
    assert stopped(closed) == [second.id]


def test_one_who_makes_many_keys_gives_way_to_others_and_takes_nobodys_place(tmp_path: Path, tiny: Splits) -> None:
    limits = Limits(active=8, active_per_address=6)
    service = Service(tmp_path / "runs", workers=2, limits=limits)
    keys = [f"key number {number}" * 2 for number in range(10)]
    flood = [service.start(key, SHORT, tiny, address="elsewhere").id for key in keys[:6]]
    assert refusal(lambda: service.start(keys[6], SHORT, tiny, address="elsewhere")) == (
        "6 runs are active of all who share your internet address, and 6 are allowed; stop one of yours, or try again "
        "in a while."
    )
    learners = [service.start(owner, SHORT, tiny, address="school").id for owner in (ANN, BOB)]
    for owner in (CARL, EVE):
        learners.append(service.start(owner, SHORT, tiny, address="school").id)
    assert sorted(stopped(service)) == sorted(flood[:2])
    assert not set(stopped(service)) & set(learners)
    assert "at once at most" in refusal(lambda: service.start("frank" * 4, SHORT, tiny, address="school"))  # 4 and 4
    for run in flood[:2]:
        write_rows(service.store, run, state="stopped")
    assert "at once at most" in refusal(lambda: service.start(keys[6], SHORT, tiny, address="elsewhere"))


def test_a_paused_run_takes_no_place_and_needs_one_to_go_on(closed: Service, tiny: Splits) -> None:
    first, *_ = (closed.start(owner, SHORT, tiny) for owner in (ANN, BOB, EVE))
    write_rows(closed.store, first.id, state="paused")
    assert closed.start(CARL, SHORT, tiny).active
    assert "at once at most" in refusal(lambda: closed.resume(ANN, first.id))
    closed.stop(BOB, closed.runs_of(BOB)[0].id)
    write_rows(closed.store, closed.runs_of(BOB)[0].id, state="stopped")
    assert closed.resume(ANN, first.id).active


def test_a_run_of_too_many_lines_is_refused_whichever_way_its_settings_come(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, limits=Limits(lines=100, active_per_owner=9))
    assert service.start(ANN, replace(SHORT, report_every=2), tiny).active
    fine = replace(SHORT, report_every=1)
    assert refusal(lambda: service.start(ANN, fine, tiny)) == (
        "These settings give 200 lines in the log and this server allows 100: take fewer epochs, a larger batch, or a "
        "line for more mini-batches."
    )
    assert "200 lines" in refusal(lambda: service.start_pair(ANN, fine, "softmax", tiny))
    large = replace(fine, batch_size=40)
    changes = (Change("batch_size", 4, 1), Change("batch_size", 40, 2))
    assert "200 lines" in refusal(lambda: service.start(ANN, large, tiny, changes))
    run = service.start(ANN, large, tiny)
    assert "100 lines" in refusal(lambda: service.change(ANN, run.id, batch_size=4))
    service.change(ANN, run.id, batch_size=8)
    write_rows(service.store, run.id, state="done", checkpoint=20, step=20, seen=800)
    assert "lines in the log" in refusal(lambda: service.train_on(ANN, run.id, 100))


def test_float16_on_a_cpu_is_refused(closed: Service, tiny: Splits) -> None:
    half = replace(SHORT, precision="float16")
    with pytest.raises(ConfigError, match="take float32 or bfloat16"):
        closed.start(ANN, replace(half, device="cpu"), tiny)
    waiting = closed.start(ANN, half, tiny)  # no worker has said yet what it trains on
    closed.store.register(0, WorkerInfo(1, "cpu", "A processor", "", ("cpu",)))
    with pytest.raises(ConfigError, match="take float32 or bfloat16"):
        closed.start(BOB, half, tiny)
    work(closed.store)
    assert closed.find(waiting.id).state == "failed"
    assert closed.find(waiting.id).message.endswith("take float32 or bfloat16.")
    closed.store.register(0, WorkerInfo(1, "cuda", "A processor", "", ("cpu", "cuda")))
    assert closed.start(BOB, half, tiny).active


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
