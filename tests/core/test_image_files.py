"""Image files of every kind: what is read, and what is refused in one plain sentence, before it costs anything."""

import os
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from cifar_core import image_files as module
from cifar_core.errors import ImageError
from cifar_core.image_files import read_image, read_net_input
from cifar_core.images import encode_png, to_net_input
from tests.helpers.image_making import GOOD, HAS_AVIF, PHOTO, RNG, bomb, compressed_bmp, ftyp, image_file, oriented, png

pytestmark = pytest.mark.usefixtures("no_warning")


def error_of(source: Path | str | bytes) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(source)
    return str(caught.value)


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
    "text": (lambda: b"Dear teacher, here is my picture.\n" * 9, "not an image"),
    "web page": (lambda: b"<!doctype html><html><body>Not found</body></html>", "not an image"),
    "zeros": (lambda: bytes(5000), "not an image"),
    "PDF": (lambda: b"%PDF-1.7\n" + bytes(100), "not an image"),
    "film": (lambda: ftyp(b"isom", b"iso2", b"mp41"), "not an image"),
    "HEIC": (lambda: ftyp(b"heic", b"mif1", b"heic"), "a HEIC photo"),
    "HEIC as mif1": (lambda: ftyp(b"mif1", b"mif1", b"heic"), "a HEIC photo"),
    "SVG": (lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "bare SVG": (lambda: b'\n <svg width="9"></svg>', "an SVG drawing"),
    "TIFF": (lambda: image_file(PHOTO, "TIFF"), "a TIFF image"),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    "random bytes after a PNG signature": (lambda: b"\x89PNG\r\n\x1a\n" + RNG.bytes(500), "damaged"),
    "a PNG without pixels": (lambda: GOOD["PNG"]()[:33], "damaged"),
    "a PNG with a changed byte": (lambda: GOOD["PNG"]().replace(b"IDATx", b"IDATy"), "damaged"),
    "a PNG of no size": (lambda: png(0, 5, 8, 0, b""), "damaged"),
    "the start of a BMP": (lambda: b"BMW is a car", "damaged"),
    "an AVIF header alone": (lambda: ftyp(b"avif", b"mif1", b"avif"), "damaged" if HAS_AVIF else "an AVIF image"),
    "10 MB and a byte": (lambda: GOOD["PNG"]().ljust(10_000_001, b"\0"), "larger than 10 MB"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_sound_image_is_refused_in_one_plain_sentence(tmp_path: Path, kind: str) -> None:
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


def test_a_path_without_an_image_file_is_refused(tmp_path: Path) -> None:
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
        assert error_of(source) == "There is no such image file; choose an image again."
    assert error_of("x" * 5000) == "This file could not be opened; choose it again, or another one."


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/a/path")

    path = tmp_path / "x.png"
    path.write_bytes(GOOD["PNG"]())
    monkeypatch.setattr(module, "open", forbidden, raising=False)
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
    data = image_file(frames[0], "WEBP", save_all=True, append_images=frames[1:])
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

    data = image_file(np.asarray(Image.fromarray(PHOTO).resize((4000, 3000))), "JPEG")
    monkeypatch.setattr(ImageFile.ImageFile, "load", observed)
    picture = read_image(data)
    assert decoded_sizes[0] == (2000, 1500)
    assert picture.size == (1024, 768)
    small = np.asarray(picture.resize((64, 48))).astype(int)
    assert np.abs(small - PHOTO).max() <= 6


@pytest.mark.parametrize("size", [(1, 1), (5000, 1), (1, 5000), (1023, 2), (1025, 1024), (65_535, 3)])
def test_extreme_shapes_are_read_and_seen_by_the_net(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (10, 200, 90))
    for picture in (read_image(image_file(image, "PNG")), image):
        seen = to_net_input(picture)
        assert seen.shape == (32, 32, 3) and seen.dtype == np.uint8
        assert (seen == (10, 200, 90)).all()
    assert max(read_image(image_file(image, "PNG")).size) <= 1024


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


def png_that_claims(width: int, height: int) -> bytes:
    """A few hundred bytes that would be decoded to width x height pixels."""
    rows = zlib.compress(b"\0" * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def test_pixels_for_the_net_are_read_from_a_png_of_its_size_alone() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert np.array_equal(read_net_input(encode_png(pixels)), pixels)
    large = encode_png(np.zeros((33, 32, 3), np.uint8))
    for other in (b"", b"\x89PNG", large, png_that_claims(5000, 5000), b"BM" + encode_png(pixels)):
        with pytest.raises(ImageError, match="upload it again"):
            read_net_input(other)


def test_a_png_of_another_size_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cifar_core.image_files.read_image", lambda data: pytest.fail("it was decoded"))
    with pytest.raises(ImageError):
        read_net_input(png_that_claims(5000, 5000))
