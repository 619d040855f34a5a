"""What Browse shows, as HTML."""

from markupsafe import Markup

from cifar_core.data.browse import ImageFacts, Page
from cifar_core.data.image_set import ImageSet
from demo.widgets.image_grid import grid_html
from demo.widgets.templates import render


def page_html(image_set: ImageSet, page: Page) -> Markup:
    """Return a page of images with their classes below."""
    indices = list(page.indices)
    captions = [image_set.classes[label] for label in image_set.labels[indices]]
    names = [f"{caption}, image {index}" for caption, index in zip(captions, indices, strict=True)]
    columns = 4 if len(indices) <= 16 else 6 if len(indices) <= 36 else 8 if len(indices) <= 64 else 10
    return grid_html(image_set.images[indices], captions, indices, columns=columns, names=names)


def detail_html(image_set: ImageSet, facts: ImageFacts) -> Markup:
    """Return one image, large, and what becomes of its numbers."""
    image = image_set.images[facts.index]
    return render("tabs/browse/detail.html.j2", facts=facts, image=image, split=image_set.split)


def no_detail_html() -> Markup:
    """Return what stands there before an image is clicked."""
    return render("tabs/browse/detail.html.j2", facts=None)


def counts_html(image_set: ImageSet) -> Markup:
    """Return how many images each class has, as bars."""
    counts = image_set.counts().tolist()
    rows = [(name, number, number / max(counts)) for name, number in zip(image_set.classes, counts, strict=True)]
    return render("tabs/browse/counts.html.j2", rows=rows, split=image_set.split)


def printed_html(text: str) -> Markup:
    """Return the data set as the notebook prints it."""
    return render("tabs/browse/printed.html.j2", text=text)
