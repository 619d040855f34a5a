"""Whether a further run may be started here, on which worker, and how long it would take."""

import threading
import time
from collections.abc import Sequence

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import Splits
from cifar_core.errors import RunError
from cifar_core.mistakes import training_images
from cifar_core.runs.limits import Limits
from cifar_core.runs.queries import RunQueries
from cifar_core.runs.records import Estimate, Run
from cifar_core.runs.store import Store


class Admission(RunQueries):
    """Checks what is to be started against `limits`. `workers` is how many worker processes there are."""

    def __init__(self, store: Store, limits: Limits, workers: int) -> None:
        super().__init__(store)
        self.limits = limits
        self.worker_count = workers
        self._starting = threading.Lock()  # so that two clicks at once are counted one after the other

    def estimate(self, config: TrainConfig, images: int) -> Estimate:
        """Return how long `config` would take on `images` images, with what is active now."""
        active = [run for run in self.store.active() if run.state != "paused"]
        share = 1 / (1 + self._least_loaded(active)[1])
        workers = [worker for worker in self.workers() if worker.step_seconds]
        seconds = None
        if workers:
            work = config.steps(images) * workers[0].step_seconds + config.epochs * images * workers[0].image_seconds
            seconds = work / share
        return Estimate(len(active), share, seconds)

    def _check_start(self, owner: str, config: TrainConfig, data: Splits, changed: TrainConfig | None = None) -> None:
        """Raise RunError if nobody may start this here, whatever else is active."""
        if not isinstance(owner, str) or not owner.isascii() or not 16 <= len(owner) <= 100:
            raise RunError(
                "The owner key must be 16 to 100 plain (ASCII) characters; leave it out to be given a new one."
            )
        images = len(training_images(config, data))
        steps = max(config.steps(images), (changed or config).steps(images))
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

    def _check_room(self, owner: str, more: int = 1) -> list[Run]:
        """Return the active runs. Raises RunError if there is no room for `more` of this owner's."""
        active = self.store.active()
        if len(active) + more > self.limits.active:
            raise RunError(f"This server trains {self.limits.active} runs at once at most; try again in a while.")
        mine = sum(self.is_own(owner, run.id) for run in active)
        if mine + more > self.limits.active_per_owner:
            most = "the most that one visitor may" if more == 1 else f"and {self.limits.active_per_owner} are allowed"
            raise RunError(f"You have {mine} active runs, {most}; stop one before starting another.")
        return active

    def _check_rate(self, owner: str, more: int = 1) -> None:
        recent = [run for run in self.store.runs_of(owner) if 0 <= time.time() - run.created < 60]
        if len(recent) + more > self.limits.starts_a_minute:
            raise RunError(
                f"You started {len(recent)} runs within a minute, and {self.limits.starts_a_minute} are allowed; "
                "wait a little."
            )

    def _least_loaded(self, active: Sequence[Run]) -> tuple[int, int]:
        """The worker with the fewest of these runs, and how many it has."""
        load = [sum(run.worker == index for run in active) for index in range(self.worker_count)]
        return load.index(min(load)), min(load)
