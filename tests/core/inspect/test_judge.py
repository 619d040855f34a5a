"""Judging a Net: the error of an accuracy, finding images by what became of them, and how sure an answer is."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.config import CLASSES
from cifar_core.data import Splits, open_splits
from cifar_core.errors import DataError
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.inspect.judge import Proportion, confidence_rank, find_images, overall, per_class
from cifar_core.net import Net, new_net
from cifar_core.predict import predict
from cifar_core.prediction import ClassScore, Prediction
from cifar_core.pretrained import pretrained_net
from tests.helpers.out_of_distribution import out_of_distribution_images

ANIMALS = ("cat", "dog", "owl")
SHARES = ((8, 1, 1), (5, 4.5, 0.5), (1, 6, 3), (2, 7, 1), (1, 9, 0.001), (4, 3, 3), (1, 1, 7), (8, 1, 1))
"""of the three classes' probabilities, for eight images"""


@pytest.fixture
def few() -> Evaluation:
    """Eight images of three classes, whose probabilities are SHARES; mistaken are the images 1, 3, 4 and 7."""
    logits = np.full((8, 10), 9, np.float32)
    logits[:, :3] = np.log(SHARES)
    return Evaluation(logits, np.array([0, 1, 1, 2, 0, 0, 2, 1]), ANIMALS)


@pytest.fixture(scope="module")
def found(tiny: Splits) -> Evaluation:
    """A new Net's: mostly wrong."""
    return evaluate(new_net(1), tiny.test)


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_wilsons(right: int, of: int, low: float, high: float) -> None:
    # the four cases of Newcombe 1998, table I, method 3
    assert Proportion(right, of).interval == pytest.approx((low, high), abs=5e-5)
    assert Proportion(of - right, of).interval == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_the_error_of_an_accuracy_is_the_binomial_one_and_shrinks_with_the_root_of_the_images() -> None:
    assert Proportion(7374, 10_000).standard_error == pytest.approx(math.sqrt(0.7374 * 0.2626) / 100)
    assert Proportion(50, 100).standard_error == pytest.approx(0.05)
    assert Proportion(5000, 10_000).standard_error == pytest.approx(0.005)
    assert Proportion(10, 10).standard_error == 0 and Proportion(10, 10).interval[1] == pytest.approx(1)


def test_of_no_images_nothing_is_known() -> None:
    nothing = Proportion(0, 0)
    assert math.isnan(nothing.fraction) and math.isnan(nothing.standard_error) and nothing.interval == (0, 1)


def test_the_whole_and_the_classes_are_counted_from_the_same_predictions(found: Evaluation, few: Evaluation) -> None:
    assert overall(few) == Proportion(4, 8)
    assert per_class(few) == (Proportion(2, 3), Proportion(1, 3), Proportion(1, 2))
    assert overall(found) == Proportion(found.correct, 120) and overall(found).fraction == found.accuracy
    assert [share.fraction for share in per_class(found)] == found.class_accuracy().tolist()
    assert sum(share.correct for share in per_class(found)) == found.correct


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ({}, [4, 0, 7, 6, 3, 2, 1, 5]),
        ({"order": "stored"}, [0, 1, 2, 3, 4, 5, 6, 7]),
        ({"order": "smallest_margin"}, [1, 5, 2, 3, 6, 0, 7, 4]),
        ({"correct": False}, [4, 7, 3, 1]),
        ({"correct": True}, [0, 6, 2, 5]),
        ({"correct": True, "order": "smallest_margin"}, [5, 2, 6, 0]),
        ({"true": "dog"}, [7, 2, 1]),
        ({"predicted": "cat"}, [0, 7, 1, 5]),
        ({"true": "dog", "predicted": "cat"}, [7, 1]),
        ({"true": "cat", "predicted": "cat"}, [0, 5]),
        ({"true": "cat", "predicted": "owl"}, []),
        ({"true": "dog", "correct": False}, [7, 1]),
        ({"true": "owl", "predicted": "dog", "correct": True}, []),
    ],
)
def test_images_are_found_by_what_became_of_them(few: Evaluation, question: Any, places: list[int]) -> None:
    assert find_images(few, **question).dtype == np.int64
    assert find_images(few, **question).tolist() == places


def test_each_cell_of_the_confusion_matrix_has_its_images(found: Evaluation) -> None:
    seen = []
    for row, true in enumerate(CLASSES):
        for column, predicted in enumerate(CLASSES):
            places = find_images(found, true=true, predicted=predicted)
            assert len(places) == found.confusion[row, column]
            assert (np.diff(found.confidence[places]) <= 0).all()
            seen += places.tolist()
    assert sorted(seen) == list(range(120))


@pytest.mark.parametrize("question", [{"true": "wolf"}, {"predicted": "wolf"}, {"true": 3}, {"predicted": ""}])
def test_a_class_that_is_not_there_is_refused(few: Evaluation, question: Any) -> None:
    with pytest.raises(DataError, match="^There is no class .*; there are cat, dog, owl.$"):
        find_images(few, **question)


def test_an_order_that_is_not_there_is_refused(few: Evaluation) -> None:
    order: Any = "biggest"
    with pytest.raises(
        DataError, match="must be one of stored, most_confident, smallest_margin; 'biggest' is none of them"
    ):
        find_images(few, order=order)


def test_images_of_a_diverged_net_can_still_be_asked_for(tiny: Splits) -> None:
    net = new_net(0)
    with torch.no_grad():
        net.fc3.weight.fill_(np.nan)
    lost = evaluate(net, tiny.test)
    assert len(find_images(lost)) == 120 and len(find_images(lost, order="smallest_margin")) == 120
    assert find_images(lost, true="cat", predicted="plane").tolist() == tiny.test.with_labels(("cat",)).tolist()
    assert overall(lost) == Proportion(12, 120)


def test_how_sure_an_answer_is_is_counted_on_the_test_images(trained: Net, tiny: Splits) -> None:
    found = evaluate(trained, tiny.test)
    rng = np.random.default_rng(0)
    for image in (tiny.test.images[5], tiny.train.images[8], rng.integers(0, 256, (32, 32, 3), np.uint8)):
        answer = predict(trained, image, CLASSES)
        sure = confidence_rank(answer, found)
        higher = sum(max(row) > answer.best.logit for row in found.logits.tolist())
        # the same image alone and among others may differ in the last digit, and so count itself
        assert abs(sure.higher - higher) <= 1
        assert sure.total == 120 and sure.fraction == sure.higher / 120 and sure.score == answer.best.logit


@pytest.mark.parametrize(
    ("score", "higher", "verdict"),
    [(200.0, 0, "typical"), (99.0, 0, "typical"), (98.5, 1, "typical"), (30.5, 69, "typical"), (29.5, 70, "low")]
    + [(5.5, 94, "low"), (4.5, 95, "atypical"), (4.0, 95, "atypical"), (-1.0, 100, "atypical")],
)
def test_the_verdict_follows_from_the_share_of_surer_test_images(score: float, higher: int, verdict: str) -> None:
    logits = np.full((100, 10), 1000, np.float32)  # the outputs without a class play no part
    logits[:, 0], logits[:, 1] = np.arange(100)[::-1], -5
    found = Evaluation(logits, np.zeros(100, np.int64), ("cat", "dog"))
    sure = confidence_rank(Prediction((ClassScore("cat", -2, 0.1), ClassScore("dog", score, 0.9))), found)
    assert (sure.higher, sure.total, sure.verdict) == (higher, 100, verdict)


@pytest.mark.real_data
def test_images_of_none_of_the_ten_are_doubted_more_often_than_test_images(real_folder: Path) -> None:
    net, test = pretrained_net(), open_splits(real_folder, unverified=True).test
    found = evaluate(net, test)
    best = found.logits.max(axis=1)
    own = [
        confidence_rank(Prediction((ClassScore("", score, 1),)), found).verdict
        for score in np.sort(best)[4::10].tolist()
    ]
    assert [own.count(verdict) / len(own) for verdict in ("typical", "low", "atypical")] == pytest.approx(
        [0.70, 0.25, 0.05], abs=0.001
    )
    # and the Net's answers to its own images are the better, the surer it is
    right = (found.predictions == found.labels)[np.argsort(-best)]
    assert right[:7000].mean() > 0.75 > 0.65 > right[7000:9500].mean() > right[9500:].mean()
    others = [
        confidence_rank(predict(net, image, CLASSES), found)
        for images in out_of_distribution_images(40).values()
        for image in images
    ]
    shares = np.array([sure.fraction for sure in others])
    assert shares.mean() > 0.55  # a test image's own mean is a half
    assert np.mean([sure.verdict == "typical" for sure in others]) < 0.65
    assert 0.05 < np.mean([sure.verdict == "atypical" for sure in others]) < 0.5  # no detector: most pass
