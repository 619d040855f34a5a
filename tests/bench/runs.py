"""How the runs of a server keep time: python -m tests.bench.runs

Prints, with the usual timings, how evenly three runs on one worker advance, how old a checkpoint becomes, and how long
nobody trains after a worker was killed. Use a quiet machine.
"""

import os
import signal
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from cifar_core.config import TrainConfig
from cifar_core.data.drawn import draw_splits
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Run
from cifar_core.runs.service import Service

OWNER = "the key of the bench"
SECONDS = 20.0
"""for which the runs are watched"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        splits = draw_splits(Path(folder) / "data", 2000, 400)
        with Service(Path(folder) / "runs", workers=1, device="cpu", limits=Limits(active_per_owner=10)) as service:
            while not service.workers():
                time.sleep(0.05)
            config = TrainConfig(epochs=200)
            runs = [service.start(OWNER, replace(config, seed=seed), splits) for seed in range(3)]
            while min(_steps(service, runs)) == 0:
                time.sleep(0.05)
            _watch(service, runs)
            time.sleep(10)  # the spare loads
            _kill(service)


def _steps(service: Service, runs: list[Run]) -> list[int]:
    return [service.find(run.id).step for run in runs]


def _watch(service: Service, runs: list[Run]) -> None:
    before, ages, ends = _steps(service, runs), [0.0], time.monotonic() + SECONDS
    while time.monotonic() < ends:
        for run in map(service.find, [run.id for run in runs]):
            path = service.store.folder_of(run.id) / f"{run.checkpoint}.resume"
            if path.exists():
                ages.append(time.time() - path.stat().st_mtime)
        time.sleep(0.05)
    done = [now - then for now, then in zip(_steps(service, runs), before, strict=True)]
    print(f"steps of three runs in {SECONDS:.0f} s: {done}; the first of them {max(done) / min(done):.2f} x the last")
    print(f"the oldest checkpoint was {max(ages):.1f} s old (median {statistics.median(ages):.1f} s)")


def _kill(service: Service) -> None:
    (old,) = service.workers()
    killed = time.monotonic()
    os.kill(old.pid, signal.SIGKILL)
    while [worker.pid for worker in service.workers()] in ([], [old.pid]):
        time.sleep(0.01)
    print(f"a killed worker was replaced after {time.monotonic() - killed:.2f} s")


if __name__ == "__main__":
    main()
