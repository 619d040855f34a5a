"""What anybody may ask about runs. Nothing here gives away the mistake of a quiz that is not solved yet."""

import secrets
import time
from pathlib import Path

from cifar_core.errors import RunError
from cifar_core.runs.pairs import Pair, in_order
from cifar_core.runs.records import Filters, Frame, FrameTime, Run, Snapshot, WorkerInfo
from cifar_core.runs.store import Store
from cifar_core.runs.tables.holder import digest
from cifar_core.runs.weights import newest_weights, weights_at

_GONE = "There is no such run; check its id, or it may have been removed."


class RunQueries:
    """Reads the runs of a store. Every method that takes a run's id raises RunError if there is no such run."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._watched: dict[str, float] = {}  # run id: when somebody looked at it last, by time.monotonic()

    def find(self, run_id: str) -> Run:
        """Return the run."""
        return self._find(run_id).public

    def own(self, owner: str, run_id: str) -> Run:
        """Return the run if it is this owner's. Raises RunError if it is somebody else's."""
        return self._own(owner, run_id).public

    def is_own(self, owner: str, run_id: str) -> bool:
        """Return whether `owner` is the secret key of this run's owner."""
        kept = self.store.owner_of(run_id) if run_id.isascii() else None
        return kept is not None and secrets.compare_digest(kept, digest(owner))

    def runs_of(self, owner: str, limit: int = 50) -> list[Run]:
        """Return the visitor's runs, the newest first."""
        return [run.public for run in self.store.runs_of(owner, limit)]

    def snapshot(self, run_id: str, since: int = -1, *, watching: bool = True) -> Snapshot:
        """Return the run with its points and log lines after step `since`.

        With `watching` the limits leave the run alone for a while, because somebody looks at it.
        """
        snapshot = self._snapshot(run_id, since).public
        if watching:
            self._watched[run_id] = time.monotonic()
        return snapshot

    def frame_times(self, run_id: str) -> tuple[FrameTime, ...]:
        """Return when the frames of the run were recorded so far, the first first: cheap enough to ask every second.

        Other times than before mean other frames.
        """
        self._find(run_id)
        return tuple(self.store.frame_times(run_id))

    def frames(self, run_id: str) -> tuple[Frame, ...]:
        """Return the run's timeline: at most 48 frames, the first first."""
        self._find(run_id)
        return tuple(self.store.frames(run_id))

    def filters(self, run_id: str) -> Filters | None:
        """Return the first layer about a second ago, or at the end; None before the first step."""
        self._find(run_id)
        return self.store.filters(run_id)

    def weights(self, run_id: str, step: float | None = None) -> bytes:
        """Return the newest weights of a run, also of one still training, or a frame's: the content of a `.pth` file.

        `step` is that of one of its frames. Raises RunError if there is no such step, or there are no weights yet.
        """
        if step is not None:
            return weights_at(self.store, self._find(run_id), step)
        return self.newest_weights(run_id)[1]

    def newest_weights(self, run_id: str) -> tuple[int, bytes]:
        """Return the newest weights and the step they are of. Raises RunError if there are none yet."""
        self._find(run_id)
        newest = newest_weights(self.store, run_id)
        if newest is None:
            raise RunError("This run has no weights yet; try again in a moment.")
        return newest

    def weights_file(self, run_id: str) -> Path | None:
        """Return where the newest weights of a run that has ended lie; None if it has none, or is still active."""
        run = self._find(run_id)
        path = self.store.weights_of(run)
        return path if not run.active and run.checkpoint >= 0 and path.exists() else None

    def pair(self, owner: str, pair: str) -> Pair:
        """Return a pair of this owner's. Raises RunError if a run of it is gone or somebody else's."""
        if not pair:
            raise RunError("There is no pair of runs to show; start one.")
        self._own(owner, pair)  # the baseline, whose id the pair has
        baseline, faulty = in_order(self.store.pair(pair))
        return Pair(self.snapshot(baseline.id), self.snapshot(self._own(owner, faulty.id).id))

    def pairs_of(self, owner: str) -> list[tuple[Run, Run]]:
        """Return the visitor's pairs of which both runs are there, the newest first: baseline and faulty run."""
        runs = self.runs_of(owner)
        baselines = {run.id: run for run in runs if run.pair == run.id}
        return [(baselines[run.pair], run) for run in runs if run.pair in baselines and run.pair != run.id]

    def active_count(self) -> int:
        """Return how many runs are active, of all visitors."""
        return self.store.active_count()

    def workers(self) -> list[WorkerInfo]:
        """Return the workers that are up; none in the first seconds, while they load torch."""
        return self.store.workers()

    def _find(self, run_id: str) -> Run:
        """The run as it really is, secrets and all."""
        run = self.store.run(run_id) if run_id.isascii() else None
        if run is None:
            raise RunError(_GONE)
        return run

    def _own(self, owner: str, run_id: str) -> Run:
        run = self._find(run_id)
        if not self.is_own(owner, run_id):
            raise RunError("Only the one who started this run may command it; you may watch.")
        return run

    def _snapshot(self, run_id: str, since: int = -1) -> Snapshot:
        snapshot = self.store.snapshot(run_id, since) if run_id.isascii() else None
        if snapshot is None:
            raise RunError(_GONE)
        return snapshot
