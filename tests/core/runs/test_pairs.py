"""Pairs of the Lab; and a quiz whose mistake nothing gives away before it is solved."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError, ConfigError, RunError
from cifar_core.mistakes import MISTAKES
from cifar_core.runs.limits import Limits
from cifar_core.runs.pairs import BASELINE, QUIZ, QUIZ_MISTAKES, pair_config
from cifar_core.runs.records import Run
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from cifar_core.teach.receipt import receipt_of
from cifar_core.teach.script import script_of_run
from tests.helpers.runs import ANN, BOB, BRIEF, NO_LIMITS, ROOT, alone, refusal, work, write_rows

CONFIG = TrainConfig(epochs=2, batch_size=4)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers."""
    return Service(tmp_path / "runs", workers=1, limits=NO_LIMITS)


# --------------------------------------------------------------------------------------------------------------- pairs


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_pair_is_two_runs_that_differ_in_the_mistake_alone(service: Service, tiny: Splits, mistake: str) -> None:
    baseline, faulty = service.start_pair(ANN, CONFIG, mistake, tiny)
    assert baseline.config == CONFIG and faulty.config == replace(CONFIG, mistake=mistake)
    assert (baseline.name, faulty.name.lower()) == (BASELINE, MISTAKES[mistake].label.lower())
    assert [(run.kind, run.pair, run.secret) for run in (baseline, faulty)] == [("lab", baseline.id, False)] * 2
    assert baseline.data == faulty.data
    pair = service.pair(ANN, baseline.id)
    assert (pair.baseline.run, pair.faulty.run, pair.id) == (baseline, faulty, baseline.id)
    assert pair.active and not pair.secret and not pair.was_quiz
    assert (pair.word, pair.mistake) == (mistake, MISTAKES[mistake])
    assert service.pairs_of(ANN) == [(baseline, faulty)]


def test_a_run_by_itself_is_no_pair(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, replace(CONFIG, mistake="softmax"), tiny)
    assert (run.kind, run.pair, run.secret, run.config.mistake) == ("run", "", False, "softmax")
    assert service.pairs_of(ANN) == []
    with pytest.raises(RunError, match="not the baseline of a pair"):
        service.pair(ANN, run.id)


def test_where_there_is_no_room_for_both_none_is_started(tmp_path: Path, tiny: Splits) -> None:
    for limits, sentence in (
        (Limits(active_per_owner=3), "2 active runs, and 3 are allowed"),
        (Limits(active=3), "trains 3 runs at once"),
        (Limits(starts_a_minute=3), "2 runs within a minute, and 3 are allowed"),
        (Limits(steps=100), "This server allows 100|this server allows 100"),
    ):
        service = Service(tmp_path / str(len(sentence)), workers=1, limits=limits)
        if limits.steps > 1000:
            service.start_pair(ANN, CONFIG, "softmax", tiny)
        before = service.runs_of(ANN)
        with pytest.raises(RunError, match=sentence):
            service.start_pair(ANN, CONFIG, "lr_ten", tiny)
        assert service.runs_of(ANN) == before


def test_what_is_no_mistake_is_refused(service: Service, tiny: Splits) -> None:
    for mistake in ("none", "", "x"):
        with pytest.raises(ConfigError, match="Choose a mistake first"):
            service.start_pair(ANN, CONFIG, mistake, tiny)
    subtle = next(word for word, mistake in MISTAKES.items() if mistake.subtle)
    with pytest.raises(ConfigError, match="hardly shows"):
        service.start_pair(ANN, CONFIG, subtle, tiny, quiz=True)
    assert "16 to 100" in refusal(lambda: service.start_pair("", CONFIG, "softmax", tiny))
    assert service.store.active() == []


def test_the_newest_pair_comes_first_and_a_broken_one_is_left_out(service: Service, tiny: Splits) -> None:
    first = service.start_pair(ANN, CONFIG, "lr_ten", tiny)
    second = service.start_pair(ANN, CONFIG, "softmax", tiny)
    service.start(ANN, CONFIG, tiny)
    assert service.pairs_of(ANN) == [second, first] and service.pairs_of(BOB) == []
    write_rows(service.store, second[1].id, state="done")
    service.delete(ANN, second[1].id)
    assert service.pairs_of(ANN) == [first]
    with pytest.raises(RunError, match="has been removed; start another pair"):
        service.pair(ANN, second[0].id)


def test_stopping_a_pair_asks_both(service: Service, tiny: Splits) -> None:
    pair = service.start_pair(ANN, CONFIG, "softmax", tiny)
    service.stop_pair(ANN, pair[0].id)
    assert [(asked.run, asked.kind) for asked in service.store.requests(0)] == [(run.id, "stop") for run in pair]


def test_what_is_no_pair_or_somebody_elses_is_refused_with_a_sentence(service: Service, tiny: Splits) -> None:
    baseline, faulty = service.start_pair(ANN, CONFIG, "softmax", tiny)
    for pair in ("", "x", "\ud800", faulty.id):
        assert refusal(lambda pair=pair: service.pair(ANN, pair))  # type: ignore[misc]
    for command in (service.pair, service.stop_pair):
        with pytest.raises(RunError, match="Only the one who started"):
            command(BOB, baseline.id)


def test_the_settings_are_checked_and_the_log_has_lines() -> None:
    config = pair_config({"epochs": 3, "batch_size": 16, "lr": 0.01, "seed": 5}, 50_000)
    assert (config.epochs, config.lr, config.seed, config.report_every) == (3, 0.01, 5, 500)
    assert config.mistake == "none" and pair_config({"batch_size": 1000}, 400).report_every == 1
    for values in ({"epochs": None}, {"lr": "x"}, {"seed": -1}, {"batch_size": 0}):
        with pytest.raises(CifarError):
            pair_config(values, 50_000)


# ---------------------------------------------------------------------------------------------------------- the secret


def quiz(service: Service, splits: Splits, mistake: str = "softmax") -> tuple[Run, Run]:
    return service.start_pair(ANN, replace(BRIEF, seed=1), mistake, splits, quiz=True)


def test_a_quiz_is_about_a_mistake_that_can_be_seen_and_about_any_of_them(service: Service, tiny: Splits) -> None:
    assert set(QUIZ_MISTAKES) == {word for word, mistake in MISTAKES.items() if not mistake.subtle}
    seen = set()
    for number in range(60):
        owner = f"owner {number:020}"
        _, faulty = service.start_quiz(owner, tiny)
        seen.add(service.solve(owner, faulty.id).config.mistake)
    assert seen == set(QUIZ_MISTAKES)


def forget_requests(service: Service) -> None:
    with service.store.transaction() as tx:
        tx.execute("delete from requests")


def test_every_answer_of_the_service_hides_the_mistake_and_its_worker_makes_it(service: Service, tiny: Splits) -> None:
    baseline, faulty = quiz(service, tiny)
    doors: list[Callable[[], object]] = [
        lambda: faulty,
        lambda: service.find(faulty.id),
        lambda: service.own(ANN, faulty.id),
        lambda: service.snapshot(faulty.id),
        lambda: service.snapshot(faulty.id, watching=False).config,
        lambda: service.runs_of(ANN),
        lambda: service.pairs_of(ANN),
        lambda: service.pair(ANN, baseline.id),
        lambda: service.pause(ANN, faulty.id),
        lambda: service.resume(ANN, faulty.id),
        lambda: service.stop(ANN, faulty.id),
        lambda: service.rename(ANN, faulty.id, "my quiz"),
    ]
    assert "softmax" not in repr(service.change(ANN, faulty.id, lr=0.002))
    assert not any("softmax" in repr(door()) for door in doors)
    forget_requests(service)
    work(service.store)
    doors += [lambda: NetRegistry(service, DataSource(tiny)).open(NetRef(faulty.id))]
    assert "softmax" not in repr(service.train_on(ANN, faulty.id, 1))
    assert not any("softmax" in repr(door()) for door in doors)
    real = alone(replace(BRIEF, seed=1, mistake="softmax"), tiny)
    assert service.snapshot(faulty.id).points[:5] == real.points
    forget_requests(service)
    work(service.store)  # what it trains on with is the mistake still
    two = alone(replace(BRIEF, seed=1, epochs=2, mistake="softmax"), tiny)
    assert service.snapshot(faulty.id).points == two.points
    solved = service.solve(ANN, faulty.id)
    assert solved.config.mistake == "softmax"
    assert all("softmax" in repr(door()) for door in (doors[1], doors[3], doors[5], doors[6], doors[7]))


def test_code_receipt_and_zip_are_refused_until_the_quiz_is_solved(service: Service, tiny: Splits) -> None:
    _, faulty = quiz(service, tiny)
    work(service.store)
    doors: list[Callable[[], object]] = [
        lambda: script_of_run(service.snapshot(faulty.id), tiny),
        lambda: receipt_of(service.snapshot(faulty.id), service.weights(faulty.id), tiny),
        lambda: service.bundle(ANN, faulty.id),
    ]
    for door in doors:
        assert refusal(door).startswith("This run is an unsolved quiz")
    service.solve(ANN, faulty.id)
    assert "mistake" in receipt_of(service.snapshot(faulty.id), service.weights(faulty.id), tiny).to_json()
    assert doors[0]()
    with zipfile.ZipFile(io.BytesIO(service.bundle(ANN, faulty.id))) as archive:
        assert json.loads(archive.read("settings.json"))["settings"]["mistake"] == "softmax"


def test_an_open_quiz_looks_the_same_whatever_the_mistake(service: Service, tiny: Splits) -> None:
    shown = set()
    for mistake in QUIZ_MISTAKES:
        _, faulty = quiz(service, tiny, mistake)
        shown.add(repr(replace(faulty, id="", pair="", created=0.0)))
    assert len(shown) == 1


def test_only_its_owner_can_solve_a_quiz_and_once_is_for_good(service: Service, tiny: Splits) -> None:
    baseline, faulty = quiz(service, tiny)
    with pytest.raises(RunError, match="Only the one who started"):
        service.solve(BOB, faulty.id)
    assert service.find(faulty.id).secret and service.pair(ANN, baseline.id).secret
    with pytest.raises(RunError, match="unsolved quiz"):
        _ = service.pair(ANN, baseline.id).mistake
    solved = service.solve(ANN, faulty.id)
    assert (solved.name, solved.secret) == ("quiz: softmax before the loss", False)
    assert service.solve(ANN, faulty.id) == solved == service.find(faulty.id)
    pair = service.pair(ANN, baseline.id)
    assert pair.was_quiz and not pair.secret and pair.word == "softmax"
    assert service.solve(ANN, baseline.id).name == BASELINE  # nothing about it was secret


@pytest.mark.parametrize("name", ["mine", "quiz: softmax before the loss", "baseline"])
def test_a_new_name_neither_solves_nor_breaks_a_quiz(service: Service, tiny: Splits, name: str) -> None:
    baseline, faulty = quiz(service, tiny)
    renamed = service.rename(ANN, faulty.id, name)
    assert (renamed.name, renamed.secret, renamed.config.mistake) == (name, True, "none")
    service.rename(ANN, baseline.id, QUIZ)
    assert not service.find(baseline.id).secret
    assert service.pair(ANN, baseline.id).secret
    solved = service.solve(ANN, faulty.id)
    assert (solved.name, solved.config.mistake) == (name, "softmax")
    again = service.start(ANN, replace(CONFIG, mistake="softmax"), tiny)
    assert service.rename(ANN, again.id, QUIZ).config.mistake == "softmax"  # a name makes no secret either


def test_a_quiz_without_its_baseline_is_a_secret_still(service: Service, tiny: Splits) -> None:
    baseline, faulty = quiz(service, tiny)
    work(service.store)
    service.delete(ANN, baseline.id)
    assert service.find(faulty.id).config.mistake == "none"
    assert service.solve(ANN, faulty.id).config.mistake == "softmax"


def test_the_page_reads_runs_from_the_service_alone() -> None:
    """The store itself knows the mistakes of open quizzes."""
    sources = {path: path.read_text() for path in (ROOT / "demo").rglob("*.py")}
    assert any("service.snapshot(" in text for text in sources.values())
    assert [path for path, text in sources.items() if re.search(r"\.store\.(?!weights_of)|runs\.store", text)] == []
