"""One open page that follows a run: what it shows, made from snapshots of the store, without any Gradio.

`RunWatch` knows nothing that the store does not know, so a refreshed page or a second one simply begins anew and shows
the same.
"""

import time
from dataclasses import dataclass, replace

from cifar_core.errors import RunError, StoreError
from cifar_core.runs.records import Run, Snapshot
from cifar_core.runs.service import Service
from cifar_core.training.events import Changed, Validated
from demo.tabs.train.curve import Curve
from demo.tabs.train.run_view import filters_html, log_end, result_html, status_html, tested_on, trouble_html
from demo.tabs.train.state import Command, TrainState
from demo.tabs.train.story import story_of
from demo.widgets.chart import chart_head, chart_marks, chart_points, chart_validations

COMMANDS: dict[str, tuple[Command, ...]] = {
    "waiting": ("stop",),
    "running": ("stop", "pause", "change"),
    "paused": ("stop", "resume", "change"),
    "testing": (),
}
"""what the owner of an active run may do with it"""
FILTERS_EVERY = 1.0
"""seconds between two looks at the first layer; its worker does not write it more often"""


@dataclass(frozen=True)
class View:
    """All parts of the page that follow from a run."""

    run: Run | None = None
    own: bool = True
    """whether the visitor is its owner"""
    weights: bool = False
    """whether it has ended and its weights can be downloaded"""
    new: bool = True
    """whether the page has just begun to follow this run"""
    status: str = ""
    chart: str = ""
    filters: str = ""
    story: str = ""
    log: str = ""
    result: str = ""

    @property
    def state(self) -> TrainState:
        """Return what the page's buttons follow."""
        if self.run is None:
            return TrainState(commands=("start",), new=self.new)
        commands: tuple[Command, ...] = ()
        if self.own:
            commands = COMMANDS.get(self.run.state, ("train_on",) if self.weights else ())
        download: tuple[Command, ...] = ("download",) if self.weights else ()
        return TrainState(self.run.id, self.run.state, ("start", *commands, *download), self.new)


class RunWatch:
    """Follows the run `asked` (an id from the address), or else the visitor's newest; then each new one they start."""

    def __init__(self, service: Service, owner: str, asked: str = "") -> None:
        self._service, self._owner = service, owner
        self._newest = self._newest_own()
        self._following = asked or self._newest
        self._begin()

    def _begin(self) -> None:
        self._view = View()
        self._last_step = -1
        self._filters_at = 0.0
        self._seen: set[Validated | Changed] = set()
        self._reported = 0
        self._curve: Curve | None = None

    def look(self) -> View:
        """Return the page as it should be now."""
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
        except StoreError as error:  # for now; what was shown stays
            return replace(self._view, status=trouble_html(error))
        except RunError as error:
            return View(status=trouble_html(error))

    def _newest_own(self) -> str:
        runs = self._service.runs_of(self._owner, limit=1)
        return runs[0].id if runs else ""

    def _next(self, snapshot: Snapshot) -> View:
        old, run, new = self._view, snapshot.run, self._view.run is None
        if self._must_begin_again(run):
            self._begin()
            old, snapshot = self._view, self._service.snapshot(run.id)
            run = snapshot.run
        validations = [one for one in snapshot.validations if one not in self._seen]
        changes = [change for change in snapshot.changes if change not in self._seen]
        if old.run == run and not validations and not changes:
            return old
        self._seen.update(validations, changes)
        log, result = old.log + "".join(report.line + "\n" for report in snapshot.reports), old.result
        if not run.active and (old.run is None or old.run.active):
            end, result = _end(snapshot)
            log += end
        own = self._service.is_own(self._owner, run.id)
        return View(
            run=run,
            own=own,
            weights=not run.active and run.checkpoint >= 0,
            new=new or (old.new and old.run is not None and old.run.state == run.state),
            status=status_html(run, own=own),
            chart=self._chart(snapshot, validations, changes),
            filters=self._filters_of(run),
            story=self._story_of(snapshot, bool(validations or changes)),
            log=log,
            result=result,
        )

    def _must_begin_again(self, run: Run) -> bool:
        """Steps are being repeated after a worker's death, or a run that had ended trains on."""
        old = self._view.run
        return old is not None and (run.step < old.step or run.config != old.config or (run.active and not old.active))

    def _chart(self, snapshot: Snapshot, validations: list[Validated], changes: list[Changed]) -> str:
        """Return the chart's text grown by what is new; or another, once in a while, in which the curve is thinned."""
        curve = self._curve = self._curve or Curve(snapshot.run)
        before, every = len(curve.points), curve.every
        curve.add(snapshot.points)
        if snapshot.points:
            self._last_step = snapshot.points[-1].step
        text = self._view.chart
        if not text or curve.every != every:
            text, before = chart_head(snapshot.run), 0
            validations, changes = list(snapshot.validations), list(snapshot.changes)
        points = chart_points(curve.points[before:], curve.means[before:])
        return text + points + chart_validations(validations) + chart_marks(changes)

    def _story_of(self, snapshot: Snapshot, more: bool) -> str:
        """Return the story: another one where there is a log line, a validation, a change or another state."""
        old, run = self._view.run, snapshot.run
        if not snapshot.reports and not more and old is not None and old.state == run.state:
            return self._view.story
        reported = [report.step for report in snapshot.reports]
        validated = [one.step for one in snapshot.validations]
        self._reported = max([self._reported, *reported, *validated])
        points = self._curve.points if self._curve else []
        if self._curve and self._curve.every > 1:  # so that all pages read the same, whenever they opened
            points = list(self._service.snapshot(run.id).points)
        return story_of(self._service, snapshot, points, self._reported)

    def _filters_of(self, run: Run) -> str:
        """Return the first layer as it is now, or as it was shown less than a second ago."""
        now, old = time.monotonic(), self._view.run
        # when the training has ended, the last is there at once
        if old and old.state == run.state and now - self._filters_at < FILTERS_EVERY:
            return self._view.filters
        self._filters_at = now
        return filters_html(self._service.filters(run.id))


def _end(snapshot: Snapshot) -> tuple[str, str]:
    """Return what ends the log, and the result."""
    run = snapshot.run
    # a run that trained on and then failed has a result still, but of an earlier Net
    tested = snapshot.result if snapshot.result and snapshot.result.step == run.step else None
    splits = tested_on(run, tested)
    return log_end(run, tested, splits), result_html(run, tested, splits)
