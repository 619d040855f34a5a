"""What Judge shows of a test: numbers that agree with each other and with the core, for every kind of data and Net."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from cifar_core.data import Splits
from cifar_core.data.image_set import DatasetInfo, save
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.inspect.judge import Proportion, overall, per_class
from cifar_core.net import new_net
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import NetRegistry
from demo.tabs.judge.batch import batch_html
from demo.tabs.judge.images import images_page
from demo.tabs.judge.reading import reading_html
from demo.tabs.judge.state import JudgeState, Question, fingerprint
from demo.tabs.judge.view import accuracy_words, classes_html, matrix_html, net_words, overall_html
from tests.helpers.evaluations import EVIL, evaluation_with, few_classes
from tests.helpers.markup import buttons_in, text_of
from tests.helpers.nets import ANN, CONFIG, come_to, run_of

CAT_AND_DOG = ("cat", "dog")


def matrix_of(evaluation: Evaluation) -> np.ndarray:
    """Return the numbers that stand in the matrix on the page."""
    numbers = [int(number) for _, number in buttons_in(matrix_html(evaluation))]
    return np.array(numbers).reshape(len(evaluation.classes), -1)


def read(evaluation: Evaluation) -> str:
    """Return the words of the reading, without the spaces that stand where tags stood."""
    return re.sub(r" ([.,:])", r"\1", text_of(reading_html(evaluation)))


def test_the_matrix_adds_up_to_the_test_images_and_its_diagonal_to_the_accuracy(evaluation: Evaluation) -> None:
    shown = matrix_of(evaluation)
    assert np.array_equal(shown, evaluation.confusion)
    assert shown.sum() == 120
    assert shown.trace() == overall(evaluation).correct
    assert [accuracy.correct for accuracy in per_class(evaluation)] == shown.diagonal().tolist()


def test_what_is_confused_most_is_said_with_its_numbers() -> None:
    assert (
        "It confuses owl and cat most: 4 of 20 images of owl (20.0 %) were predicted as cat, "
        "and 3 of 10 images of cat (30.0 %) were predicted as owl."
    ) in read(evaluation_with([[6, 1, 3], [2, 8, 0], [4, 0, 16]]))
    one = read(evaluation_with([[1, 0, 0], [1, 0, 0], [0, 0, 1]]))
    assert "1 of 1 images of dog (100.0 %) was predicted as cat" in one
    assert "and 0 of 1 images of cat (0.0 %) were predicted as dog." in one
    assert "It made no mistake on these test images." in read(evaluation_with([[1, 0], [0, 1]], CAT_AND_DOG))
    none_of_the_second = read(evaluation_with([[3, 2], [0, 0]], CAT_AND_DOG))
    assert "2 of 5 images of cat (40.0 %) were predicted as dog, and 0 of 0 images of dog were" in none_of_the_second


def test_the_row_to_read_is_the_one_with_most_mistakes() -> None:
    words = read(evaluation_with([[6, 1, 3], [2, 8, 0], [4, 0, 16]]))
    assert "the row cat: of 10 test images of this class, the Net correctly predicts cat for 6. " in words
    assert "For 3 of them it predicts owl and for 1 of them it predicts dog." in words
    words = read(evaluation_with([[2, 0, 0], [0, 2, 0], [0, 0, 0]]))
    assert "There are no test images of owl, so that row is all zeros." in words
    assert "the row cat: of 2 test images of this class, the Net correctly predicts cat for 2." in words
    assert "of them it predicts" not in words


# ------------------------------------------------------------------------------------------------ accuracy and classes


def test_the_accuracy_stands_with_its_error_and_what_that_means(nets: NetRegistry) -> None:
    evaluation = evaluation_with([[30, 10], [20, 40]], CAT_AND_DOG)
    words = text_of(overall_html(nets.open(NetRef()), evaluation))
    low, high = overall(evaluation).interval
    assert "The pretrained Net: 70.0 % ± 4.6" in words
    assert "It predicts 70 of 100 test images correctly. Guessing would get about 50 %." in words
    assert (round(100 * low, 1), round(100 * high, 1)) == (60.4, 78.1)
    assert "between 60.4 and 78.1 % right" in words


def test_an_error_that_is_not_known_is_not_shown() -> None:
    assert accuracy_words(Proportion(54, 100)) == "54.0\u00a0% ± 5.0"
    assert accuracy_words(Proportion(10, 10)) == "100.0\u00a0%"
    assert accuracy_words(Proportion(0, 10)) == "0.0\u00a0%"
    assert accuracy_words(Proportion(0, 0)) == "–"


def test_each_class_has_its_counts_and_a_class_without_images_says_so() -> None:
    rows = re.findall("<tr>(.*?)</tr>", classes_html(evaluation_with([[3, 1, 0], [0, 2, 0], [0, 0, 0]])))[1:]
    assert [text_of(row) for row in rows] == [
        "cat 3 of 4 75.0 % ± 21.7",
        "dog 2 of 2 100.0 %",
        "owl no test images –",
    ]
    assert ["width:75.0%" in rows[0], "width:100.0%" in rows[1], "width:0.0%" in rows[2]] == [True] * 3


def test_a_run_is_named_with_its_step(nets: NetRegistry) -> None:
    run = run_of(nets, ANN, 1)
    assert net_words(nets.open(NetRef(run.id))) == f"{run.name} after step 10 of 200"
    assert net_words(nets.open(NetRef())) == "the pretrained Net"


def test_the_pretrained_net_on_other_images_comes_with_a_warning(
    nets: NetRegistry, tiny: Splits, tmp_path: Path
) -> None:
    evaluation = evaluate(new_net(1), tiny.test)
    assert "<b>" not in overall_html(nets.open(NetRef()), evaluation)
    info = DatasetInfo("Drawn images", "drawn", True, "", "")
    nets.source.splits = save(tmp_path / "drawn", tiny.train, tiny.test, info)
    assert "other images are in use" in overall_html(nets.open(NetRef()), evaluation)
    run = run_of(nets, ANN, 1)
    assert "<b>" not in overall_html(nets.open(NetRef(run.id)), evaluation)
    nets.source.splits = few_classes(tmp_path / "few")
    assert "the images in use have others" in overall_html(nets.open(NetRef()), evaluation)


def test_a_run_whose_own_test_forgets_normalize_is_not_left_unexplained(nets: NetRegistry) -> None:
    run = nets.service.start(ANN, replace(CONFIG, mistake="no_normalize"), nets.source.splits)
    come_to(nets, run, 10, new_net(1))
    opened = nets.open(NetRef(run.id))
    assert "forgets Normalize on purpose" in overall_html(opened, nets.evaluation(opened))


# ------------------------------------------------------------------------------------------------- data of other kinds


def test_few_classes_one_without_images_and_names_that_are_html_do_no_harm(nets: NetRegistry, tmp_path: Path) -> None:
    nets.source.splits = splits = few_classes(tmp_path / "few")
    run = run_of(nets, ANN, 4)
    opened = nets.open(NetRef(run.id))
    evaluation = nets.evaluation(opened)
    shown = matrix_of(evaluation)
    assert shown.shape == (4, 4) and shown.sum() == 15
    assert shown[3].tolist() == [0] * 4
    matrix = matrix_html(evaluation)
    assert {cell["data-truth"] for cell, _ in buttons_in(matrix)} == set(EVIL)  # as a browser reads them
    reading, batch = reading_html(evaluation), batch_html(splits.test, evaluation, [0, 1, 2, 14])
    assert "There are no test images of it's, so that row is all zeros" in text_of(reading)
    assert "4 classes: the other outputs are left out" in text_of(batch)
    state = JudgeState(tested=opened.ref, data=fingerprint(splits))
    pages = [images_page(nets, replace(state, question=Question(truth, "", "any"))) for truth in EVIL]
    found = [page.heading + page.grid for page in pages]
    for markup in (matrix, reading, batch, classes_html(evaluation), *found):
        assert "a&b" not in markup and '"q"' not in markup
    assert sum(int(re.findall(r"<b>(\d+) image", page.heading)[0]) for page in pages[:3]) == 15
    assert "No test image is like that" in pages[3].heading
    assert batch.count('<th scope="row">') == 4


def test_a_net_of_nothing_but_nan_is_known_as_such(nets: NetRegistry) -> None:
    net = new_net(1)
    net.conv1.weight.data.fill_(float("nan"))
    run = run_of(nets, ANN, 1)
    come_to(nets, run, 20, net)
    opened = nets.open(NetRef(run.id))
    evaluation = nets.evaluation(opened)
    assert not evaluation.finite
    # what is shown of it, should it ever be, are numbers and no error
    assert matrix_of(evaluation).sum() == 120
    assert images_page(nets, JudgeState(tested=opened.ref, data=fingerprint(opened.splits))).number == 1
