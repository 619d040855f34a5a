"""What the page shows of a run, piece by piece: text and HTML from records of the store."""

from dataclasses import dataclass

from markupsafe import Markup

from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.runs.images import images_of
from cifar_core.runs.records import Filters, Run, TestResult
from demo.widgets.filters import filter_strip
from demo.widgets.format import STATES, count, duration
from demo.widgets.image_grid import ImageGrid, grid_of
from demo.widgets.templates import render

FIRST = 4
"""test images whose predictions are shown, as in the tutorial"""


@dataclass(frozen=True)
class ResultDetails:
    """What the result shows beyond the accuracy."""

    chance: float
    """percent that guessing would give"""
    classes: tuple[tuple[str, float | None], ...]
    """each class with its accuracy, 0 to 1"""
    grid: ImageGrid
    """the first test images"""
    first: tuple[tuple[str, str], ...]
    """true and predicted class of each of them"""


def trouble_html(error: Exception) -> Markup:
    """Return the sentence of an error in place of the status."""
    return render("tabs/train/trouble.html.j2", sentence=str(error))


def status_html(run: Run | None, *, own: bool = True) -> Markup:
    """Return state, progress and speed of a run, in two lines whose height never changes."""
    state = run.state if run else "none"
    label = STATES[run.state] if run else "No training yet"
    facts = _facts(run, own) if run else ["Press Start to train with these settings."]
    return render("tabs/train/status.html.j2", state=state, label=label, facts=facts, share=_progress(run))


def _progress(run: Run | None) -> float:
    if run is None:
        return 0.0
    return 1.0 if run.state == "testing" else run.seen / (run.config.epochs * run.images)


def _facts(run: Run, own: bool) -> list[str]:
    if run.state == "testing":
        return [f"tested {count(run.tested)} test images so far"]
    total = run.config.epochs * run.images
    facts = [f"epoch {max(run.epoch, 1)} of {run.config.epochs}", f"step {count(run.step)} of {count(run.steps)}"]
    if run.state == "running" and run.speed:
        facts += [f"{count(run.speed)} images/s", f"{duration((total - run.seen) / run.speed)} left"]
    elif run.ended and run.state in ("done", "stopped"):
        facts.append(f"{duration(run.busy)} of work")
    if run.message:
        facts = [run.message] if run.state in ("failed", "diverged") else [*facts, run.message]
    return facts if own else [*facts, "not your run: view only"]


def filters_html(filters: Filters | None) -> str:
    """Return the six filters of the first layer; nothing before the first step."""
    if filters is None:
        return ""
    return render("tabs/train/live_filters.html.j2", strip=filter_strip(filters.weights), step=filters.step)


def tested_on(run: Run, result: TestResult | None) -> Splits | None:
    """Return the data set of a run; None if it is gone or another one lies in its place."""
    try:
        splits = images_of(run)
    except RunError:
        return None
    sizes = (len(splits.train), len(splits.test), len(splits.test.classes))
    return splits if result is None or sizes == (run.images, result.total, len(result.per_class)) else None


def log_end(run: Run, result: TestResult | None, splits: Splits | None) -> str:
    """Return the last lines of the log, as the notebook ends."""
    begin = {"done": "Finished Training\n", "stopped": f"Stopped after {run.step:,} mini-batches\n"}.get(run.state, "")
    if result is None:
        return begin + (run.message + "\n" if run.message else "")
    accuracy = f"Accuracy of the network on the {result.total} test images: {100 * result.correct // result.total} %"
    if splits is None:
        return f"{begin}{accuracy}\n"
    classes = splits.test.classes
    truth = " ".join(f"{classes[label]:>5}" for label in splits.test.labels[:FIRST])
    predicted = " ".join(f"{classes[label]:>5}" for label in result.first_predictions)
    return f"{begin}GroundTruth:  {truth}\nPredicted:    {predicted}\n{accuracy}\n"


def result_html(run: Run, result: TestResult | None, splits: Splits | None) -> str:
    """Return how good the trained Net is: accuracy, each class, and four test images with its predictions."""
    if result is None:
        return ""
    details = _details(result, splits) if splits else None
    return render("tabs/train/result.html.j2", result=result, details=details)


def _details(result: TestResult, splits: Splits) -> ResultDetails:
    classes, images = splits.test.classes, splits.test.first(FIRST)
    predicted = [classes[label] for label in result.first_predictions]
    first = tuple(zip((classes[label] for label in images.labels), predicted, strict=True))
    captions = [f"{'✓' if truth == name else '✗'} {name}" for truth, name in first]
    names = [f"The true class is {truth}; the Net predicts {name}" for truth, name in first]
    grid = grid_of(images.images, captions, range(len(first)), columns=FIRST, names=names)
    return ResultDetails(100 / len(classes), tuple(zip(classes, result.per_class, strict=True)), grid, first)
