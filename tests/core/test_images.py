"""What the Net sees of an image, several images in one grid, and PNG."""

import io

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from cifar_core.errors import ImageError
from cifar_core.image_files import read_image
from cifar_core.images import encode_png, image_grid, to_net_input
from tests.helpers.image_making import (
    PHOTO,
    RNG,
)


def test_an_image_of_32x32_reaches_the_net_byte_for_byte() -> None:
    image = RNG.integers(0, 256, (32, 32, 3), np.uint8)
    assert np.array_equal(to_net_input(Image.fromarray(image)), image)
    assert np.array_equal(to_net_input(read_image(encode_png(image))), image)


def test_the_net_sees_the_largest_centred_square() -> None:
    wide = np.zeros((64, 200, 3), np.uint8)
    wide[:, 68:132] = np.linspace(0, 255, 64)[:, None]
    wide[:, :68] = 0
    wide[:, 132:] = 255
    expected = np.linspace(2, 253, 32)[:, None]
    assert np.abs(to_net_input(Image.fromarray(wide)) - expected).max() <= 2
    high = wide.swapaxes(0, 1).copy()
    assert np.abs(to_net_input(Image.fromarray(high)) - expected[:, None]).max() <= 2


def test_fine_stripes_turn_grey_instead_of_into_a_pattern() -> None:
    stripes = np.zeros((320, 320, 3), np.uint8)
    stripes[:, ::2] = 255
    seen = to_net_input(Image.fromarray(stripes)).astype(int)
    assert np.abs(seen - 127).max() <= 6


def test_what_the_net_sees_can_become_a_tensor_and_leaves_the_image_alone() -> None:
    image = Image.fromarray(PHOTO)
    seen = to_net_input(image)
    torch.from_numpy(seen).zero_()
    assert np.array_equal(np.asarray(image), PHOTO)


@pytest.mark.parametrize(
    ("count", "columns", "padding"),
    [(2, 1, 0), (2, 8, 2), (3, 3, 2), (8, 8, 0), (9, 8, 2), (16, 20, 0), (17, 3, 0), (17, 20, 2)],
)
def test_a_grid_equals_torchvisions_grid(count: int, columns: int, padding: int) -> None:
    images = RNG.integers(1, 256, (count, 32, 32, 3), np.uint8)
    grid = torchvision.utils.make_grid(torch.from_numpy(images).permute(0, 3, 1, 2), nrow=columns, padding=padding)
    assert np.array_equal(image_grid(images, columns, padding), grid.permute(1, 2, 0).numpy())


def test_a_grid_of_one_image_is_framed_like_any_other() -> None:
    image = RNG.integers(1, 256, (1, 32, 32, 3), np.uint8)
    framed = image_grid(image, 8, 2)
    assert framed.shape == (36, 36, 3)
    assert np.array_equal(framed[2:34, 2:34], image[0]) and framed.sum() == image.sum()
    assert np.array_equal(image_grid(image, 8), image[0])


@pytest.mark.parametrize(
    ("images", "columns", "padding"),
    [
        (np.zeros((0, 32, 32, 3), np.uint8), 4, 0),
        (np.zeros((4, 32, 32, 3), np.float32), 4, 0),
        (np.zeros((4, 3, 32, 32), np.uint8), 4, 0),
        (np.zeros((32, 32, 3), np.uint8), 4, 0),
        (np.zeros((4, 32, 32, 3), np.uint8), 0, 0),
        (np.zeros((4, 32, 32, 3), np.uint8), 4, -1),
    ],
)
def test_a_grid_of_something_else_is_refused(images: np.ndarray, columns: int, padding: int) -> None:
    with pytest.raises(ImageError, match="A grid"):
        image_grid(images, columns, padding)


def test_a_png_keeps_every_pixel_of_any_array() -> None:
    image = RNG.integers(0, 256, (70, 36, 3), np.uint8)
    for view in (image, image[::2, 5:, ::-1], image.swapaxes(0, 1)):
        data = encode_png(view)
        with Image.open(io.BytesIO(data)) as opened:
            assert opened.format == "PNG" and opened.mode == "RGB"
            assert np.array_equal(np.asarray(opened), view)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3), (2, 4, 4, 3)])
def test_a_png_of_something_else_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="A PNG is made of"):
        encode_png(np.zeros(shape, np.uint8))
    with pytest.raises(ImageError, match="A PNG is made of"):
        encode_png(np.zeros((4, 4, 3)))
