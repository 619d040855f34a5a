"""Which pages are open, and when an event that lasts as long as its page ends."""

from demo.open_pages import GRACE, KNOWN, UNREAD, OpenPages


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_watch_whose_page_never_reads_its_news_ends_within_five_seconds() -> None:
    clock = Clock()
    pages = OpenPages(clock)
    watch = pages.watch("ghost", "run")
    assert watch.goes_on
    clock.now += 5
    assert GRACE < 5 and not watch.goes_on


def test_a_watch_goes_on_while_its_page_reads_and_ends_within_five_seconds_after() -> None:
    clock = Clock()
    pages = OpenPages(clock)
    watch = pages.watch("page", "run")
    with pages.reading("page"):
        clock.now += 3600
        assert watch.goes_on
    assert watch.goes_on  # a browser may close one stream and open the next
    clock.now += 5
    assert not watch.goes_on


def test_a_second_watch_of_the_same_page_replaces_the_first() -> None:
    pages = OpenPages(Clock())
    first, other = pages.watch("page", "run"), pages.watch("page", "header")
    stranger = pages.watch("another page", "run")
    second = pages.watch("page", "run")
    assert not first.goes_on and second.goes_on and other.goes_on and stranger.goes_on


def test_a_page_that_no_longer_fetches_what_waits_for_it_counts_as_gone() -> None:
    pages = OpenPages(Clock())
    pages.unread = {"asleep": UNREAD + 1, "slow": UNREAD}.__getitem__
    asleep, slow = pages.watch("asleep", "run"), pages.watch("slow", "run")
    with pages.reading("asleep"), pages.reading("slow"):
        assert not asleep.goes_on and slow.goes_on


def test_of_very_many_pages_those_that_are_read_stay_known() -> None:
    pages = OpenPages(Clock())
    with pages.reading("read"):
        for number in range(KNOWN + 50):
            pages.heard(f"page {number}")
        assert "page 0" not in pages and f"page {KNOWN}" in pages and "read" in pages
        assert pages.count() <= KNOWN + 1
