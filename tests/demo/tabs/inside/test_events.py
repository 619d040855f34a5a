"""What the tab Inside does: whichever Net and picture are asked for, and whatever is wrong with them, it says so."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import ImageError
from cifar_core.inspect.filters import first_filters
from cifar_core.net import Net, new_net, save_weights
from cifar_core.runs.frame_recorder import take
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Filters, Moment, Run
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from cifar_core.runs.service import Service
from demo.tabs.inside.events import InsideEvents
from demo.tabs.inside.page import FIRST
from demo.widgets.pointer import Pointer, picture_pointer, read_pointer

ANN = "ann" * 8
ASKED = (FIRST.layer, FIRST.channel, FIRST.row, FIRST.column, -1)
SKIP = gr.skip()


@dataclass
class View:
    """What an event returns, by name."""

    at: Any
    message: Any
    now: Any
    target: Any
    drawn: Any
    about: Any
    filters: Any
    stages: Any
    unit: Any
    saliency: Any
    neighbours: Any

    @property
    def pointer(self) -> Pointer:
        return read_pointer(self.at)

    @property
    def unchanged(self) -> bool:
        """Only the message is new."""
        return all(value == SKIP for name, value in vars(self).items() if name != "message")

    @property
    def empty(self) -> bool:
        """No picture is shown."""
        return not any((self.about, self.filters, self.stages, self.unit, self.saliency, self.neighbours))


@pytest.fixture
def events(tmp_path: Path, tiny: Splits) -> InsideEvents:
    """The events of a service without workers: the tests do what workers write."""
    return InsideEvents(NetRegistry(Service(tmp_path / "runs", limits=Limits(steps=1000)), DataSource(tiny)))


def start(events: InsideEvents) -> Run:
    return events.nets.service.start(ANN, TrainConfig(epochs=2), events.nets.source.splits)


def come_to(
    events: InsideEvents, run: Run, step: int, net: Net, *, frame: bool = False, state: str = "running"
) -> None:
    """Write what a worker writes when `net` is its newest checkpoint, at `step`."""
    store, test = events.nets.service.store, events.nets.source.splits.test
    store.folder_of(run.id).mkdir(exist_ok=True)
    save_weights(net.state_dict(), store.weights_of(run, step))
    frames = [taken] if frame and (taken := take(net, Moment(step, 4 * step), test, test.first(4), "cpu")) else []
    store.update(run.id, state=state, step=step, seen=4 * step, checkpoint=step, frames=frames)


def trained_run(events: InsideEvents, seed: int = 1) -> Run:
    run = start(events)
    come_to(events, run, 10, new_net(seed))
    return run


def opened(events: InsideEvents, at: str = "", picked: str = "", look: str = "", seen: str = "") -> tuple[Any, ...]:
    """net, picked, seen, view"""
    net, picked, seen, *view = events.opened(ANN, at, picked, look, seen, *ASKED)
    return net, picked, seen, View(*view)


# ------------------------------------------------------------------------------------------------ which Net is shown


def test_a_first_visit_shows_the_pretrained_net_and_the_first_test_image(events: InsideEvents) -> None:
    net, _, _, view = opened(events)
    assert net.value == PRETRAINED and view.pointer.net == PRETRAINED and view.pointer.picture == "test 0"
    assert "test image 0" in view.about and "data-live" not in view.filters
    assert view.now.visible is False and view.neighbours == ""


def test_ones_newest_run_that_has_weights_is_shown_first(events: InsideEvents) -> None:
    trained_run(events, 1)
    newest = trained_run(events, 2)
    start(events)  # has none yet
    net, picked, _, view = opened(events)
    assert net.value == view.pointer.net == newest.id and picked == ""
    assert f"{newest.name} after 10 mini-batches" in view.about


def test_the_net_that_was_chosen_stays(events: InsideEvents) -> None:
    trained_run(events)
    picked, *view = events.other_net(opened(events)[3].at, PRETRAINED, *ASKED)
    net, picked, _, again = opened(events, View(*view).at, picked)
    assert net.value == picked == again.pointer.net == PRETRAINED


def test_another_net_is_shown_the_same_picture(events: InsideEvents) -> None:
    run = trained_run(events)
    at = View(*events.other_picture("", PRETRAINED, "test 7", *ASKED)).at
    _, *view = events.other_net(at, run.id, *ASKED)
    assert View(*view).pointer.picture == "test 7" and View(*view).pointer.net == run.id


def test_a_run_that_was_deleted_is_told_and_the_pretrained_net_shown(events: InsideEvents) -> None:
    run = trained_run(events)
    at = opened(events)[3].at
    events.nets.service.store.remove(run.id)
    net, picked, _, view = opened(events, at, picked=run.id)
    assert "no longer there" in view.message and net.value == view.pointer.net == PRETRAINED and not picked
    assert "The Net says" in view.about


def test_a_run_deleted_while_it_is_shown_has_a_sentence_at_the_next_click(events: InsideEvents) -> None:
    run = trained_run(events)
    at = opened(events)[3].at
    events.nets.service.store.remove(run.id)
    view = View(*events.other_picture(at, run.id, "test 3", *ASKED))
    assert "There is no such run" in view.message and view.unchanged
    filters, due = events.refreshed(at, view.drawn)
    assert "There is no such run" in filters and "data-live" not in filters and due == SKIP
    assert "There is no such run" in events.unit(at, *ASKED[:4])
    assert "There is no such run" in events.saliency(at, 3)
    assert "There is no such run" in list(events.search(at))[-1][0]


def test_a_run_without_weights_has_a_sentence_and_nothing_else(events: InsideEvents) -> None:
    run = start(events)
    _, _, _, view = opened(events, look=Pointer(run.id, "test 2").text())
    assert "no weights yet" in view.message and view.empty
    come_to(events, run, 4, new_net(1))
    assert "after 4 mini-batches" in View(*events.again(view.at, *ASKED)).about


def test_weights_that_are_no_numbers_have_a_sentence_in_place(events: InsideEvents) -> None:
    net = new_net(0)
    net.conv2.weight.data.fill_(float("nan"))
    run = start(events)
    come_to(events, run, 10, net, state="diverged")
    _, _, _, view = opened(events)
    assert "diverged" in view.about and "diverged" in view.stages and "conv1" in view.filters
    assert view.unit == view.saliency == view.neighbours == ""
    assert "no value" in events.unit(view.at, "conv2", 0, 0, 0)
    assert "diverged" in events.saliency(view.at, 3)
    searching, found, _ = list(events.search(view.at))[-1]
    assert searching == "" and "nothing is near" in found
    # the pretrained Net can be chosen next
    _, *other = events.other_net(view.at, PRETRAINED, *ASKED)
    assert "The Net says" in View(*other).about


# --------------------------------------------------------------------------------------------- which picture is shown


def test_a_click_a_number_and_an_upload_choose_a_picture(events: InsideEvents, tiny: Splits) -> None:
    at = opened(events)[3].at
    clicked = View(*events.picked_test(SimpleNamespace(index=5), at, PRETRAINED, *ASKED))  # type: ignore[arg-type]
    assert clicked.pointer.picture == "test 5" and "test image 5" in clicked.about
    assert View(*events.numbered(at, PRETRAINED, 9.0, *ASKED)).pointer.picture == "test 9"
    near = View(*events.picked_train(SimpleNamespace(index=8), at, PRETRAINED, *ASKED))  # type: ignore[arg-type]
    assert near.pointer.picture == "train 8" and "train image 8" in near.about
    mine = View(*events.uploaded(at, PRETRAINED, Image.fromarray(tiny.test.images[3]), *ASKED))
    assert mine.pointer.picture == picture_pointer(tiny.test.images[3]) and "your picture" in mine.about


@pytest.mark.parametrize("index", [120, -1, 1.5, None, "x", True])
def test_a_number_without_a_picture_leaves_everything_as_it_is(events: InsideEvents, index: Any) -> None:
    view = View(*events.numbered(opened(events)[3].at, PRETRAINED, index, *ASKED))
    assert "they are numbered from 0 to 119" in view.message and view.unchanged


def test_an_upload_that_cannot_be_read_leaves_everything_as_it_is(events: InsideEvents) -> None:
    at = opened(events)[3].at
    view = View(*events.uploaded(at, PRETRAINED, ImageError("This is no picture."), *ASKED))
    assert "This is no picture." in view.message and view.unchanged
    assert View(*events.uploaded(at, PRETRAINED, None, *ASKED)).unchanged


def test_another_tab_hands_over_a_picture_once(events: InsideEvents) -> None:
    run = trained_run(events)
    look = Pointer(run.id, "train 7").text()
    net, picked, seen, view = opened(events, look=look)
    assert net.value == picked == run.id and seen == look and "train image 7" in view.about
    # later the visitor goes on by himself, and coming back to the tab does not undo that
    later = View(*events.other_picture(view.at, run.id, "test 3", *ASKED)).at
    assert opened(events, later, picked, look, seen)[3].pointer.picture == "test 3"


def test_somebody_elses_run_can_be_handed_over_and_then_stands_in_the_list(events: InsideEvents) -> None:
    run = events.nets.service.start("bob" * 8, TrainConfig(epochs=2), events.nets.source.splits)
    come_to(events, run, 10, new_net(1))
    net, _, _, view = opened(events, look=Pointer(run.id, "test 1").text())
    assert (run.name, run.id) in net.choices and view.pointer.net == run.id


def test_what_is_no_pointer_changes_nothing(events: InsideEvents) -> None:
    for junk in ("x", "[1, 2]", '["pretrained", 5, null, ""]'):
        assert opened(events, look=junk)[3].pointer.picture == "test 0"
    for at in ("", "junk"):
        assert View(*events.again(at, *ASKED)).unchanged and View(*events.back_to_now(at, *ASKED)).unchanged
        assert "Choose a picture first" in events.unit(at, *ASKED[:4])
        assert "Choose a picture first" in events.refreshed(at, "")[0]


# ---------------------------------------------------------------------------------------------------- states of a run


def test_a_frame_is_shown_as_it_was_with_a_way_back_to_now(events: InsideEvents) -> None:
    run = start(events)
    come_to(events, run, 20, new_net(2), frame=True)
    come_to(events, run, 30, new_net(3))
    _, _, _, view = opened(events, look=Pointer(run.id, "test 4", 20).text())
    assert "as it was" in view.about and "after 20 mini-batches" in view.about and view.now.visible is True
    assert "After 20 mini-batches" in view.filters and "data-live" not in view.filters
    # another picture is shown to the same state; the way back leads to the newest
    other = View(*events.other_picture(view.at, run.id, "test 5", *ASKED))
    assert other.pointer.step == 20 and "as it was" in other.about
    now = View(*events.back_to_now(other.at, *ASKED))
    assert now.pointer == Pointer(run.id, "test 5") and "after 30 mini-batches" in now.about and not now.now.visible


def test_a_run_that_trains_is_live_and_tells_when_there_is_a_newer_state(events: InsideEvents) -> None:
    run = trained_run(events)
    view = opened(events)[3]
    store, moving = events.nets.service.store, new_net(5)
    assert "After 10 mini-batches" in view.filters and "data-live" in view.filters
    store.update(run.id, filters=Filters(13, first_filters(moving)))
    filters, due = events.refreshed(view.at, view.drawn)
    assert "After 13 mini-batches" in filters and "data-live" in filters and due == SKIP
    come_to(events, run, 16, moving)
    _, due = events.refreshed(view.at, view.drawn)
    assert due not in (SKIP, view.drawn)
    again = View(*events.again(view.at, *ASKED))
    assert again.at == view.at and again.drawn == due and "after 16 mini-batches" in again.about
    assert events.refreshed(view.at, again.drawn)[1] == SKIP
    # and its end is the last news
    come_to(events, run, 20, moving, state="done")
    filters, due = events.refreshed(view.at, again.drawn)
    assert "data-live" not in filters and due != SKIP


def test_before_the_first_checkpoint_the_filters_are_there_already(events: InsideEvents) -> None:
    run = start(events)
    events.nets.service.store.update(run.id, state="running", filters=Filters(3, first_filters(new_net(1))))
    filters, _ = events.refreshed(Pointer(run.id, "test 0").text(), "")
    assert "After 3 mini-batches" in filters


# -------------------------------------------------------------------------------------------------- units and classes


def test_a_click_into_a_map_chooses_a_unit(events: InsideEvents) -> None:
    at = opened(events)[3].at
    click = SimpleNamespace(layer="conv2", channel=9, row=1, column=8)
    *place, page = events.picked_unit(click, at)  # type: ignore[arg-type]
    assert place == ["conv2", 9, 1, 8] and "conv2, map 9, row 1, column 8" in page


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (("conv2", 0, 10, 0), "There is no row 10 in conv2"),
        (("conv1", 6, 0, 0), "There is no channel 6 in conv1"),
        (("conv3", 0, 0, 0), "no convolution"),
        (("conv1", None, 0, 0), "Choose a whole number as the map"),
        (("conv1", 0, 1.5, 0), "Choose a whole number as the row"),
    ],
)
def test_a_unit_that_is_not_there_has_a_sentence(events: InsideEvents, place: tuple[Any, ...], sentence: str) -> None:
    page = events.unit(opened(events)[3].at, *place)
    assert sentence in page


def test_a_unit_out_of_place_does_not_spoil_the_rest(events: InsideEvents) -> None:
    view = View(*events.other_picture("", PRETRAINED, "test 1", "conv2", 0, 20, 0, -1))
    assert "There is no row 20" in view.unit and "The Net says" in view.about


def test_the_class_asked_about_stays_over_pictures(events: InsideEvents, tiny: Splits) -> None:
    view = View(*events.other_picture("", PRETRAINED, "test 1", *ASKED[:4], 6))
    assert f"the score of <b>{tiny.test.classes[6]}</b>" in view.saliency and view.target.value == 6
    assert f"the score of <b>{tiny.test.classes[2]}</b>" in events.saliency(view.at, 2)
    for nonsense in (99, "x", None, True):
        assert "(the Net's answer)" in events.saliency(view.at, nonsense)


# --------------------------------------------------------------------------------------------- the nearest images


def test_a_search_tells_its_way_and_is_kept_for_the_next_picture(
    events: InsideEvents, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.tabs.inside.events.TELL_EVERY", 0)
    monkeypatch.setattr("cifar_core.inspect.neighbours.BATCH", 100)
    at = View(*events.other_picture("", PRETRAINED, "train 7", *ASKED)).at
    *way, last = list(events.search(at))
    assert [searching.count("of 400") for searching, _, _ in way] == [1] * 4
    searching, found, searched = last
    assert searching == "" and searched == at
    assert found.index('data-index="7"') == found.index("data-index")  # nearest to a training image is itself
    assert "distance 0.00" in found
    # from now on they come with the picture
    assert "data-index" in View(*events.other_picture(at, PRETRAINED, "test 3", *ASKED)).neighbours


def test_neighbours_are_those_of_the_picture_that_is_shown_when_the_search_ends(events: InsideEvents) -> None:
    first = View(*events.other_picture("", PRETRAINED, "test 1", *ASKED)).at
    later = View(*events.other_picture(first, PRETRAINED, "test 2", *ASKED)).at
    *_, (_, found, searched) = events.search(first)
    assert "test image 1" in found
    assert events.searched(first, searched) == SKIP
    assert "test image 2" in events.searched(later, searched)


def test_a_newer_state_of_a_run_keeps_the_neighbours_that_were_found(events: InsideEvents) -> None:
    run = trained_run(events)
    at = opened(events)[3].at
    list(events.search(at))
    assert "data-index" in View(*events.again(at, *ASKED)).neighbours
    come_to(events, run, 16, new_net(4))
    assert View(*events.again(at, *ASKED)).neighbours == SKIP


def test_the_page_is_light(events: InsideEvents, rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (32, 32, 3), np.uint8)  # compresses worst
    view = View(*events.other_picture("", PRETRAINED, picture_pointer(noise), *ASKED))
    sent = sum(len(str(value)) for value in vars(view).values())
    assert sent < 200_000


@pytest.fixture
def rng() -> Iterator[np.random.Generator]:
    yield np.random.default_rng(0)
