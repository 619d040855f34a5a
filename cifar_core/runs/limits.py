"""What one visitor may ask of a server that everybody shares, and what keeps the runs within it."""

import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from cifar_core.field import check_settings, setting
from cifar_core.runs.records import Run, RunChange
from cifar_core.runs.shares import Shares
from cifar_core.runs.store import Store
from cifar_core.runs.tables import sizes
from cifar_core.runs.tables.holder import Holder


def _limit(default: int, label: str, help: str) -> int:
    return setting(default, label, low=1, high=10**9, help=help)


@dataclass(frozen=True)
class Limits:
    """The bounds; each is an option of `python -m demo`, and the page says those that a visitor can meet."""

    steps: int = _limit(500_000, "Steps", "mini-batches in one run")
    lines: int = _limit(5_000, "Lines", "lines in the log of one run")
    minutes: int = _limit(60, "Minutes", "minutes of work in one run, other runs' turns not counted")
    active_per_owner: int = _limit(4, "Active runs per visitor", "runs of one visitor active at once, paused or not")
    active_per_address: int = _limit(
        40, "Active runs per address", "runs active at once of all visitors with one internet address, paused or not"
    )
    active: int = _limit(60, "Active runs", "runs that train at once, all visitors together (as many may be paused)")
    starts_a_minute: int = _limit(10, "Starts a minute", "runs that one visitor may start within a minute")
    starts_a_minute_per_address: int = _limit(
        60, "Starts a minute per address", "runs that all visitors with one internet address may start within a minute"
    )
    kept_per_owner: int = _limit(30, "Saved runs per visitor", "ended runs of one visitor that are saved")
    paused_minutes: int = _limit(120, "Paused minutes", "minutes that a run may be paused before it is stopped")
    days: int = _limit(14, "Days", "days that an ended run is saved")
    disk_mb: int = _limit(2000, "Disk space", "megabytes that all runs together may take")
    free_disk_mb: int = _limit(500, "Free disk space", "megabytes that must be free on the disk for a run to start")

    def __post_init__(self) -> None:
        check_settings(self)


AGED_AT_ONCE = 3
"""runs that are removed for their age in one round, so that a clock that is wrong for a moment removes hardly any"""


def enforce_retention(store: Store, limits: Limits, watched: Container[str], now: float | None = None) -> None:
    """Stop what has worked or been paused too long; remove ended runs: too many of a visitor, too old, or too large.

    A run that is active or in `watched` (run ids) is never removed. When all runs together take too much of the disk,
    those go first whose holders take most of it (see `shares.py`), the oldest first and each visitor's newest last.
    """
    now = time.time() if now is None else now
    holders = store.holders()
    _stop_what_takes_too_long(store, limits, holders, now)
    ended = [run for run in store.ended() if run.id in holders]  # the oldest first
    disk = Shares(_bytes(store, (*store.active(), *ended)), holders)
    newest = {holders[run.id].owner: run.id for run in ended}
    left = Counter(holders[run.id].owner for run in ended)
    removable = [run for run in ended if run.id not in watched]

    def remove(run: Run) -> bool:
        removable.remove(run)
        if not store.remove(run.id):  # it trains on since just now
            return False
        left[holders[run.id].owner] -= 1
        disk.remove(run.id)
        return True

    aged = 0
    for run in tuple(removable):
        too_old = run.ended is not None and now - run.ended > 86_400 * limits.days and aged < AGED_AT_ONCE
        if too_old or left[holders[run.id].owner] > limits.kept_per_owner:
            aged += remove(run) and too_old

    def gives_way(run: Run) -> tuple[int, bool, int]:
        holder = holders[run.id]
        household, owner = disk.of(holder)
        return household, newest[holder.owner] != run.id, owner

    while disk.total > 1e6 * limits.disk_mb and removable:
        remove(max(removable, key=gives_way))  # of equals the first, which is the oldest


def stop_because(store: Store, run: Run, message: str) -> None:
    """Ask for the end of somebody's run, and tell them why."""
    store.change(run.id, RunChange(message=f"Stopped: {message}"))
    store.ask(run, "stop")


def _stop_what_takes_too_long(store: Store, limits: Limits, holders: Mapping[str, Holder], now: float) -> None:
    active = store.active()
    for run in active:
        if run.busy > 60 * limits.minutes and run.state == "running":
            stop_because(store, run, f"a run may work for {limits.minutes} minutes here.")
        elif run.paused is not None and now - run.paused > 60 * limits.paused_minutes:
            stop_because(store, run, f"a run may be paused for {limits.paused_minutes} minutes here.")
    paused = {run.id: run for run in active if run.state == "paused" and run.id in holders}
    shares = Shares(dict.fromkeys(paused, 1), holders)
    while len(paused) > limits.active:
        longest = max(paused.values(), key=lambda run: (shares.of_holder_of(run.id), now - (run.paused or now)))
        shares.remove(paused.pop(longest.id).id)
        stop_because(store, longest, f"{limits.active} runs may be paused at once here.")


def _bytes(store: Store, runs: Iterable[Run]) -> dict[str, int]:
    """What each run takes of the disk: its files, and its rows in the store."""
    with store.reading() as tx:
        rows = sizes.of_runs(tx)
    taken = {}
    for run in runs:
        folder = store.folder_of(run.id)
        files = sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
        taken[run.id] = files + rows.get(run.id, 0)
    return taken
