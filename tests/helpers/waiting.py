"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Return as soon as `true()` is; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited for {seconds:g} seconds"
        time.sleep(0.005)
