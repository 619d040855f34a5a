"""How much one address may ask of the server, and the ledger of what it did lately."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So many at once, and so many a minute for good."""

    burst: int
    a_minute: int


@dataclass(frozen=True)
class Bounds:
    """What one address may do: enough for a class of forty with several tabs each behind a school's one address."""

    pages: Rate = Rate(500, 600)
    """a page that is opened asks for three or four of these"""
    sessions: Rate = Rate(200, 200)
    """pages newly opened"""
    events: Rate = Rate(1000, 3600)
    session_events: Rate = Rate(100, 900)
    """the same of one page; a slider that is dragged sends about ten a second"""
    spared: Rate = Rate(5, 60)
    """events of an open page that get through although its address has used up its own: Stop always works"""
    uploads: Rate = Rate(80, 60)
    open_pages: int = 130
    """at one address"""
    all_open_pages: int = 180
    streams: int = 400
    """at one address"""
    waiting: int = 200
    """events that wait for a turn, at one address"""
    session_waiting: int = 20
    event_bytes: int = 1_300_000
    """a receipt, the largest thing that is pasted, may have a million characters"""
    waiting_bytes: int = 20_000_000
    """of all events of one address that wait for a turn"""
    upload_bytes: int = 10_500_000
    other_bytes: int = 10_000
    depth: int = 40
    """levels of brackets in an event's JSON"""


class Ledger:
    """Counts what each address did lately: of each kind, a store of tokens that fills up again with time."""

    MOST = 50_000
    """stores that are remembered; one that is forgotten was unused longest, and is full again"""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stores: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, kind: str, who: str, rate: Rate) -> bool:
        """Take one token of `who`; return whether there was one."""
        now = self._clock()
        tokens, then = self._stores.pop((kind, who), (float(rate.burst), now))
        tokens = min(rate.burst, tokens + (now - then) * rate.a_minute / 60)
        self._stores[kind, who] = max(0.0, tokens - 1), now  # pop and set: the newest is last
        while len(self._stores) > self.MOST:
            self._stores.popitem(last=False)
        return tokens >= 1
