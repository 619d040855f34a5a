"""What a click in Train does, and what the page shows when the run that it follows has changed."""

import asyncio
from dataclasses import fields
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from cifar_core.config import CHANGEABLE
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import ConfigError, RunError
from cifar_core.runs.service import Service
from cifar_core.training.presets import PRESETS
from demo.gradio_compat import StreamedState
from demo.open_pages import OpenPages
from demo.setup.settings import DEFAULTS, NAMES
from demo.tabs.train.handlers import TrainHandlers
from demo.tabs.train.layout import GuessWidgets, RunWidgets, SettingsWidgets, TrainWidgets
from demo.tabs.train.state import Command, TrainState
from demo.widgets.moving import USED, WELCOME, MovingKeys
from tests.helpers.markup import text_of
from tests.helpers.run_steps import ANN, BOB, CONFIG, end, go_to

VALUES = [getattr(DEFAULTS, name) for name in NAMES]
"""what the fields of the settings first hold"""


def named(widgets: type, **others: Any) -> Any:
    """Widgets that are just their names."""
    return widgets(**{field.name: field.name for field in fields(widgets)} | others)


@pytest.fixture
def train(service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TrainHandlers:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    left = named(SettingsWidgets, settings={name: name for name in NAMES})
    state = StreamedState(TrainState(), label="")
    widgets = named(TrainWidgets, left=left, guess=named(GuessWidgets), run=named(RunWidgets), state=state)
    owner: Any = "owner"
    saved: Any = "saved"
    return TrainHandlers(service, DataSource(tiny), widgets, owner, saved, OpenPages(), MovingKeys(service))


def pressable(train: TrainHandlers, *commands: Command) -> set[str]:
    """The buttons that can be pressed where these commands are possible."""
    outputs: dict[Any, Any] = dict(train.follow(TrainState("", "", commands), {}, *VALUES))
    return {name for name, value in outputs.items() if isinstance(value, gr.Button) and value.interactive}


def test_the_buttons_follow_the_commands(train: TrainHandlers) -> None:
    assert pressable(train) == set()
    assert pressable(train, "start", "stop") == {"start_button", "stop_button"}
    assert pressable(train, "start", "stop", "pause", "change") == {
        "start_button",
        "stop_button",
        "pause_button",
        "change_button",
    }
    assert pressable(train, "start", "train_on", "download") == {"start_button", "train_on_button", "download_button"}
    assert pressable(train, "resume") == {"pause_button"}
    pause = train.widgets.run.pause_button
    cases: list[tuple[tuple[Command, ...], str]] = [(("pause",), "Pause"), (("resume",), "Resume"), ((), "Pause")]
    for commands, label in cases:
        assert train.follow(TrainState("", "", commands), {}, *VALUES)[pause].value == label


def test_a_guess_belongs_to_the_very_run_that_was_started(
    train: TrainHandlers, service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, others = service.start, []

    def start_and_another(*inputs: Any, **options: Any) -> Any:
        run = start(*inputs, **options)
        others.append(start(ANN, CONFIG, tiny))  # in another tab of the same visitor, a moment later
        return run

    monkeypatch.setattr(service, "start", start_and_another)
    outputs = train.start(ANN, {"before": [1, "", ""]}, 40, "cat", "no", None, *VALUES)
    guess = train.widgets.guess
    first, second = others[0].id, next(run.id for run in service.runs_of(ANN) if run.id != others[0].id)
    assert outputs[guess.stored_state] == {"before": [1, "", ""], second: [40, "cat", "no"]} and first != second
    assert all(outputs[question] is None for question in guess.questions)
    assert "40 %" in text_of(outputs[train.widgets.comparison_html])


def test_a_refused_start_leaves_the_guess_alone(train: TrainHandlers, service: Service) -> None:
    values = [7 if name == "lr" else value for name, value in zip(NAMES, VALUES, strict=True)]
    with pytest.raises(ConfigError, match="Learning rate must be"):
        train.start(ANN, {}, 40, "cat", "no", None, *values)
    assert service.runs_of(ANN) == []


def test_pause_and_resume_are_one_button(train: TrainHandlers, service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    train.pause_or_resume(ANN, TrainState(run.id, "running", ("pause",)))
    train.pause_or_resume(ANN, TrainState(run.id, "paused", ("resume",)))
    train.stop(ANN, TrainState(run.id, "running", ("stop",)))
    assert [request.kind for request in service.store.requests(run.worker)] == ["pause", "resume", "stop"]


def test_a_change_takes_the_three_fields_in_their_order(train: TrainHandlers, service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    new = {"lr": 0.5, "momentum": 0.25, "batch_size": 8}
    train.change(ANN, TrainState(run.id), *(new[name] for name in CHANGEABLE))
    requests = service.store.requests(run.worker)
    assert [(request.kind, request.arguments) for request in requests] == [
        ("change", {name: new[name]}) for name in new
    ]


@pytest.mark.parametrize("command", ["stop", "pause_or_resume", "train_on"])
def test_only_the_owner_commands_a_run(train: TrainHandlers, service: Service, tiny: Splits, command: str) -> None:
    run = service.start(ANN, CONFIG, tiny)
    more = [1] if command == "train_on" else []
    with pytest.raises(RunError, match="Only the one who started"):
        getattr(train, command)(BOB, TrainState(run.id), *more)


def test_the_weights_are_offered_once_there_are_any(train: TrainHandlers, service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 50)
    with pytest.raises(RunError, match="no weights"):
        train.download(TrainState(run.id))
    end(service, run, tiny)
    file = service.store.folder / run.id / "50.pth"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"weights")
    offered = Path(train.download(TrainState(run.id))[train.saved])
    assert offered.read_bytes() == b"weights" and offered.suffix == ".pth"


def test_the_settings_of_an_active_run_are_filled_in_once(train: TrainHandlers, service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)

    def filled(state: TrainState, *values: Any) -> dict[str, Any]:
        outputs: dict[Any, Any] = dict(train.follow(state, {}, *values))
        return {str(name): value for name, value in outputs.items() if name in NAMES}

    other = [9 if name == "epochs" else value for name, value in zip(NAMES, VALUES, strict=True)]
    assert filled(TrainState(run.id, new=True), *other)["epochs"] == CONFIG.epochs
    assert filled(TrainState(run.id, new=True), *VALUES) == {}  # they are there already
    assert filled(TrainState(run.id, new=False), *other) == {}
    go_to(service, run, 200)
    end(service, run, tiny)
    assert filled(TrainState(run.id, new=True), *other) == {}  # it is no longer active


def test_a_preset_fills_in_all_settings_with_its_sentence(train: TrainHandlers) -> None:
    outputs = train.fill_in("quick")
    left = train.widgets.left
    assert outputs[left.settings["batch_size"]] == PRESETS["quick"].config.batch_size
    assert PRESETS["quick"].help in text_of(outputs[left.preset_html]) and len(outputs) == len(NAMES) + 1


def test_the_plan_is_a_sentence_or_what_is_wrong(train: TrainHandlers) -> None:
    assert "200 updates" in text_of(train.plan(*VALUES))
    assert 'role="alert"' in train.plan(*(None for _ in VALUES))


def first_of_watch(train: TrainHandlers, query: dict[str, str], stored: str | None = None) -> dict[Any, Any]:
    """What a page is sent first that is opened with such an address."""

    async def first() -> Any:
        stream: Any = train.watch(stored, gr.Request(query_params=query, session_hash="page"))
        try:
            return await anext(stream)
        finally:
            await stream.aclose()

    return asyncio.run(first())


def test_a_page_opened_with_a_code_has_the_runs_of_the_other_device_once(
    train: TrainHandlers, service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    query = {"move": train.moving.leave(ANN)}
    outputs = first_of_watch(train, query)
    assert outputs[train.owner] == ANN and run.id in outputs[train.widgets.state]
    assert WELCOME in text_of(outputs[train.widgets.run.status_html])
    outputs = first_of_watch(train, query)
    assert outputs[train.owner] != ANN and USED in text_of(outputs[train.widgets.run.status_html])


def test_a_page_is_first_of_all_told_its_owners_key_and_that_it_may_start(train: TrainHandlers) -> None:
    outputs = first_of_watch(train, {})
    assert len(outputs[train.owner]) >= 32
    state = train.widgets.state.preprocess(outputs[train.widgets.state])
    assert state == TrainState("", "", ("start",), new=True)
    assert all(isinstance(value, str) for value in outputs.values())  # plain texts cost least, five times a second
