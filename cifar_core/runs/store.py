"""The store: one SQLite file that knows every run, and the checkpoint files beside it.

The page writes requests into it, the workers write what happened, and everybody reads. Nothing about a run is saved
anywhere else, so a page, a worker or the whole server can vanish at any time.
"""

import math
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cifar_core.config import TrainConfig
from cifar_core.errors import RunError, StoreError
from cifar_core.runs.assignment import Assignment
from cifar_core.runs.records import Filters, Frame, FrameTime, Request, Run, RunChange, Snapshot
from cifar_core.runs.schema import TABLES_OF_A_RUN, UPGRADES, upgrade
from cifar_core.runs.slice_result import SliceResult
from cifar_core.runs.tables import filters, frames, requests, results, runs
from cifar_core.runs.tables.events import CHANGES, POINTS, REPORTS, VALIDATIONS
from cifar_core.runs.tables.holder import Holder, digest
from cifar_core.runs.timings import Timings
from cifar_core.training.events import Changed


class Store(Assignment):
    """The runs folder `folder`: store.sqlite3 and a folder of checkpoints for each run.

    One instance may be used from several threads. Raises StoreError if the folder cannot be used, RunError if a newer
    program wrote it; every method raises StoreError if the store cannot be used just now.
    """

    def __init__(self, folder: Path, patience: float = Timings.patience) -> None:
        super().__init__(folder / "store.sqlite3", patience)
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with suppress(PermissionError):  # it is somebody else's folder
                folder.chmod(0o700)  # so that nobody else on this machine reads what is in it
            with self.transaction() as tx:
                version = upgrade(tx)
                if version <= len(UPGRADES):
                    runs.end_unusable(tx, time.time())
        except (OSError, sqlite3.Error, StoreError) as error:
            raise StoreError(f"Runs cannot be saved in the folder {folder}: {error.__cause__ or error}.") from error
        if version > len(UPGRADES):
            raise RunError(f"The runs in {folder} were written by a newer version of this program; use that one.")

    def folder_of(self, run: str) -> Path:
        """Return where the checkpoints of a run lie."""
        return self.folder / run

    def weights_of(self, run: Run, step: int | None = None) -> Path:
        """Return where the newest weights of a run lie, or those of a frame: a plain state dict."""
        return self.folder_of(run.id) / f"{run.checkpoint if step is None else step}.pth"

    # -- reading -------------------------------------------------------------------------------------------------

    def run(self, run: str) -> Run | None:
        """Return the run with this id, if there is one."""
        with self.reading() as tx:
            return runs.find(tx, run)

    def owner_of(self, run: str) -> str | None:
        """Return the digest of the key of the run's owner."""
        with self.reading() as tx:
            return runs.owner_of(tx, run)

    def runs_of(self, owner: str, limit: int = 50) -> list[Run]:
        """Return the owner's runs, the newest first."""
        with self.reading() as tx:
            return runs.of_owner(tx, digest(owner), limit)

    def holders(self, first: float = 0.0, last: float = math.inf) -> dict[str, Holder]:
        """Return whom each run belongs to, by its id: all, or those created between two times."""
        with self.reading() as tx:
            return runs.holders(tx, first, last)

    def pair(self, name: str) -> list[Run]:
        """Return the runs of a pair, the baseline first."""
        with self.reading() as tx:
            return runs.pair(tx, name)

    def active(self, worker: int | None = None) -> list[Run]:
        """Return the runs not yet ended, the oldest first: all, or those of one worker."""
        with self.reading() as tx:
            return runs.active(tx, worker)

    def active_count(self) -> int:
        """Return how many runs have not yet ended."""
        with self.reading() as tx:
            return runs.active_count(tx)

    def ended(self) -> list[Run]:
        """Return the runs that have ended, the oldest first."""
        with self.reading() as tx:
            return runs.ended(tx)

    def snapshot(self, run: str, since: int = -1) -> Snapshot | None:
        """Return the run with its points and log lines after step `since`, all from one moment."""
        with self.reading() as tx:
            there = runs.find(tx, run)
            if there is None:
                return None
            curve = (POINTS.after(tx, run, since), REPORTS.after(tx, run, since))
            result = results.newest(tx, run)
            return Snapshot(there, *curve, result, VALIDATIONS.after(tx, run, -1), CHANGES.after(tx, run, -1))

    def requests(self, worker: int) -> list[Request]:
        """Return the requests for a worker's runs, the oldest first. Each stands until a slice says it is handled."""
        with self.reading() as tx:
            return requests.pending(tx, worker)

    def requests_of(self, run: str) -> list[Request]:
        """Return the requests for one run, the oldest first: at most one of each kind, and one for each setting."""
        with self.reading() as tx:
            return requests.of_run(tx, run)

    def frame_times(self, run: str) -> list[FrameTime]:
        """Return when the frames of a run were recorded, the first first."""
        with self.reading() as tx:
            return frames.times(tx, run)

    def frames(self, run: str) -> list[Frame]:
        """Return all frames of a run, the first first."""
        with self.reading() as tx:
            return frames.of_run(tx, run)

    def filters(self, run: str) -> Filters | None:
        """Return the first layer of a run about a second ago, or at its end; None before the first step."""
        with self.reading() as tx:
            return filters.newest(tx, run)

    # -- writing -------------------------------------------------------------------------------------------------

    def add(self, run: Run, owner: str, changes: Sequence[Changed] = (), address: str | None = None) -> None:
        """Save a new run, with changes to be made when it comes to their steps."""
        with self.transaction(durable=True) as tx:
            runs.add(tx, run, Holder.of(owner, address))
            CHANGES.add(tx, run.id, changes)

    def add_pair(self, baseline: Run, faulty: Run, owner: str, address: str | None = None) -> None:
        """Save two new runs, or none of them."""
        with self.transaction(durable=True) as tx:
            runs.add(tx, baseline, Holder.of(owner, address))
            runs.add(tx, faulty, Holder.of(owner, address))

    def ask(self, run: Run, kind: str, **arguments: float) -> None:
        """Leave a request for the worker that has this run. It replaces one like it; no run that has ended gets any."""
        with self.transaction() as tx:
            requests.add(tx, run.id, kind, arguments)

    def apply(self, run: str, slice: SliceResult) -> None:
        """Write what one slice of a run has brought; nothing of a run that has been removed.

        A checkpoint is written for good, so that files of older ones may go.
        """
        with self.transaction(durable=slice.checkpoint is not None) as tx:
            if not runs.exists(tx, run):
                return
            POINTS.add(tx, run, slice.points)
            REPORTS.add(tx, run, slice.reports)
            VALIDATIONS.add(tx, run, slice.validations)
            CHANGES.add(tx, run, slice.changes)
            frames.add(tx, run, slice.frames)
            if slice.filters:
                filters.replace(tx, run, slice.filters)
            if slice.result:
                results.add(tx, run, slice.result)
            requests.remove(tx, slice.handled)
            if slice.run.ended is not None:
                requests.remove_all(tx, run)
            runs.change(tx, run, slice.run)

    def change(self, run: str, changed: RunChange) -> None:
        """Write what has changed in the row of a run."""
        self.apply(run, SliceResult(changed))

    def keep_frames(self, run: str, keep: Sequence[FrameTime]) -> None:
        """Forget the other frames of a run. The worker that has the run removes their files."""
        with self.transaction() as tx:
            frames.remove_others(tx, run, keep)

    def forget_after(self, run: str, step: int) -> None:
        """Drop everything of the steps that will be done again, from a checkpoint at `step`."""
        with self.transaction() as tx:
            for table in (POINTS, REPORTS, VALIDATIONS):
                table.drop_after(tx, run, step)
            results.drop_after(tx, run, step)
            frames.drop_after(tx, run, step)
            runs.go_back(tx, run, step)

    def restart(self, run: Run, config: TrainConfig, worker: int) -> None:
        """Let an ended run train on with `config`; the mark on its curve says up to which epoch.

        Raises RunError if it has been removed, or is active.
        """
        steps = config.steps(run.images)
        with self.transaction(durable=True) as tx:
            if not runs.restart(tx, run.id, config, steps, worker):
                raise RunError("This run has been removed, or is active already; look at it again.")
            CHANGES.add(tx, run.id, [Changed(run.step, run.seen, "epochs", config.epochs, steps)])

    def remove(self, run: str) -> bool:
        """Forget a run that is not active: its rows, then its files. Return whether it was there and not active."""
        with self.transaction(durable=True) as tx:
            if not runs.remove(tx, run):
                return False
            for table in TABLES_OF_A_RUN:
                tx.execute(f"delete from {table} where run = ?", (run,))
        shutil.rmtree(self.folder_of(run), ignore_errors=True)
        self.shrink()
        return True
