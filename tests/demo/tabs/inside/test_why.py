"""Why this prediction: the maps are those of the core, with a warning; and neighbours with class and distance."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cifar_core.data import Splits
from cifar_core.data.image_set import ImageSet
from cifar_core.inspect.filters import filter_tiles, first_filters
from cifar_core.inspect.neighbours import Neighbours
from cifar_core.inspect.saliency import saliency, smooth_saliency
from cifar_core.net import Net
from cifar_core.runs.refs import NetRef
from demo.tabs.inside.colours import PALETTE, to_colours
from demo.tabs.inside.first_layer import first_layer_html
from demo.tabs.inside.subject import Subject
from demo.tabs.inside.why import neighbours_html, saliency_html, searching_html
from tests.helpers.markup import images_in, text_of


def test_the_filters_are_the_nets_own(tab, trained: Net) -> None:  # type: ignore[no-untyped-def]
    opened = replace(tab.nets.open(NetRef()), net=trained)
    page = first_layer_html(tab.nets, NetRef(), opened)
    assert np.array_equal(list(images_in(page)), filter_tiles(first_filters(trained)))
    assert "As training has made them." in page and "data-live" not in page


def test_saliency_is_shown_by_two_methods_with_a_warning(subject: Subject) -> None:
    net, image = subject.opened.net, subject.image.pixels
    plain, smooth = saliency(net, image, 4), smooth_saliency(net, image, 4)
    page = saliency_html(subject, 4, plain, smooth)
    shown, one, other = images_in(page)
    assert np.array_equal(shown, image)
    assert np.array_equal(one, PALETTE[to_colours(plain.map, 1)])
    assert np.array_equal(other, PALETTE[to_colours(smooth.map, 1)])
    found = re.search(r"at row (\d+), column (\d+)", page)
    assert found
    assert plain.map[int(found[1]), int(found[2])] == 1
    assert "Do not read them as what the Net looked at" in text_of(page)
    assert f"the score of <b>{subject.classes[4]}</b>" in page
    assert ("(the prediction)" in page) is (subject.predicted == 4)


def test_where_no_pixel_matters_it_says_so(subject: Subject) -> None:
    nothing = replace(saliency(subject.opened.net, subject.image.pixels, 4), maximum=0.0)
    assert "No pixel changes this score at all." in saliency_html(subject, 4, nothing, nothing)


def test_the_neighbours_have_class_distance_and_index(subject: Subject, tiny: Splits) -> None:
    page = neighbours_html(subject, Neighbours(np.array([7, 3, 11]), np.array([0.0, 1.25, 2.5], np.float32)), "key")
    names = [tiny.train.classes[tiny.train.labels[index]] for index in (7, 3, 11)]
    assert re.findall(r'data-index="(\d+)"', page) == ["7", "3", "11"] and 'data-of="key"' in page
    for name, index, distance in zip(names, (7, 3, 11), ("0.00", "1.25", "2.50"), strict=True):
        assert f'aria-label="{name}, training image {index}, distance {distance}' in page
        assert f"{name} · {distance}" in page
    (sheet,) = images_in(page)
    assert np.array_equal(sheet[:, 32:64], tiny.train.images[3])
    assert "test image 3" in text_of(page) and subject.net_title in page


def test_where_nothing_is_near_a_sentence_says_so(subject: Subject) -> None:
    nothing = Neighbours(np.empty(0, np.int64), np.empty(0, np.float32))
    assert "no training image is similar" in neighbours_html(subject, nothing, "")


def test_a_search_says_how_far_it_is() -> None:
    page = searching_html(12_500, 50_000)
    assert "12,500 of 50,000" in page and "width:25.00%" in page
    assert "Waiting" in searching_html(0, 0)


def test_names_of_classes_cannot_break_the_page(
    trained: Net, tiny: Splits, make_subject: Callable[..., Subject]
) -> None:
    evil = ("<b>", "a&b", '"q"', "$x$", "<script>alert(1)</script>", "'", "six", "seven", "eight", "Ňęt")
    train, test = (ImageSet(part.images, part.labels, evil, part.split) for part in tiny)
    for index in range(6):
        subject = make_subject(trained, replace(tiny, train=train, test=test), index)
        maps = saliency(trained, subject.image.pixels, subject.predicted)
        near = neighbours_html(subject, Neighbours(np.arange(5), np.arange(5).astype(np.float32)), "")
        for page in (saliency_html(subject, subject.predicted, maps, maps), near):
            assert "<script" not in page and "<b></b>" not in page and not re.search(r"<b><b>|a&b", page)
            assert 'aria-label=""q"' not in page
