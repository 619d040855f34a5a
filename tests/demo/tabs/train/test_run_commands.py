"""What a page is sent about a run, and what its visitor may do with it."""

import pytest

from cifar_core.data import Splits
from cifar_core.errors import StoreError
from cifar_core.runs.records import ACTIVE, State
from cifar_core.runs.service import Service
from cifar_core.training.events import Changed
from demo.tabs.train.run_watch import RunWatch, View
from demo.tabs.train.state import TrainState
from demo.widgets.format import STATES
from tests.helpers.run_steps import ANN, BOB, CONFIG, end, go_to
from tests.helpers.run_views import shown
from tests.helpers.runs import write_rows


def test_what_the_owner_may_do_follows_from_the_state(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    expected = {"waiting": {"stop"}, "running": {"stop", "pause", "change"}, "paused": {"stop", "resume", "change"}}
    ended: tuple[State, ...] = ("done", "stopped", "diverged", "failed")

    def commands() -> set[str]:
        found: set[str] = set(shown(service).state.commands)
        assert "start" in found  # another run may be started at any time
        return found - {"start"}

    for state in (*ACTIVE, *ended):
        write_rows(service.store, run.id, state=state, checkpoint=-1)
        assert commands() == expected.get(state, set())
        write_rows(service.store, run.id, checkpoint=0)
        assert commands() == expected.get(state, {"train_on", "download"} if state in ended else set())
    assert set(STATES) == {*ACTIVE, *ended}


def test_the_weights_are_offered_to_everybody_when_the_run_has_ended(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 50)
    assert "download" not in shown(service).state.commands
    end(service, run, tiny, "stopped")
    assert "download" in shown(service).state.commands
    assert "download" in shown(service, BOB, run.id).state.commands
    write_rows(service.store, run.id, checkpoint=-1)
    assert "download" not in shown(service).state.commands


def test_of_the_texts_that_a_page_is_sent_only_the_new_ones_differ(service: Service, tiny: Splits) -> None:
    run, watch, before = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN), View()

    def new() -> set[str]:
        """The parts of the page that are another text than before; the chart's must begin as it was."""
        nonlocal before
        view = watch.look()
        assert view.chart.startswith(before.chart)
        parts = ("state", "status", "chart", "filters", "story", "log", "result")
        differing = {name for name in parts if getattr(view, name) != getattr(before, name)}
        before = view
        return differing

    assert new() == {"state", "status", "chart", "story"}
    assert before.state == TrainState(run.id, "waiting", ("start", "stop"), new=True)
    assert new() == set()
    go_to(service, run, 10)
    assert new() == {"state", "status", "chart"}
    assert before.state == TrainState(run.id, "running", ("start", "stop", "pause", "change"), new=False)
    go_to(service, run, 20)
    assert new() == {"status", "chart"}
    write_rows(service.store, run.id, state="paused", paused=1.0)
    assert new() == {"state", "status"}
    assert before.state == TrainState(run.id, "paused", ("start", "stop", "resume", "change"), new=False)
    write_rows(service.store, run.id, changes=[Changed(20, 80, "lr", 0.01, 200)])
    assert new() == {"chart"}
    write_rows(service.store, run.id, state="testing", ending="done", paused=None)
    assert new() == {"state", "status"} and set(before.state.commands) == {"start"}
    end(service, run, tiny)
    assert "state" in new() and before.state.commands == ("start", "train_on", "download")


def test_a_run_is_new_to_a_page_until_its_state_changes(service: Service, tiny: Splits) -> None:
    """Then its settings are filled in, and never again: the visitor may have changed the fields by then."""
    first, watch = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN)
    assert watch.look().state.new
    go_to(service, first, 10)
    assert not watch.look().state.new and shown(service).state.new  # a refreshed page fills them in
    go_to(service, first, 20)
    assert not watch.look().state.new
    end(service, first, tiny)
    assert not watch.look().state.new
    service.train_on(ANN, first.id, 2)
    assert not watch.look().state.new
    second = service.start(ANN, CONFIG, tiny)
    view = watch.look()
    assert view.state.run == second.id and view.state.new


def test_trouble_with_the_store_is_told_and_what_was_shown_stays(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, watch = service.start(ANN, CONFIG, tiny), RunWatch(service, ANN)
    go_to(service, run, 20)
    shown = watch.look()

    def locked(*_: object, **__: object) -> None:
        raise StoreError("The runs are held by another program just now; try again in a moment.")

    with monkeypatch.context() as patch:
        patch.setattr(service.store, "snapshot", locked)
        during = watch.look()
    assert "held by another program" in during.status and (during.chart, during.run) == (shown.chart, shown.run)
    assert watch.look().status == shown.status
