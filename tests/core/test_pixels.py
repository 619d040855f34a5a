"""Pixels to numbers and back: the same bits as torchvision's transforms."""

import numpy as np
import torch
from PIL import Image

from cifar_core.pixels import flip_and_shift, normalize, unnormalize
from tests.helpers import tutorial

RANDOM = torch.Generator().manual_seed(0)
NOISE = torch.randint(0, 256, (20, 32, 32, 3), generator=RANDOM, dtype=torch.uint8)
EVERY_VALUE = torch.arange(1024, dtype=torch.int64).remainder(256).to(torch.uint8).view(1, 32, 32, 1).repeat(1, 1, 1, 3)
"""one image that holds each of the 256 values in each of its three colours"""


def test_normalize_equals_the_tutorials_transforms_bit_for_bit() -> None:
    for images in (NOISE, EVERY_VALUE):
        expected = torch.stack([tutorial.transform(Image.fromarray(image.numpy())) for image in images])
        found = normalize(images)
        assert found.dtype == torch.float32 and found.shape == (len(images), 3, 32, 32)
        assert torch.equal(found, expected)


def test_black_becomes_minus_one_and_white_one() -> None:
    assert set(normalize(torch.zeros(1, 32, 32, 3, dtype=torch.uint8)).flatten().tolist()) == {-1.0}
    assert set(normalize(torch.full((1, 32, 32, 3), 255, dtype=torch.uint8)).flatten().tolist()) == {1.0}


def test_normalize_leaves_the_images_it_is_given_as_they_were() -> None:
    before = NOISE.clone()
    normalize(NOISE)
    assert torch.equal(NOISE, before)


def test_unnormalize_undoes_normalize_for_all_256_values() -> None:
    for images in (NOISE, EVERY_VALUE):
        assert torch.equal(unnormalize(normalize(images)), images)


def test_unnormalize_limits_numbers_past_white_and_black_within_a_byte() -> None:
    images = unnormalize(torch.tensor([-1.5, 1.5]).view(2, 1, 1, 1).expand(2, 3, 32, 32))
    assert set(images[0].flatten().tolist()) == {0} and set(images[1].flatten().tolist()) == {255}


def by_hand(image: np.ndarray, flip: bool, down: int, right: int) -> np.ndarray:
    """Each pixel of a mirrored and moved image, looked up on its own."""
    side = len(image)
    result = np.empty_like(image)
    for row in range(side):
        for column in range(side):
            source_column = side - 1 - column if flip else column
            source = min(max(row + down, 0), side - 1), min(max(source_column + right, 0), side - 1)
            result[row, column] = image[source]
    return result


def test_flip_and_shift_looks_up_every_pixel_as_a_loop_by_hand_does() -> None:
    flips = torch.tensor([False, True] * 5)
    shifts = torch.tensor([(0, 0), (0, 0), (2, 0), (2, 0), (0, -2), (0, -2), (1, 2), (-1, 1), (-2, -2), (-2, 1)])
    found = flip_and_shift(NOISE[:10], flips, shifts)
    for image, moved, flip, (down, right) in zip(NOISE, found, flips.tolist(), shifts.tolist(), strict=False):
        assert np.array_equal(moved.numpy(), by_hand(image.numpy(), flip, down, right)), (flip, down, right)


def test_a_row_of_pixels_mirrored_and_moved_is_what_one_expects() -> None:
    row = torch.tensor([10, 20, 30, 40], dtype=torch.uint8)
    pixels = row.view(1, 1, 4, 1).expand(1, 4, 4, 3)
    one_right = torch.tensor([[0, 1]])
    assert flip_and_shift(pixels, torch.tensor([False]), one_right)[0, 0, :, 0].tolist() == [20, 30, 40, 40]
    assert flip_and_shift(pixels, torch.tensor([True]), one_right)[0, 0, :, 0].tolist() == [40, 40, 30, 20]


def test_neither_flip_nor_shift_changes_nothing() -> None:
    nothing = flip_and_shift(NOISE, torch.zeros(20, dtype=torch.bool), torch.zeros(20, 2, dtype=torch.int64))
    assert torch.equal(nothing, NOISE)
