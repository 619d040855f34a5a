"""Image files of every kind that people may bring, all made here: sound, odd, huge and hostile."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, features

HAS_AVIF = "avif" in features.modules and features.check("avif")
RNG = np.random.default_rng(0)
PHOTO = np.full((48, 64, 3), (0, 90, 30), np.uint8)
PHOTO[..., 0] = np.add.outer(np.arange(48) * 2, np.arange(64))
"""a smooth picture, 64 wide and 48 high, that JPEG keeps almost exactly"""


def image_file(image: Image.Image | np.ndarray, format: str, **options: object) -> bytes:
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
    return image_file(image, format, exif=exif)


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


GOOD: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: image_file(PHOTO, "PNG"),
    "JPEG": lambda: image_file(PHOTO, "JPEG", quality=95),
    "progressive JPEG": lambda: image_file(PHOTO, "JPEG", quality=95, progressive=True),
    "CMYK JPEG": lambda: image_file(Image.fromarray(PHOTO).convert("CMYK"), "JPEG", quality=95),
    "WebP": lambda: image_file(PHOTO, "WEBP", quality=95),
    "lossless WebP": lambda: image_file(PHOTO, "WEBP", lossless=True),
    "GIF": lambda: image_file(PHOTO, "GIF"),
    "BMP": lambda: image_file(PHOTO, "BMP"),
    "palette PNG": lambda: image_file(Image.fromarray(PHOTO).quantize(256), "PNG"),
    "opaque RGBA PNG": lambda: image_file(Image.fromarray(PHOTO).convert("RGBA"), "PNG"),
}
if HAS_AVIF:
    GOOD["AVIF"] = lambda: image_file(PHOTO, "AVIF", quality=95, speed=10)
