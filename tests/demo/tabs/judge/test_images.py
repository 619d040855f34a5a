"""The images behind the numbers of Judge, page by page, and the batch as in the notebook."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.data.image_set import ImageSet
from cifar_core.errors import DataError
from cifar_core.evaluate import Evaluation
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import NetRegistry
from demo.tabs.judge.batch import batch_html, printed, read_batch, with_last
from demo.tabs.judge.images import PER_PAGE, VIEWS, heading_html, images_page, places_of
from demo.tabs.judge.state import JudgeState, Question, fingerprint
from demo.tabs.judge.view import matrix_html
from tests.helpers.markup import buttons_in, text_of
from tests.helpers.nets import ANN, run_of


def state_of(nets: NetRegistry, name: str = "pretrained", evaluation: Evaluation | None = None) -> JudgeState:
    """Return the state after a test of a Net, which found this, or what it finds."""
    opened = nets.open(NetRef(name))
    nets.evaluation(opened)
    if evaluation is not None:
        nets._evaluations.put(opened.key, evaluation)
    return JudgeState(tested=opened.ref, data=fingerprint(opened.splits))


def test_a_cell_shows_as_many_images_as_it_says(nets: NetRegistry, evaluation: Evaluation) -> None:
    state = state_of(nets, evaluation=evaluation)
    for cell, number in buttons_in(matrix_html(evaluation)):
        truth, predicted = cell["data-truth"], cell["data-predicted"]
        places: list[int] = []
        page, pages = 1, 1
        while page <= pages:
            shown = images_page(nets, replace(state, question=Question(truth, predicted, "any"), page=page))
            places += [int(button["data-index"]) for button, _ in buttons_in(shown.grid)]
            page, pages = page + 1, shown.pages
        assert len(places) == len(set(places)) == int(number)
        assert {evaluation.classes[evaluation.labels[place]] for place in places} <= {truth}
        assert {evaluation.classes[evaluation.predictions[place]] for place in places} <= {predicted}
        confidences = [evaluation.confidence[place] for place in places]
        assert confidences == sorted(confidences, reverse=True)
        assert f"{number} image" in shown.heading or number == "0"


def test_the_ready_made_views_ask_for_what_they_are_called(evaluation: Evaluation) -> None:
    right = evaluation.predictions == evaluation.labels
    mistakes, least, confident = (places_of(evaluation, question) for question in VIEWS.values())
    assert set(mistakes) == set(np.flatnonzero(~right)) and set(confident) == set(np.flatnonzero(right))
    assert evaluation.confidence[mistakes[0]] == evaluation.confidence[~right].max()
    assert evaluation.confidence[confident[0]] == evaluation.confidence[right].max()
    assert len(least) == evaluation.total and evaluation.margin[least[0]] == evaluation.margin.min()


def test_a_question_that_there_is_not_is_refused_with_a_sentence(evaluation: Evaluation) -> None:
    wrong: list[dict[str, Any]] = [
        {"truth": "<cow>"},
        {"predicted": "cow"},
        {"outcome": "maybe"},
        {"order": "dearest"},
    ]
    for fields in wrong:
        with pytest.raises(DataError, match="There is no class|must be one of"):
            places_of(evaluation, Question(**fields))


def test_pages_hold_all_images_once_and_a_page_too_far_is_the_last(nets: NetRegistry) -> None:
    state = replace(state_of(nets, run_of(nets, ANN, 1).id), question=Question(outcome="any", order="stored"))
    pages = [images_page(nets, replace(state, page=number)) for number in range(1, 9)]
    assert [page.number for page in pages] == [*range(1, 9)] and {page.pages for page in pages} == {8}
    assert [int(cell["data-index"]) for page in pages for cell, _ in buttons_in(page.grid)] == list(range(120))
    assert f"120 images; shown: {PER_PAGE + 1} to {2 * PER_PAGE}" in pages[1].heading
    for asked, number in ((0, 1), (-3, 1), (9, 8), (10**30, 8)):
        assert images_page(nets, replace(state, page=asked)).number == number


def test_each_image_has_its_truth_the_prediction_and_the_confidence(nets: NetRegistry, evaluation: Evaluation) -> None:
    place = int(places_of(evaluation, Question())[0])
    truth, predicted = CLASSES[nets.source.splits.test.labels[place]], CLASSES[evaluation.predictions[place]]
    confidence = f"{100 * evaluation.confidence[place]:.1f}\u00a0%"
    cell, caption = buttons_in(images_page(nets, state_of(nets, evaluation=evaluation)).grid)[0]
    assert caption == f"{truth} → {predicted}\n{confidence}"
    name = f"Test image {place}: the truth is {truth}, the Net predicts {predicted} with {confidence}"
    assert cell["aria-label"] == name
    nothing = replace(state_of(nets, evaluation=evaluation), question=Question("cat", "cat", "wrong"))
    assert images_page(nets, nothing).grid == ""


def test_the_heading_says_what_is_asked_and_what_to_look_for(tiny: Splits) -> None:
    headings = [heading_html(tiny, question, 30, 2) for question in VIEWS.values()]
    titles = [re.search("<h4>(.*)</h4>", heading)[1] for heading in headings]  # type: ignore[index]
    assert titles == [
        "Mistakes · most confident first",
        "All predictions · least certain first (smallest margin)",
        "Right predictions · most confident first",
    ]
    assert all("30 images; shown: 16 to 30" in heading and 'class="quiet"' in heading for heading in headings)
    assert "wrong labels: people who checked" in headings[0]
    other = Splits(tiny.train, tiny.test, replace(tiny.info, name="Image folder"), tiny.folder)
    assert "people who checked" not in heading_html(other, Question(), 30, 1)
    cell = heading_html(tiny, Question("cat", "dog", "any"), 1, 1)
    assert text_of(cell) == "truth cat · the Net predicts dog · most confident first 1 image"
    assert "quiet" not in cell
    assert "No test image is like that." in heading_html(tiny, Question("cat"), 0, 1)


# ------------------------------------------------------------------------------------------------------------ the batch


def test_the_lines_of_the_notebook_are_those_of_the_tutorial() -> None:
    assert printed(["cat", "ship", "ship", "plane"], ["cat", "ship", "car", "plane"], [3, 8, 1, 0]) == (
        "GroundTruth:  cat   ship  ship  plane\n"
        "outputs = net(images)\n"
        "_, predicted = torch.max(outputs, 1)\n"
        "# predicted is tensor([3, 8, 1, 0])\n"
        "Predicted:  cat   ship  car   plane"
    )


def test_a_batch_shows_all_logits_and_points_at_the_largest(evaluation: Evaluation, tiny: Splits) -> None:
    test = ImageSet(tiny.test.images, evaluation.labels, CLASSES, "test")
    wrong = int(places_of(evaluation, Question())[0])
    places = [wrong, 0, 119, wrong]
    shown = batch_html(test, evaluation, places)
    rows = re.findall("<tr>(.*?)</tr>", shown)[1:]
    cells = [re.findall(r"<td[^>]*>(-?[0-9.]+)(<span[^>]*> ←</span>)?</td>", row) for row in rows]
    numbers = np.array([[float(number) for number, _ in row] for row in cells])  # (10, 4)
    assert np.allclose(numbers, evaluation.logits[places].T, atol=0.0051)
    marked = [[bool(mark) for _, mark in row].index(True) for row in zip(*cells, strict=True)]
    assert marked == evaluation.predictions[places].tolist()
    assert sum(bool(mark) for row in cells for _, mark in row) == 4
    names = " ".join(CLASSES[label] for label in evaluation.predictions[places])
    assert names in " ".join(shown.split("Predicted:")[1].split())
    assert shown.count("<img ") == 4 and f'alt="{CLASSES[test.labels[119]]}, test image 119"' in shown


@pytest.mark.parametrize("text", ["", "0, 1, 2, 3, 4", "one", "-1", "1.5", "0 1 2 x", "\u00b2", "1" * 50, None])
def test_a_batch_that_cannot_be_read_is_refused_with_a_sentence(text: object) -> None:
    with pytest.raises(DataError, match="Write one to four numbers"):
        read_batch(text, 120)


def test_a_batch_is_read_as_people_write_it() -> None:
    assert read_batch(" 0, 1,2 ;3 ", 120) == [0, 1, 2, 3]
    assert read_batch("119", 120) == [119]
    with pytest.raises(DataError, match="no test image 120; they are numbered from 0 to 119"):
        read_batch("1 120", 120)


def test_an_image_that_is_clicked_comes_into_the_batch_as_its_last() -> None:
    assert with_last("0, 1, 2, 3", 12) == "1, 2, 3, 12"
    assert with_last("0, 1", 12) == "0, 1, 12"
    assert with_last("0, 12, 2, 3", 12) == "0, 2, 3, 12"
    assert with_last("", 12) == "12"
