"""How the server ends."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from demo import __main__ as demo_main
from tests.helpers.serving import free_port


@pytest.fixture
def handlers() -> Iterator[None]:
    """The handlers of this process, put back behind the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_ends_a_service_lets_it_close_as_ctrl_c_does(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    class Service:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: Any) -> None:
            happened.append("closed")

    def serve(*_: Any) -> None:
        happened.append("served")
        os.kill(os.getpid(), number)
        sys.exit("the signal was ignored")

    monkeypatch.setattr(demo_main, "Service", Service)
    monkeypatch.setattr(demo_main, "_serve", serve)
    monkeypatch.setattr(demo_main, "find_data", lambda *_, **__: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert demo_main.main(["--runs", str(tmp_path), "--port", str(free_port())]) == 0
    assert happened == ["served", "closed"]
