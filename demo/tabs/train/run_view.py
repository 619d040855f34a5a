"""What the page shows of a run: made from snapshots of the store, without any Gradio.

`RunWatch` is one open page following a run. It keeps nothing that the store does not know, so a refresh or a second
page simply begins anew and shows the same.
"""

import html
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cifar_core.data import Splits, image_set
from cifar_core.errors import DataError, RunError, StoreError
from cifar_core.inspect.filters import filter_tiles
from cifar_core.runs.records import Filters, Point, Run, Snapshot, TestResult
from cifar_core.runs.service import Service
from cifar_core.runs.smoothing import MovingMean
from cifar_core.training.events import Changed, Validated
from demo.tabs.train.narrator import story_of
from demo.widgets.chart import chart_head, chart_marks, chart_points, chart_validations
from demo.widgets.format import STATES, duration, percent
from demo.widgets.image_grid import grid_html
from demo.widgets.templates import data_url

COMMANDS = {
    "waiting": frozenset({"stop"}),
    "running": frozenset({"stop", "pause", "change"}),
    "paused": frozenset({"stop", "resume", "change"}),
    "testing": frozenset[str](),
}
"""what the owner of a run that is going may do with it"""
FILTERS_EVERY = 1.0
"""seconds between two looks at the first layer; its worker does not write it more often"""


@dataclass(frozen=True)
class View:
    """All parts of the page that follow from a run."""

    run: Run | None = None
    mine: bool = True
    """whether the one who looks may command the run"""
    status: str = ""
    chart: str = ""
    filters: str = ""
    story: str = ""
    log: str = ""
    result: str = ""
    weights: Path | None = None
    """the weights to download, once the run has ended"""

    @property
    def commands(self) -> frozenset[str]:
        """What the one who looks may do now: stop, pause, resume, change, train_on."""
        if self.run is None or not self.mine:
            return frozenset()
        return COMMANDS.get(self.run.state, frozenset({"train_on"} if self.weights else ()))


class RunWatch:
    """Follows the run `asked` (an id from the address), or else the visitor's newest; and each new one he starts."""

    def __init__(self, service: Service, owner: str, asked: str = "") -> None:
        self._service, self._owner = service, owner
        self._newest = self._newest_own()
        self._following = asked or self._newest
        self._view, self._last_step = View(), -1
        self._told: set[Validated | Changed] = set()
        self._points: list[Point] = []
        self._reported = 0
        self._filters_at = 0.0

    def look(self) -> View:
        """The page as it should be now."""
        try:
            newest = self._newest_own()
            if newest != self._newest:
                self._newest = self._following = newest
            if self._view.run and self._view.run.id != self._following:
                self._begin()
            if not self._following:
                return View(status=status_html(None))
            self._view = self._next(self._service.snapshot(self._following, self._last_step))
            return self._view
        except StoreError as error:  # for the moment; what was shown stays
            return replace(self._view, status=_sentence(error))
        except RunError as error:
            return View(status=_sentence(error))

    def _newest_own(self) -> str:
        runs = self._service.runs_of(self._owner, limit=1)
        return runs[0].id if runs else ""

    def _next(self, snapshot: Snapshot) -> View:
        old, run = self._view, snapshot.run
        # Steps are being done again after a worker's death, or a run that had ended trains on: all is told anew.
        if old.run and (run.step < old.run.step or run.config != old.run.config or (run.active and not old.run.active)):
            self._begin()
            old, snapshot = self._view, self._service.snapshot(run.id)
            run = snapshot.run
        probes = [probe for probe in snapshot.probes if probe not in self._told]
        changes = [change for change in snapshot.changes if change not in self._told]
        if old.run == run and not probes and not changes:
            return old
        self._told.update(probes, changes)
        if snapshot.points:
            self._last_step = snapshot.points[-1].step
        self._points += snapshot.points
        story = old.story
        if snapshot.reports or probes or changes or old.run is None or old.run.state != run.state:
            lines = [report.step for report in snapshot.reports]
            self._reported = max([self._reported, *lines, *(probe.step for probe in snapshot.probes)])
            story = story_of(self._service, snapshot, self._points, self._reported)
        mine = self._service.is_own(self._owner, run.id)
        result, log = old.result, old.log + "".join(report.line + "\n" for report in snapshot.reports)
        if not run.active and (old.run is None or old.run.active):
            # a run that trained on and then failed has a result still, but of an earlier Net
            tested = snapshot.result if snapshot.result and snapshot.result.step == run.step else None
            splits = _tested_on(run, tested)
            log += log_end(run, tested, splits)
            result = result_html(run, tested, splits)
        if not old.chart:
            self._mean = MovingMean(run)
        chart = old.chart or chart_head(run)
        points = chart_points(snapshot.points, self._mean.add(snapshot.points))
        return View(
            run=run,
            mine=mine,
            status=status_html(run, mine=mine),
            chart=chart + points + chart_validations(probes) + chart_marks(changes),
            filters=self._filters_of(run),
            story=story,
            log=log,
            result=result,
            weights=self._service.store.weights_of(run) if not run.active and run.checkpoint >= 0 else None,
        )

    def _filters_of(self, run: Run) -> str:
        """The first layer as it is now; as it was shown where that was a moment ago."""
        now, old = time.monotonic(), self._view.run
        # when the training has ended, the last is there at once
        if old and old.state == run.state and now - self._filters_at < FILTERS_EVERY:
            return self._view.filters
        self._filters_at = now
        return filters_html(self._service.filters(run.id))

    def _begin(self) -> None:
        """Nothing of the run has been told yet."""
        self._view, self._last_step, self._told, self._filters_at = View(), -1, set(), 0.0
        self._points, self._reported = [], 0


def _sentence(error: Exception) -> str:
    return f'<p class="status-line">{html.escape(str(error))}</p>'


def status_html(run: Run | None, *, mine: bool = True) -> str:
    """State, progress and pace of a run, in two lines whose height never changes."""
    if run is None:
        return _status("none", "No training yet", 0.0, ["Press Start to train with these settings."])
    if run.state == "testing":
        total = f"{run.tested:,} test images"
        return _status(run.state, STATES[run.state], 1.0, [f"asking the Net about {total} so far"])
    share = run.seen / (run.config.epochs * run.images)
    facts = [f"epoch {max(run.epoch, 1)} of {run.config.epochs}", f"step {run.step:,} of {run.steps:,}"]
    if run.state == "running" and run.speed:
        left = (run.config.epochs * run.images - run.seen) / run.speed
        facts += [f"{run.speed:,.0f} images/s", f"{duration(left)} left"]
    elif run.ended and run.state in ("done", "stopped"):
        facts.append(f"{duration(run.busy)} of work")
    if run.message:
        facts = [run.message] if run.state in ("failed", "diverged") else [*facts, run.message]
    if not mine:
        facts.append("somebody else's run: you can only watch")
    return _status(run.state, STATES[run.state], share, facts)


def _status(state: str, name: str, share: float, facts: list[str]) -> str:
    said = " · ".join(html.escape(fact) for fact in facts)
    return (
        f'<div class="run-status" data-state="{state}"><p class="status-line"><span class="chip {state}">{name}</span>'
        f'<span class="facts">{said}</span></p><div class="progress" role="progressbar" aria-label="Progress" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{100 * share:.0f}">'
        f'<div style="width:{100 * share:.2f}%"></div></div></div>'
    )


def filters_html(filters: Filters | None) -> str:
    """The six filters of the first layer, as pictures of 5x5 pixels; nothing before the first step."""
    if filters is None:
        return ""
    # a picture for each and not one sheet: so the space between them is the page's own
    tiles = "".join(f'<img src="{data_url(tile)}" alt="" decoding="sync">' for tile in filter_tiles(filters.weights))
    step = f"{filters.step:,}"
    return (
        f'<figure class="live-filters"><div role="img" aria-label="The six filters of the first layer at step {step}">'
        f"{tiles}</div><figcaption>The first layer at step {step}: six filters of 5 × 5 weights, which begin as noise. "
        "Grey is a weight of zero.</figcaption></figure>"
    )


def _tested_on(run: Run, result: TestResult | None) -> Splits | None:
    """The data set of a run, unless it is gone or another one lies in its place."""
    try:
        splits = image_set.load(Path(run.data))
    except DataError:
        return None
    sizes = (len(splits.train), len(splits.test), len(splits.test.classes))
    return splits if result is None or sizes == (run.images, result.total, len(result.per_class)) else None


def log_end(run: Run, result: TestResult | None, splits: Splits | None) -> str:
    """The last lines of the log, as the notebook ends."""
    begin = {"done": "Finished Training\n", "stopped": f"Stopped after {run.step:,} mini-batches\n"}.get(run.state, "")
    if result is None:
        return begin + (run.message + "\n" if run.message else "")
    accuracy = f"Accuracy of the network on the {result.total} test images: {100 * result.correct // result.total} %"
    if splits is None:
        return f"{begin}{accuracy}\n"
    classes = splits.test.classes
    truth = " ".join(f"{classes[label]:>5}" for label in splits.test.labels[:4])
    predicted = " ".join(f"{classes[label]:>5}" for label in result.first_predictions)
    return f"{begin}GroundTruth:  {truth}\nPredicted:    {predicted}\n{accuracy}\n"


def result_html(run: Run, result: TestResult | None, splits: Splits | None) -> str:
    """How good the trained Net is: accuracy, each class, and four test images with what it says of them."""
    if result is None:
        return ""
    heading = f"<h3>Accuracy on {result.total:,} test images: <strong>{percent(result.accuracy)}</strong></h3>"
    if splits is None:
        return f"<section class='result'>{heading}<p class='quiet'>These images are no longer here.</p></section>"
    test = splits.test
    four = test.first(4)
    answers = [test.classes[label] for label in result.first_predictions]
    truths = [test.classes[label] for label in four.labels]
    captions = [f"{'✓' if a == t else '✗'} {a}" for a, t in zip(answers, truths, strict=True)]
    names = [f"The truth is {t}; the Net says {a}" for a, t in zip(answers, truths, strict=True)]
    words = " ".join(
        f"<li><b>{html.escape(t)}</b> → {html.escape(a)} {'✓' if a == t else '✗'}</li>"
        for a, t in zip(answers, truths, strict=True)
    )
    bars = "".join(
        f"<tr><th scope='row'>{html.escape(name)}</th><td><div class='bar'>"
        f"<div style='width:{100 * (share or 0):.1f}%'></div></div></td><td class='number'>{percent(share)}</td></tr>"
        for name, share in zip(test.classes, result.per_class, strict=True)
    )
    chance = 100 / len(test.classes)
    return (
        f"<section class='result'>{heading}"
        f"<p class='quiet'>{result.correct:,} of them are answered right, by a Net that never saw them in training. "
        f"Guessing would give {chance:.0f} %.</p>"
        f"<div class='result-parts'><div><h4>Each class</h4><table class='bars'>{bars}</table></div>"
        f"<div><h4>GroundTruth → Predicted</h4>"
        f"{grid_html(four.images, captions, range(4), columns=4, names=names)}<ol class='truths'>{words}</ol></div>"
        f"</div></section>"
    )
