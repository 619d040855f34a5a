"""What Browse shows: its images to the pixel, what becomes of one, and how many each class has."""

import re

import numpy as np

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.data.browse import image_facts, page_of
from demo.tabs.browse.view import counts_html, detail_html, no_detail_html, page_html, printed_html
from tests.helpers.markup import images_in, text_of


def test_a_page_shows_its_images_with_their_classes(tiny: Splits) -> None:
    page = page_of(tiny.train, number=3, per_page=16, classes=("cat", "ship"), seed=5)
    markup = page_html(tiny.train, page)
    (sheet,) = images_in(markup)
    for place, index in enumerate(page.indices):
        row, column = divmod(place, 4)
        cell = sheet[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
        assert np.array_equal(cell, tiny.train.images[index])
    assert set(re.findall(r'class="caption">(.*?)<', markup)) == {"cat", "ship"}
    assert f'aria-label="{CLASSES[tiny.train.labels[page.indices[0]]]}, image {page.indices[0]}"' in markup


def test_the_detail_tells_what_becomes_of_an_image(tiny: Splits) -> None:
    facts = image_facts(tiny.train, 7)
    markup = detail_html(tiny.train, facts)
    for words in (
        "Index 7 (train set)",
        f"Label {facts.label} = {facts.name}",
        f"Stored uint8, {facts.stored.low:.0f} … {facts.stored.high:.0f}",
        "Tensor shape torch.Size([3, 32, 32])",
        "Tensor dtype torch.float32",
        f"After ToTensor {facts.before.low:.3f} … {facts.before.high:.3f}",
        f"After Normalize {facts.after.low:.3f} … {facts.after.high:.3f}".replace("−", "-"),
    ):
        assert words in text_of(markup)
    (image,) = images_in(markup)
    assert np.array_equal(image, tiny.train.images[7])


def test_before_a_click_a_sentence_stands_there() -> None:
    assert text_of(no_detail_html()).startswith("Click an image to see it large")


def test_the_counts_are_bars_of_the_right_length(tiny: Splits) -> None:
    some = np.flatnonzero((tiny.train.labels != 3) | (np.arange(len(tiny.train)) % 2 == 0))
    kept = type(tiny.train)(tiny.train.images[some], tiny.train.labels[some], tiny.train.classes, tiny.train.split)
    counts = kept.counts().tolist()
    assert len(set(counts)) > 1
    markup = counts_html(kept)
    assert re.findall(r'<th scope="row">(\w+)</th>', markup) == list(CLASSES)
    assert re.findall(r'class="number">([\d,]+)<', markup) == [f"{number:,}" for number in counts]
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%", markup)]
    assert np.allclose(widths, [100 * number / max(counts) for number in counts], atol=0.05)
    assert "in the training set" in text_of(markup) and "in the test set" in text_of(counts_html(tiny.test))


def test_what_the_notebook_prints_keeps_its_lines() -> None:
    assert "<pre" in printed_html("a\n  <b>") and "a\n  &lt;b&gt;" in printed_html("a\n  <b>")
