"""The result of a test: the accuracy on all images and on each class, how exact that is, and the confusion matrix."""

from typing import TYPE_CHECKING

from markupsafe import Markup

from cifar_core.config import CLASSES
from cifar_core.inspect.judge import Proportion, overall, per_class
from cifar_core.runs.registry import PRETRAINED, OpenNet
from demo.widgets.confusion import confusion_table
from demo.widgets.format import percent
from demo.widgets.templates import render

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

NOT_FINITE = (
    "This Net's predictions are not finite numbers (NaN or infinity): its training diverged, usually because the "
    "learning rate was too high. No accuracy means anything here; choose another Net."
)


def net_words(opened: OpenNet) -> str:
    """Return the Net as a part of a sentence: run 1a2b after step 1,200 of 12,500."""
    if opened.run is None:
        return "the pretrained Net"
    return f"{opened.run.name} after step {opened.step:,} of {opened.run.steps:,}"


def overall_html(opened: OpenNet, evaluation: "Evaluation") -> Markup:
    """Return the accuracy on all test images, and how far it can be trusted."""
    name, accuracy = net_words(opened), overall(evaluation)
    low, high = accuracy.interval
    return render(
        "tabs/judge/overall.html.j2",
        name=name[0].upper() + name[1:],
        accuracy=accuracy,
        words=accuracy_words(accuracy),
        low=f"{100 * low:.1f}",
        high=high,
        chance=1 / len(evaluation.classes),
        warning=_warning(opened),
    )


def _warning(opened: OpenNet) -> str:
    """Name the reason why the number is not what it seems: the pretrained Net on other images, a run's mistake."""
    if opened.run and opened.run.config.mistake == "no_normalize":
        return "no normalize"
    if opened.name != PRETRAINED or opened.splits.info.kind == "archive":
        return ""
    return "other images" if opened.splits.test.classes == CLASSES else "other classes"


def accuracy_words(accuracy: Proportion) -> str:
    """Return 54.2 % ± 0.5, the error in percentage points; it is unknown, and left out, where all or none are right."""
    if not accuracy.total:
        return "–"
    error = f" ± {100 * accuracy.standard_error:.1f}" if 0 < accuracy.correct < accuracy.total else ""
    return percent(accuracy.fraction) + error


def classes_html(evaluation: "Evaluation") -> Markup:
    """Return the accuracy on each class: a bar, the counts and the sampling error."""
    rows = [
        (name, accuracy, accuracy_words(accuracy))
        for name, accuracy in zip(evaluation.classes, per_class(evaluation), strict=True)
    ]
    return render("tabs/judge/classes.html.j2", rows=rows)


def matrix_html(evaluation: "Evaluation") -> Markup:
    """Return the confusion matrix, its numbers as buttons."""
    return render("tabs/judge/matrix.html.j2", table=confusion_table(evaluation.confusion, evaluation.classes))
