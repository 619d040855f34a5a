"""What is sent of a generator's second yield: objects whole, so that nothing of the first is lost in the browser."""

import gc
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from demo.gradio_compat_page import Page

# blocks that are built and never launched leave an event loop behind
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SKIPPED = {"__type__": "update"}


def sent_by(page: gr.Blocks, *yields: list[Any]) -> list[Any]:
    """Return what the browser is sent of each yield, and at the end."""
    event: Any = SimpleNamespace(outputs=[None] * len(yields[0]))
    sent = [page.handle_streaming_diffs(event, list(values), "session", "run", final=False) for values in yields]
    return [*sent, page.handle_streaming_diffs(event, [None] * len(yields[0]), "session", "run", final=True)]


def test_an_object_is_sent_whole_and_what_stays_is_not_sent_again() -> None:
    page = Page()
    state, choices = {"page": 1, "net": {"run": "a"}}, {"__type__": "update", "choices": ["a"], "value": "a"}
    first, second, third, last = sent_by(
        page,
        [state, choices, "Testing", SKIPPED],
        [SKIPPED, SKIPPED, "Testing on", {"page": 2}],
        [SKIPPED, SKIPPED, "Tested", {"page": 3}],
    )
    assert first == [state, choices, "Testing", SKIPPED]
    assert second == [
        [["replace", [], SKIPPED]],
        [["replace", [], SKIPPED]],
        [["append", [], " on"]],
        [["replace", [], {"page": 2}]],
    ]
    assert third == [[], [], [["replace", [], "Tested"]], [["replace", [], {"page": 3}]]]
    assert last == [SKIPPED, SKIPPED, "Tested", {"page": 3}]
    gc.collect()


def test_gradio_itself_still_changes_objects_in_place() -> None:
    """Once it does not, `Page.handle_streaming_diffs` can go."""
    _, second, _ = sent_by(gr.Blocks(), [{"page": 1, "net": "a"}], [SKIPPED])
    assert ["delete", ["page"], None] in second[0]
    gc.collect()
