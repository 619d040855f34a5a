"""What one visitor may ask of a server that everybody shares, and what keeps the runs within it."""

import time
from collections.abc import Container
from dataclasses import dataclass

from cifar_core.field import check_settings, setting
from cifar_core.runs.records import Run, RunChange
from cifar_core.runs.store import Store


def _limit(default: int, label: str, help: str) -> int:
    return setting(default, label, low=1, high=10**9, help=help)


@dataclass(frozen=True)
class Limits:
    """The bounds; each is an option of `python -m demo`, and the page says those that a visitor can meet."""

    steps: int = _limit(500_000, "Steps", "mini-batches in one run")
    minutes: int = _limit(60, "Minutes", "minutes of work in one run, other runs' turns not counted")
    active_per_owner: int = _limit(4, "Active runs per visitor", "runs of one visitor active at once")
    active: int = _limit(60, "Active runs", "runs active at once, all visitors together")
    starts_a_minute: int = _limit(10, "Starts a minute", "runs that one visitor may start within a minute")
    kept_per_owner: int = _limit(30, "Saved runs per visitor", "ended runs of one visitor that are saved")
    paused_minutes: int = _limit(120, "Paused minutes", "minutes that a run may be paused before it is stopped")
    days: int = _limit(14, "Days", "days that an ended run is saved")
    disk_mb: int = _limit(2000, "Disk space", "megabytes that all runs together may take")

    def __post_init__(self) -> None:
        check_settings(self)


AGED_AT_ONCE = 3
"""runs that are removed for their age in one round, so that a clock that is wrong for a moment removes hardly any"""


def enforce_retention(store: Store, limits: Limits, watched: Container[str], now: float | None = None) -> None:
    """Stop what has worked or been paused too long; remove the oldest ended runs: too many, too old or too large.

    A run that is active or in `watched` (run ids) is never removed.
    """
    now = time.time() if now is None else now
    for run in store.active():
        if run.busy > 60 * limits.minutes and run.state == "running":
            _stop(store, run, f"Stopped: a run may work for {limits.minutes} minutes here.")
        elif run.paused is not None and now - run.paused > 60 * limits.paused_minutes:
            _stop(store, run, f"Stopped: a run may be paused for {limits.paused_minutes} minutes here.")
    ended = store.ended()  # the oldest first
    left: dict[str, int] = {}
    for _, owner in ended:
        left[owner] = left.get(owner, 0) + 1
    disk = sum(_bytes(store, run) for run in (*store.active(), *(run for run, _ in ended)))
    aged = 0
    for run, owner in ended:
        too_old = run.ended is not None and now - run.ended > 86_400 * limits.days and aged < AGED_AT_ONCE
        if run.id in watched or not (too_old or left[owner] > limits.kept_per_owner or disk > 1e6 * limits.disk_mb):
            continue
        size = _bytes(store, run)
        if store.remove(run.id):  # else it trains on since just now
            aged += too_old
            left[owner] -= 1
            disk -= size


def _stop(store: Store, run: Run, message: str) -> None:
    store.change(run.id, RunChange(message=message))
    store.ask(run, "stop")


def _bytes(store: Store, run: Run) -> int:
    folder = store.folder_of(run.id)
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
