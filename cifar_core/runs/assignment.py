"""The part of the store about workers: which are up, and which of them has which run."""

from cifar_core.runs.db import Database
from cifar_core.runs.records import WorkerInfo
from cifar_core.runs.tables import requests, runs, workers


class Assignment(Database):
    """Who works on what. Every method raises StoreError if the store cannot be used just now."""

    def workers(self) -> list[WorkerInfo]:
        """Return the workers that have come up since the server started."""
        with self.reading() as tx:
            return workers.everyone(tx)

    def register(self, worker: int, info: WorkerInfo) -> None:
        """Say that a worker is up."""
        with self.transaction() as tx:
            workers.register(tx, worker, info)

    def unregister(self, worker: int | None = None) -> None:
        """Forget a worker that is gone; all of them without `worker`."""
        with self.transaction() as tx:
            workers.unregister(tx, worker)

    def rebalance(self, count: int) -> None:
        """Share the active runs out anew among workers 0 to `count` - 1."""
        with self.transaction() as tx:
            for place, run in enumerate(runs.active(tx)):
                runs.assign(tx, run.id, place % count)
                requests.assign(tx, run.id, place % count)

    def absolve(self, worker: int) -> None:
        """Blame no run of this worker for what interrupted it: see `Run.attempts`."""
        with self.transaction() as tx:
            runs.absolve(tx, worker)
