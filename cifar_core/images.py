"""Any person's picture -> the 32x32 that the Net sees; and the Net's own images -> one sheet, as PNG, for the page.

A picture from outside may be of any kind: a phone photo on its side, a transparent logo, a 16-bit scan, a broken
download, or a few kilobytes made to fill the memory of whoever opens them. `read_picture` is the one door for all.
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

NET_SIDE = 32
"""the height and width, in pixels, of what the Net sees"""
KEPT_SIDE = 1024
"""the longer side, in pixels, to which larger pictures are shrunk"""
MAX_BYTES = 10_000_000
"""the largest picture file that is read"""
MAX_PIXELS = 25_000_000
"""width times height of the largest picture that is decoded: 100 MB as Pillow stores it"""
MAX_SIDE = 65_535
"""the greatest width or height, as in JPEG; one command in a compressed BMP makes Pillow reserve up to 255 rows"""
MAX_SEGMENTS = 200
"""the most scans (passes over all pixels, 14 ms each at MAX_PIXELS) or EXIF blocks in a JPEG; cameras write about 10"""


class _Jpeg(JpegImageFile):
    def getexif(self) -> Image.Exif:
        # Pillow looks here for the dpi, and warns about every odd entry; nobody asks for the dpi
        return Image.Exif()


# The first bytes of a file say what it is; its name may say anything. Pillow's readers are called directly, because
# Image.open issues a warning about a huge picture before its size can be asked for here.
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
    _AVIF: "an AVIF picture",
    rb"....ftyp(....){0,15}?he[iv][cmsx]": "a HEIC photo",
    rb"(\xef\xbb\xbf)?\s{0,99}(<[?!].{0,2000}?)?<svg": "an SVG drawing",
    rb"II\*\0|MM\0\*": "a TIFF picture",
}


def read_image(source: Path | str | bytes) -> Image.Image:
    """A picture as people see it: RGB, upright, on white, its longer side at most KEPT_SIDE pixels, without metadata.

    `source` is a path or the bytes of a file: PNG, JPEG, WebP, GIF, BMP, or AVIF where Pillow has it. Of an animation
    this is the first frame. Safe to call in several threads at once.
    Raises PictureError, with a sentence that never names the file, when there is no picture or it is too large.
    """
    data = source if isinstance(source, bytes) else _read_file(source)
    if not data:
        raise ImageError("This picture file is empty; save or download it again, or choose another one.")
    if len(data) > MAX_BYTES:
        raise ImageError(f"This file is larger than {MAX_BYTES / 1e6:.0f} MB; choose a smaller copy of the picture.")
    reader = next((reader for start, reader in _READERS.items() if re.match(start, data, re.DOTALL)), None)
    if reader is None:
        for start, kind in _OTHERS.items():
            if re.match(start, data, re.DOTALL):
                raise ImageError(
                    f"This is {kind}, which cannot be read here; save it as PNG or JPEG, or choose another picture."
                )
        raise ImageError("This file is no picture that can be read here; choose a PNG, JPEG, WebP, GIF or BMP file.")
    try:
        return _decode(data, reader)
    except ImageError:
        raise
    # Pillow raises OSError, SyntaxError, ValueError, EOFError, struct.error and more, as the damage has it
    except Exception as error:
        raise ImageError(
            "This picture is damaged or incomplete; save or download it again, or choose another one."
        ) from error


def to_net_input(picture: Image.Image) -> np.ndarray:
    """What the Net sees of a picture: its largest centred square, shrunk (or enlarged) to uint8 (32, 32, 3).

    A 32x32 RGB picture comes through byte for byte.
    """
    return np.array(resized(picture, square(picture.size), NET_SIDE))  # (32, 32, 3)


def square(
    size: tuple[int, int], share: float = 1.0, across: float = 0.5, down: float = 0.5
) -> tuple[float, float, float, float]:
    """A square within a picture of `size` (width, height): left, top, right, bottom in pixels, parts of a pixel too.

    Its side is `share` (above 0, at most 1) of the picture's shorter side. `across` and `down` place it from 0 (at the
    left, at the top) to 1 (at the right, at the bottom); whatever they are, it lies within the picture.
    """
    width, height = size
    side = min(size) * share
    left, top = (width - side) * across, (height - side) * down
    return left, top, left + side, top + side


def resized(picture: Image.Image, box: tuple[float, float, float, float], side: int) -> Image.Image:
    """The square `box` of a picture, shrunk or enlarged to `side` x `side` pixels, as RGB."""
    ## Shrinking must average all the pixels that fall into one: keeping every n-th pixel alone would draw patterns that
    ## are not in the picture (aliasing). Each of Pillow's filters but NEAREST averages. BICUBIC keeps edges sharper
    ## than BILINEAR, has weaker halos than LANCZOS, and enlarges a tiny picture smoothly, where BOX would show blocks.
    return _to_rgb(picture).resize((side, side), Image.Resampling.BICUBIC, box)


def image_grid(images: np.ndarray, columns: int, padding: int = 0) -> np.ndarray:
    """Images side by side, row by row: uint8 (N, 32, 32, 3) -> uint8 (rows*(32+p)+p, columns*(32+p)+p, 3).

    The p = `padding` pixels around each image and the cells left over are black; fewer images than `columns` make one
    shorter row. Equals torchvision.utils.make_grid(..., nrow=columns, padding=p), which leaves a single image unframed.
    Raises PictureError where there is nothing to lay out.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or len(images) == 0:
        raise ImageError(f"A sheet takes one or more uint8 (N, 32, 32, 3) images, not {images.dtype} {images.shape}.")
    if columns < 1 or padding < 0:
        raise ImageError(f"A sheet has at least 1 column and 0 pixels of padding, not {columns} and {padding}.")
    count, height, width, _ = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)  # rounded up
    height, width = height + padding, width + padding
    cells = np.zeros((rows * columns, height, width, 3), np.uint8)
    cells[:count, padding:, padding:] = images
    grid = cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    return np.pad(grid, ((0, padding), (0, padding), (0, 0)))  # cells have their padding above and to the left


def encode_png(image: np.ndarray) -> bytes:
    """One uint8 (H, W, 3) image or sheet as a PNG file, which keeps every pixel exactly, as JPEG would not.

    Raises PictureError for any other array.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ImageError(f"A PNG is made of a uint8 image (H, W, 3), not {image.dtype} {image.shape}.")
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)  # of 9: the quickest
    return file.getvalue()


def _read_file(path: Path | str) -> bytes:
    try:
        # a pipe or a device might never end
        if not Path(path).is_file():
            raise ImageError("There is no such picture file; choose a picture again.")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)  # one more, so that a larger file shows
    except OSError as error:
        raise ImageError("This file could not be opened; choose it again, or another one.") from error


def _decode(data: bytes, reader: type[ImageFile]) -> Image.Image:
    if reader is _Jpeg and max(data.count(b"\xff\xda"), data.count(b"Exif\0\0")) > MAX_SEGMENTS:
        raise ImageError("This JPEG would take very long to read; save it again as a plain JPEG or PNG.")
    picture: Image.Image = reader(io.BytesIO(data))  # reads the header, no pixels yet
    width, height = picture.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImageError(
            f"This picture has {width:,} x {height:,} pixels, and at most {MAX_PIXELS:,} in all and {MAX_SIDE:,} a "
            "side can be read here; choose a smaller copy of it."
        )
    if isinstance(picture, _Jpeg):
        # JPEG decodes to 1/2, 1/4 or 1/8 of its size with far less work: the smallest that is not below KEPT_SIDE
        picture.draft(None, (KEPT_SIDE, KEPT_SIDE))
    picture.load()
    turn = _TURNS.get(_orientation(picture.info.get("exif", b"")))
    picture = _to_rgb(picture)
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE))
    if turn is not None:
        picture = picture.transpose(turn)
    plain = Image.new("RGB", picture.size)
    plain.paste(picture)  # the pixels alone: `info` may hold the place where a photo was taken
    return plain


def _to_rgb(picture: Image.Image) -> Image.Image:
    """The colours as 8-bit RGB, transparent parts on white. Float grey (F) counts from 0 to 255, as Pillow has it."""
    if picture.mode.startswith("I"):
        picture = _to_8_bits(picture)
    if picture.has_transparency_data:
        colours = picture.convert("RGBA")
        white = Image.new("RGB", picture.size, "white")
        white.paste(colours, mask=colours)
        return white
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_8_bits(grey: Image.Image) -> Image.Image:
    """Grey of 16 bits (I;16, or I from older Pillow), 0 to 65535, -> L, 0 to 255; Pillow's convert would cut it off."""
    values = np.array(grey).clip(0, 65_535).astype(np.uint32)  # (H, W)
    # a PNG may name one grey that is transparent: on white that is white
    values[values == grey.info.get("transparency", -1)] = 65_535
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 = 257 * 255, rounded to the nearest


# EXIF's orientations 2 to 8: how to turn the stored pixels so that the picture stands upright
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
    """Tag 0x0112 (Exif 2.3, section 4.6.4) of the first directory, or 1, upright, where there is none.

    Pillow's getexif reads every tag, warns about odd ones, and fails on blocks that need not spoil the picture.
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
