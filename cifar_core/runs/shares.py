"""Who gives way when there is not enough for everybody: whoever has most.

Keys cost nothing, so one visitor can be many. Therefore addresses are compared first, and then, at the address that has
most, the visitors.
"""

from collections import Counter
from collections.abc import Mapping

from cifar_core.runs.tables.holder import Holder


class Shares:
    """How much of something the runs take: `amounts` by the run's id. Runs without a holder are left out."""

    def __init__(self, amounts: Mapping[str, int], holders: Mapping[str, Holder]) -> None:
        self._amounts = {run: amount for run, amount in amounts.items() if run in holders}
        self._holders = holders
        self._households, self._owners = Counter[str](), Counter[str]()
        for run, amount in self._amounts.items():
            self._add(holders[run], amount)

    @property
    def total(self) -> int:
        """What all runs take."""
        return sum(self._amounts.values())

    def of(self, holder: Holder) -> tuple[int, int]:
        """Return how much is taken from this holder's address, and by the holder: the larger, the sooner they give."""
        return self._households[holder.household], self._owners[holder.owner]

    def of_holder_of(self, run: str) -> tuple[int, int]:
        """Return the same for the holder of a run."""
        return self.of(self._holders[run])

    def remove(self, run: str) -> None:
        """Count this run no longer."""
        self._add(self._holders[run], -self._amounts.pop(run))

    def _add(self, holder: Holder, amount: int) -> None:
        self._households[holder.household] += amount
        self._owners[holder.owner] += amount
