"""Browse an image set: which images are on a page, and the facts of one."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_core.data.image_set import DatasetInfo, ImageSet
from cifar_core.errors import DataError
from cifar_core.field import whole_number

MAX_PER_PAGE = 100
MAX_SEED = 999_999
MAX_PAGE = 10**9
"""the highest number that may be asked for; there are fewer pages"""


@dataclass(frozen=True)
class Page:
    """Some images of an image set, in the order in which they are shown."""

    indices: tuple[int, ...]
    """in the image set"""
    number: int
    """from 1"""
    pages: int
    """how many pages there are"""
    total: int
    """images on all pages together"""


def page_of(
    image_set: ImageSet,
    *,
    number: float = 1,
    per_page: float = 36,
    classes: tuple[str, ...] = (),
    seed: float | None = None,
) -> Page:
    """Return page `number` (from 1) of the images of `classes` (default: all), `per_page` (1 to 100) at a time.

    A `seed` (0 to 999,999) shuffles the images, always in the same way; without one they keep their order. A slider
    may give a whole number as 2.0. Raise DataError for a value out of bounds or an unknown class. A page past the last
    is the last.
    """
    number = whole_number("The page", number, 1, MAX_PAGE, DataError)
    per_page = whole_number("Images per page", per_page, 1, MAX_PER_PAGE, DataError)
    unknown = [name for name in classes if name not in image_set.classes]
    if unknown:
        raise DataError(f"There is no class {unknown[0]!r:.40}; there are {', '.join(image_set.classes)}.")
    chosen = image_set.with_labels(classes) if classes else np.arange(len(image_set))
    if seed is not None:
        chosen = np.random.default_rng(whole_number("The shuffle seed", seed, 0, MAX_SEED, DataError)).permutation(
            chosen
        )
    pages = max(1, math.ceil(len(chosen) / per_page))
    number = min(number, pages)
    first = (number - 1) * per_page
    return Page(tuple(chosen[first : first + per_page].tolist()), number, pages, len(chosen))


@dataclass(frozen=True)
class Range:
    """The smallest and the largest number of an image at one stage of its preparation."""

    low: float
    high: float


@dataclass(frozen=True)
class ImageFacts:
    """What a learner wants to know of one image."""

    index: int
    label: int
    name: str
    """the label's class"""
    shape: tuple[int, int, int]
    """of the tensor after ToTensor: channels first"""
    dtype: str
    """of that tensor"""
    stored: Range
    """of the stored bytes, within 0 to 255"""
    before: Range
    """after ToTensor and before Normalize, within 0 to 1"""
    after: Range
    """after Normalize, within -1 to 1"""


def image_facts(image_set: ImageSet, index: int) -> ImageFacts:
    """Return the facts of image `index` (0 to N - 1); raise DataError if there is no such image."""
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(image_set):
        raise DataError(
            f"There is no image {index!r:.40} in the {image_set.split} set; they go from 0 to {len(image_set) - 1}."
        )
    image, label = image_set.images[index], int(image_set.labels[index])
    stored = Range(float(image.min()), float(image.max()))
    before = Range(stored.low / 255, stored.high / 255)
    after = Range((before.low - 0.5) / 0.5, (before.high - 0.5) / 0.5)
    shape = (image.shape[2], image.shape[0], image.shape[1])
    return ImageFacts(index, label, image_set.classes[label], shape, "torch.float32", stored, before, after)


def describe(image_set: ImageSet, info: DatasetInfo) -> str:
    """Return the image set as the notebook prints it."""
    return "\n".join(
        (
            f"Dataset {info.name}",
            f"    Number of datapoints: {len(image_set)}",
            f"    Split: {image_set.split}",
            # only the folder's own name: no path of the server may reach a browser
            f"    Root Location: {'./' + Path(info.root).name if info.root else '(drawn by this program)'}",
            "    Transforms (if any): Compose(",
            "                             ToTensor()",
            "                             Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))",
            "                         )",
            "    Target Transforms (if any): None",
        )
    )
