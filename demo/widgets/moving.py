"""An owner's key on its way to another device of theirs: an address carries a code, and never the key itself."""

import secrets
import time
from collections.abc import Callable

from cifar_core.errors import RunError
from cifar_core.runs.service import Service
from demo.widgets.owner import owner_key_of

MINUTES = 10
"""for which a code is good"""
USED = f"This address has been used already, or is older than {MINUTES} minutes: make another on your first device."
RUNS_HERE = (
    "This browser has runs of its own and would lose them, so it stays with those. Use another browser here, or delete "
    "them in My runs and open the address again."
)
WELCOME = "The runs of your other device are yours here, too: see My runs."


class MovingKeys:
    """Holds keys behind codes, each good for one use and for a few minutes; nothing of it is written anywhere."""

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        self._service, self._clock = service, clock
        self._waiting: dict[str, tuple[str, float]] = {}  # code: the key, and when it was left

    def leave(self, key: str) -> str:
        """Return a code for another device, the only one of this owner's. Raise RunError if they have no runs."""
        if not self._service.runs_of(key, limit=1):  # so that nobody fills this with keys that open nothing
            raise RunError("You have no runs yet that you could use on another device.")
        now, code = self._clock(), secrets.token_urlsafe(16)
        others = {old: left for old, left in self._waiting.items() if left[0] != key and now - left[1] < 60 * MINUTES}
        self._waiting = others | {code: (key, now)}
        return code

    def key_for(self, stored: object, code: str) -> tuple[str, str]:
        """Return the key of a visitor whose browser has `stored` one, and what there is to say if they bring a code.

        No code takes away runs that a browser has already: an address is easily opened by mistake.
        """
        own = owner_key_of(stored)
        if not code:
            return own, ""
        if self._service.runs_of(own, limit=1):
            return own, RUNS_HERE
        key, left = self._waiting.pop(code, ("", 0.0))
        if not key or self._clock() - left >= 60 * MINUTES:
            return own, USED
        return key, WELCOME
