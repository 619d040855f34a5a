"""The sums know every pixel, label and weight."""

from pathlib import Path

import numpy as np
import torch

from cifar_core.config import CLASSES
from cifar_core.data import ImageSet, Splits
from cifar_core.data.image_set import save
from cifar_core.net import new_net
from cifar_core.teach.digest import data_facts, weights_sha256


def test_the_sum_of_the_data_knows_every_pixel_and_every_label(small: Splits, tmp_path: Path) -> None:
    def copy(name: str, images: np.ndarray, labels: np.ndarray) -> str:
        train = ImageSet(images, labels, CLASSES, "train")
        return data_facts(save(tmp_path / name, train, small.test, small.info)).sha256

    images, labels = small.train.images.copy(), small.train.labels.copy()
    same = copy("same", images, labels)
    assert same == data_facts(small).sha256
    images[50, 3, 4, 1] ^= 1
    assert copy("pixel", images, labels) != same
    images[50, 3, 4, 1] ^= 1
    labels[[0, 1]] = (labels[0] + 1) % 10, labels[0]
    assert copy("labels", images, labels) != same
    assert copy("same", small.train.images[::-1].copy(), small.train.labels) != same, "new data in the same folder"


def test_the_sum_of_the_weights_knows_names_shapes_and_every_bit() -> None:
    weights = new_net(3).state_dict()
    same = weights_sha256(weights)
    assert weights_sha256(new_net(3).state_dict()) == same != weights_sha256(new_net(4).state_dict())
    flipped = {name: tensor.clone() for name, tensor in weights.items()}
    flipped["fc3.bias"][9] = torch.nextafter(flipped["fc3.bias"][9], torch.tensor(9.0))
    assert weights_sha256(flipped) != same
    assert weights_sha256({("a" if name == "fc3.bias" else name): tensor for name, tensor in weights.items()}) != same
    assert weights_sha256(weights | {"conv1.weight": weights["conv1.weight"].reshape(6, 3, 25)}) != same
