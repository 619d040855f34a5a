"""Pictures of every kind a person may bring, all made here: read_picture, to_net_input, sheet and encode_png."""

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image, ImageFile, features

from cifar_core import images as pictures
from cifar_core.errors import ImageError
from cifar_core.images import encode_png, image_grid, read_image, to_net_input

HAS_AVIF = "avif" in features.modules and features.check("avif")
RNG = np.random.default_rng(0)
PHOTO = np.full((48, 64, 3), (0, 90, 30), np.uint8)
PHOTO[..., 0] = np.add.outer(np.arange(48) * 2, np.arange(64))
"""a smooth picture, 64 wide and 48 high, that JPEG keeps almost exactly"""


def picture_file(image: Image.Image | np.ndarray, format: str, **options: object) -> bytes:
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, depth: int, kind: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG written by hand; kind 0 is grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows, 1))
        + chunk(b"IEND", b"")
    )


def bomb() -> bytes:
    """13000 x 13000 pixels of one bit: a sound PNG of about 100 KB, half a gigabyte as RGB."""
    return png(13_000, 13_000, 1, 0, bytes(13_000 * (1 + 13_000 // 8)))


def oriented(orientation: int, image: np.ndarray = PHOTO, format: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = orientation
    return picture_file(image, format, exif=exif)


def compressed_bmp(width: int, body: bytes) -> bytes:
    start = 14 + 40 + 1024
    header = struct.pack("<IHHI", start + len(body), 0, 0, start)
    return (
        b"BM"
        + header
        + struct.pack("<IiiHHIIiiII", 40, width, 1, 1, 8, 1, len(body), 0, 0, 256, 0)
        + bytes(1024)
        + body
    )


def ftyp(*brands: bytes) -> bytes:
    return struct.pack(">I", 12 + 4 * len(brands)) + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:]) + bytes(300)


def error_of(source: Path | str | bytes) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(source)
    return str(caught.value)


@pytest.fixture(autouse=True)
def no_warning(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """Whatever a test reads, nothing may reach the server's log."""
    yield
    assert [str(warning.message) for warning in recwarn] == []


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The formats whose pixels were decoded, in order."""
    formats: list[str] = []
    load = ImageFile.ImageFile.load

    def observed(self: ImageFile.ImageFile) -> object:
        formats.append(str(self.format))
        return load(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load", observed)
    return formats


GOOD: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: picture_file(PHOTO, "PNG"),
    "JPEG": lambda: picture_file(PHOTO, "JPEG", quality=95),
    "progressive JPEG": lambda: picture_file(PHOTO, "JPEG", quality=95, progressive=True),
    "CMYK JPEG": lambda: picture_file(Image.fromarray(PHOTO).convert("CMYK"), "JPEG", quality=95),
    "WebP": lambda: picture_file(PHOTO, "WEBP", quality=95),
    "lossless WebP": lambda: picture_file(PHOTO, "WEBP", lossless=True),
    "GIF": lambda: picture_file(PHOTO, "GIF"),
    "BMP": lambda: picture_file(PHOTO, "BMP"),
    "palette PNG": lambda: picture_file(Image.fromarray(PHOTO).quantize(256), "PNG"),
    "opaque RGBA PNG": lambda: picture_file(Image.fromarray(PHOTO).convert("RGBA"), "PNG"),
}
if HAS_AVIF:
    GOOD["AVIF"] = lambda: picture_file(PHOTO, "AVIF", quality=95, speed=10)


@pytest.mark.parametrize("kind", GOOD)
def test_every_kind_of_picture_comes_as_plain_rgb_in_its_own_colours(kind: str) -> None:
    picture = read_image(GOOD[kind]())
    assert type(picture) is Image.Image and picture.mode == "RGB" and picture.size == (64, 48)
    assert np.abs(np.asarray(picture).astype(int) - PHOTO).max() <= 12


@pytest.mark.parametrize("kind", ["PNG", "BMP", "lossless WebP", "opaque RGBA PNG"])
def test_a_lossless_picture_keeps_every_pixel(kind: str) -> None:
    assert np.array_equal(np.asarray(read_image(GOOD[kind]())), PHOTO)


@pytest.mark.parametrize("name", ["x.png", "x.txt", "x", "evil name <b>x&.png", "x.svg", "x.tiff"])
def test_the_name_of_a_file_means_nothing_and_bytes_path_and_text_are_alike(tmp_path: Path, name: str) -> None:
    data = GOOD["GIF"]()
    path = tmp_path / name
    path.write_bytes(data)
    expected = read_image(data).tobytes()
    assert read_image(path).tobytes() == read_image(str(path)).tobytes() == expected


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (bytes, "empty"),
    "text": (lambda: b"Dear teacher, here is my picture.\n" * 9, "no picture"),
    "web page": (lambda: b"<!doctype html><html><body>Not found</body></html>", "no picture"),
    "zeros": (lambda: bytes(5000), "no picture"),
    "PDF": (lambda: b"%PDF-1.7\n" + bytes(100), "no picture"),
    "film": (lambda: ftyp(b"isom", b"iso2", b"mp41"), "no picture"),
    "HEIC": (lambda: ftyp(b"heic", b"mif1", b"heic"), "a HEIC photo"),
    "HEIC as mif1": (lambda: ftyp(b"mif1", b"mif1", b"heic"), "a HEIC photo"),
    "SVG": (lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "bare SVG": (lambda: b'\n <svg width="9"></svg>', "an SVG drawing"),
    "TIFF": (lambda: picture_file(PHOTO, "TIFF"), "a TIFF picture"),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
    "random bytes after a PNG signature": (lambda: b"\x89PNG\r\n\x1a\n" + RNG.bytes(500), "damaged"),
    "a PNG without pixels": (lambda: GOOD["PNG"]()[:33], "damaged"),
    "a PNG with a changed byte": (lambda: GOOD["PNG"]().replace(b"IDATx", b"IDATy"), "damaged"),
    "a PNG of no size": (lambda: png(0, 5, 8, 0, b""), "damaged"),
    "the start of a BMP": (lambda: b"BMW is a car", "damaged"),
    "an AVIF header alone": (lambda: ftyp(b"avif", b"mif1", b"avif"), "damaged" if HAS_AVIF else "an AVIF picture"),
    "10 MB and a byte": (lambda: GOOD["PNG"]().ljust(10_000_001, b"\0"), "larger than 10 MB"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_sound_picture_is_refused_in_one_plain_sentence(tmp_path: Path, kind: str) -> None:
    make, words = REFUSED[kind]
    path = tmp_path / "my secret name.png"
    path.write_bytes(make())
    sentence = error_of(path)
    assert words in sentence
    assert error_of(path.read_bytes()) == sentence
    # one sentence that says what to do, without the file's name or a word of Pillow's
    assert sentence.endswith(".") and sentence.count(". ") == 0 and "; " in sentence
    assert not any(word in sentence for word in ("secret", str(tmp_path), "BytesIO", "image file", "Error"))


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_a_broken_download_is_refused_not_shown_half_grey(kind: str, share: float) -> None:
    data = GOOD[kind]()
    assert "damaged or incomplete" in error_of(data[: int(len(data) * share)])


def test_a_path_without_a_picture_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    sources: list[Path | str] = [
        tmp_path,
        tmp_path / "none.png",
        tmp_path / "pipe",
        "",
        "data:image/png;base64,iVBORw0KGgo",
        "a\0b",
    ]
    for source in sources:
        assert error_of(source) == "There is no such picture file; choose a picture again."
    assert error_of("x" * 5000) == "This file could not be opened; choose it again, or another one."


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/a/path")

    path = tmp_path / "x.png"
    path.write_bytes(GOOD["PNG"]())
    monkeypatch.setattr(pictures, "open", forbidden, raising=False)
    assert error_of(path) == "This file could not be opened; choose it again, or another one."


def test_a_huge_png_is_refused_from_its_header_before_any_pixel_is_decoded(decoded: list[str]) -> None:
    data = bomb()
    assert len(data) < 200_000
    assert "13,000 x 13,000 pixels" in error_of(data)
    assert decoded == []
    read_image(GOOD["PNG"]())
    assert decoded[0] == "PNG"  # the observer does see decoding


def huge_jpeg() -> bytes:
    data = GOOD["JPEG"]()
    size = struct.pack(">HH", 48, 64)
    return data.replace(b"\x08" + size, b"\x08" + struct.pack(">HH", 20_000, 20_000), 1)


def huge_webp() -> bytes:
    frames = [Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64), "white")]
    data = picture_file(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    start = data.index(b"VP8X") + 12
    return data[:start] + b"\xff\x3f\0" * 2 + data[start + 6 :]


HUGE: dict[str, Callable[[], bytes]] = {
    "grey PNG": lambda: png(13_000, 13_000, 8, 0, b""),
    "PNG over Pillow's own limit": lambda: png(20_000, 20_000, 8, 0, b""),
    "PNG of the largest numbers": lambda: png(2**31 - 1, 2**31 - 1, 8, 0, b""),
    "PNG of one pixel too many": lambda: png(25_000_001 // 3, 3 + 1, 8, 0, b""),
    "GIF": lambda: GOOD["GIF"]().replace(struct.pack("<HH", 64, 48), struct.pack("<HH", 65_535, 65_535), 1),
    "BMP": lambda: GOOD["BMP"]().replace(struct.pack("<ii", 64, 48), struct.pack("<ii", 30_000, 30_000), 1),
    "JPEG": huge_jpeg,
    "WebP": huge_webp,
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_huge_size_in_any_format_is_refused_before_decoding(kind: str, decoded: list[str]) -> None:
    assert "choose a smaller copy" in error_of(HUGE[kind]())
    assert decoded == []


def test_a_compressed_bmp_that_would_fill_the_memory_is_refused(decoded: list[str]) -> None:
    # one kilobyte: "go 255 rows up" in a picture 20,000,000 pixels wide, for which Pillow reserves 5 GB
    assert "a side" in error_of(compressed_bmp(20_000_000, b"\0\2\0\xff\0\1"))
    assert decoded == []
    assert read_image(compressed_bmp(64, b"\x40\7\0\1")).size == (64, 1)


def test_a_jpeg_of_endless_scans_or_exif_blocks_is_refused(decoded: list[str]) -> None:
    data = GOOD["progressive JPEG"]()
    scan = data[data.rindex(b"\xff\xda") : -2]
    block = b"\xff\xe1" + struct.pack(">H", 12) + b"Exif\0\0" + b"more"
    assert "very long to read" in error_of(data[:-2] + scan * 300 + data[-2:])
    assert "very long to read" in error_of(data[:2] + block * 300 + data[2:])
    assert decoded == []


def test_25_million_pixels_are_still_read_and_shrunk_to_1024() -> None:
    assert read_image(png(5000, 5000, 1, 0, bytes(5000 * 626))).size == (1024, 1024)


def test_a_phone_photo_is_decoded_small_and_keeps_its_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded_sizes = []
    load = ImageFile.ImageFile.load

    def observed(self: ImageFile.ImageFile) -> object:
        decoded_sizes.append(self.size)
        return load(self)

    data = picture_file(np.asarray(Image.fromarray(PHOTO).resize((4000, 3000))), "JPEG")
    monkeypatch.setattr(ImageFile.ImageFile, "load", observed)
    picture = read_image(data)
    assert decoded_sizes[0] == (2000, 1500)
    assert picture.size == (1024, 768)
    small = np.asarray(picture.resize((64, 48))).astype(int)
    assert np.abs(small - PHOTO).max() <= 6


@pytest.mark.parametrize("size", [(1, 1), (5000, 1), (1, 5000), (1023, 2), (1025, 1024), (65_535, 3)])
def test_extreme_shapes_are_read_and_seen_by_the_net(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (10, 200, 90))
    for picture in (read_image(picture_file(image, "PNG")), image):
        seen = to_net_input(picture)
        assert seen.shape == (32, 32, 3) and seen.dtype == np.uint8
        assert (seen == (10, 200, 90)).all()
    assert max(read_image(picture_file(image, "PNG")).size) <= 1024


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
def test_a_picture_with_an_exif_orientation_stands_upright(orientation: int) -> None:
    assert np.array_equal(np.asarray(read_image(oriented(orientation))), UPRIGHT[orientation](PHOTO))


def test_a_phone_photo_held_upright_is_turned_by_its_exif_orientation_6() -> None:
    stored = np.zeros((240, 320, 3), np.uint8)
    stored[:, :160] = 255  # the stored left is the top
    for format in ("JPEG", "WEBP", "AVIF") if HAS_AVIF else ("JPEG", "WEBP"):
        picture = read_image(oriented(6, stored, format))
        assert picture.size == (240, 320)
        assert np.asarray(picture)[:150].min() > 240 and np.asarray(picture)[170:].max() < 15


def test_exif_in_either_byte_order_turns_the_picture() -> None:
    for order, name in (("<", b"II*\0"), (">", b"MM\0*")):
        block = name + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
        assert read_image(picture_file(PHOTO, "JPEG", exif=b"Exif\0\0" + block)).size == (48, 64)


def test_a_broken_exif_block_costs_neither_the_picture_nor_a_warning() -> None:
    entries = struct.pack("<HHII", 0x010F, 2, 999_999, 5000) + struct.pack("<HHII", 0x011A, 5, 7, 4_000_000)
    blocks = [b"", b"II*\0", b"nonsense", b"II*\0" + b"\xff" * 4, b"II*\0" + struct.pack("<IH", 8, 60_000) + entries]
    for block in blocks:
        for format in ("JPEG", "PNG", "WEBP"):
            assert read_image(picture_file(PHOTO, format, exif=b"Exif\0\0" + block)).size == (64, 48)


def test_the_place_and_the_camera_are_left_behind() -> None:
    picture = read_image(oriented(3, format="JPEG"))
    assert picture.info == {} and dict(picture.getexif()) == {}


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(c * a + 255 * (255 - a)) / 255, rounded to the nearest."""
    colour, alpha = colour.astype(int), alpha.astype(int)
    return (2 * (colour * alpha + 255 * (255 - alpha)) + 255) // 510


def test_transparent_colours_are_laid_on_white_exactly() -> None:
    colour, alpha = np.mgrid[0:256, 0:256].astype(np.uint8)
    rgba = np.stack([colour, 255 - colour, np.full_like(colour, 7), alpha], 2)
    expected = on_white(rgba[..., :3], alpha[..., None])
    assert np.array_equal(np.asarray(read_image(picture_file(rgba, "PNG"))), expected)
    assert np.array_equal(to_net_input(Image.fromarray(rgba[:32, 100:132])), expected[:32, 100:132])
    # in the last, a colour is hidden under full transparency
    assert np.asarray(read_image(picture_file(Image.new("RGBA", (4, 4), (200, 0, 0, 0)), "PNG"))).min() == 255


def test_transparent_grey_is_laid_on_white_exactly() -> None:
    grey, alpha = np.mgrid[0:256, 0:256].astype(np.uint8)
    image = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
    expected = np.repeat(on_white(grey, alpha)[..., None], 3, 2)
    assert np.array_equal(np.asarray(read_image(picture_file(image, "PNG"))), expected)


def test_transparent_palette_colours_are_laid_on_white_exactly() -> None:
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(1, 4))
    image = Image.frombytes("P", (4, 1), image.tobytes())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])
    one = picture_file(image, "PNG", transparency=1)
    assert np.asarray(read_image(one)).tolist() == [[[255, 0, 0], [255] * 3, [0, 0, 255], [10, 20, 30]]]
    gif = picture_file(image, "GIF", transparency=2)
    assert np.asarray(read_image(gif)).tolist() == [[[255, 0, 0], [0, 255, 0], [255] * 3, [10, 20, 30]]]
    several = picture_file(image, "PNG", transparency=bytes([255, 51, 0]))
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
    picture = np.asarray(read_image(picture_file(values, "PNG")))
    assert np.array_equal(picture, np.repeat(expected[..., None], 3, 2))
    assert (picture[0, 0, 0], picture[128, 0, 0], picture[-1, -1, 0]) == (0, 128, 255)
    # the same as 32-bit integers, as older versions of Pillow opened such files; what is out of range is cut off
    wide, narrow = values[:32, :32].astype(np.int32), expected[:32, :32].copy()
    wide[0, :2], narrow[0, :2] = (-5, 70_000), (0, 255)
    assert np.array_equal(to_net_input(Image.fromarray(wide))[..., 0], narrow)


def test_16_bit_colour_comes_as_8_bit_colour() -> None:
    row = struct.pack(">B6H", 0, 0, 65_535, 257 * 100, 257 * 9, 257 * 8, 257 * 7)
    assert np.asarray(read_image(png(2, 1, 16, 2, row))).tolist() == [[[0, 255, 100], [9, 8, 7]]]


def test_float_grey_counts_from_0_to_255() -> None:
    grey = np.array([[-50, 0, 100, 255, 9000]], np.float32).repeat(32, 0)
    picture = Image.fromarray(grey).crop((0, 0, 5, 5)).resize((32, 32), Image.Resampling.NEAREST)
    assert sorted(set(to_net_input(picture).reshape(-1).tolist())) == [0, 100, 255]


def test_black_and_white_of_one_bit_stays_black_and_white() -> None:
    dots = RNG.random((40, 50)) < 0.5
    for format in ("PNG", "BMP", "GIF"):
        picture = read_image(picture_file(Image.fromarray(dots), format))
        assert np.array_equal(np.asarray(picture)[..., 1], dots * np.uint8(255))


@pytest.mark.parametrize("colour", ["red", "green", "blue", "yellow", "white", "black", (120, 200, 40)])
def test_the_colours_of_a_cmyk_jpeg_are_right(colour: str | tuple[int, int, int]) -> None:
    image = Image.new("RGB", (24, 24), colour)
    seen = np.asarray(read_image(picture_file(image.convert("CMYK"), "JPEG", quality=95))).astype(int)
    assert np.abs(seen - np.asarray(image)).max() <= 4


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_an_animation_shows_its_first_frame_as_rgb(format: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ((250, 10, 20), (0, 0, 255), (0, 255, 0))]
    options = {"lossless": True} if format == "WEBP" else {}
    data = picture_file(frames[0], format, save_all=True, append_images=frames[1:], duration=50, **options)
    picture = read_image(data)
    assert picture.mode == "RGB"
    assert (np.asarray(picture) == (250, 10, 20)).all()


def test_a_photo_of_two_pictures_in_one_jpeg_shows_the_first() -> None:
    second = Image.new("RGB", (20, 20))
    data = picture_file(PHOTO, "MPO", save_all=True, append_images=[second])
    assert read_image(data).size == (64, 48)


def test_threads_read_at_once_what_one_alone_reads_and_settings_stay() -> None:
    def look(data: bytes) -> bytes | str:
        try:
            return read_image(data).tobytes()
        except ImageError as error:
            return str(error)

    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    files = [make() for make in GOOD.values()] + [make()[:200] for make in GOOD.values()] + [bomb(), oriented(6)]
    alone = [look(data) for data in files]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(look, files * 6)) == alone * 6
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


def test_a_picture_of_32x32_reaches_the_net_byte_for_byte() -> None:
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


def test_what_the_net_sees_can_become_a_tensor_and_leaves_the_picture_alone() -> None:
    picture = Image.fromarray(PHOTO)
    seen = to_net_input(picture)
    torch.from_numpy(seen).zero_()
    assert np.array_equal(np.asarray(picture), PHOTO)


@pytest.mark.parametrize("count", [2, 3, 8, 9, 16, 17])
@pytest.mark.parametrize("columns", [1, 3, 8, 20])
@pytest.mark.parametrize("padding", [0, 2])
def test_a_sheet_equals_torchvisions_grid(count: int, columns: int, padding: int) -> None:
    images = RNG.integers(1, 256, (count, 32, 32, 3), np.uint8)
    grid = torchvision.utils.make_grid(torch.from_numpy(images).permute(0, 3, 1, 2), nrow=columns, padding=padding)
    assert np.array_equal(image_grid(images, columns, padding), grid.permute(1, 2, 0).numpy())


def test_a_sheet_of_one_image_is_framed_like_any_other() -> None:
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
def test_a_sheet_of_something_else_is_refused(images: np.ndarray, columns: int, padding: int) -> None:
    with pytest.raises(ImageError, match="A sheet"):
        image_grid(images, columns, padding)


def test_a_png_keeps_every_pixel_of_any_array() -> None:
    image = RNG.integers(0, 256, (70, 36, 3), np.uint8)
    for view in (image, image[::2, 5:, ::-1], image.swapaxes(0, 1)):
        data = encode_png(view)
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.format == "PNG" and picture.mode == "RGB"
            assert np.array_equal(np.asarray(picture), view)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3), (2, 4, 4, 3)])
def test_a_png_of_something_else_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="A PNG is made of"):
        encode_png(np.zeros(shape, np.uint8))
    with pytest.raises(ImageError, match="A PNG is made of"):
        encode_png(np.zeros((4, 4, 3)))
