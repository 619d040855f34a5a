"""Which pages are open just now: each event that lasts as long as its page asks here whether it still has a reader.

Gradio ends such an event only when the page closes its stream of news. A page that never opened one, or that vanished
before it did, would keep its place for ever.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

GRACE = 4.0
"""seconds that a page may be without a stream of news: until it opens the first, and between two of them"""
UNREAD = 60
"""messages that may wait for a page before it counts as gone, like a laptop that was closed"""
KNOWN = 2000
"""pages that are remembered; of more, those that were heard of longest ago are forgotten"""


@dataclass(eq=False)
class _Page:
    address: str
    heard: float
    """when it last sent an event, or ended a stream"""
    streams: int = 0
    newest: dict[str, "Watch"] = field(default_factory=dict)


class OpenPages:
    """The pages by their session (Gradio's word for one loaded page). Everything happens in the event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pages: OrderedDict[str, _Page] = OrderedDict()
        self.unread: Callable[[str], int] = lambda session: 0
        """how many messages wait for a page"""

    def __contains__(self, session: object) -> bool:
        return session in self._pages

    def heard(self, session: str, address: str = "") -> None:
        """Note that a page has sent an event."""
        page = self._pages.setdefault(session, _Page(address, 0.0))
        page.heard = self._clock()
        self._pages.move_to_end(session)
        for _ in range(len(self._pages) - KNOWN):
            oldest, page = self._pages.popitem(last=False)
            if page.streams:  # it is open all the same
                self._pages[oldest] = page

    @contextmanager
    def reading(self, session: str) -> Iterator[None]:
        """Count the page as open for as long as its browser reads a stream."""
        page = self._pages.setdefault(session, _Page("", self._clock()))
        page.streams += 1
        try:
            yield
        finally:
            page.streams -= 1
            page.heard = self._clock()

    def is_open(self, session: str) -> bool:
        """Return whether somebody reads what is sent to this page, or may be about to."""
        page = self._pages.get(session)
        return page is not None and self._open(page) and self.unread(session) <= UNREAD

    def reads(self, session: str) -> bool:
        """Return whether this page has a stream just now."""
        page = self._pages.get(session)
        return page is not None and page.streams > 0

    def count(self, address: str | None = None) -> int:
        """Return how many pages are open, of all visitors or at one address."""
        return sum(self._open(page) for page in self._pages.values() if address in (None, page.address))

    def watch(self, session: str | None, kind: str) -> "Watch":
        """Begin an event that lasts as long as its page; an earlier one of that kind of the same page then ends."""
        session = session or ""
        if session not in self._pages:
            self.heard(session)
        page = self._pages[session]
        page.newest[kind] = watch = Watch(self, session, kind)
        return watch

    def _is_newest(self, watch: "Watch") -> bool:
        page = self._pages.get(watch.session)
        return page is not None and page.newest.get(watch.kind) is watch

    def _open(self, page: _Page) -> bool:
        return page.streams > 0 or self._clock() - page.heard < GRACE


@dataclass(frozen=True, eq=False)
class Watch:
    """One event that lasts as long as its page."""

    pages: OpenPages
    session: str
    kind: str

    @property
    def goes_on(self) -> bool:
        """Return whether the page is still open and has begun no newer event of this kind."""
        return self.pages._is_newest(self) and self.pages.is_open(self.session)
