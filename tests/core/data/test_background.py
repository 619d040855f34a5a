"""The download in the background, and what a page can show of it."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cifar_core.data import download as module
from cifar_core.data.background import BackgroundDownload
from tests.helpers.mirrors import CONTENT, TINY, Asked, Mirrors, Response, is_complete, part_of
from tests.helpers.waiting import until


def test_the_download_becomes_ready(mirrors: Mirrors, tmp_path: Path) -> None:
    background = BackgroundDownload(tmp_path, archive=TINY, mirrors=[mirrors.add("a", Response(stalls=True))])
    assert (background.status.state, background.folder, mirrors.asked) == ("idle", None, [])
    background.start()
    background.start()
    until(lambda: background.status.state == "ready")
    assert background.folder == tmp_path / TINY.folder
    assert background.status.sentence == "CIFAR-10 is ready."
    background.start()
    assert background.status.state == "ready"
    assert len(mirrors.asked) == 1
    assert is_complete(tmp_path)


def test_a_failure_is_told_and_can_be_tried_again(mirrors: Mirrors, tmp_path: Path) -> None:
    url = mirrors.add("a", Response(status=503), Response())
    background = BackgroundDownload(tmp_path, archive=TINY, mirrors=[url])
    background.start()
    until(lambda: background.status.state == "failed")
    assert "503" in background.status.sentence
    assert background.folder is None
    background.start()
    until(lambda: background.status.state == "ready")


def stopped_half_way(mirrors: Mirrors, tmp_path: Path) -> BackgroundDownload:
    url = mirrors.add("a", Response(stop_after=30_000, stalls=True), Response())
    background = BackgroundDownload(tmp_path, archive=TINY, mirrors=[url])
    background.start()
    until(lambda: mirrors.sent["a"] == 30_000 and background.status.fraction is not None)
    assert background.status.sentence.startswith("Downloading CIFAR-10: ")
    background.stop()
    return background


def test_a_stopped_download_ends_and_keeps_what_came(mirrors: Mirrors, tmp_path: Path) -> None:
    background = stopped_half_way(mirrors, tmp_path)
    stopped = background.status
    assert stopped.state == "idle"
    mirrors.go_on.set()
    until(lambda: all(thread.name != "download of CIFAR-10" for thread in threading.enumerate()))
    assert background.status == stopped
    assert part_of(tmp_path).read_bytes() == CONTENT[:30_000]
    assert mirrors.asked == [Asked("a", None)]


def test_a_stopped_download_can_be_started_again_at_once(mirrors: Mirrors, tmp_path: Path) -> None:
    background = stopped_half_way(mirrors, tmp_path)
    background.start()  # while the thread of the first attempt still waits for the stalled mirror
    time.sleep(0.05)
    assert background.status.state == "running"
    mirrors.go_on.set()
    until(lambda: background.status.state == "ready")
    assert mirrors.asked == [Asked("a", None), Asked("a", "bytes=30000-")]
    assert is_complete(tmp_path)


def test_even_a_bug_does_not_look_like_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", logged.append)
    monkeypatch.setattr(module, "missing_from", lambda _: 1 / 0)
    background = BackgroundDownload(tmp_path, archive=TINY, mirrors=["http://127.0.0.1:9/archive"])
    background.start()
    until(lambda: background.status.state == "failed")
    assert "ZeroDivisionError" in background.status.sentence
    until(lambda: len(logged) == 1)
