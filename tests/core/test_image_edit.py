"""What each part of an edit does to images made by hand, and that the default edit does nothing."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from cifar_core.errors import ConfigError, ImageError
from cifar_core.image_edit import FIELDS, ImageEdit, ValueRange, apply_edit, channels
from cifar_core.images import to_net_input
from cifar_core.pixels import flip_and_shift

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (32, 32, 3), np.uint8)
"""an image of the Net's own size"""
SMOOTH = np.zeros((32, 32, 3), np.uint8)
SMOOTH[..., 0], SMOOTH[..., 1], SMOOTH[..., 2] = np.arange(32) * 6, np.arange(32)[:, None] * 5 + 40, 90
"""redder to the right, greener downwards"""


def pillow(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels)


def far(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference."""
    return float(np.abs(one.astype(float) - other).max())


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 9), (9, 1), (3, 2), (31, 33), (32, 32), (33, 32), (65, 32), (101, 77), (640, 427), (683, 1024)]
)
def test_no_edit_is_what_is_done_to_every_image(size: tuple[int, int]) -> None:
    image = pillow(RNG.integers(0, 256, (size[1], size[0], 3), np.uint8))
    seen = to_net_input(image)
    assert np.array_equal(apply_edit(image, ImageEdit()), seen)
    assert np.array_equal(np.array(ImageOps.fit(image, (32, 32), Image.Resampling.BICUBIC)), seen)


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "1", "CMYK", "I;16"])
def test_images_of_every_mode_are_edited_as_the_net_sees_them(mode: str) -> None:
    if mode == "I;16":
        image = pillow(RNG.integers(0, 65_536, (50, 40), np.uint16))
    else:
        image = pillow(RNG.integers(0, 256, (50, 40, 4), np.uint8))
        image = image if mode == "RGBA" else image.convert("RGB").convert(mode)
    assert np.array_equal(apply_edit(image, ImageEdit()), to_net_input(image))
    assert apply_edit(image, ImageEdit(crop_size=0.3, rotate=20, blur=1, noise=5)).shape == (32, 32, 3)


def test_a_crop_is_the_square_that_its_box_names() -> None:
    wide = RNG.integers(0, 256, (64, 128, 3), np.uint8)
    for at, left in ((0, 0), (0.25, 16), (0.5, 32), (1, 64)):
        edit = ImageEdit(crop_x=at)
        assert edit.box((128, 64)) == (left, 0, left + 64, 64)
        # at its very edge Pillow also averages what lies beyond it
        alone = to_net_input(pillow(wide[:, left : left + 64]))
        assert np.array_equal(apply_edit(pillow(wide), edit)[:, 2:-2], alone[:, 2:-2])
    for at, top in ((0, 0), (0.5, 16), (1, 32)):
        edit = ImageEdit(crop_size=0.5, crop_x=0.75, crop_y=at)
        assert edit.box((128, 64)) == (72, top, 104, top + 32)
        assert np.array_equal(apply_edit(pillow(wide), edit), wide[top : top + 32, 72:104])


def test_every_crop_lies_within_its_picture() -> None:
    for size in ((1, 1), (1, 7), (7, 3), (333, 100), (640, 427), (1023, 1024)):
        for share in (0.1, 0.37, 0.7, 1):
            for at in (0, 0.01, 0.3, 0.99, 1):
                edit = ImageEdit(crop_size=share, crop_x=at, crop_y=1 - at)
                left, top, right, bottom = edit.box(size)
                assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
                assert apply_edit(Image.new("RGB", size, (9, 99, 199)), edit)[7, 7].tolist() == [9, 99, 199]


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, -1), (-180, 2)])
def test_rotation_turns_clockwise(degrees: float, turns: int) -> None:
    turned = apply_edit(pillow(SMOOTH), ImageEdit(rotate=degrees))
    assert far(turned, np.rot90(SMOOTH, -turns)) <= 3  # rot90 turns the other way


def test_a_small_rotation_moves_little_and_leaves_no_black_corners() -> None:
    plain = np.full((60, 60, 3), 200, np.uint8)
    for degrees in (0.5, 10, 45, 133, -20):
        assert (apply_edit(pillow(plain), ImageEdit(rotate=degrees)) == 200).all()
    assert far(apply_edit(pillow(SMOOTH), ImageEdit(rotate=0.1)), SMOOTH) <= 4
    turned = apply_edit(pillow(SMOOTH), ImageEdit(rotate=30))[12:20, 12:20, 0].astype(int)
    # red grows to the right; turned clockwise it grows downwards too, by tan 30 as much
    right, down = np.diff(turned, axis=1).mean(), np.diff(turned, axis=0).mean()
    assert right == pytest.approx(6 * np.cos(np.pi / 6), abs=0.2) and down == pytest.approx(6 * 0.5, abs=0.2)


@pytest.mark.parametrize("degrees", [20, -30])
def test_a_rotated_picture_is_as_sharp_as_one_drawn_at_that_angle(degrees: float) -> None:
    def stripes(angle: float) -> Image.Image:
        rows, columns = np.mgrid[:256, :256] - 127.5
        waves = np.sin(np.pi / 8 * (columns * np.cos(angle) + rows * np.sin(angle)))  # each two of the 32 pixels long
        return pillow(np.repeat(np.where(waves > 0, 255, 0).astype(np.uint8)[..., None], 3, axis=2))

    turned, drawn = apply_edit(stripes(0), ImageEdit(rotate=degrees)), to_net_input(stripes(np.deg2rad(degrees)))
    inner = slice(6, -6)
    assert np.abs(turned.astype(float) - drawn)[inner, inner].mean() < 4


def test_rotation_turns_about_the_middle_of_the_crop() -> None:
    image = np.zeros((64, 128, 3), np.uint8)
    image[24:40, 88:104] = 255  # in the middle of the right half
    seen = apply_edit(pillow(image), ImageEdit(crop_x=1, rotate=45))
    rows, columns = np.nonzero(seen[..., 0] > 128)
    assert (rows.mean(), columns.mean()) == pytest.approx((15.5, 15.5), abs=0.1)
    # a diamond, higher than the square of 8 rows, and as large
    assert rows.min() == 11 and rows.max() == 20 and len(rows) == pytest.approx(64, abs=6)


def test_blur_spreads_a_point_as_wide_as_it_says_and_keeps_its_light() -> None:
    point = np.zeros((32, 32, 3), np.uint8)
    point[12:20, 16] = 255  # a short line, bright enough to be measured
    for sigma in (1.0, 2.0):
        across = apply_edit(pillow(point), ImageEdit(blur=sigma))[..., 0].sum(axis=0).astype(float)
        assert across.sum() == pytest.approx(8 * 255, rel=0.1)
        places = np.arange(32)
        middle = (across * places).sum() / across.sum()
        assert middle == pytest.approx(16, abs=0.1)
        assert np.sqrt((across * (places - middle) ** 2).sum() / across.sum()) == pytest.approx(sigma, rel=0.15)
    assert (apply_edit(pillow(np.full((32, 32, 3), 77, np.uint8)), ImageEdit(blur=8)) == 77).all()


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (0, 5), (-4, 2), (16, -16), (-16, 16), (1, -9)])
def test_a_shift_moves_right_and_down_and_repeats_the_edge(right: int, down: int) -> None:
    seen = apply_edit(pillow(NOISE), ImageEdit(shift_right=right, shift_down=down))
    where = torch.tensor([[-down, -right]])  # flip_and_shift looks up pixels further down and right
    assert np.array_equal(seen, flip_and_shift(torch.from_numpy(NOISE)[None], torch.tensor([False]), where)[0].numpy())
    if right == 3:
        assert np.array_equal(seen[:, 3:], NOISE[:, :-3]) and np.array_equal(seen[:, 0], NOISE[:, 0])


@pytest.mark.parametrize("factor", [0, 0.25, 0.5, 1, 1.7, 3])
def test_brightness_multiplies_every_value(factor: float) -> None:
    seen = apply_edit(pillow(NOISE), ImageEdit(brightness=factor))
    assert far(seen, (NOISE * float(factor)).clip(0, 255)) <= 1


def test_noise_is_as_strong_as_it_says_and_the_same_every_time() -> None:
    grey = pillow(np.full((32, 32, 3), 128, np.uint8))
    for level in (5.0, 20.0):
        added = apply_edit(grey, ImageEdit(noise=level)).astype(float) - 128
        assert added.std() == pytest.approx(level, rel=0.05) and abs(added.mean()) < level / 20
        assert np.array_equal(apply_edit(grey, ImageEdit(noise=level)), apply_edit(grey, ImageEdit(noise=level)))
    assert added[..., 0].std() > 0 and not np.array_equal(added[..., 0], added[..., 1])
    # values stop at 0 and 255, and do not begin again
    black, white = (apply_edit(Image.new("RGB", (32, 32), name), ImageEdit(noise=20)) for name in ("black", "white"))
    assert 50 < black.max() < 120 and 135 < white.min() < 205


def test_the_parts_are_done_in_their_own_order() -> None:
    both = apply_edit(pillow(NOISE), ImageEdit(shift_right=5, brightness=0.5, blur=2))
    first = apply_edit(pillow(NOISE), ImageEdit(blur=2))
    then = apply_edit(pillow(first), ImageEdit(shift_right=5))
    assert np.array_equal(both, apply_edit(pillow(then), ImageEdit(brightness=0.5)))
    noisy = apply_edit(pillow(NOISE), ImageEdit(brightness=0.0, noise=30))
    assert noisy.std() > 0  # noise is added to the darkened image, not darkened itself


def test_what_is_edited_is_left_as_it_was() -> None:
    image = pillow(NOISE.copy())
    seen = apply_edit(image, ImageEdit(rotate=9, blur=1, shift_right=1, noise=3))
    seen[:] = 0
    assert np.array_equal(np.asarray(image), NOISE)


@pytest.mark.parametrize("name", FIELDS)
def test_every_part_has_bounds_that_are_told(name: str) -> None:
    field = FIELDS[name]
    part: Any
    for part in ({name: field.low}, {name: field.high}):
        assert apply_edit(pillow(NOISE), ImageEdit(**part)).shape == (32, 32, 3)
    for value in (field.low - 1, field.high + 1, float("nan"), "1", None, True):
        part = {name: value}
        with pytest.raises(ConfigError, match=f"^{field.label} must be a (whole )?number from .* to .*; .* is not"):
            ImageEdit(**part)


def test_the_fields_are_the_parts_in_their_order() -> None:
    assert list(FIELDS) == list(ImageEdit.__dataclass_fields__)


def test_a_shift_is_whole_pixels_and_a_sliders_3_0_is_3() -> None:
    part: Any = {"shift_right": 3.0}
    assert ImageEdit(**part) == ImageEdit(shift_right=3) and isinstance(ImageEdit(**part).shift_right, int)
    part = {"shift_down": 0.5}
    with pytest.raises(ConfigError, match="0.5 is not a whole number"):
        ImageEdit(**part)


def test_the_numbers_of_each_channel_before_and_after_normalization() -> None:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:16, :, 0], pixels[..., 1], pixels[0, 0, 2] = 255, 51, 255
    red, green, blue = channels(pixels)
    assert [channel.name for channel in (red, green, blue)] == ["red", "green", "blue"]
    assert (red.stored, red.before, red.after) == (
        ValueRange(0, 127.5, 255),
        ValueRange(0, 0.5, 1),
        ValueRange(-1, 0, 1),
    )
    assert green.stored == ValueRange(51, 51, 51)
    assert astuple(green.before) == pytest.approx([0.2] * 3) and astuple(green.after) == pytest.approx([-0.6] * 3)
    assert blue.stored == ValueRange(0, 255 / 1024, 255) and blue.after.mean == pytest.approx(2 / 1024 - 1)


@pytest.mark.parametrize(
    "pixels", [np.zeros((32, 32), np.uint8), np.zeros((3, 32, 32), np.uint8), np.zeros((32, 32, 3))]
)
def test_numbers_of_anything_but_what_the_net_sees_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match="uint8 .32, 32, 3., not"):
        channels(pixels)
