"""How the page's events are wired, read from what the browser is told of them."""

import gc
from collections import Counter
from pathlib import Path

import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.app import build_app


# a page that is built and never launched leaves an event loop behind
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_two_listeners_of_an_event_wait_for_their_own_last_turn(tiny: Splits, tmp_path: Path) -> None:
    """With `always_last`, Gradio's page keeps an event that comes while its listener works, and then tells it to *all*
    listeners of that event again. Two such listeners wake each other for ever."""
    service, source = Service(tmp_path, workers=1), DataSource(tiny)
    wired = build_app(service, source, NetRegistry(service, source)).config["dependencies"]
    waiting = Counter(
        (component, event)
        for listener in wired
        if listener["trigger_mode"] == "always_last" and listener["backend_fn"]
        for component, event in listener["targets"]
        if event != "then"
    )
    assert waiting, "some listeners do wait"
    assert [target for target, count in waiting.items() if count > 1] == []
    gc.collect()
