"""How many worker processes a machine, or the part of it that a container may use, has room for."""

import os
from collections.abc import Iterator
from pathlib import Path

SYSTEM = Path("/")
"""where Linux tells about itself, in proc, sys and dev"""
WORKER_BYTES = 500_000_000
"""of a worker with its torch, while it trains in the largest mini-batches"""
SERVER_BYTES = 1_000_000_000
"""of the server with its page"""


def default_count(device: str, system: Path = SYSTEM) -> int:
    """Return 1 if there is a GPU to train on, else the number of cores that this process may use.

    It looks for NVIDIA's device files, not into torch. A container may be allowed less than the machine has: some
    cores, a share of their time (two and a half cores count as three), or less memory than that many workers need.
    """
    if device == "mps" or (device != "cpu" and any((system / "dev").glob("nvidia[0-9]*"))):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [-(-quota // period) for quota, period in _cpu_quotas(system)]
    # one worker more than the rest is the spare
    memory = [(limit - SERVER_BYTES) // WORKER_BYTES - 1 for limit in _memory_limits(system)]
    return max(1, min(cores, *quotas, *memory))


def _cpu_quotas(system: Path) -> Iterator[tuple[int, int]]:
    """Yield the microseconds of work that are allowed, and in how many: (200000, 100000) is two cores."""
    for group in _groups(system):
        words = _read(group / "cpu.max").split()
        if len(words) == 2 and words[0].isdigit():
            yield int(words[0]), int(words[1])
    old = system / "sys/fs/cgroup/cpu"  # version 1, where -1 means no bound
    quota, period = _read(old / "cpu.cfs_quota_us"), _read(old / "cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit():
        yield int(quota), int(period)


def _memory_limits(system: Path) -> Iterator[int]:
    """Yield bounds of the memory, in bytes."""
    old = system / "sys/fs/cgroup/memory/memory.limit_in_bytes"  # version 1, where a huge number means no bound
    for path in (*(group / "memory.max" for group in _groups(system)), old):
        if (limit := _read(path)).isdigit():
            yield int(limit)
    for line in _read(system / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            yield 1024 * int(line.split()[1])


def _groups(system: Path) -> Iterator[Path]:
    """Yield the control groups of this process, the innermost first: the bounds of each hold for all within it."""
    root = system / "sys/fs/cgroup"
    for line in _read(system / "proc/self/cgroup").splitlines():
        if line.startswith("0::/"):  # version 2
            inner = Path(line.removeprefix("0::/"))
            yield from (root / part for part in (inner, *inner.parents) if ".." not in part.parts)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
