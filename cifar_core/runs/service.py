"""The service: what a page calls. It writes wishes into the store and keeps the worker processes alive."""

import fcntl
import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cifar_core.config import CHANGEABLE, TrainConfig
from cifar_core.data.image_set import Splits
from cifar_core.errors import RunError
from cifar_core.mistakes import training_images
from cifar_core.runs.bundle import bundle, newest_weights
from cifar_core.runs.limits import Limits, tidy
from cifar_core.runs.pool import Pool, default_count
from cifar_core.runs.records import Estimate, Filters, Frame, FrameTime, Run, Snapshot, WorkerInfo, new_run
from cifar_core.runs.store import Store
from cifar_core.runs.timeline import filters_of, frames_of, moments_of, weights_at
from cifar_core.training.events import Change, Changed

WATCHED_FOR = 15.0
"""seconds for which a run counts as watched after somebody looked at it"""


class Service:
    """Runs in the folder `folder`, trained by `workers` processes on `device`.

    Use it as a context manager: entering starts the workers, leaving ends them (their runs go on at the next start).
    """

    def __init__(
        self, folder: Path, *, workers: int | None = None, device: str = "auto", limits: Limits | None = None
    ) -> None:
        self.store = Store(folder)
        self.limits = limits or Limits()
        self._pool = Pool(self.store, workers or default_count(device), device, self._tidy)
        self._watched: dict[str, float] = {}  # run id: when somebody looked at it last
        self._starting = threading.Lock()

    def __enter__(self) -> Self:
        self._lock = open(self.store.folder / "server.lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise RunError(
                f"Another server already uses the runs in {self.store.folder}: stop it, or name another --runs folder."
            ) from error
        try:
            self._pool.open()
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()
        self._lock.close()

    def start(self, owner: str, config: TrainConfig, data: Splits, changes: Sequence[Change] = ()) -> Run:
        """Begin a training for the visitor with the secret key `owner`; it starts within a fraction of a second.

        `changes` are made at their steps, as they were in a run that is to be repeated.

        Raises RunError, with the bound in its sentence, where that would be too much.
        """
        if not isinstance(owner, str) or not owner.isascii() or not 16 <= len(owner) <= 100:
            raise RunError(
                "The owner key must be 16 to 100 plain (ASCII) characters; leave it out to be given a new one."
            )
        images = len(training_images(config, data))
        changed = config.changed({change.name: change.value for change in changes})
        steps = max(config.steps(images), changed.steps(images))
        if steps > self.limits.steps:
            raise RunError(
                f"These settings need {steps:,} mini-batches and this server allows {self.limits.steps:,}: "
                "take fewer epochs or a larger batch."
            )
        workers = self.workers()
        if workers and config.device not in ("auto", *workers[0].available):
            raise RunError(
                f"This server has no {config.device} device; it has {', '.join(workers[0].available)}. Choose auto."
            )
        with self._starting:  # so that two clicks at once are counted one after the other
            active = self._check_room(owner)
            recent = [run for run in self.store.runs_of(owner) if time.time() - run.created < 60]
            if len(recent) >= self.limits.starts_a_minute:
                raise RunError(
                    f"You started {len(recent)} runs within a minute, and {self.limits.starts_a_minute} are allowed; "
                    "wait a little."
                )
            folder = data.folder.resolve()  # the next server may be started in another folder
            run = new_run(secrets.token_hex(8), config, folder, images, self._least_loaded(active)[0])
            told = [Changed(one.step, one.step * config.batch_size, one.name, one.value, steps) for one in changes]
            self.store.add(run, owner, told)  # each is told anew, with what is then true, when it is made
        return run

    def estimate(self, config: TrainConfig, images: int) -> Estimate:
        """How long `config` would take on `images` pictures, with what is going on now."""
        active = [run for run in self.store.active() if run.state != "paused"]
        share = 1 / (1 + self._least_loaded(active)[1])
        workers = self.workers()
        seconds = None
        if workers and workers[0].step_seconds:
            work = config.steps(images) * workers[0].step_seconds + config.epochs * images * workers[0].image_seconds
            seconds = work / share
        return Estimate(len(active), share, seconds)

    def stop(self, owner: str, run_id: str) -> Run:
        """End the training of one's own run; its Net is then tested as at the end of a whole one."""
        return self._ask(owner, run_id, "stop")

    def pause(self, owner: str, run_id: str) -> Run:
        """Let one's own run rest until `resume`."""
        return self._ask(owner, run_id, "pause")

    def resume(self, owner: str, run_id: str) -> Run:
        """Let one's own resting run go on."""
        return self._ask(owner, run_id, "resume")

    def change(self, owner: str, run_id: str, **settings: float) -> Run:
        """Change learning rate, momentum or batch size of one's own run from its next mini-batch on.

        Values as they are already do nothing. Raises ConfigError for one out of bounds, RunError for another setting.
        """
        run = self.own(owner, run_id)
        if set(settings) - set(CHANGEABLE):
            raise RunError(f"Only {', '.join(CHANGEABLE)} can change while a run is going.")
        if not run.active or run.state == "testing":
            raise RunError("This run has ended; let it train on first, or start another.")
        # what was asked before and is not in force yet counts too; read first, for it may be obeyed meanwhile
        asked = [request for request in self.store.requests(run.worker) if request.run == run_id]
        now = self.snapshot(run_id).config
        for request in asked:
            now = now.changed(request.arguments)
        wanted = now.changed(settings)
        if wanted.steps(run.images) > self.limits.steps:
            raise RunError(f"So small a batch needs more than the {self.limits.steps:,} mini-batches allowed here.")
        new = {name: getattr(wanted, name) for name in settings if getattr(wanted, name) != getattr(now, name)}
        if new:
            self.store.ask(run, "change", **new)
        return run

    def train_on(self, owner: str, run_id: str, epochs: int) -> Run:
        """Let one's own ended run go on from where it stands, to `epochs` more whole epochs."""
        if isinstance(epochs, bool) or not isinstance(epochs, int | float) or epochs < 1 or epochs % 1:
            raise RunError(f"More epochs must be a whole number from 1; {epochs!r:.40} is not.")
        with self._starting:  # so that of two clicks at once the second finds it going
            run = self.own(owner, run_id)
            if run.active or run.checkpoint < 0:
                raise RunError("Only a run that has ended and kept its weights can train on.")
            total = run.seen // run.images + int(epochs)
            if run.busy > 60 * self.limits.minutes:
                raise RunError(f"This run has had its {self.limits.minutes} minutes of work; start another.")
            steps = self.snapshot(run_id).config.changed({"epochs": total}).steps(run.images)
            if steps > self.limits.steps:
                raise RunError(
                    f"That would be more than the {self.limits.steps:,} mini-batches that a run may have here."
                )
            kept = run.config.changed({"epochs": total, "stop_rule": "none"})  # its rule was or would be met at once
            self.store.go_on(run, kept, self._least_loaded(self._check_room(owner))[0])
        return self.find(run_id)

    def rename(self, owner: str, run_id: str, name: str) -> Run:
        """Give one's own run another name, of 1 to 60 characters."""
        self.own(owner, run_id)
        name = " ".join(str(name).split())
        if not 1 <= len(name) <= 60 or not name.isprintable():
            raise RunError("A name must have 1 to 60 characters.")
        self.store.update(run_id, name=name)
        return self.find(run_id)

    def delete(self, owner: str, run_id: str) -> None:
        """Remove one's own ended run and its weights for good."""
        if self.own(owner, run_id).active:
            raise RunError("This run is still going; stop it first.")
        self.store.remove(run_id)

    def _check_room(self, owner: str) -> list[Run]:
        """The runs that are going. Raises RunError where no further one of this owner may be."""
        active = self.store.active()
        if len(active) >= self.limits.active:
            raise RunError(f"This server trains {self.limits.active} runs at once at most; try again in a while.")
        mine = sum(self.is_own(owner, run.id) for run in active)
        if mine >= self.limits.active_per_owner:
            raise RunError(
                f"You have {mine} runs going, the most that one visitor may; stop one before starting another."
            )
        return active

    def _least_loaded(self, active: list[Run]) -> tuple[int, int]:
        """The worker with the fewest of these runs, and how many it has."""
        load = [sum(run.worker == index for run in active) for index in range(self._pool.count)]
        return load.index(min(load)), min(load)

    def _ask(self, owner: str, run_id: str, kind: str) -> Run:
        run = self.own(owner, run_id)
        if run.active:
            self.store.ask(run, kind)
        return run

    def own(self, owner: str, run_id: str) -> Run:
        """The run, if it is this owner's. Raises RunError where there is no such run, or it is somebody else's."""
        run = self.find(run_id)
        if not self.is_own(owner, run_id):
            raise RunError("Only the one who started this run may command it; you may watch.")
        return run

    def is_own(self, owner: str, run_id: str) -> bool:
        """Whether `owner` is the secret key of this run's owner."""
        key = self.store.owner_of(run_id) if run_id.isascii() else None
        return key is not None and secrets.compare_digest(key.encode(), owner.encode(errors="surrogatepass"))

    def weights(self, run_id: str, step: float | None = None) -> bytes:
        """The newest weights of a run, also of one still training, as the content of a `.pth` file; or a frame's.

        `step` is that of one of its `moments`. Raises RunError where there is no such run or step, or no weights yet.
        """
        if step is not None:
            return weights_at(self.store, self.find(run_id), step)
        return self.newest_weights(run_id)[1]

    def newest_weights(self, run_id: str) -> tuple[int, bytes]:
        """The step that the newest weights of a run are of, and they as the content of a `.pth` file.

        Raises RunError where there is no such run, or no weights yet.
        """
        self.find(run_id)
        newest = newest_weights(self.store, run_id)
        if newest is None:
            raise RunError("This run has no weights yet; try again in a moment.")
        return newest

    def bundle(self, owner: str, run_id: str) -> bytes:
        """Everything about one's own run, in a zip (see `bundle.py`)."""
        return bundle(self.store, self.own(owner, run_id))

    def weights_file(self, run_id: str) -> Path | None:
        """Where the newest weights of a run that has ended lie; None where it has none, or is going."""
        run = self.find(run_id)
        path = self.store.weights_of(run)
        return path if not run.active and run.checkpoint >= 0 and path.exists() else None

    def find(self, run_id: str) -> Run:
        """The run. Raises RunError where there is none."""
        run = self.store.run(run_id) if run_id.isascii() else None
        if run is None:
            raise RunError("There is no such run; check its id, or it may have been removed.")
        return run

    def snapshot(self, run_id: str, since: int = -1) -> Snapshot:
        """The run with its points and log lines after step `since`. Raises RunError where there is no such run."""
        snapshot = self.store.snapshot(run_id, since) if run_id.isascii() else None
        if snapshot is None:
            raise RunError("There is no such run; check its id, or it may have been removed.")
        self._watched[run_id] = time.time()
        return snapshot

    def frame_times(self, run_id: str) -> tuple[FrameTime, ...]:
        """When the frames of the run were taken so far, the first first: cheap enough to ask every second.

        Other times than before mean other frames. Raises RunError where there is no such run.
        """
        self.find(run_id)
        return tuple(moments_of(self.store, run_id))

    moments = frame_times  # transitional: its former name

    def frames(self, run_id: str) -> tuple[Frame, ...]:
        """The run's history: at most 48 frames, the first first. Raises RunError where there is no such run."""
        self.find(run_id)
        return tuple(frames_of(self.store, run_id))

    def filters(self, run_id: str) -> Filters | None:
        """The first layer about a second ago, or at the end; None before the first step, or where none was kept.

        Raises RunError where there is no such run.
        """
        self.find(run_id)
        return filters_of(self.store, run_id)

    def runs_of(self, owner: str, limit: int = 50) -> list[Run]:
        """The visitor's runs, the newest first."""
        return self.store.runs_of(owner, limit)

    def active_count(self) -> int:
        """How many runs are going, of all visitors."""
        return self.store.active_count()

    def workers(self) -> list[WorkerInfo]:
        """The workers that are up; none in the first seconds, while they load torch."""
        return self.store.workers()

    def _tidy(self) -> None:
        now = time.time()
        watched = list(self._watched.items())  # at once, for somebody may look at a run meanwhile
        tidy(self.store, self.limits, {run for run, seen in watched if now - seen < WATCHED_FOR})
