"""Which Net and which image the tab Inside shows; whatever is asked for, and whatever is wrong with it, it says so."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.data import Splits
from cifar_core.inspect import stages
from cifar_core.net import new_net
from cifar_core.runs.refs import PRETRAINED, ImageRef, NetRef
from cifar_core.runs.registry import own_image
from demo.gradio_compat import ImageFile
from demo.widgets.look_at import LookAt
from tests.helpers.runs import remove

# ------------------------------------------------------------------------------------------------ which Net is shown


def test_a_first_visit_shows_the_pretrained_net_and_the_first_test_image(tab: Any) -> None:
    tab.open()
    assert tab.net_dropdown["value"] == PRETRAINED and tab.state.net == NetRef() and tab.state.image == ImageRef()
    assert "test image 0" in tab.about_html and "data-live" not in tab.filters_html
    assert tab.now_button["visible"] is False and tab.neighbours_html == ""
    assert "data-index" in tab.tests_html and "<svg" in tab.architecture_html


def test_what_is_the_same_for_ever_is_sent_once(tab: Any) -> None:
    tab.open()
    assert "architecture_html" not in tab.open().changed
    for constant in ("architecture_html", "filters_html", "target_dropdown", "now_button", "tests_html"):
        assert constant not in tab.event("show_number", 4).changed


def test_image_stages_and_unit_are_there_before_saliency(tab: Any) -> None:
    order = tab.open().event("show_number", 4).changed
    places = [order.index(f"{name}_html") for name in ("about", "stages", "unit", "saliency", "neighbours")]
    assert places == sorted(places)


def test_an_event_opens_the_net_and_asks_it_once(tab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any) -> Any:
            calls[name] += 1
            return function(*given)

        return counting

    monkeypatch.setattr(tab.nets, "open", counted("opened", tab.nets.open))
    monkeypatch.setattr(stages, "_calls", counted("asked", stages._calls))
    for event in (tab.open, lambda: tab.event("show_number", 4), lambda: tab.event("choose_net", PRETRAINED)):
        calls.clear()
        event()
        assert calls == {"opened": 1, "asked": 1}
        assert tab.unit_html and tab.saliency_html


def test_ones_newest_run_that_has_weights_is_shown_first(tab: Any) -> None:
    tab.trained_run(1)
    newest = tab.trained_run(2)
    tab.start()  # has none yet
    tab.open()
    assert tab.net_dropdown["value"] == tab.state.net.run == newest.id and not tab.state.chosen
    assert f"{newest.name} after 10 mini-batches" in tab.about_html


def test_a_newer_run_takes_the_place_of_one_that_was_not_chosen(tab: Any) -> None:
    tab.trained_run(1)
    tab.open().event("show_number", 5)
    newest = tab.trained_run(2)
    tab.open()
    assert tab.state.net.run == newest.id and tab.state.image.index == 5


def test_the_net_that_was_chosen_stays(tab: Any) -> None:
    tab.trained_run()
    tab.open().event("choose_net", PRETRAINED).open()
    assert tab.net_dropdown["value"] == tab.state.net.run == PRETRAINED and tab.state.chosen


def test_another_net_is_shown_the_same_image(tab: Any) -> None:
    run = tab.trained_run()
    tab.open().event("show_number", 7).event("choose_net", run.id)
    assert tab.state.image == ImageRef("test", 7) and tab.state.net == NetRef(run.id)


def test_a_deleted_run_gets_a_sentence_and_the_pretrained_net_is_shown(tab: Any) -> None:
    run = tab.trained_run()
    tab.open().event("choose_net", run.id)
    remove(tab.nets.service.store, run.id)
    tab.open()
    assert "no longer there" in tab.message_html and not tab.state.chosen
    assert tab.net_dropdown["value"] == tab.state.net.run == PRETRAINED
    assert "The Net predicts" in tab.about_html


def test_a_run_deleted_while_it_is_shown_gets_a_sentence_at_the_next_click(tab: Any) -> None:
    run = tab.trained_run()
    tab.open()
    remove(tab.nets.service.store, run.id)
    assert tab.event("show_number", 3).unchanged and "There is no such run" in tab.message_html
    tab.event("refresh")
    assert tab.changed == ["filters_html"]
    assert "There is no such run" in tab.filters_html and "data-live" not in tab.filters_html
    assert "There is no such run" in tab.do("show_unit", tab.state, *tab.place).unit_html
    assert "There is no such run" in tab.do("show_saliency", tab.state, 3).saliency_html
    assert "There is no such run" in tab.do("search", tab.state).search_html


def test_a_run_without_weights_has_a_sentence_and_nothing_else(tab: Any) -> None:
    run = tab.start()
    tab.open(LookAt(NetRef(run.id), ImageRef("test", 2)))
    assert "no weights yet" in tab.message_html and tab.empty
    tab.come_to(run, 4, new_net(1))
    assert "after 4 mini-batches" in tab.event("change_data").about_html


def test_weights_that_are_not_finite_have_a_sentence_in_place(tab: Any) -> None:
    net, run = new_net(0), tab.start()
    net.conv2.weight.data.fill_(float("nan"))
    tab.come_to(run, 10, net, state="diverged")
    tab.open()
    assert "diverged" in tab.about_html and "diverged" in tab.stages_html and "conv1" in tab.filters_html
    assert tab.unit_html == tab.saliency_html == tab.neighbours_html == ""
    assert "diverged" in tab.do("show_unit", tab.state, "conv2", 0, 0, 0).unit_html
    assert "diverged" in tab.do("show_saliency", tab.state, 3).saliency_html
    tab.do("search", tab.state)
    assert tab.search_html == "" and "no training image is similar" in tab.neighbours_html
    # the pretrained Net can be chosen next
    assert "The Net predicts" in tab.event("choose_net", PRETRAINED).about_html


# ---------------------------------------------------------------------------------------------- which image is shown


def upload_of(pixels: np.ndarray, folder: Path) -> ImageFile:
    """What a handler gets for an uploaded image."""
    Image.fromarray(pixels).save(folder / "image.png")
    return ImageFile(str(folder / "image.png"))


def test_a_click_a_number_and_an_upload_choose_an_image(tab: Any, tiny: Splits, tmp_path: Path) -> None:
    tab.open().event("pick_test", index=5)
    assert tab.state.image == ImageRef("test", 5) and "test image 5" in tab.about_html
    assert tab.event("show_number", 9.0).state.image.index == 9
    tab.event("pick_train", index=8)
    assert tab.state.image == ImageRef("train", 8) and "train image 8" in tab.about_html
    tab.event("upload", upload_of(tiny.test.images[3], tmp_path))
    assert tab.state.image == own_image(tiny.test.images[3]) and "your image" in tab.about_html


@pytest.mark.parametrize("index", [120, None])
def test_a_number_without_an_image_leaves_everything_as_it_is(tab: Any, index: Any) -> None:
    assert tab.open().event("show_number", index).unchanged and "image" in tab.message_html


def test_an_upload_that_cannot_be_read_leaves_everything_as_it_is(tab: Any, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    assert tab.open().event("upload", ImageFile(str(tmp_path / "text.png"))).unchanged
    assert 'role="alert"' in tab.message_html and "PNG" in tab.message_html
    assert tab.event("upload", ImageFile("")).unchanged and "upload it again" in tab.message_html
    assert tab.event("upload", None).unchanged


def test_another_tab_hands_over_an_image_once(tab: Any) -> None:
    run = tab.trained_run()
    tab.open(LookAt(NetRef(run.id), ImageRef("train", 7)))
    assert tab.net_dropdown["value"] == run.id and tab.state.chosen and "train image 7" in tab.about_html
    assert tab.look_at == LookAt()
    # later the visitor goes on, and coming back to the tab does not undo that
    assert tab.event("show_number", 3).open(tab.look_at).state.image == ImageRef("test", 3)


def test_somebody_elses_run_can_be_handed_over_and_is_then_in_the_list(tab: Any) -> None:
    run = tab.trained_run(owner="bob" * 8)
    tab.open(LookAt(NetRef(run.id), ImageRef("test", 1)))
    assert (run.name, run.id) in tab.net_dropdown["choices"] and tab.state.net.run == run.id


def test_what_is_handed_over_and_does_not_exist_gets_a_sentence(tab: Any) -> None:
    tab.open(LookAt(NetRef(), ImageRef("test", 400)))
    assert "they go from 0 to 119" in tab.message_html and tab.empty
    assert "The Net predicts" in tab.event("show_number", 2).about_html


def test_a_tab_that_was_never_opened_stays_empty_when_the_data_set_changes(tab: Any) -> None:
    assert tab.event("change_data").changed == ["state"]


def test_the_test_images_are_turned_page_by_page_and_shuffled(tab: Any) -> None:
    first = tab.open().tests_html
    assert tab.do("next_tests", tab.state).tests_html != first and tab.state.page == 2
    for _ in range(20):
        tab.do("next_tests", tab.state)
    assert tab.state.page == 10  # the last
    tab.do("shuffle_tests", tab.state)
    assert tab.state.page == 1 and tab.state.seed is not None
    shuffled = tab.tests_html
    assert tab.open().tests_html == shuffled != first


def test_the_page_is_light(tab: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)  # compresses worst
    tab.open().event("upload", upload_of(noise, tmp_path))
    assert sum(len(str(tab.shown[name])) for name in set(tab.changed)) < 120_000
