"""Classifying one image: ten probabilities, by the same path as in training."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.errors import ImageError, WeightsError
from cifar_core.evaluate import evaluate
from cifar_core.net import Net, new_net
from cifar_core.predict import predict
from cifar_core.prediction import ClassScore, Prediction
from tests.helpers import tutorial


def test_the_logits_are_those_of_the_tutorials_transforms_and_net(trained: Net, tiny: Splits) -> None:
    net = tutorial.Net()
    net.load_state_dict(trained.state_dict())
    for image in tiny.test.images[:5]:
        with torch.no_grad():
            expected = net(tutorial.transform(Image.fromarray(image))[None])[0].tolist()
        assert [score.logit for score in predict(trained, image, CLASSES).scores] == expected


def test_the_prediction_is_that_of_an_evaluation_of_the_same_image(trained: Net, tiny: Splits) -> None:
    predictions = evaluate(trained, tiny.test).predictions
    best = [predict(trained, image, CLASSES).best.name for image in tiny.test.images]
    assert best == [CLASSES[prediction] for prediction in predictions]


def test_the_probabilities_are_the_softmax_and_add_up_to_one(trained: Net, tiny: Splits) -> None:
    scores = predict(trained, tiny.test.images[0], CLASSES).scores
    assert [score.name for score in scores] == list(CLASSES)
    assert sum(score.probability for score in scores) == pytest.approx(1, abs=1e-12)
    total = sum(math.exp(score.logit) for score in scores)
    assert [score.probability for score in scores] == pytest.approx([math.exp(s.logit) / total for s in scores])


def test_the_best_is_the_largest_logit_and_the_ranks_fall_from_it(tiny: Splits) -> None:
    prediction = predict(new_net(0), tiny.test.images[0], CLASSES)
    logits = [score.logit for score in prediction.scores]
    assert prediction.best == prediction.scores[int(np.argmax(logits))] == prediction.ranked[0]
    assert [score.logit for score in prediction.ranked] == sorted(logits, reverse=True)
    probabilities = [score.probability for score in prediction.ranked]
    assert probabilities == sorted(probabilities, reverse=True)


def test_of_equal_logits_the_first_class_is_the_best_as_in_argmax() -> None:
    prediction = Prediction((ClassScore("cat", 1.0, 0.4), ClassScore("dog", 1.0, 0.4), ClassScore("owl", 0.0, 0.2)))
    assert prediction.best.name == prediction.ranked[0].name == "cat"


def test_fewer_classes_share_all_of_the_probability(trained: Net, tiny: Splits) -> None:
    prediction = predict(trained, tiny.test.images[0], ("cat", "dog"))
    assert [score.name for score in prediction.scores] == ["cat", "dog"]
    assert sum(score.probability for score in prediction.scores) == pytest.approx(1)


def test_huge_logits_still_give_probabilities(tiny: Splits) -> None:
    net = new_net(0)
    with torch.no_grad():
        net.fc3.bias[4] = 1e30
    best = predict(net, tiny.test.images[0], CLASSES).best
    assert (best.name, best.probability) == ("deer", 1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_the_weights_of_a_diverged_training_cannot_predict(tiny: Splits, bad: float) -> None:
    net = new_net(0)
    with torch.no_grad():
        net.fc3.bias[0] = bad
    with pytest.raises(WeightsError, match="not finite numbers.*smaller learning rate"):
        predict(net, tiny.test.images[0], CLASSES)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((3, 32, 32), np.uint8),
        np.zeros((32, 32), np.uint8),
        np.zeros((1, 32, 32, 3), np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((32, 32, 3), np.float32),
    ],
    ids=lambda image: f"{image.dtype} {image.shape}",
)
def test_another_array_than_a_32x32_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ImageError) as caught:
        predict(new_net(0), image, CLASSES)
    assert str(caught.value) == f"The Net sees images of uint8 (32, 32, 3), not {image.dtype} {image.shape}."
