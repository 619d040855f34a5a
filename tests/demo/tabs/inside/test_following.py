"""What the tab Inside shows of a run as it trains, of one unit, and of the nearest training images."""

from typing import Any

import pytest

from cifar_core.data import Splits
from cifar_core.inspect.filters import first_filters
from cifar_core.net import new_net
from cifar_core.runs.records import Filters
from cifar_core.runs.refs import ImageRef, NetRef
from demo.tabs.inside.state import key_of
from demo.widgets.look_at import LookAt
from tests.helpers.runs import write_rows

# ---------------------------------------------------------------------------------------------------- states of a run


def test_a_frame_is_shown_as_it_was_with_a_way_back_to_now(tab: Any) -> None:
    run = tab.start()
    tab.come_to(run, 20, new_net(2), frame=True)
    tab.come_to(run, 30, new_net(3))
    tab.open(LookAt(NetRef(run.id, 20), ImageRef("test", 4)))
    assert "as it was" in tab.about_html and "after 20 mini-batches" in tab.about_html
    assert tab.now_button["visible"] is True
    assert "After 20 mini-batches" in tab.filters_html and "data-live" not in tab.filters_html
    # another image is shown to the same state, also after coming back; the button leads to the newest
    tab.event("show_number", 5).open()
    assert tab.state.net.step == 20 and "as it was" in tab.about_html
    tab.event("return_to_now")
    assert tab.state.net == NetRef(run.id) and tab.state.image.index == 5
    assert "after 30 mini-batches" in tab.about_html and not tab.now_button["visible"]


def test_a_run_that_trains_is_live_and_everything_is_drawn_again_for_a_newer_checkpoint(tab: Any) -> None:
    run = tab.trained_run()
    tab.open()
    store, moving = tab.nets.service.store, new_net(5)
    assert "After 10 mini-batches" in tab.filters_html and "data-live" in tab.filters_html
    write_rows(store, run.id, filters=Filters(13, first_filters(moving)))
    assert tab.event("refresh").changed == ["filters_html"]
    assert "After 13 mini-batches" in tab.filters_html and "data-live" in tab.filters_html
    tab.come_to(run, 16, moving)
    image = tab.state.image
    tab.event("refresh")
    assert "after 16 mini-batches" in tab.about_html and tab.state.drawn == 16 and tab.state.image == image
    assert {"stages_html", "unit_html", "saliency_html"} <= set(tab.changed)
    assert tab.event("refresh").changed == ["filters_html"]
    # and its end is the last news
    tab.come_to(run, 20, moving, state="done")
    assert "data-live" not in tab.event("refresh").filters_html and tab.state.drawn == 20


def test_before_the_first_checkpoint_the_filters_are_there_already(tab: Any) -> None:
    run = tab.start()
    write_rows(tab.nets.service.store, run.id, state="running", filters=Filters(3, first_filters(new_net(1))))
    tab.open(LookAt(NetRef(run.id), ImageRef()))
    assert "After 3 mini-batches" in tab.event("refresh").filters_html


# -------------------------------------------------------------------------------------------------- units and classes


def test_a_click_into_a_map_chooses_a_unit(tab: Any) -> None:
    tab.open().do("pick_unit", tab.state, layer="conv2", channel=9, row=1, column=8)
    assert "conv2, map 9, row 1, column 8" in tab.unit_html
    assert (tab.layer_dropdown, tab.channel_number, tab.row_number, tab.column_number) == ("conv2", 9, 1, 8)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (("conv2", 0, 10, 0), "There is no row 10 in conv2"),
        (("conv3", 0, 0, 0), "no convolution"),
        (("conv1", None, 0, 0), "Map must be a whole number"),
    ],
)
def test_a_unit_that_is_not_there_has_a_sentence(tab: Any, place: tuple[Any, ...], sentence: str) -> None:
    tab.open().do("show_unit", tab.state, *place)
    assert sentence in tab.unit_html


def test_a_unit_out_of_place_does_not_spoil_the_rest(tab: Any) -> None:
    tab.place = ("conv2", 0, 20, 0)
    tab.open()
    assert "There is no row 20" in tab.unit_html and "The Net predicts" in tab.about_html


def test_the_class_asked_about_stays_over_images(tab: Any, tiny: Splits) -> None:
    tab.target = 6
    tab.open().event("show_number", 1)
    assert f"the score of <b>{tiny.test.classes[6]}</b>" in tab.saliency_html and tab.target_dropdown["value"] == 6
    tab.do("show_saliency", tab.state, 2)
    assert f"the score of <b>{tiny.test.classes[2]}</b>" in tab.saliency_html
    for nonsense in (99, "x", None, True):
        assert "(the prediction)" in tab.do("show_saliency", tab.state, nonsense).saliency_html


# --------------------------------------------------------------------------------------------- the nearest images


def test_a_search_shows_its_progress_and_is_cached_for_the_next_image(
    tab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.tabs.inside.handlers.TELL_EVERY", 0)
    monkeypatch.setattr("cifar_core.inspect.neighbours.BATCH", 100)
    tab.open().event("pick_train", index=7)
    *way, last = list(tab.handlers.search(tab.state))
    assert [step["search_html"].count("of 400") for step in way] == [1] * 4
    found = last["neighbours_html"]
    assert last["search_html"] == ""
    assert found.index('data-index="7"') == found.index("data-index")  # nearest to a training image is itself
    assert "distance 0.00" in found
    # from now on they come with the image
    assert "data-index" in tab.event("show_number", 3).neighbours_html


def test_neighbours_name_their_image_so_that_the_browser_notices_those_of_another(tab: Any) -> None:
    tab.open().event("show_number", 1)
    searched_for = tab.state
    tab.event("show_number", 2).do("search", searched_for)
    assert f'data-of="{key_of(searched_for.net, searched_for.image)}"' in tab.neighbours_html
    shown = f'data-of="{key_of(tab.state.net, tab.state.image)}"'
    assert shown in tab.about_html and shown not in tab.neighbours_html
    tab.do("show_neighbours", tab.state)
    assert shown in tab.neighbours_html and "test image 2" in tab.neighbours_html


def test_another_net_that_was_not_searched_has_no_neighbours(tab: Any) -> None:
    run = tab.trained_run()
    tab.open().do("search", tab.state)
    assert tab.neighbours_html
    assert tab.event("choose_net", "pretrained").neighbours_html == ""
    assert tab.event("choose_net", run.id).neighbours_html


def test_a_newer_state_of_a_run_keeps_the_neighbours_that_were_found(tab: Any) -> None:
    run = tab.trained_run()
    tab.open().do("search", tab.state)
    found = tab.neighbours_html
    assert "data-index" in found
    tab.come_to(run, 16, new_net(4))
    tab.event("refresh")
    assert tab.state.drawn == 16 and tab.neighbours_html == found
