"""Whether a further run may be started here, on which worker, and how long it would take."""

import shutil
import threading
import time
from collections.abc import Mapping, Sequence

from cifar_core.config import TrainConfig
from cifar_core.errors import RunError
from cifar_core.runs.limits import Limits, stop_because
from cifar_core.runs.queries import RunQueries
from cifar_core.runs.records import Estimate, Run
from cifar_core.runs.shares import Shares
from cifar_core.runs.store import Store
from cifar_core.runs.tables.holder import Holder


class Admission(RunQueries):
    """Checks what is to be started against `limits`. `workers` is how many worker processes there are."""

    def __init__(self, store: Store, limits: Limits, workers: int) -> None:
        super().__init__(store)
        self.limits = limits
        self.worker_count = workers
        self._starting = threading.Lock()  # so that two clicks at once are counted one after the other
        self._leaving: set[str] = set()
        """ids of the active runs that were asked to make room"""

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

    def check_settings(self, config: TrainConfig, images: int) -> None:
        """Raise CifarError if nobody may train `config` on `images` images here, whatever else is active."""
        steps, lines = config.steps(images), config.lines(images)
        if steps > self.limits.steps:
            raise RunError(
                f"These settings need {steps:,} mini-batches and this server allows {self.limits.steps:,}: "
                "take fewer epochs or a larger batch."
            )
        if lines > self.limits.lines:
            raise RunError(
                f"These settings give {lines:,} lines in the log and this server allows {self.limits.lines:,}: "
                "take fewer epochs, a larger batch, or a line for more mini-batches."
            )
        workers, device = self.workers(), config.device
        if workers and device not in ("auto", *workers[0].available):
            raise RunError(
                f"This server has no {device} device; it has {', '.join(workers[0].available)}. Choose auto."
            )
        config.check_device(workers[0].device if workers and device == "auto" else device)

    def _check_start(self, owner: str) -> None:
        """Raise RunError if this visitor may start nothing here, or nobody may just now."""
        if not isinstance(owner, str) or not owner.isascii() or not 16 <= len(owner) <= 100:
            raise RunError(
                "The owner key must be 16 to 100 plain (ASCII) characters; leave it out to be given a new one."
            )
        self._check_disk()

    def _check_disk(self) -> None:
        if shutil.disk_usage(self.store.folder).free < 1e6 * self.limits.free_disk_mb:
            raise RunError("The server's disk is nearly full, so no run can be started until there is room on it.")

    def _make_room(self, holder: Holder, more: int = 1, *, paused: str = "") -> list[Run]:
        """Return the active runs; raise RunError if there is no room for `more` of this holder's.

        `paused` is the id of a run that is active already and is to go on.

        When all places are taken, a visitor with no run going gets the place of somebody who has more: at the address
        with the most runs going, of the visitor with the most, the longest-running run is stopped.
        """
        active, holders, limits = self.store.active(), self.store.holders(), self.limits
        active = [run for run in active if run.id in holders and run.id != paused]
        of_owner = sum(holders[run.id].owner == holder.owner for run in active)
        if of_owner + more > limits.active_per_owner:
            most = "the most that one visitor may" if more == 1 else f"and {limits.active_per_owner} are allowed"
            raise RunError(f"You have {of_owner} active runs, {most}; stop one before starting another.")
        of_address = sum(holders[run.id].address == holder.address for run in active) if holder.address else 0
        if of_address + more > limits.active_per_address:
            raise RunError(
                f"{of_address} runs are active of all who share your internet address, and "
                f"{limits.active_per_address} are allowed; stop one of yours, or try again in a while."
            )
        self._leaving &= {run.id for run in active}
        going = [run for run in active if run.state != "paused" and run.id not in self._leaving]
        leaving = list[Run]()
        while len(going) + more > limits.active:
            run = self._next_to_leave(going, holders, holder, len(leaving))
            going.remove(run)
            leaving.append(run)
        for run in leaving:
            self._leaving.add(run.id)
            stop_because(self.store, run, "all places were taken, and a visitor with no run going needed one.")
        return active

    def _next_to_leave(
        self, going: Sequence[Run], holders: Mapping[str, Holder], newcomer: Holder, granted: int
    ) -> Run:
        """The run whose place a newcomer gets who was granted some already. Nobody then has less than the newcomer."""
        shares = Shares(dict.fromkeys((run.id for run in going), 1), holders)
        of_address, of_owner = shares.of(newcomer)
        stoppable = [run for run in going if run.state != "testing"]
        if stoppable and of_owner == 0:
            run = max(stoppable, key=lambda run: (shares.of_holder_of(run.id), run.busy))
            at_their_address, theirs = shares.of_holder_of(run.id)
            if at_their_address > of_address + granted + 1 or theirs > granted + 1:
                return run
        raise RunError(f"This server trains {self.limits.active} runs at once at most; try again in a while.")

    def _check_rate(self, holder: Holder, more: int = 1) -> None:
        now = time.time()
        recent = self.store.holders(now - 60, now).values()
        of_owner = sum(one.owner == holder.owner for one in recent)
        if of_owner + more > self.limits.starts_a_minute:
            raise RunError(
                f"You started {of_owner} runs within a minute, and {self.limits.starts_a_minute} are allowed; "
                "wait a little."
            )
        of_address = sum(one.address == holder.address for one in recent) if holder.address else 0
        if of_address + more > self.limits.starts_a_minute_per_address:
            raise RunError(
                f"{of_address} runs were started within a minute by all who share your internet address, and "
                f"{self.limits.starts_a_minute_per_address} are allowed; wait a little."
            )

    def _least_loaded(self, active: Sequence[Run]) -> tuple[int, int]:
        """The worker with the fewest of these runs, and how many it has."""
        load = [sum(run.worker == index for run in active) for index in range(self.worker_count)]
        return load.index(min(load)), min(load)
