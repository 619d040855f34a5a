"""Image files as people see them: upright, transparent parts on white, every kind of colour as 8-bit RGB."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from cifar_core.image_files import read_image
from cifar_core.images import to_net_input
from tests.helpers.image_making import HAS_AVIF, PHOTO, RNG, chunk, image_file, oriented, png

pytestmark = pytest.mark.usefixtures("no_warning")


UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: np.rot90,
    0: lambda stored: stored,
    9: lambda stored: stored,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_an_image_with_an_exif_orientation_stands_upright(orientation: int) -> None:
    assert np.array_equal(np.asarray(read_image(oriented(orientation))), UPRIGHT[orientation](PHOTO))


def test_a_phone_photo_held_upright_is_turned_by_its_exif_orientation_6() -> None:
    stored = np.zeros((240, 320, 3), np.uint8)
    stored[:, :160] = 255  # the stored left is the top
    for format in ("JPEG", "WEBP", "AVIF") if HAS_AVIF else ("JPEG", "WEBP"):
        opened = read_image(oriented(6, stored, format))
        assert opened.size == (240, 320)
        assert np.asarray(opened)[:150].min() > 240 and np.asarray(opened)[170:].max() < 15


def test_exif_in_either_byte_order_turns_the_image() -> None:
    for order, name in (("<", b"II*\0"), (">", b"MM\0*")):
        block = name + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
        assert read_image(image_file(PHOTO, "JPEG", exif=b"Exif\0\0" + block)).size == (48, 64)


def test_a_broken_exif_block_costs_neither_the_image_nor_a_warning() -> None:
    entries = struct.pack("<HHII", 0x010F, 2, 999_999, 5000) + struct.pack("<HHII", 0x011A, 5, 7, 4_000_000)
    blocks = [b"", b"II*\0", b"nonsense", b"II*\0" + b"\xff" * 4, b"II*\0" + struct.pack("<IH", 8, 60_000) + entries]
    for block in blocks:
        for format in ("JPEG", "PNG", "WEBP"):
            assert read_image(image_file(PHOTO, format, exif=b"Exif\0\0" + block)).size == (64, 48)


def test_the_place_and_the_camera_are_left_behind() -> None:
    opened = read_image(oriented(3, format="JPEG"))
    assert opened.info == {} and dict(opened.getexif()) == {}


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(c * a + 255 * (255 - a)) / 255, rounded to the nearest."""
    colour, alpha = colour.astype(int), alpha.astype(int)
    return (2 * (colour * alpha + 255 * (255 - alpha)) + 255) // 510


def test_transparent_colours_are_laid_on_white_exactly() -> None:
    colour, alpha = np.mgrid[0:256, 0:256].astype(np.uint8)
    rgba = np.stack([colour, 255 - colour, np.full_like(colour, 7), alpha], 2)
    expected = on_white(rgba[..., :3], alpha[..., None])
    assert np.array_equal(np.asarray(read_image(image_file(rgba, "PNG"))), expected)
    assert np.array_equal(to_net_input(Image.fromarray(rgba[:32, 100:132])), expected[:32, 100:132])
    # in the last, a colour is hidden under full transparency
    assert np.asarray(read_image(image_file(Image.new("RGBA", (4, 4), (200, 0, 0, 0)), "PNG"))).min() == 255


def test_transparent_grey_is_laid_on_white_exactly() -> None:
    grey, alpha = np.mgrid[0:256, 0:256].astype(np.uint8)
    image = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
    expected = np.repeat(on_white(grey, alpha)[..., None], 3, 2)
    assert np.array_equal(np.asarray(read_image(image_file(image, "PNG"))), expected)


def test_transparent_palette_colours_are_laid_on_white_exactly() -> None:
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(1, 4))
    image = Image.frombytes("P", (4, 1), image.tobytes())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])
    one = image_file(image, "PNG", transparency=1)
    assert np.asarray(read_image(one)).tolist() == [[[255, 0, 0], [255] * 3, [0, 0, 255], [10, 20, 30]]]
    gif = image_file(image, "GIF", transparency=2)
    assert np.asarray(read_image(gif)).tolist() == [[[255, 0, 0], [0, 255, 0], [255] * 3, [10, 20, 30]]]
    several = image_file(image, "PNG", transparency=bytes([255, 51, 0]))
    expected = [[[255, 0, 0], [204, 255, 204], [255] * 3, [10, 20, 30]]]
    assert np.asarray(read_image(several)).tolist() == expected
    image.info["transparency"] = bytes([255, 51, 0])
    assert to_net_input(image.convert("PA")).shape == (32, 32, 3)


def test_one_named_transparent_colour_of_a_png_becomes_white() -> None:
    def tRNS(*values: int) -> bytes:
        return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))

    assert np.asarray(read_image(png(2, 1, 8, 0, b"\0\x05\x06", tRNS(5))))[0, :, 0].tolist() == [255, 6]
    assert np.asarray(read_image(png(2, 1, 8, 2, b"\0\1\2\3\1\2\4", tRNS(1, 2, 3)))).tolist() == [
        [[255] * 3, [1, 2, 4]]
    ]
    assert np.asarray(read_image(png(2, 1, 1, 0, b"\0\x40", tRNS(0))))[0, :, 0].tolist() == [255, 255]
    sixteen = struct.pack(">BHH", 0, 257 * 5, 257 * 6)
    assert np.asarray(read_image(png(2, 1, 16, 0, sixteen, tRNS(257 * 5))))[0, :, 0].tolist() == [255, 6]


def test_16_bit_grey_keeps_all_its_shades_from_black_to_white() -> None:
    values = np.arange(65_536).reshape(256, 256).astype(np.uint16)
    expected = np.rint(values / 257).astype(np.uint8)
    opened = np.asarray(read_image(image_file(values, "PNG")))
    assert np.array_equal(opened, np.repeat(expected[..., None], 3, 2))
    assert (opened[0, 0, 0], opened[128, 0, 0], opened[-1, -1, 0]) == (0, 128, 255)
    # the same as 32-bit integers, as older versions of Pillow opened such files; what is out of range is cut off
    wide, narrow = values[:32, :32].astype(np.int32), expected[:32, :32].copy()
    wide[0, :2], narrow[0, :2] = (-5, 70_000), (0, 255)
    assert np.array_equal(to_net_input(Image.fromarray(wide))[..., 0], narrow)


def test_16_bit_colour_comes_as_8_bit_colour() -> None:
    row = struct.pack(">B6H", 0, 0, 65_535, 257 * 100, 257 * 9, 257 * 8, 257 * 7)
    assert np.asarray(read_image(png(2, 1, 16, 2, row))).tolist() == [[[0, 255, 100], [9, 8, 7]]]


def test_float_grey_counts_from_0_to_255() -> None:
    grey = np.array([[-50, 0, 100, 255, 9000]], np.float32).repeat(32, 0)
    opened = Image.fromarray(grey).crop((0, 0, 5, 5)).resize((32, 32), Image.Resampling.NEAREST)
    assert sorted(set(to_net_input(opened).reshape(-1).tolist())) == [0, 100, 255]


def test_black_and_white_of_one_bit_stays_black_and_white() -> None:
    dots = RNG.random((40, 50)) < 0.5
    for format in ("PNG", "BMP", "GIF"):
        opened = read_image(image_file(Image.fromarray(dots), format))
        assert np.array_equal(np.asarray(opened)[..., 1], dots * np.uint8(255))


@pytest.mark.parametrize("colour", ["red", "green", "blue", "yellow", "white", "black", (120, 200, 40)])
def test_the_colours_of_a_cmyk_jpeg_are_right(colour: str | tuple[int, int, int]) -> None:
    image = Image.new("RGB", (24, 24), colour)
    seen = np.asarray(read_image(image_file(image.convert("CMYK"), "JPEG", quality=95))).astype(int)
    assert np.abs(seen - np.asarray(image)).max() <= 4


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_an_animation_shows_its_first_frame_as_rgb(format: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ((250, 10, 20), (0, 0, 255), (0, 255, 0))]
    options = {"lossless": True} if format == "WEBP" else {}
    data = image_file(frames[0], format, save_all=True, append_images=frames[1:], duration=50, **options)
    opened = read_image(data)
    assert opened.mode == "RGB"
    assert (np.asarray(opened) == (250, 10, 20)).all()


def test_a_photo_of_two_images_in_one_jpeg_shows_the_first() -> None:
    second = Image.new("RGB", (20, 20))
    data = image_file(PHOTO, "MPO", save_all=True, append_images=[second])
    assert read_image(data).size == (64, 48)
