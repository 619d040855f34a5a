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
def found(half_trained: Net, tiny: Splits) -> Evaluation:
    return evaluate(half_trained, tiny.test)


def test_the_count_of_right_answers_equals_the_tutorials_loop(
    half_trained: Net, found: Evaluation, tiny: Splits
) -> None:
    assert (found.correct, found.total) == tutorial.evaluate(half_trained, tiny.test)
    assert 0 < found.correct < found.total == 120
    assert found.accuracy == found.correct / 120


def test_a_trained_net_is_right_on_the_tiny_set_and_a_new_one_is_not(trained: Net, tiny: Splits) -> None:
    assert evaluate(trained, tiny.test).accuracy > 0.95
    assert evaluate(new_net(0), tiny.test).accuracy < 0.4


def test_each_image_has_the_largest_logits_class_and_its_cross_entropy(
    half_trained: Net, found: Evaluation, tiny: Splits
) -> None:
    with torch.no_grad():
        logits = half_trained(normalize(torch.from_numpy(tiny.test.images)))
    assert found.predictions.tolist() == logits.argmax(1).tolist()
    losses = F.cross_entropy(logits, torch.from_numpy(tiny.test.labels), reduction="none")
    assert found.losses.dtype == np.float32 and np.allclose(found.losses, losses, rtol=1e-4, atol=1e-5)
    assert found.logits.dtype == np.float32 and np.allclose(found.logits, logits, rtol=1e-4, atol=1e-5)
    assert np.array_equal(found.labels, tiny.test.labels) and found.classes == tiny.test.classes


def test_probabilities_are_the_softmax_that_classify_tells(half_trained: Net, found: Evaluation, tiny: Splits) -> None:
    assert found.probabilities.shape == (120, 10) and found.probabilities.dtype == np.float64
    for index in (0, 7, 119):
        answer = predict(half_trained, tiny.test.images[index], tiny.test.classes)
        assert found.probabilities[index] == pytest.approx([score.probability for score in answer.scores], abs=1e-5)
        best, second = answer.ranked[:2]
        assert found.confidence[index] == pytest.approx(best.probability, abs=1e-5)
        assert found.margin[index] == pytest.approx(best.probability - second.probability, abs=1e-5)


def test_confidence_and_margin_of_logits_made_by_hand() -> None:
    # e^logit is 6, 3 and 1 of 10 for the first image; the other stands between two classes
    logits = np.full((2, 10), 5, np.float32)
    logits[:, :3] = np.log([[6, 3, 1], [1, 4, 4]])
    found = Evaluation(logits, np.array([0, 2]), ("cat", "dog", "owl"))
    assert found.predictions.tolist() == [0, 1]  # of equal logits the first
    assert found.confidence == pytest.approx([0.6, 4 / 9]) and found.margin == pytest.approx([0.3, 0], abs=1e-7)
    # the loss of training knows ten outputs, used or not
    unused = 7 * np.exp(5)
    assert found.losses == pytest.approx([-np.log(6 / (10 + unused)), -np.log(4 / (9 + unused))])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_nets_evaluation_says_so_and_still_adds_up(bad: float, tiny: Splits) -> None:
    net = new_net(0)
    assert evaluate(net, tiny.test).finite
    with torch.no_grad():
        net.fc3.weight.fill_(bad)
    found = evaluate(net, tiny.test)
    assert not found.finite
    assert found.confusion.sum() == found.total == 120 and 0 <= found.accuracy <= 1
    for values in (found.losses, found.confidence, found.margin):
        assert values.shape == (120,) and np.isnan(values).all()
    if np.isnan(bad):
        assert set(found.predictions) == {0} and found.correct == 12


def test_outputs_without_a_class_may_be_anything(tiny: Splits) -> None:
    found = Evaluation(np.full((3, 10), (1, 2) + 8 * (np.nan,), np.float32), np.array([0, 1, 1]), ("cat", "dog"))
    assert found.finite and found.correct == 2 and found.confidence == pytest.approx([0.7310586] * 3)


def test_the_confusion_matrix_counts_every_image_once_by_its_class_and_prediction(
    found: Evaluation, tiny: Splits
) -> None:
    expected = np.zeros((10, 10), np.int64)
    for label, prediction in zip(tiny.test.labels, found.predictions, strict=True):
        expected[label, prediction] += 1
    assert np.array_equal(found.confusion, expected)
    assert found.confusion.sum(axis=1).tolist() == tiny.test.counts().tolist() == [12] * 10
    assert found.confusion.sum() == found.total and found.confusion.trace() == found.accuracy * 120


def test_class_accuracy_is_the_share_of_each_class_as_the_tutorial_counts_it(found: Evaluation, tiny: Splits) -> None:
    right = found.predictions == tiny.test.labels
    expected = [right[tiny.test.labels == label].mean() for label in range(10)]
    assert found.class_accuracy() == pytest.approx(expected)
    assert len(set(expected)) > 1


def test_a_class_without_test_images_has_no_accuracy(half_trained: Net, tiny: Splits) -> None:
    some = tiny.test.with_labels(("plane", "cat", "truck"))
    few = ImageSet(tiny.test.images[some], tiny.test.labels[some], tiny.test.classes, "test")
    shares = evaluate(half_trained, few).class_accuracy()
    assert np.isnan(shares).tolist() == [name not in ("plane", "cat", "truck") for name in tiny.test.classes]


def test_with_fewer_classes_the_last_outputs_are_left_out_of_the_answer(tiny: Splits) -> None:
    some = tiny.test.with_labels(("plane", "car", "bird"))
    few = ImageSet(tiny.test.images[some], tiny.test.labels[some], ("cat", "dog", "owl"), "test")
    net = new_net(0)
    with torch.no_grad():
        net.fc3.bias[9] = 100.0
        net.fc3.bias[2] = 50.0
    found = evaluate(net, few)
    assert found.predictions.tolist() == [2] * 36
    assert found.confusion.shape == (3, 3) and found.class_accuracy().tolist() == [0, 0, 1]


def test_an_evaluation_tells_its_way_and_ends_with_what_it_found(
    half_trained: Net, found: Evaluation, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 50)
    *way, last = evaluating(half_trained, tiny.test)
    assert way == [Evaluating(50, 120), Evaluating(100, 120), Evaluating(120, 120)]
    assert isinstance(last, Evaluated)
    assert np.array_equal(last.evaluation.predictions, found.predictions)
    assert np.array_equal(last.evaluation.confusion, found.confusion)


def test_a_test_changes_no_weight(half_trained: Net, tiny: Splits) -> None:
    before = {name: weight.clone() for name, weight in half_trained.state_dict().items()}
    evaluate(half_trained, tiny.test)
    assert all(torch.equal(weight, before[name]) for name, weight in half_trained.state_dict().items())
