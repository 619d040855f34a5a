"""What the events of the tab Lab show, without a browser."""

import gc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.tabs.lab.handlers import Lab
from demo.tabs.lab.layout import lay_out
from demo.tabs.lab.state import LabState
from tests.helpers.nets import ANN

# blocks that are built and never launched leave an event loop behind
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def lab(tmp_path: Path, tiny: Splits) -> Iterator[Lab]:
    """The tab's events, on a service without workers."""
    with gr.Blocks():
        yield Lab(NetRegistry(Service(tmp_path / "runs"), DataSource(tiny)), lay_out())
    gc.collect()


def ask(lab: Lab, state: LabState) -> dict[Any, Any]:
    """What a page with this state is told when it asks for news."""
    return lab.look(ANN, state, SimpleNamespace(version=""))  # type: ignore[arg-type]


def test_news_that_were_asked_for_before_another_quiz_began_do_not_bring_back_the_one_before(lab: Lab) -> None:
    first = lab.start_quiz(ANN, LabState(), None)[lab.parts.state]
    second = lab.start_quiz(ANN, first, None)[lab.parts.state]
    assert second.pair != first.pair
    late = ask(lab, first)  # the page had the first quiz when it asked
    assert late[lab.parts.state].pair == second.pair


def test_news_during_which_another_quiz_begins_show_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lab.start_quiz(ANN, LabState(), None)[lab.parts.state]
    shown = lab._shown

    def start_meanwhile(*arguments: Any) -> dict[Any, Any]:
        monkeypatch.setattr(lab, "_shown", shown)
        lab.start_quiz(ANN, first, None)
        return shown(*arguments)

    monkeypatch.setattr(lab, "_shown", start_meanwhile)
    assert ask(lab, first) == {}
