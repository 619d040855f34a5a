"""No name that somebody chose is taken for markup, on any page that shows one."""

import re
from pathlib import Path

import pytest

from cifar_core.data import Splits
from cifar_core.data.browse import image_facts, page_of
from cifar_core.data.image_set import ImageSet, save
from cifar_core.prediction import ClassScore, Prediction
from cifar_core.runs.service import Service
from demo.tabs.browse.view import counts_html, detail_html, page_html
from demo.tabs.classify.view import prediction_html, upload_prediction_html
from demo.tabs.train.run_view import result_html
from tests.helpers.markup import EVIL_CLASSES, MarkupReader
from tests.helpers.run_steps import ANN, CONFIG, result_of


@pytest.fixture
def evil(tmp_path: Path, tiny: Splits) -> Splits:
    """Splits whose class names would break a page that trusted them."""
    train, test = (ImageSet(part.images, part.labels, EVIL_CLASSES, part.split) for part in tiny)
    return save(tmp_path / "evil", train, test, tiny.info)


@pytest.mark.parametrize("part", ["result", "page", "detail", "answer", "counts"])
def test_no_class_name_is_taken_for_markup(tmp_path: Path, evil: Splits, part: str) -> None:
    train, test = evil.train, evil.test
    if part == "result":
        run = Service(tmp_path / "runs").start(ANN, CONFIG, evil)
        markup = result_html(run, result_of(run, evil), evil)
    elif part == "page":
        markup = page_html(train, page_of(train))
    elif part == "detail":
        markup = "".join(detail_html(train, image_facts(train, index)) for index in range(36))
    elif part == "answer":
        answer = Prediction(tuple(ClassScore(name, float(place), 0.1) for place, name in enumerate(EVIL_CLASSES)))
        markup = "".join(prediction_html(answer, test.images[0], index=0, truth=name) for name in EVIL_CLASSES)
        markup += upload_prediction_html(answer, test.images[0], None)
    else:
        markup = counts_html(train)
    reader = MarkupReader(markup)
    assert "script" not in reader.tags
    assert all(re.fullmatch(r"[a-z:]+[a-z1-9-]*", name) for name in reader.attributes)
    texts = {re.sub(r"^([✓✗]|\d =) ", "", text) for text in reader.texts}
    assert {"<b>", "a&b", '"q"', "$x$", "<script>alert(1)</script>", "'"} <= texts
