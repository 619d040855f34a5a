"""The test images behind a test's numbers: which are asked for, and how they are shown."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cifar_core.data.image_set import ImageSet, Splits
from cifar_core.errors import CifarError, DataError
from cifar_core.runs.registry import NetRegistry
from demo.tabs.judge.judged import found_by, read_judged
from demo.widgets.format import percent
from demo.widgets.image_grid import grid_html
from demo.widgets.templates import message_box

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation
    from cifar_core.inspect.judge import Order

PER_PAGE = 15
COLUMNS = 5
OUTCOMES: dict[str, bool | None] = {"wrong": False, "right": True, "any": None}
_SUBJECTS = {"wrong": "Mistakes", "right": "Right answers", "any": "All answers"}
_SORTED = {"most_confident": "surest first", "smallest_margin": "least sure first", "stored": "as stored"}
_LOOK_FOR = {
    (
        "wrong",
        "most_confident",
    ): "The Net is very sure here, and wrong. Look for wrong labels, odd crops, several things "
    "in one picture, and a background that fits the other class, such as blue sky for a plane or water for a ship.",
    (
        "any",
        "smallest_margin",
    ): "Two classes have nearly the same probability here, so chance decides between them: "
    "another shuffle in training might turn the answer. Would you be sure?",
    (
        "right",
        "most_confident",
    ): "What do these have in common? It is what the Net has learned to look for, and often it "
    "is the whole scene more than the thing itself.",
}
_LABEL_ERRORS = (
    " There are wrong labels: people who checked CIFAR-10's 10,000 test images found at least 54 (Northcutt, Athalye "
    "and Mueller 2021)."
)


@dataclass(frozen=True)
class Question:
    """Which images are asked for, and in which order."""

    truth: str = ""
    """their class; empty for any"""
    said: str = ""
    """the class that the Net took them for; empty for any"""
    outcome: str = "wrong"
    """wrong, right, any"""
    order: "Order" = "most_confident"


VIEWS = {
    "Most confident mistakes": Question(),
    "Least certain": Question(outcome="any", order="smallest_margin"),
    "Most confident right": Question(outcome="right"),
}
"""the ready-made questions"""


@dataclass(frozen=True)
class Answered:
    """What is shown to a question."""

    heading: str
    """HTML: what the images are, or why there are none"""
    grid: str = ""
    """HTML of one page of them"""
    number: int = 1
    """of that page"""
    pages: int = 1
    refused: bool = False
    """whether the heading is the reason why the question has no answer"""


def answered(nets: NetRegistry, shown: str, question: Question, page: object = 1) -> Answered:
    """The images asked for, of the test that is shown; the page nearest to `page` that there is."""
    try:
        splits, found = found_by(nets, read_judged(shown))
        places = places_of(found, question)
    except CifarError as error:
        return Answered(message_box(str(error), "error"), refused=True)
    pages = max(1, math.ceil(len(places) / PER_PAGE))
    number = max(1, min(page, pages)) if type(page) is int else 1
    here = places[(number - 1) * PER_PAGE : number * PER_PAGE].tolist()
    return Answered(
        heading_html(splits, question, len(places), number), found_html(splits.test, found, here), number, pages
    )


def places_of(found: "Evaluation", question: Question) -> np.ndarray:
    """Places of the images asked for, int64 (M,), in the order asked for. Raises DataError for what there is not."""
    from cifar_core.inspect.judge import find_images

    if question.outcome not in OUTCOMES:
        raise DataError(f"The outcome must be one of {', '.join(OUTCOMES)}; {question.outcome!r:.40} is none of them.")
    return find_images(
        found,
        true=question.truth or None,
        predicted=question.said or None,
        correct=OUTCOMES[question.outcome],
        order=question.order,
    )


def heading_html(splits: Splits, question: Question, count: int, number: int) -> str:
    """What the images are, how many there are, which of them stand on page `number`, and what to look for."""
    cell = question.truth and question.said and question.outcome == "any"
    parts = [] if cell else [_SUBJECTS[question.outcome]]
    parts += [f"truth {html.escape(question.truth)}"] if question.truth else []
    parts += [f"the Net says {html.escape(question.said)}"] if question.said else []
    title = f"<h4>{' · '.join((*parts, _SORTED[question.order]))}</h4>"
    if not count:
        return f"{title}<p>No test image is like that.</p>"
    first, last = (number - 1) * PER_PAGE + 1, min(number * PER_PAGE, count)
    told = _LOOK_FOR.get((question.outcome, question.order), "") if not question.truth + question.said else ""
    if told and question.outcome == "wrong" and splits.info.name == "CIFAR-10":
        told += _LABEL_ERRORS
    images = "1 image" if count == 1 else f"{count:,} images; shown: {first:,} to {last:,}"
    return f"{title}<p><b>{images}</b></p>" + (f"<p class='quiet'>{told}</p>" if told else "")


def found_html(test: ImageSet, found: "Evaluation", places: Sequence[int]) -> str:
    """A grid of test images: below each its true class, what the Net said, and how sure it was. Empty of none."""
    if not places:
        return ""
    captions, names = [], []
    for place in places:
        truth, said = test.classes[test.labels[place]], test.classes[found.predictions[place]]
        sure = percent(float(found.confidence[place]))
        captions.append(f"{truth} → {said}\n{sure}")
        names.append(f"Test image {place}: the truth is {truth}, the Net says {said}, {sure} sure")
    return grid_html(test.images[list(places)], captions, places, columns=COLUMNS, names=names)
