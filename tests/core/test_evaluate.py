"""Testing a Net: the tutorial's count, and per class, per image and as a confusion matrix; how sure it is of each."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cifar_core import evaluate as module
from cifar_core.data import ImageSet, Splits
from cifar_core.evaluate import Evaluated, Evaluating, Evaluation, evaluate, evaluating
from cifar_core.net import Net, new_net
from cifar_core.pixels import normalize
from cifar_core.predict import predict
from tests.helpers import tutorial


@pytest.fixture(scope="module")
def half_trained(tiny: Splits) -> Net:
    """Right on some images and wrong on others."""
    net = new_net(3)
    order = list(range(400))
    tutorial.train(net, tiny.train, [order] * 3, lr=0.002)
    return net


@pytest.fixture(scope="module")
def evaluation(half_trained: Net, tiny: Splits) -> Evaluation:
    return evaluate(half_trained, tiny.test)


def test_the_count_of_right_predictions_equals_the_tutorials_loop(
    half_trained: Net, evaluation: Evaluation, tiny: Splits
) -> None:
    assert (evaluation.correct, evaluation.total) == tutorial.evaluate(half_trained, tiny.test)
    assert 0 < evaluation.correct < evaluation.total == 120
    assert evaluation.accuracy == evaluation.correct / 120


def test_a_trained_net_is_right_on_the_tiny_set_and_a_new_one_is_not(trained: Net, tiny: Splits) -> None:
    assert evaluate(trained, tiny.test).accuracy > 0.95
    assert evaluate(new_net(0), tiny.test).accuracy < 0.4


def test_each_image_has_the_largest_logits_class_and_its_cross_entropy(
    half_trained: Net, evaluation: Evaluation, tiny: Splits
) -> None:
    with torch.no_grad():
        logits = half_trained(normalize(torch.from_numpy(tiny.test.images)))
    assert evaluation.predictions.tolist() == logits.argmax(1).tolist()
    losses = F.cross_entropy(logits, torch.from_numpy(tiny.test.labels), reduction="none")
    assert evaluation.losses.dtype == np.float32 and np.allclose(evaluation.losses, losses, rtol=1e-4, atol=1e-5)
    assert evaluation.logits.dtype == np.float32 and np.allclose(evaluation.logits, logits, rtol=1e-4, atol=1e-5)
    assert np.array_equal(evaluation.labels, tiny.test.labels) and evaluation.classes == tiny.test.classes


def test_probabilities_are_the_softmax_that_predict_gives(
    half_trained: Net, evaluation: Evaluation, tiny: Splits
) -> None:
    assert evaluation.probabilities.shape == (120, 10) and evaluation.probabilities.dtype == np.float64
    for index in (0, 7, 119):
        prediction = predict(half_trained, tiny.test.images[index], tiny.test.classes)
        assert evaluation.probabilities[index] == pytest.approx(
            [score.probability for score in prediction.scores], abs=1e-5
        )
        best, second = prediction.ranked[:2]
        assert evaluation.confidence[index] == pytest.approx(best.probability, abs=1e-5)
        assert evaluation.margin[index] == pytest.approx(best.probability - second.probability, abs=1e-5)


def test_confidence_and_margin_of_logits_made_by_hand() -> None:
    # e^logit is 6, 3 and 1 of 10 for the first image; the other stands between two classes
    logits = np.full((2, 10), 5, np.float32)
    logits[:, :3] = np.log([[6, 3, 1], [1, 4, 4]])
    evaluation = Evaluation(logits, np.array([0, 2]), ("cat", "dog", "owl"))
    assert evaluation.predictions.tolist() == [0, 1]  # of equal logits the first
    assert evaluation.confidence == pytest.approx([0.6, 4 / 9]) and evaluation.margin == pytest.approx(
        [0.3, 0], abs=1e-7
    )
    # the loss of training knows ten outputs, used or not
    unused = 7 * np.exp(5)
    assert evaluation.losses == pytest.approx([-np.log(6 / (10 + unused)), -np.log(4 / (9 + unused))])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_nets_evaluation_shows_it_and_still_adds_up(bad: float, tiny: Splits) -> None:
    net = new_net(0)
    assert evaluate(net, tiny.test).finite
    with torch.no_grad():
        net.fc3.weight.fill_(bad)
    evaluation = evaluate(net, tiny.test)
    assert not evaluation.finite
    assert evaluation.confusion.sum() == evaluation.total == 120 and 0 <= evaluation.accuracy <= 1
    for values in (evaluation.losses, evaluation.confidence, evaluation.margin):
        assert values.shape == (120,) and np.isnan(values).all()
    if np.isnan(bad):
        assert set(evaluation.predictions) == {0} and evaluation.correct == 12


def test_outputs_without_a_class_may_be_anything(tiny: Splits) -> None:
    evaluation = Evaluation(np.full((3, 10), (1, 2) + 8 * (np.nan,), np.float32), np.array([0, 1, 1]), ("cat", "dog"))
    assert evaluation.finite and evaluation.correct == 2 and evaluation.confidence == pytest.approx([0.7310586] * 3)


def test_the_confusion_matrix_counts_every_image_once_by_its_class_and_prediction(
    evaluation: Evaluation, tiny: Splits
) -> None:
    expected = np.zeros((10, 10), np.int64)
    for label, prediction in zip(tiny.test.labels, evaluation.predictions, strict=True):
        expected[label, prediction] += 1
    assert np.array_equal(evaluation.confusion, expected)
    assert evaluation.confusion.sum(axis=1).tolist() == tiny.test.counts().tolist() == [12] * 10
    assert evaluation.confusion.sum() == evaluation.total and evaluation.confusion.trace() == evaluation.accuracy * 120


def test_class_accuracy_is_the_share_of_each_class_as_the_tutorial_counts_it(
    evaluation: Evaluation, tiny: Splits
) -> None:
    right = evaluation.predictions == tiny.test.labels
    expected = [right[tiny.test.labels == label].mean() for label in range(10)]
    assert evaluation.class_accuracy() == pytest.approx(expected)
    assert len(set(expected)) > 1


def test_a_class_without_test_images_has_no_accuracy(half_trained: Net, tiny: Splits) -> None:
    some = tiny.test.with_labels(("plane", "cat", "truck"))
    few = ImageSet(tiny.test.images[some], tiny.test.labels[some], tiny.test.classes, "test")
    shares = evaluate(half_trained, few).class_accuracy()
    assert np.isnan(shares).tolist() == [name not in ("plane", "cat", "truck") for name in tiny.test.classes]


def test_with_fewer_classes_the_last_outputs_are_left_out_of_the_prediction(tiny: Splits) -> None:
    some = tiny.test.with_labels(("plane", "car", "bird"))
    few = ImageSet(tiny.test.images[some], tiny.test.labels[some], ("cat", "dog", "owl"), "test")
    net = new_net(0)
    with torch.no_grad():
        net.fc3.bias[9] = 100.0
        net.fc3.bias[2] = 50.0
    evaluation = evaluate(net, few)
    assert evaluation.predictions.tolist() == [2] * 36
    assert evaluation.confusion.shape == (3, 3) and evaluation.class_accuracy().tolist() == [0, 0, 1]


def test_an_evaluation_reports_progress_and_ends_with_its_result(
    half_trained: Net, evaluation: Evaluation, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 50)
    *way, last = evaluating(half_trained, tiny.test)
    assert way == [Evaluating(50, 120), Evaluating(100, 120), Evaluating(120, 120)]
    assert isinstance(last, Evaluated)
    assert np.array_equal(last.evaluation.predictions, evaluation.predictions)
    assert np.array_equal(last.evaluation.confusion, evaluation.confusion)


def test_a_test_changes_no_weight(half_trained: Net, tiny: Splits) -> None:
    before = {name: weight.clone() for name, weight in half_trained.state_dict().items()}
    evaluate(half_trained, tiny.test)
    assert all(torch.equal(weight, before[name]) for name, weight in half_trained.state_dict().items())
