"""Images as the Net sees them, 32x32; and several of them in one grid, as PNG, for the page."""

import io

import numpy as np
from PIL import Image

from cifar_core.errors import ImageError

NET_SIDE = 32
"""the height and width, in pixels, of what the Net sees"""


def to_net_input(image: Image.Image) -> np.ndarray:
    """Return what the Net sees of an image: its largest centred square, shrunk (or enlarged) to uint8 (32, 32, 3).

    A 32x32 RGB image stays the same, byte for byte.
    """
    return np.array(resized(image, square(image.size), NET_SIDE))  # (32, 32, 3)


def square(
    size: tuple[int, int], fraction: float = 1.0, across: float = 0.5, down: float = 0.5
) -> tuple[float, float, float, float]:
    """Return a square in an image of `size` (width, height): left, top, right, bottom in pixels and their fractions.

    Its side is `fraction` (above 0, at most 1) of the image's shorter side. `across` and `down` place it from 0 (at the
    left, at the top) to 1 (at the right, at the bottom); the square always lies within the image.
    """
    width, height = size
    side = min(size) * fraction
    left, top = (width - side) * across, (height - side) * down
    return left, top, left + side, top + side


def resized(image: Image.Image, box: tuple[float, float, float, float], side: int) -> Image.Image:
    """Return the square `box` of an image, shrunk or enlarged to `side` x `side` pixels, as RGB."""
    ## Shrinking must average all the pixels that fall into one: keeping only every n-th pixel would draw patterns that
    ## are not in the image (aliasing). Each of Pillow's filters but NEAREST averages. BICUBIC keeps edges sharper
    ## than BILINEAR, has weaker halos than LANCZOS, and enlarges a tiny image smoothly, where BOX would show blocks.
    return to_rgb(image).resize((side, side), Image.Resampling.BICUBIC, box)


def image_grid(images: np.ndarray, columns: int, padding: int = 0) -> np.ndarray:
    """Lay images side by side, row by row: uint8 (N, 32, 32, 3) -> uint8 (rows*(32+p)+p, columns*(32+p)+p, 3).

    The p = `padding` pixels around each image and the cells left over are black; fewer images than `columns` make one
    shorter row. Equals torchvision.utils.make_grid(..., nrow=columns, padding=p), which leaves a single image unframed.
    Raise ImageError if there is nothing to lay out.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or len(images) == 0:
        raise ImageError(f"A grid takes one or more uint8 (N, 32, 32, 3) images, not {images.dtype} {images.shape}.")
    if columns < 1 or padding < 0:
        raise ImageError(f"A grid has at least 1 column and 0 pixels of padding, not {columns} and {padding}.")
    count, height, width, _ = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)  # rounded up
    height, width = height + padding, width + padding
    cells = np.zeros((rows * columns, height, width, 3), np.uint8)
    cells[:count, padding:, padding:] = images
    grid = cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    return np.pad(grid, ((0, padding), (0, padding), (0, 0)))  # cells have their padding above and to the left


def encode_png(image: np.ndarray) -> bytes:
    """Return a uint8 (H, W, 3) image or grid as a PNG file, which, unlike a JPEG, keeps every pixel exactly.

    Raise ImageError for any other array.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ImageError(f"A PNG is made of a uint8 image (H, W, 3), not {image.dtype} {image.shape}.")
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)  # of 9: the quickest
    return file.getvalue()


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the colours as 8-bit RGB, transparent parts on white; float grey (F) is from 0 to 255, as in Pillow."""
    if image.mode.startswith("I"):
        image = _to_8_bits(image)
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(colours, mask=colours)
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_8_bits(grey: Image.Image) -> Image.Image:
    """Convert grey of 16 bits (I;16, or I from older Pillow), 0 to 65535, to L, 0 to 255; Pillow's convert clips it."""
    values = np.array(grey).clip(0, 65_535).astype(np.uint32)  # (H, W)
    # a PNG may name one grey that is transparent: on white that is white
    values[values == grey.info.get("transparency", -1)] = 65_535
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 = 257 * 255, rounded to the nearest
