"""The test images behind the numbers: those that a question asks for, a page at a time."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from cifar_core.data.image_set import ImageSet, Splits
from cifar_core.errors import DataError
from cifar_core.inspect.judge import find_images
from cifar_core.runs.registry import NetRegistry
from demo.tabs.judge.evaluation import shown_evaluation
from demo.tabs.judge.state import JudgeState, Question
from demo.widgets.format import percent
from demo.widgets.image_grid import grid_html
from demo.widgets.templates import render

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

PER_PAGE = 15
COLUMNS = 5
CORRECT: dict[str, bool | None] = {"wrong": False, "right": True, "any": None}
VIEWS = {
    "Most confident mistakes": Question(),
    "Least certain": Question(outcome="any", order="smallest_margin"),
    "Most confident right": Question(outcome="right"),
}
"""the ready-made questions"""


@dataclass(frozen=True)
class ImagesPage:
    """What is shown to a question."""

    heading: Markup
    """what the images are, or why there are none"""
    grid: Markup = Markup()
    number: int = 1
    """of this page, from 1"""
    pages: int = 1


def images_page(nets: NetRegistry, state: JudgeState) -> ImagesPage:
    """Return the images asked for in `state`: its page, or the nearest one.

    Raise RunError as `shown_evaluation` does, and DataError for an unknown class, outcome or order.
    """
    splits, evaluation = shown_evaluation(nets, state)
    places = places_of(evaluation, state.question)
    pages = max(1, math.ceil(len(places) / PER_PAGE))
    number = max(1, min(state.page, pages))
    here = places[(number - 1) * PER_PAGE : number * PER_PAGE].tolist()
    return ImagesPage(
        heading_html(splits, state.question, len(places), number), _grid(splits.test, evaluation, here), number, pages
    )


def places_of(evaluation: "Evaluation", question: Question) -> np.ndarray:
    """Return the places of the images asked for, int64 (M,), in order; raise DataError for an unknown class."""
    if question.outcome not in CORRECT:
        raise DataError(f"The outcome must be one of {', '.join(CORRECT)}; {question.outcome!r:.40} is none of them.")
    return find_images(
        evaluation,
        true=question.truth or None,
        predicted=question.predicted or None,
        correct=CORRECT[question.outcome],
        order=question.order,
    )


def heading_html(splits: Splits, question: Question, count: int, number: int) -> Markup:
    """Return what the images are, how many there are, which are on page `number`, and what to look for."""
    return render(
        "tabs/judge/images.html.j2",
        question=question,
        cell=question.truth and question.predicted and question.outcome == "any",
        count=count,
        first=(number - 1) * PER_PAGE + 1,
        last=min(number * PER_PAGE, count),
        look_for="" if question.truth + question.predicted else f"{question.outcome} {question.order}",
        is_cifar=splits.info.name == "CIFAR-10",
    )


def _grid(test: ImageSet, evaluation: "Evaluation", places: list[int]) -> Markup:
    """Lay out test images: below each its true class, the predicted class and the confidence."""
    if not places:
        return Markup()
    captions, names = [], []
    for place in places:
        truth, predicted = test.classes[test.labels[place]], test.classes[evaluation.predictions[place]]
        confidence = percent(float(evaluation.confidence[place]))
        captions.append(f"{truth} → {predicted}\n{confidence}")
        names.append(f"Test image {place}: the truth is {truth}, the Net predicts {predicted} with {confidence}")
    return grid_html(test.images[places], captions, places, columns=COLUMNS, names=names)
