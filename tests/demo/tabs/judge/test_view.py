"""What the Judge tab shows: numbers that agree with each other and with the core, for every kind of data and Net."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.data.image_set import DatasetInfo, ImageSet, save
from cifar_core.data.source import DataSource
from cifar_core.errors import DataError, RunError
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.inspect.judge import Proportion, overall, per_class
from cifar_core.net import Net, new_net
from cifar_core.runs.limits import Limits
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from cifar_core.runs.service import Service
from demo.tabs.judge.batch import batch_html, printed, read_batch, show_batch, with_last
from demo.tabs.judge.images import PER_PAGE, VIEWS, Question, answered, found_html, heading_html, places_of
from demo.tabs.judge.judged import Judged, found_by, judged, pointer_to, read_judged
from demo.tabs.judge.view import classes_html, net_words, overall_html, share_words
from demo.widgets.confusion import STEPS, confused_most, confusion_html, reading_html, shade
from demo.widgets.pointer import Pointer
from tests.core.runs.test_registry import ANN, CONFIG, come_to, run_of
from tests.demo.tabs.train.test_run_view import text_of
from tests.helpers.tiny_data import draw, tiny_splits

EVIL = ("<b>", "a&b", '"q"', "it's")
CSS = (Path(__file__).parents[4] / "demo/tabs/judge/judge.css").read_text()


@pytest.fixture
def nets(tmp_path: Path, tiny: Splits) -> NetRegistry:
    """Nets of a service without workers: the tests do what workers write."""
    return NetRegistry(Service(tmp_path / "runs", limits=Limits(steps=1000)), DataSource(tiny))


@pytest.fixture(scope="module")
def found(tiny: Splits, trained: Net) -> Evaluation:
    """A trained Net's on 120 images, a third of them given other labels: right and wrong answers of all kinds."""
    labels = tiny.test.labels.copy()
    labels[::3] = (labels[::3] + np.arange(len(labels[::3])) % 4) % 10
    return evaluate(trained, ImageSet(tiny.test.images, labels, CLASSES, "test"))


def with_answers(counts: Any, classes: tuple[str, ...] = ("cat", "dog", "owl")) -> Evaluation:
    """An evaluation with this confusion matrix, every answer 90 % or more sure."""
    pairs = [(t, p) for t, row in enumerate(counts) for p, count in enumerate(row) for _ in range(count)]
    logits = np.zeros((len(pairs), 10), np.float32)
    for place, (_, said) in enumerate(pairs):
        logits[place, said] = 5 + place % 3
    return Evaluation(logits, np.array([truth for truth, _ in pairs], np.int64), classes)


def plain(markup: str) -> str:
    """What is to be read of sentences in HTML."""
    return re.sub(r"<[^>]*>", "", markup)


class Cells(HTMLParser):
    """The buttons of a matrix: what each says of itself, and the number in it."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.cells: list[tuple[dict[str, str | None], str]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "button":
            self.cells.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cells and not self.cells[-1][1]:
            self.cells[-1] = (self.cells[-1][0], data)


def matrix_of(markup: str) -> np.ndarray:
    """The numbers that stand in a matrix."""
    numbers = [int(number) for _, number in Cells(markup).cells]
    side = round(len(numbers) ** 0.5)
    return np.array(numbers).reshape(side, side)


# ---------------------------------------------------------------------------------------------------------- the matrix


def test_the_matrix_adds_up_to_the_test_images_and_its_diagonal_to_the_accuracy(found: Evaluation) -> None:
    shown = matrix_of(confusion_html(found))
    assert np.array_equal(shown, found.confusion)
    assert shown.sum() == 120
    assert shown.trace() == overall(found).correct
    assert [share.correct for share in per_class(found)] == shown.diagonal().tolist()


def test_a_cell_shows_as_many_images_as_it_says(nets: NetRegistry, found: Evaluation) -> None:
    chosen = nets.open(NetRef(PRETRAINED))
    nets._evaluations.keep(chosen.key, found)
    shown = judged(chosen).text()
    for cell, number in Cells(confusion_html(found)).cells:
        question = Question(str(cell["data-truth"]), str(cell["data-said"]), "any")
        places, page, pages = [], 1, 1
        while page <= pages:
            answer = answered(nets, shown, question, page)
            places += [int(place) for place in re.findall(r'data-index="(\d+)"', answer.grid)]
            page, pages = page + 1, answer.pages
        assert len(places) == len(set(places)) == int(number)
        assert {found.classes[found.labels[place]] for place in places} <= {cell["data-truth"]}
        assert {found.classes[found.predictions[place]] for place in places} <= {cell["data-said"]}
        sure = [found.confidence[place] for place in places]
        assert sure == sorted(sure, reverse=True)
        assert f"{number} image" in answer.heading or number == "0"


def test_each_cell_says_what_it_counts() -> None:
    cells = Cells(confusion_html(with_answers([[3, 1, 0], [0, 0, 2], [0, 0, 0]]))).cells
    names = [cell["aria-label"] for cell, _ in cells]
    assert names[:3] == [
        "3 of 4 images of class cat, rightly called cat",
        "1 of 4 images of class cat, called dog",
        "0 of 4 images of class cat, called owl",
    ]
    assert names[8] == "0 of 0 images of class owl, rightly called owl"
    assert [cell["tabindex"] for cell, _ in cells] == ["0"] + ["-1"] * 8


def test_a_stronger_colour_stands_for_a_larger_share_of_the_row() -> None:
    assert [shade(share) for share in (0, 0.009, 0.01, 0.019, 0.02, 0.69, 0.7, 1)] == [0, 0, 1, 1, 2, 6, 7, 7]
    cells = Cells(confusion_html(with_answers([[90, 10], [1, 99]], ("cat", "dog")))).cells
    assert [cell["class"] for cell, _ in cells] == ["shade-7", "shade-4", "shade-1", "shade-7"]
    scale = text_of(confusion_html(with_answers([[1, 0], [0, 1]], ("cat", "dog"))).split('"scale"')[1])
    assert [int(number) for number in re.findall(r"(\d+)\u00a0%", scale)] == [
        round(100 * step) for step in (STEPS[0], *STEPS)
    ]


@pytest.mark.parametrize("mode", [":root", ".dark"])
def test_numbers_can_be_read_on_every_colour(mode: str) -> None:
    rule = re.search(rf"^{re.escape(mode)} {{(.*?)}}", CSS, re.MULTILINE | re.DOTALL)
    assert rule
    colours = dict(re.findall(r"--(\w+-\d): (#\w{6})", rule[1]))
    shades = [_luminance(colours[f"shade-{place}"]) for place in range(len(STEPS) + 1)]
    inks = [_luminance(colours[f"ink-{place}"]) for place in range(len(STEPS) + 1)]
    for paper, ink in zip(shades, inks, strict=True):
        light, dark = max(paper, ink), min(paper, ink)
        assert (light + 0.05) / (dark + 0.05) >= 4.5
    assert shades == sorted(shades, reverse=mode == ":root")  # away from the page's own colour, step by step


def _luminance(colour: str) -> float:
    """Relative luminance as in WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_what_is_confused_most_is_told_with_its_numbers() -> None:
    assert plain(confused_most(with_answers([[6, 1, 3], [2, 8, 0], [4, 0, 16]]))) == (
        "It confuses owl and cat most: 4 of 20 images of owl (20.0\u00a0%) were called cat, "
        "and 3 of 10 images of cat (30.0\u00a0%) were called owl."
    )
    told = plain(confused_most(with_answers([[1, 0, 0], [1, 0, 0], [0, 0, 1]])))
    assert "1 of 1 images of dog (100.0\u00a0%) was called cat" in told
    assert "and 0 of 1 images of cat (0.0\u00a0%) were called dog." in told
    assert confused_most(with_answers([[1, 0], [0, 1]], ("cat", "dog"))).startswith("It made no mistake")
    none_of_the_second = plain(confused_most(with_answers([[3, 2], [0, 0]], ("cat", "dog"))))
    assert "2 of 5 images of cat (40.0\u00a0%) were called dog, and 0 of 0 images of dog were" in none_of_the_second


def test_the_row_to_read_is_the_one_with_most_mistakes() -> None:
    told = plain(reading_html(with_answers([[6, 1, 3], [2, 8, 0], [4, 0, 16]])))
    assert "the row cat: of 10 test images of this class, the Net rightly called 6 cat. " in told
    assert "It took 3 of them for owl and 1 of them for dog." in told
    told = plain(reading_html(with_answers([[2, 0, 0], [0, 2, 0], [0, 0, 0]])))
    assert "There are no test images of owl, so that row is all zeros." in told
    assert "the row cat: of 2 test images of this class, the Net rightly called 2 cat." in told
    assert "It took" not in told


# ------------------------------------------------------------------------------------------------ accuracy and classes


def test_the_accuracy_stands_with_its_error_and_what_that_means(nets: NetRegistry, tiny: Splits) -> None:
    found = with_answers([[30, 10], [20, 40]], ("cat", "dog"))
    told = plain(overall_html(nets.open(NetRef(PRETRAINED)), found))
    low, high = overall(found).interval
    assert "The pretrained Net: 70.0\u00a0% ± 4.6" in told
    assert "It answers 70 of 100 test images right. Guessing would get about 50 %." in told
    assert (round(100 * low, 1), round(100 * high, 1)) == (60.4, 78.1)
    assert "between 60.4 and 78.1\u00a0% right" in told


def test_an_error_that_is_not_known_is_not_shown() -> None:
    assert share_words(Proportion(54, 100)) == "54.0\u00a0% ± 5.0"
    assert share_words(Proportion(10, 10)) == "100.0\u00a0%"
    assert share_words(Proportion(0, 10)) == "0.0\u00a0%"
    assert share_words(Proportion(0, 0)) == "–"


def test_each_class_has_its_counts_and_a_class_without_images_says_so() -> None:
    rows = re.findall("<tr>(.*?)</tr>", classes_html(with_answers([[3, 1, 0], [0, 2, 0], [0, 0, 0]])))[1:]
    assert [text_of(row) for row in rows] == [
        "cat 3 of 4 75.0\u00a0% ± 21.7",
        "dog 2 of 2 100.0\u00a0%",
        "owl no test images –",
    ]
    assert ["width:75.0%" in rows[0], "width:100.0%" in rows[1], "width:0.0%" in rows[2]] == [True] * 3


def test_a_run_is_named_with_its_step(nets: NetRegistry) -> None:
    run = run_of(nets, ANN, 1)
    assert net_words(nets.open(NetRef(run.id))) == f"{run.name} after step 10 of 200"
    assert net_words(nets.open(NetRef(PRETRAINED))) == "the pretrained Net"


def test_the_pretrained_net_on_other_pictures_comes_with_a_warning(
    nets: NetRegistry, tiny: Splits, tmp_path: Path
) -> None:
    found = evaluate(new_net(1), tiny.test)
    assert "<b>" not in overall_html(nets.open(NetRef(PRETRAINED)), found)
    about = DatasetInfo("Drawn images", "drawn", True, "", "")
    nets.source.splits = save(tmp_path / "drawn", tiny.train, tiny.test, about)
    assert "other pictures are in use" in overall_html(nets.open(NetRef(PRETRAINED)), found)
    run = run_of(nets, ANN, 1)
    assert "<b>" not in overall_html(nets.open(NetRef(run.id)), found)
    nets.source.splits = few_classes(tmp_path / "few")
    assert "the pictures in use have others" in overall_html(nets.open(NetRef(PRETRAINED)), found)


def test_a_run_whose_own_test_forgets_normalize_is_not_left_unexplained(nets: NetRegistry) -> None:
    run = nets.service.start(ANN, replace(CONFIG, mistake="no_normalize"), nets.source.splits)
    come_to(nets, run, 10, new_net(1))
    chosen = nets.open(NetRef(run.id))
    assert "forgets Normalize on purpose" in overall_html(chosen, nets.evaluation(chosen))


# ----------------------------------------------------------------------------------------------------------- the images


def test_the_ready_made_views_ask_for_what_they_are_called(found: Evaluation) -> None:
    right = found.predictions == found.labels
    mistakes, least, surest = (places_of(found, question) for question in VIEWS.values())
    assert set(mistakes) == set(np.flatnonzero(~right)) and set(surest) == set(np.flatnonzero(right))
    assert found.confidence[mistakes[0]] == found.confidence[~right].max()
    assert found.confidence[surest[0]] == found.confidence[right].max()
    assert len(least) == found.total and found.margin[least[0]] == found.margin.min()


def test_a_question_that_there_is_not_is_refused_with_a_sentence(found: Evaluation) -> None:
    for wrong in (
        Question(truth="<cow>"),
        Question(said="cow"),
        Question(outcome="maybe"),
        Question(order="dearest"),  # type: ignore[arg-type]
    ):
        with pytest.raises(DataError, match="There is no class|must be one of"):
            places_of(found, wrong)


def test_pages_hold_all_images_once_and_a_page_too_far_is_the_last(nets: NetRegistry) -> None:
    chosen = nets.open(NetRef(run_of(nets, ANN, 1).id))
    shown, everything = judged(chosen).text(), Question(outcome="any", order="stored")
    nets.evaluation(chosen)
    pages = [answered(nets, shown, everything, number) for number in range(1, 9)]
    assert [page.number for page in pages] == [*range(1, 9)] and {page.pages for page in pages} == {8}
    told = [int(place) for page in pages for place in re.findall(r'data-index="(\d+)"', page.grid)]
    assert told == list(range(120))
    assert pages[1].heading.endswith(f"<p><b>120 images; shown: {PER_PAGE + 1} to {2 * PER_PAGE}</b></p>")
    for asked, number in ((0, 1), (-3, 1), (9, 8), (10**30, 8), (None, 1), ("2", 1), (float("nan"), 1), (True, 1)):
        assert answered(nets, shown, everything, asked).number == number


def test_each_image_has_its_truth_the_nets_word_and_how_sure_it_was(found: Evaluation, tiny: Splits) -> None:
    test = ImageSet(tiny.test.images, found.labels, CLASSES, "test")
    place = int(places_of(found, Question())[0])
    truth, said = CLASSES[found.labels[place]], CLASSES[found.predictions[place]]
    sure = f"{100 * found.confidence[place]:.1f}\u00a0%"
    shown = found_html(test, found, [place])
    assert f"{truth} → {said}\n{sure}" in shown
    assert f'aria-label="Test image {place}: the truth is {truth}, the Net says {said}, {sure} sure"' in shown
    assert found_html(test, found, []) == ""


def test_the_heading_says_what_is_asked_and_what_to_look_for(tiny: Splits) -> None:
    headings = [heading_html(tiny, question, 30, 2) for question in VIEWS.values()]
    titles = [re.search("<h4>(.*)</h4>", heading)[1] for heading in headings]  # type: ignore[index]
    assert titles == ["Mistakes · surest first", "All answers · least sure first", "Right answers · surest first"]
    assert all("30 images; shown: 16 to 30" in heading and "class='quiet'" in heading for heading in headings)
    assert "wrong labels: people who checked" in headings[0]
    other = Splits(tiny.train, tiny.test, replace(tiny.info, name="Image folder"), tiny.folder)
    assert "people who checked" not in heading_html(other, Question(), 30, 1)
    cell = heading_html(tiny, Question("cat", "dog", "any"), 1, 1)
    assert cell == "<h4>truth cat · the Net says dog · surest first</h4><p><b>1 image</b></p>"
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


def test_a_batch_shows_all_logits_and_points_at_the_largest(found: Evaluation, tiny: Splits) -> None:
    test = ImageSet(tiny.test.images, found.labels, CLASSES, "test")
    wrong = int(places_of(found, Question())[0])
    places = [wrong, 0, 119, wrong]
    shown = batch_html(test, found, places)
    rows = re.findall("<tr>(.*?)</tr>", shown)[1:]
    cells = [re.findall("<td.*?>(-?[0-9.]+)(<span class=said> ←</span>)?</td>", row) for row in rows]
    numbers = np.array([[float(number) for number, _ in row] for row in cells])  # (10, 4)
    assert np.allclose(numbers, found.logits[places].T, atol=0.0051)
    marked = [[bool(mark) for _, mark in row].index(True) for row in zip(*cells, strict=True)]
    assert marked == found.predictions[places].tolist()
    assert sum(bool(mark) for row in cells for _, mark in row) == 4
    answers = "  ".join(f"{CLASSES[label]:5s}" for label in found.predictions[places]).replace("  ", " ")
    assert " ".join(answers.split()) in " ".join(shown.split("Predicted:")[1].split())
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


# ------------------------------------------------------------------------------------------ which test is on the screen


def test_what_is_shown_belongs_to_its_step_while_the_run_trains_on(nets: NetRegistry, tiny: Splits) -> None:
    run = run_of(nets, ANN, 1)
    first = nets.open(NetRef(run.id))
    nets.evaluation(first)
    shown = read_judged(judged(first).text())
    assert shown == Judged(run.id, 10, str(tiny.folder.resolve()))
    come_to(nets, run, 20, new_net(2))
    splits, then = found_by(nets, shown)
    assert splits is tiny and np.array_equal(then.logits, evaluate(new_net(1), tiny.test).logits)
    assert nets.cached_evaluation(nets.open(NetRef(run.id))) is None  # the newer Net is not taken for the older


def test_a_test_that_was_dropped_is_done_again_where_its_weights_are_still_there(
    nets: NetRegistry, tiny: Splits
) -> None:
    run = run_of(nets, ANN, 1)
    at_first = judged(nets.open(NetRef(run.id)))
    assert np.array_equal(found_by(nets, at_first)[1].logits, evaluate(new_net(1), tiny.test).logits)
    come_to(nets, run, 20, new_net(2), frame=True)
    framed = judged(nets.open(NetRef(run.id)))
    come_to(nets, run, 30, new_net(3))
    forgetful = NetRegistry(nets.service, nets.source)
    assert np.array_equal(found_by(forgetful, framed)[1].logits, evaluate(new_net(2), tiny.test).logits)
    with pytest.raises(RunError, match="trained on since step 10, and that test is no longer kept"):
        found_by(forgetful, at_first)
    assert "no longer kept" in answered(forgetful, at_first.text(), Question()).heading
    assert "no longer kept" in show_batch(forgetful, at_first.text(), "0, 1, 2, 3")


def test_images_of_other_data_than_tested_are_never_shown(nets: NetRegistry, tmp_path: Path) -> None:
    chosen = nets.open(NetRef(PRETRAINED))
    nets.evaluation(chosen)
    shown = judged(chosen)
    nets.source.splits = tiny_splits(tmp_path / "other", train=40, test=20, seed=5)
    for asked in (lambda: found_by(nets, shown), lambda: pointer_to(nets, shown, 3)):
        with pytest.raises(RunError, match="Other pictures are in use"):
            asked()


def test_a_deleted_run_gets_a_sentence_even_where_its_test_is_kept(nets: NetRegistry) -> None:
    run = run_of(nets, ANN, 1)
    chosen = nets.open(NetRef(run.id))
    nets.evaluation(chosen)
    shown = judged(chosen).text()
    assert not answered(nets, shown, Question(outcome="any")).refused
    nets.service.store.remove(run.id)
    answer = answered(nets, shown, Question(outcome="any"))
    assert answer.refused and not answer.grid and "There is no such run" in answer.heading
    assert "There is no such run" in show_batch(nets, shown, "0, 1, 2, 3")
    with pytest.raises(RunError, match="There is no such run"):
        pointer_to(nets, read_judged(shown), 0)


def test_an_image_is_opened_before_the_net_of_the_test_where_that_is_kept(nets: NetRegistry) -> None:
    run = run_of(nets, ANN, 1)
    at_first = judged(nets.open(NetRef(run.id)))
    assert pointer_to(nets, at_first, 7) == (Pointer(run.id, "test 7"), "")
    come_to(nets, run, 20, new_net(2), frame=True)
    framed = judged(nets.open(NetRef(run.id)))
    come_to(nets, run, 30, new_net(3))
    assert pointer_to(nets, framed, 7) == (Pointer(run.id, "test 7", 20), "")
    come_to(nets, run, 40, new_net(4), frame=True)
    nets.service.store.update(run.id, state="done")
    assert pointer_to(nets, judged(nets.open(NetRef(run.id))), 7) == (
        Pointer(run.id, "test 7"),
        "",
    )  # it stays as it is
    pointer, told = pointer_to(nets, at_first, 7)
    assert pointer == Pointer(run.id, "test 7")
    assert "trained on since step 10" in told and "as it is now, at step 40" in told
    assert pointer_to(nets, judged(nets.open(NetRef(PRETRAINED))), 0) == (Pointer(PRETRAINED, "test 0"), "")
    for wrong in (-1, 120, 1.0, "1", None, True):
        with pytest.raises(RunError, match="no such test image"):
            pointer_to(nets, framed, wrong)


@pytest.mark.parametrize(
    "text", ["", None, 5, "x", "[]", "[1, 2, 3]", '["a", "b", "c"]', '["a", true, "c"]', "[" * 5000]
)
def test_a_hidden_field_that_somebody_else_wrote_is_refused_with_a_sentence(nets: NetRegistry, text: object) -> None:
    with pytest.raises(RunError, match="press Test it first"):
        read_judged(text)
    assert answered(nets, str(text), Question()).refused


# ------------------------------------------------------------------------------------------------- data of other kinds


def few_classes(folder: Path, classes: tuple[str, ...] = EVIL) -> Splits:
    """Four classes with names that would break a page that trusted them; the last has no test images."""
    train, test = np.arange(40) % 4, np.arange(15) % 3
    about = DatasetInfo("Image folder", "folders", True, "", "")
    return save(
        folder,
        ImageSet(draw(train), train, classes, "train"),
        ImageSet(draw(test, 1), test, classes, "test"),
        about,
    )


def test_few_classes_one_without_images_and_names_that_are_html_do_no_harm(nets: NetRegistry, tmp_path: Path) -> None:
    nets.source.splits = splits = few_classes(tmp_path / "few")
    run = run_of(nets, ANN, 4)
    chosen = nets.open(NetRef(run.id))
    found = nets.evaluation(chosen)
    matrix = confusion_html(found)
    assert matrix_of(matrix).shape == (4, 4) and matrix_of(matrix).sum() == 15
    assert matrix_of(matrix)[3].tolist() == [0] * 4
    assert {str(cell["data-truth"]) for cell, _ in Cells(matrix).cells} == set(EVIL)  # as a browser reads them
    reading, shown = reading_html(found), judged(chosen).text()
    assert "There are no test images of it" in reading and "all zeros" in reading
    answers = [answered(nets, shown, Question(truth, "", "any")) for truth in EVIL]
    batch = show_batch(nets, shown, "0, 1, 2, 14")
    assert "4 classes: the other outputs are left out" in plain(batch)
    for markup in (
        matrix,
        reading,
        batch,
        overall_html(chosen, found),
        classes_html(found),
        *(answer.heading + answer.grid for answer in answers),
    ):
        for name in ("a&b", '"q"'):
            assert name not in markup
    assert sum(int(re.findall(r"<b>(\d+) image", answer.heading)[0]) for answer in answers[:3]) == 15
    assert "No test image is like that" in answers[3].heading
    assert len(splits.test.classes) == len(re.findall("<tr><th scope='row'>", batch))


def test_a_net_of_nothing_but_nan_is_known_as_such(nets: NetRegistry) -> None:
    net = new_net(1)
    net.conv1.weight.data.fill_(float("nan"))
    run = run_of(nets, ANN, 1)
    come_to(nets, run, 20, net)
    found = nets.evaluation(nets.open(NetRef(run.id)))
    assert not found.finite
    # what is shown of it, should it ever be, are numbers and no error
    assert matrix_of(confusion_html(found)).sum() == 120
    assert answered(nets, judged(nets.open(NetRef(run.id))).text(), Question()).number == 1


def test_long_names_stand_upright_and_short_ones_do_not() -> None:
    assert 'class="upright"' in confusion_html(with_answers([[1, 0], [0, 1]], ("cat", "submarine")))
    assert 'class="upright"' not in confusion_html(with_answers([[1, 0], [0, 1]], ("cat", "dog")))
