"""Read the image files that people bring.

A file from outside may be of any kind: a phone photo on its side, a transparent logo, a 16-bit scan, a broken download,
or a few kilobytes made to fill the memory of the program that opens them. `read_image` reads them all.
"""

import io
import re
import struct
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from cifar_core.errors import ImageError
from cifar_core.images import NET_SIDE, to_net_input, to_rgb

SHRINK_TO = 1024
"""the longer side, in pixels, to which larger images are shrunk"""
MAX_BYTES = 10_000_000
"""the largest image file that is read"""
MAX_PIXELS = 25_000_000
"""width times height of the largest image that is decoded: 100 MB as Pillow stores it"""
MAX_SIDE = 65_535
"""the greatest width or height, as in JPEG; one command in a compressed BMP makes Pillow reserve up to 255 rows"""
MAX_SEGMENTS = 200
"""the most scans (passes over all pixels, 14 ms each at MAX_PIXELS) or EXIF blocks in a JPEG; cameras write about 10"""


class _Jpeg(JpegImageFile):
    def getexif(self) -> Image.Exif:
        # Pillow looks here for the dpi, and warns about every odd entry; the dpi are not needed
        return Image.Exif()


# The first bytes of a file say what it is; its name may say anything. Pillow's readers are called directly, because
# Image.open issues a warning about a huge image before its size can be checked here.
_AVIF = rb"....ftyp(....){0,15}?avi[fs]"
_READERS: dict[bytes, type[ImageFile]] = {
    rb"\x89PNG\r\n\x1a\n": PngImageFile,
    rb"\xff\xd8\xff": _Jpeg,
    rb"GIF8[79]a": GifImageFile,
    rb"RIFF....WEBP": WebPImageFile,
    rb"BM": BmpImageFile,
}
try:
    from PIL import AvifImagePlugin  # since Pillow 11.3

    if AvifImagePlugin.SUPPORTED:
        _READERS[_AVIF] = AvifImagePlugin.AvifImageFile
except ImportError:
    pass
_OTHERS = {
    _AVIF: "an AVIF image",
    rb"....ftyp(....){0,15}?he[iv][cmsx]": "a HEIC photo",
    rb"(\xef\xbb\xbf)?\s{0,99}(<[?!].{0,2000}?)?<svg": "an SVG drawing",
    rb"II\*\0|MM\0\*": "a TIFF image",
}


def read_image(source: Path | str | bytes) -> Image.Image:
    """Return an image as people see it: RGB, upright, on white, at most SHRINK_TO pixels a side, without metadata.

    `source` is a path or the bytes of a file: PNG, JPEG, WebP, GIF, BMP, or AVIF if Pillow can read it. Of an animation
    it is the first frame. Safe to call in several threads at once.
    Raise ImageError, with a sentence that never names the file, if it holds no image or one that is too large.
    """
    data = source if isinstance(source, bytes) else _read_file(source)
    if not data:
        raise ImageError("This file is empty; save or download it again, or choose another one.")
    if len(data) > MAX_BYTES:
        raise ImageError(f"This file is larger than {MAX_BYTES / 1e6:.0f} MB; choose a smaller copy of the image.")
    reader = next((reader for start, reader in _READERS.items() if re.match(start, data, re.DOTALL)), None)
    if reader is None:
        for start, kind in _OTHERS.items():
            if re.match(start, data, re.DOTALL):
                raise ImageError(
                    f"This is {kind}, which cannot be read here; save it as PNG or JPEG, or choose another image."
                )
        raise ImageError("This file is not an image that can be read here; choose a PNG, JPEG, WebP, GIF or BMP file.")
    try:
        return _decode(data, reader)
    except ImageError:
        raise
    # depending on the damage, Pillow raises OSError, SyntaxError, ValueError, EOFError, struct.error and more
    except Exception as error:
        raise ImageError(
            "This image is damaged or incomplete; save or download it again, or choose another one."
        ) from error


def read_net_input(png: bytes) -> np.ndarray:
    """Return the pixels, uint8 (32, 32, 3), of a PNG of 32x32; raise ImageError for anything else, before decoding it.

    A few kilobytes from outside can claim any size, and decoding takes the memory and the time of that size.
    """
    if png[:16] != b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" or png[16:24] != struct.pack(">II", NET_SIDE, NET_SIDE):
        raise ImageError("This image did not arrive whole; upload it again.")
    return to_net_input(read_image(png))


def _read_file(path: Path | str) -> bytes:
    try:
        # a pipe or a device might never end
        if not Path(path).is_file():
            raise ImageError("There is no such image file; choose an image again.")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)  # one more, so that a larger file shows
    except OSError as error:
        raise ImageError("This file could not be opened; choose it again, or another one.") from error


def _decode(data: bytes, reader: type[ImageFile]) -> Image.Image:
    if reader is _Jpeg and max(data.count(b"\xff\xda"), data.count(b"Exif\0\0")) > MAX_SEGMENTS:
        raise ImageError("This JPEG would take very long to read; save it again as a plain JPEG or PNG.")
    image: Image.Image = reader(io.BytesIO(data))  # reads the header, no pixels yet
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImageError(
            f"This image has {width:,} x {height:,} pixels, and at most {MAX_PIXELS:,} in all and {MAX_SIDE:,} a "
            "side can be read here; choose a smaller copy of it."
        )
    if isinstance(image, _Jpeg):
        # JPEG decodes to 1/2, 1/4 or 1/8 of its size with far less work: the smallest that is not below SHRINK_TO
        image.draft(None, (SHRINK_TO, SHRINK_TO))
    image.load()
    turn = _TURNS.get(_orientation(image.info.get("exif", b"")))
    image = to_rgb(image)
    image.thumbnail((SHRINK_TO, SHRINK_TO))
    if turn is not None:
        image = image.transpose(turn)
    plain = Image.new("RGB", image.size)
    plain.paste(image)  # only the pixels: `info` may hold the place where a photo was taken
    return plain


# EXIF's orientations 2 to 8: how to turn the stored pixels so that the image is upright
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(exif: bytes) -> int:
    """Return tag 0x0112 (Exif 2.3, section 4.6.4) of the first directory, or 1, upright, if it is missing.

    Pillow's getexif reads every tag, warns about odd ones, and fails on blocks that do not damage the image.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = ">" if exif.startswith(b"MM") else "<"
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (tags,) = struct.unpack_from(order + "H", exif, start)
        for position in range(start + 2, start + 2 + 12 * tags, 12):
            tag, value = struct.unpack_from(order + "H6xH", exif, position)
            if tag == 0x0112:
                return int(value)
    except struct.error:
        pass
    return 1
