"""Neighbours: the 84 numbers before the last layer, and which images lie nearest."""

import numpy as np
import pytest
import torch

from cifar_core.data import Splits
from cifar_core.inspect import neighbours as module
from cifar_core.inspect.neighbours import ExtractedFeatures, ExtractingFeatures, features, nearest
from cifar_core.inspect.stages import inspect_image
from cifar_core.net import Net, new_net


def all_features(net: Net, splits: Splits) -> np.ndarray:
    *_, last = features(net, splits.test)
    assert isinstance(last, ExtractedFeatures)
    return last.features


def test_the_features_are_what_the_last_layer_is_given(trained: Net, tiny: Splits) -> None:
    found = all_features(trained, tiny)
    assert found.dtype == np.float32 and found.shape == (120, 84) and found.min() == 0 < found.max()
    for index in (0, 1, 119):
        expected = inspect_image(trained, tiny.test.images[index]).stage("fc2").values
        assert np.allclose(found[index], expected, rtol=1e-4, atol=1e-5)


def test_an_extraction_tells_its_way_and_ends_with_the_features(
    trained: Net, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = all_features(trained, tiny)
    monkeypatch.setattr(module, "BATCH", 50)
    *way, last = features(trained, tiny.test)
    assert way == [ExtractingFeatures(50, 120), ExtractingFeatures(100, 120), ExtractingFeatures(120, 120)]
    assert isinstance(last, ExtractedFeatures) and np.allclose(last.features, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_net_is_left_as_it_was(tiny: Splits, training: bool) -> None:
    net = new_net(0).train(training)
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    all_features(net, tiny)
    assert net.training is training and isinstance(net.fc3, torch.nn.Linear)
    assert all(weight.grad is None for weight in net.parameters())
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())


def test_a_net_that_trains_on_meanwhile_does_not_mix_in(
    trained: Net, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 50)
    expected, net = all_features(trained, tiny), new_net(0)
    net.load_state_dict(trained.state_dict())
    way = features(net, tiny.test)
    next(way)
    with torch.no_grad():
        net.fc2.weight.zero_()
    *_, last = way
    assert isinstance(last, ExtractedFeatures) and np.array_equal(last.features, expected)


def test_images_of_a_class_lie_near_each_other_for_a_net_that_knows_it(trained: Net, tiny: Splits) -> None:
    found = all_features(trained, tiny)
    same = [tiny.test.labels[nearest(found, vector, 2).indices[1]] for vector in found]
    assert np.mean(same == tiny.test.labels) > 0.9


def test_the_nearest_are_those_of_a_search_one_by_one() -> None:
    random = np.random.default_rng(0)
    vectors, vector = random.normal(size=(300, 84)).astype(np.float32), random.normal(size=84).astype(np.float32)
    distances = [float(np.linalg.norm(row.astype(np.float64) - vector)) for row in vectors]
    expected = sorted(range(300), key=distances.__getitem__)[:7]
    found = nearest(vectors, vector, 7)
    assert found.indices.tolist() == expected and found.indices.dtype == np.int64
    assert found.distances == pytest.approx([distances[index] for index in expected], rel=1e-5)


def test_five_are_given_unless_told_otherwise_and_never_more_than_there_are() -> None:
    vectors = np.arange(9, dtype=np.float32)[:, None]
    assert nearest(vectors, np.zeros(1, np.float32)).indices.tolist() == [0, 1, 2, 3, 4]
    assert nearest(vectors[:3], np.zeros(1, np.float32)).indices.tolist() == [0, 1, 2]


def test_an_image_itself_is_at_distance_0_however_large_its_numbers_are() -> None:
    vectors = (1e6 + np.random.default_rng(0).random((50, 84))).astype(np.float32)
    found = nearest(vectors, vectors[17], 1)
    assert (found.indices.tolist(), found.distances.tolist()) == ([17], [0.0])


def test_of_equally_near_ones_the_first_comes_first() -> None:
    vectors = np.tile(np.array([[3.0, 4.0], [0.0, 5.0], [1.0, 0.0]], np.float32), (40, 1))
    found = nearest(vectors, np.zeros(2, np.float32), 45)
    assert found.indices.tolist() == [*range(2, 120, 3), 0, 1, 3, 4, 6]
    assert found.distances.tolist() == [1.0] * 40 + [5.0] * 5


def test_rows_that_are_no_numbers_are_nobodys_neighbours() -> None:
    vectors = np.arange(6, dtype=np.float32)[:, None].repeat(3, axis=1)
    vectors[1, 2], vectors[2, 0], vectors[3, 1] = np.nan, -np.inf, np.inf
    assert nearest(vectors, np.zeros(3, np.float32)).indices.tolist() == [0, 4, 5]
    for bad in (np.nan, np.inf):
        found = nearest(vectors, np.array([0, bad, 0], np.float32))
        assert found.indices.tolist() == found.distances.tolist() == []


def test_weights_that_are_no_numbers_give_features_that_are_none(tiny: Splits) -> None:
    net = new_net(0)
    with torch.no_grad():
        net.fc1.weight.fill_(np.nan)
    assert np.isnan(all_features(net, tiny)).all()
