"""Pages of an image set, and the facts of one image."""

from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from torchvision import transforms

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.data.browse import MAX_PER_PAGE, MAX_SEED, describe, image_facts, page_of
from cifar_core.errors import DataError
from tests.helpers import tutorial


def all_pages(splits: Splits, **options: Any) -> list[int]:
    """The indices on all pages, one after the other."""
    first = page_of(splits.test, **options)
    pages = [page_of(splits.test, number=number, **options) for number in range(1, first.pages + 1)]
    assert [page.number for page in pages] == list(range(1, first.pages + 1))
    assert {page.total for page in pages} == {first.total}
    return [index for page in pages for index in page.indices]


@pytest.mark.parametrize("per_page", [1, 7, 36, 60, 100])
@pytest.mark.parametrize("seed", [None, 0, MAX_SEED])
def test_every_image_is_on_one_page_and_only_once(tiny: Splits, per_page: int, seed: int | None) -> None:
    indices = all_pages(tiny, per_page=per_page, seed=seed)
    assert sorted(indices) == list(range(120))
    assert (indices == list(range(120))) == (seed is None)


def test_all_pages_but_the_last_are_full(tiny: Splits) -> None:
    pages = [page_of(tiny.test, number=number, per_page=50) for number in (1, 2, 3)]
    assert [len(page.indices) for page in pages] == [50, 50, 20]
    assert {(page.pages, page.total) for page in pages} == {(3, 120)}


def test_a_seed_shuffles_in_the_same_way_each_time_and_another_in_another(tiny: Splits) -> None:
    assert page_of(tiny.test, seed=5) == page_of(tiny.test, seed=5)
    assert page_of(tiny.test, seed=5).indices != page_of(tiny.test, seed=6).indices


@pytest.mark.parametrize("seed", [None, 5])
def test_only_the_named_classes_are_shown(tiny: Splits, seed: int | None) -> None:
    indices = all_pages(tiny, per_page=10, classes=("cat", "ship"), seed=seed)
    assert len(indices) == 24
    assert {CLASSES[tiny.test.labels[index]] for index in indices} == {"cat", "ship"}
    assert sorted(indices) == tiny.test.with_labels(("cat", "ship")).tolist()


def test_a_page_past_the_last_is_the_last(tiny: Splits) -> None:
    assert page_of(tiny.test, number=99, per_page=50) == page_of(tiny.test, number=3, per_page=50)


def test_a_class_without_images_has_one_empty_page(tiny: Splits) -> None:
    few = tiny.test.first(3)
    absent = next(name for label, name in enumerate(CLASSES) if few.counts()[label] == 0)
    page = page_of(few, classes=(absent,))
    assert (page.indices, page.number, page.pages, page.total) == ((), 1, 1, 0)


def test_the_whole_numbers_of_a_slider_may_come_as_floats(tiny: Splits) -> None:
    found = page_of(tiny.test, number=2.0, per_page=10.0, seed=3.0)
    assert found == page_of(tiny.test, number=2, per_page=10, seed=3)


@pytest.mark.parametrize(
    ("name", "bad", "start"),
    [
        ("number", 0, "The page must be a whole number from 1 to 1,000,000,000; "),
        ("number", 10**9 + 1, "The page must be a whole number from 1 to 1,000,000,000; "),
        ("per_page", MAX_PER_PAGE + 1, f"Images per page must be a whole number from 1 to {MAX_PER_PAGE}; "),
        ("seed", MAX_SEED + 1, f"The shuffle seed must be a whole number from 0 to {MAX_SEED:,}; "),
    ],
)
def test_a_number_out_of_its_bounds_is_refused_with_them(tiny: Splits, name: str, bad: Any, start: str) -> None:
    with pytest.raises(DataError) as refused:
        page_of(tiny.test, **{name: bad})
    assert str(refused.value).startswith(start)


def test_an_unknown_class_is_refused_with_the_known_ones(tiny: Splits) -> None:
    with pytest.raises(DataError, match=r"^There is no class 'airplane'; there are plane, car, .*, truck\.$"):
        page_of(tiny.test, classes=("cat", "airplane"))


def test_the_facts_of_an_image_are_those_of_torchvisions_transforms(tiny: Splits) -> None:
    for index in (0, 17, 119):
        image = Image.fromarray(tiny.test.images[index])
        before, after = transforms.ToTensor()(image), tutorial.transform(image)
        facts = image_facts(tiny.test, index)
        assert (facts.shape, facts.dtype) == (tuple(after.shape), str(after.dtype))
        assert (facts.before.low, facts.before.high) == pytest.approx(
            (before.min().item(), before.max().item()), abs=1e-6
        )
        assert (facts.after.low, facts.after.high) == pytest.approx((after.min().item(), after.max().item()), abs=1e-6)
        assert (facts.stored.low, facts.stored.high) == (min(image.tobytes()), max(image.tobytes()))
        assert (facts.index, facts.label) == (index, tiny.test.labels[index])
        assert facts.name == CLASSES[facts.label]


@pytest.mark.parametrize("bad", [-1, 120, 10**400, 1.0, "3", True, None], ids=lambda b: repr(b)[:9])
def test_an_image_that_is_not_there_is_refused_with_those_that_are(tiny: Splits, bad: Any) -> None:
    with pytest.raises(DataError, match=r"^There is no image .{1,40} in the test set; they go from 0 to 119\.$"):
        image_facts(tiny.test, bad)


def test_an_image_set_is_described_as_torchvision_prints_it(tiny: Splits) -> None:
    about = replace(tiny.info, root="/home/somebody/data")
    assert describe(tiny.train, about).splitlines() == [
        "Dataset CIFAR-10",
        "    Number of datapoints: 400",
        "    Split: train",
        "    Root Location: ./data",
        "    Transforms (if any): Compose(",
        "                             ToTensor()",
        "                             Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))",
        "                         )",
        "    Target Transforms (if any): None",
    ]
    assert "    Split: test" in describe(tiny.test, about).splitlines()


def test_a_drawn_set_is_described_without_a_folder(tiny: Splits) -> None:
    about = replace(tiny.info, name="Drawn images", root="")
    assert "    Root Location: (drawn by this program)" in describe(tiny.train, about).splitlines()
