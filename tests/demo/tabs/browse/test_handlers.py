"""What a click in Browse changes, and what it leaves as it is."""

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import DataError
from demo.tabs.browse.handlers import BrowseHandlers, BrowseWidgets

NAMES: list[Any] = [field.name for field in fields(BrowseWidgets)]
CHOICE: tuple[Any, ...] = ("train", [], 36, "shuffled", 0)


@pytest.fixture
def handlers(tiny: Splits) -> Any:
    return BrowseHandlers(DataSource(tiny), BrowseWidgets(*NAMES))


def test_next_and_previous_turn_one_page_and_stop_at_the_ends(handlers: Any) -> None:
    assert handlers.next(*CHOICE, 1)["page_number"] == 2
    assert handlers.previous(*CHOICE, 2)["page_number"] == 1
    assert handlers.previous(*CHOICE, 1)["page_number"] == 1
    assert handlers.next(*CHOICE, 12)["page_number"] == 12
    assert handlers.show(*CHOICE, 3)["where_html"] == "of 12 · 400 images"


def test_another_choice_begins_at_page_one_and_the_seed_decides_the_order(handlers: Any) -> None:
    first = handlers.first_page(*CHOICE)
    assert first["page_number"] == 1 and first["grid_html"] == handlers.show(*CHOICE, 1)["grid_html"]
    other = handlers.first_page("train", [], 36, "shuffled", 1)
    assert other["grid_html"] != first["grid_html"]
    stored = handlers.first_page("train", [], 36, "stored", 1)["grid_html"]
    assert stored == handlers.first_page("train", [], 36, "stored", None)["grid_html"] and 'data-index="35"' in stored


def test_shuffle_is_one_event_that_says_its_seed(handlers: Any) -> None:
    outputs = handlers.shuffle("train", ["cat"], 16)
    again = handlers.first_page("train", ["cat"], 16, "shuffled", outputs["seed_number"])
    assert outputs["order_radio"] == "shuffled" and outputs["grid_html"] == again["grid_html"]


@pytest.mark.parametrize(
    "choice",
    [
        ("train", ["banana"], 36, "stored", 0, 1),
        ("train", [], 0, "stored", 0, 1),
        ("train", [], 36, "shuffled", -1, 1),
        ("train", [], 36, "stored", 0, None),
        ("train", [], 36, "stored", 0, 1.5),
    ],
)
def test_a_choice_that_is_not_allowed_gets_a_sentence_and_changes_nothing(
    handlers: Any, choice: tuple[Any, ...]
) -> None:
    outputs = handlers.show(*choice)
    assert list(outputs) == ["message_html"] and 'role="alert"' in outputs["message_html"]


def test_the_other_split_brings_its_counts_and_takes_the_image_away(handlers: Any) -> None:
    outputs = handlers.change_split("test", [], 36, "stored", 0)
    assert outputs["where_html"] == "of 4 · 120 images" and "test set" in outputs["counts_html"]
    assert "Number of datapoints: 120" in outputs["printed_html"] and "Click an image" in outputs["detail_html"]


def test_a_seed_that_is_wrong_does_not_keep_another_data_set_away(handlers: Any) -> None:
    outputs = handlers.change_data("train", 36, "shuffled", -1, 1)
    assert outputs["classes_dropdown"].choices and 'role="alert"' in outputs["message_html"]
    assert "counts_html" in outputs and "grid_html" not in outputs


@pytest.mark.parametrize("sent", [{"index": 400}, {"index": "7"}, {"index": True}, {}])
def test_a_click_on_no_image_is_refused(handlers: Any, sent: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        handlers.show_detail("train", SimpleNamespace(**sent))
    assert "torch.Size" in handlers.show_detail("train", SimpleNamespace(index=399))["detail_html"]
