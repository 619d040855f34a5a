"""The worker processes that are up."""

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True)
class WorkerInfo:
    """A worker process that is up, and what it trains on."""

    pid: int
    device: str
    """cpu, cuda or mps"""
    name: str
    """the processor's own name"""
    reason: str
    """why this device was chosen"""
    available: tuple[str, ...]
    """the devices a run may ask for"""
    step_seconds: float = 0.0
    """measured: what a mini-batch costs however small it is; 0 until it is measured"""
    image_seconds: float = 0.0
    """measured: what each of its images adds"""


def everyone(tx: Connection) -> list[WorkerInfo]:
    """Return the workers that have come up since the server started."""
    select = "select pid, device, name, reason, available, step_seconds, image_seconds from workers order by worker"
    return [
        WorkerInfo(pid, device, name, reason, tuple(available.split()), *costs)
        for pid, device, name, reason, available, *costs in tx.execute(select)
    ]


def register(tx: Connection, worker: int, info: WorkerInfo) -> None:
    """Write that a worker is up."""
    row = (worker, info.pid, info.device, info.name, info.reason, " ".join(info.available))
    tx.execute(
        "insert or replace into workers values (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, info.step_seconds, info.image_seconds),
    )


def unregister(tx: Connection, worker: int | None = None) -> None:
    """Forget a worker that is gone; all of them without `worker`."""
    tx.execute("delete from workers where ? is null or worker = ?", (worker, worker))
