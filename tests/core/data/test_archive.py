"""The download of CIFAR-10, against mirrors on this machine that cut, stall, lie and refuse."""

import contextlib
import errno
import gzip
import hashlib
import io
import os
import pickle
import random
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cifar_core.data import archive as archive_module
from cifar_core.data import mirror
from cifar_core.data.archive import BATCHES, CIFAR10, Archive, download, missing_from
from cifar_core.data.background import BackgroundDownload
from cifar_core.data.download_events import (
    DownloadEvent,
    Downloading,
    Extracting,
    MirrorFailed,
    Ready,
    Trying,
    Verifying,
    sentence,
)
from cifar_core.errors import DataError


def tar_of(files: dict[str, bytes], link_to: str = "") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        folder = tarfile.TarInfo("cifar-10-batches-py")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        if link_to:
            member = tarfile.TarInfo("cifar-10-batches-py/readme.html")
            member.type, member.linkname = tarfile.SYMTYPE, link_to
            tar.addfile(member)
    return gzip.compress(packed.getvalue(), mtime=0)


def described(content: bytes) -> Archive:
    return Archive(CIFAR10.name, hashlib.md5(content).hexdigest(), len(content), CIFAR10.folder)


NOISE = random.Random(0)
FILES = {f"{CIFAR10.folder}/{name}": pickle.dumps({"data": NOISE.randbytes(10_000)}) for name in BATCHES}
CONTENT = tar_of({**FILES, f"{CIFAR10.folder}/readme.html": b"<html></html>"})
TINY = described(CONTENT)


@dataclass
class Prediction:
    """How a mirror answers one request. Defaults: as an honest one does."""

    content: bytes = CONTENT
    status: int = 0
    """sent in place of the file"""
    ignores_range: bool = False
    wrong_range: bool = False
    refuses_range: bool = False
    stop_after: int | None = None
    """bytes after which nothing more comes"""
    stalls: bool = False
    """keeps the connection open when it stops"""
    headers: tuple[tuple[str, str], ...] = ()
    tells_length: bool = True


class Asked(NamedTuple):
    name: str
    """the mirror's"""
    range: str | None
    """the Range header"""


class Mirrors(ThreadingHTTPServer):
    """Several mirrors on one server, each at its own path, with its answers in turn (the last for ever)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Prediction]] = {}
        self.asked: list[Asked] = []
        self.sent: dict[str, int] = {}
        """bytes of the archive that each mirror sent"""
        self.go_on = threading.Event()
        """ends every stall"""
        self.host = f"127.0.0.1:{self.server_port}"

    def add(self, name: str, *answers: Prediction) -> str:
        self.answers[name] = list(answers) or [Prediction()]
        self.sent[name] = 0
        return f"http://{self.host}/{name}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that closes half-way is nothing to report


class Handler(BaseHTTPRequestHandler):
    server: Mirrors

    def do_GET(self) -> None:
        name = self.path.strip("/")
        asked = Asked(name, self.headers["Range"])
        self.server.asked.append(asked)
        answers = self.server.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.refuses_range and asked.range:
            answer = Prediction(status=416)
        if answer.status:
            self.send_response(answer.status)
            for header in answer.headers:
                self.send_header(*header)
            self.end_headers()
            return
        start = int(asked.range.removeprefix("bytes=").removesuffix("-")) if asked.range else 0
        if answer.ignores_range:
            start = 0
        size = len(answer.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start + answer.wrong_range}-{size - 1}/{size}")
        if answer.tells_length:
            self.send_header("Content-Length", str(size - start))
        for header in answer.headers:
            self.send_header(*header)
        self.end_headers()
        part = answer.content[start : answer.stop_after]
        self.wfile.write(part)
        self.server.sent[name] += len(part)
        if answer.stalls:
            self.wfile.flush()
            self.server.go_on.wait(10)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("CIFAR_MIRRORS", raising=False)
    with Mirrors() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


def bring(destination: Path, *urls: str, archive: Archive = TINY) -> list[DownloadEvent]:
    return list(download(destination, archive=archive, mirrors=urls, connect_timeout=60, stall_timeout=0.2))


def failure_of(destination: Path, *urls: str, archive: Archive = TINY) -> str:
    with pytest.raises(DataError) as caught:
        bring(destination, *urls, archive=archive)
    return str(caught.value)


def reasons(events: list[DownloadEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, MirrorFailed)]


def part_of(destination: Path) -> Path:
    return destination / "cifar-10-python.tar.gz.part"


def is_complete(destination: Path) -> bool:
    """Whether every file is there with the right bytes, and nothing else but the lock."""
    there = {path.name for path in destination.iterdir()}
    return there <= {TINY.folder, f"{TINY.name}.lock"} and all(
        (destination / name).read_bytes() == content for name, content in FILES.items()
    )


def test_the_archive_is_downloaded_verified_and_extracted(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path / "new" / "data", mirrors.add("a"))
    progress = [event for event in events if isinstance(event, Downloading)]
    assert [event for event in events if event not in progress] == [
        Trying(mirrors.host),
        Verifying(),
        Extracting(),
        Ready(tmp_path / "new" / "data" / TINY.folder),
    ]
    assert (progress[0].received, progress[0].bytes_per_second) == (0, 0)
    assert (progress[-1].received, progress[-1].total, progress[-1].host) == (TINY.size, TINY.size, mirrors.host)
    assert progress[-1].bytes_per_second > 0
    assert is_complete(tmp_path / "new" / "data")


def test_progress_is_not_reported_for_every_chunk(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "CHUNK", 100)
    monkeypatch.setattr(mirror, "REPORT_SECONDS", 3600)
    progress = [event for event in bring(tmp_path, mirrors.add("a")) if isinstance(event, Downloading)]
    assert [event.received for event in progress] == [0, TINY.size]


def test_a_complete_folder_is_ready_at_once(mirrors: Mirrors, tmp_path: Path) -> None:
    url = mirrors.add("a")
    bring(tmp_path, url)
    mirrors.asked.clear()
    (tmp_path / f"{TINY.name}.lock").unlink()
    assert bring(tmp_path, url) == [Ready(tmp_path / TINY.folder)]
    assert mirrors.asked == []
    assert [path.name for path in tmp_path.iterdir()] == [TINY.folder], "a folder that is read-only will do"


def test_an_incomplete_folder_is_left_alone_and_named(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / TINY.folder).mkdir()
    (tmp_path / TINY.folder / "data_batch_1").write_bytes(b"mine")
    failure = failure_of(tmp_path, mirrors.add("a"))
    assert f"{tmp_path / TINY.folder} is not complete (data_batch_2 is missing)" in failure
    assert (tmp_path / TINY.folder / "data_batch_1").read_bytes() == b"mine"
    assert mirrors.asked == []


def test_an_empty_folder_is_filled(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / TINY.folder).mkdir()
    bring(tmp_path, mirrors.add("a"))
    assert is_complete(tmp_path)


def test_an_archive_that_somebody_put_there_is_used_and_kept(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / TINY.name).write_bytes(CONTENT)
    assert bring(tmp_path, mirrors.add("a")) == [Verifying(), Extracting(), Ready(tmp_path / TINY.folder)]
    assert mirrors.asked == []
    assert (tmp_path / TINY.name).read_bytes() == CONTENT


def test_a_damaged_archive_that_somebody_put_there_is_downloaded_again(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / TINY.name).write_bytes(bytes(TINY.size))
    assert isinstance(bring(tmp_path, mirrors.add("a"))[-1], Ready)
    assert not missing_from(tmp_path / TINY.folder)


def test_a_cut_download_goes_on_where_it_stopped(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path, mirrors.add("a", Prediction(stop_after=30_000), Prediction()))
    assert mirrors.asked == [Asked("a", None), Asked("a", "bytes=30000-")]
    assert mirrors.sent["a"] == TINY.size, "no byte came twice"
    assert reasons(events) == [f"{mirrors.host} cut the connection after 0 of 0 MB."]
    assert is_complete(tmp_path)


def test_a_cut_is_noticed_where_the_mirror_tells_no_length(mirrors: Mirrors, tmp_path: Path) -> None:
    bring(tmp_path, mirrors.add("a", Prediction(stop_after=30_000, tells_length=False), Prediction(tells_length=False)))
    assert mirrors.asked == [Asked("a", None), Asked("a", "bytes=30000-")]
    assert is_complete(tmp_path)


def test_after_a_stall_the_next_mirror_gives_the_rest(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path, mirrors.add("a", Prediction(stop_after=30_000, stalls=True)), mirrors.add("b"))
    assert mirrors.asked == [Asked("a", None), Asked("b", "bytes=30000-")]
    assert mirrors.sent["a"] + mirrors.sent["b"] == TINY.size, "no byte came twice"
    assert reasons(events) == [f"{mirrors.host} sent nothing for 0.2 seconds, after 0 of 0 MB."]
    assert is_complete(tmp_path)


def test_the_mirrors_are_asked_again_only_while_that_brings_more(mirrors: Mirrors, tmp_path: Path) -> None:
    ends = [Prediction(stop_after=count) for count in (10_000, 20_000, 20_000)]
    failure = failure_of(tmp_path, mirrors.add("a", *ends), mirrors.add("b", Prediction(status=404)))
    assert mirrors.asked == [
        Asked("a", None),
        Asked("b", "bytes=10000-"),
        Asked("a", "bytes=10000-"),
        Asked("b", "bytes=20000-"),
        Asked("a", "bytes=20000-"),
        Asked("b", "bytes=20000-"),
    ]
    assert "404" in failure
    assert part_of(tmp_path).read_bytes() == CONTENT[:20_000]


def test_a_mirror_without_the_file_is_passed_over(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path, mirrors.add("a", Prediction(status=404)), mirrors.add("b"))
    assert reasons(events) == [f"{mirrors.host} does not give out the archive (404 Not Found)."]
    assert is_complete(tmp_path)


def test_a_mirror_that_is_not_there_is_passed_over(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path, "http://127.0.0.1:9/archive", mirrors.add("a"))
    assert reasons(events)[0].startswith("127.0.0.1:9 could not be reached (")
    assert is_complete(tmp_path)


def test_a_redirect_is_followed_with_the_range(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT[:30_000])
    url = mirrors.add("a", Prediction(status=302, headers=(("Location", mirrors.add("b")),)))
    bring(tmp_path, url)
    assert mirrors.asked == [Asked("a", "bytes=30000-"), Asked("b", "bytes=30000-")]
    assert is_complete(tmp_path)


@pytest.mark.parametrize("too_long", [False, True])
def test_a_wrong_archive_is_thrown_away_and_the_next_mirror_asked(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, too_long: bool
) -> None:
    monkeypatch.setattr(mirror, "REPORT_SECONDS", 0)
    wrong = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    longer = wrong + b"more" * too_long
    events = bring(tmp_path, mirrors.add("a", Prediction(longer, tells_length=False)), mirrors.add("b"))
    assert mirrors.asked == [Asked("a", None), Asked("b", None)]
    assert reasons(events) == [f"{mirrors.host} gave an archive that is damaged: its md5 sum is not the right one."]
    assert all(event.received <= TINY.size for event in events if isinstance(event, Downloading))
    assert is_complete(tmp_path)


def test_a_file_of_another_length_is_refused_before_it_is_fetched(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT[:30_000])
    events = bring(tmp_path, mirrors.add("a", Prediction(CONTENT + b"more", ignores_range=True)), mirrors.add("b"))
    assert f"{TINY.size + 4:,} bytes instead of {TINY.size:,}" in reasons(events)[0]
    assert mirrors.asked[1] == Asked("b", "bytes=30000-"), "what was there already is not lost"
    assert is_complete(tmp_path)


def test_a_login_page_does_not_replace_what_is_there(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT[:30_000])
    page = Prediction(b"<html>", ignores_range=True, tells_length=False, headers=(("Content-Type", "text/html"),))
    events = bring(tmp_path, mirrors.add("a", page), mirrors.add("b"))
    assert reasons(events) == [f"{mirrors.host} sent a web page in place of the archive."]
    assert mirrors.asked[1] == Asked("b", "bytes=30000-")


def test_a_mirror_that_ignores_the_range_begins_again(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(b"?" * 30_000)
    bring(tmp_path, mirrors.add("a", Prediction(ignores_range=True)))
    assert mirrors.asked == [Asked("a", "bytes=30000-")]
    assert is_complete(tmp_path)


def test_a_mirror_that_sends_another_range_is_passed_over(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT[:30_000])
    events = bring(tmp_path, mirrors.add("a", Prediction(wrong_range=True)), mirrors.add("b"))
    assert reasons(events) == [f"{mirrors.host} sent something other than the part of the archive that was asked for."]
    assert mirrors.asked[1] == Asked("b", "bytes=30000-")
    assert is_complete(tmp_path)


def test_a_mirror_that_refuses_the_range_is_asked_for_the_whole(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(b"?" * 30_000)
    bring(tmp_path, mirrors.add("a", Prediction(refuses_range=True)))
    assert mirrors.asked == [Asked("a", "bytes=30000-"), Asked("a", None)]
    assert is_complete(tmp_path)


def test_a_part_that_is_whole_is_not_asked_for_again(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT)
    assert bring(tmp_path, mirrors.add("a")) == [Verifying(), Extracting(), Ready(tmp_path / TINY.folder)]
    assert mirrors.asked == []
    assert is_complete(tmp_path)


@pytest.mark.parametrize("length", [TINY.size, TINY.size + 1])
def test_a_part_that_cannot_be_right_is_thrown_away(mirrors: Mirrors, tmp_path: Path, length: int) -> None:
    part_of(tmp_path).write_bytes(bytes(length))
    bring(tmp_path, mirrors.add("a"))
    assert mirrors.asked == [Asked("a", None)]
    assert is_complete(tmp_path)


def test_when_every_mirror_fails_one_sentence_says_why_and_what_to_do(mirrors: Mirrors, tmp_path: Path) -> None:
    failure = failure_of(tmp_path, mirrors.add("a", Prediction(status=503)), "http://127.0.0.1:9/archive")
    assert failure.startswith(f"CIFAR-10 could not be downloaded: {mirrors.host} does not give out the archive (503 ")
    assert "--data" in failure and "CIFAR_MIRRORS" in failure and str(tmp_path) in failure
    assert "\n" not in failure and failure.count(". ") == 0 and failure.endswith(".")


def test_a_machine_that_is_offline_is_told_so(tmp_path: Path) -> None:
    assert "127.0.0.1:9 could not be reached (" in failure_of(tmp_path, "http://127.0.0.1:9/archive")


def test_a_disk_too_small_is_told_before_anything_is_fetched(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = 2.2 * CIFAR10.size + archive_module.SPARE
    usage = archive_module.shutil.disk_usage(tmp_path)
    url = mirrors.add("a", Prediction(status=404))
    monkeypatch.setattr(archive_module.shutil, "disk_usage", lambda _: usage._replace(free=int(needed) - 1000))
    failure = failure_of(tmp_path, url, archive=CIFAR10)
    assert failure.startswith("The disk is too full") and "425 MB" in failure and str(tmp_path) in failure
    assert mirrors.asked == []
    part_of(tmp_path).write_bytes(bytes(2000))  # what is here already needs no more room
    assert "404" in failure_of(tmp_path, url, archive=CIFAR10)


def test_a_disk_that_fills_up_ends_the_download_and_keeps_the_part(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(io.FileIO):
        def write(self, data: Any) -> int:
            room = 30_000 - self.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data[:room])

    def small_open(path: Path, mode: str) -> io.BufferedWriter:
        return io.BufferedWriter(FullDisk(path, mode))

    monkeypatch.setattr(mirror, "open", small_open, raising=False)
    urls = mirrors.add("a"), mirrors.add("b")
    failure = failure_of(tmp_path, *urls)
    assert failure.startswith("The disk is too full") and str(tmp_path) in failure
    assert mirrors.asked == [Asked("a", None)], "another mirror would not help"
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "*")
    assert part_of(tmp_path).read_bytes() == CONTENT[:30_000]
    bring(tmp_path, *urls)
    assert mirrors.asked[-1] == Asked("a", "bytes=30000-")
    assert is_complete(tmp_path)


def test_a_destination_that_cannot_be_written_is_named(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    failure = failure_of(tmp_path / "file" / "data", mirrors.add("a"))
    assert failure.startswith(f"CIFAR-10 cannot be stored in {tmp_path / 'file' / 'data'} (")
    assert mirrors.asked == []


def evil_archives() -> dict[str, bytes]:
    return {
        "outside": tar_of({**FILES, "../evil": b"evil"}),
        "absolute": tar_of({**FILES, "/tmp/evil": b"evil"}),
        "unexpected": tar_of({**FILES, f"{TINY.folder}/evil.py": b"evil"}),
        "link": tar_of(FILES, link_to="data_batch_1"),
        "incomplete": tar_of({name: FILES[name] for name in list(FILES)[1:]}),
        "no archive": b"evil",
    }


@pytest.mark.parametrize("content", evil_archives().values(), ids=evil_archives().keys())
def test_nothing_is_extracted_from_an_archive_with_other_members(
    mirrors: Mirrors, tmp_path: Path, content: bytes
) -> None:
    failure = failure_of(tmp_path / "data", mirrors.add("a", Prediction(content)), archive=described(content))
    assert str(part_of(tmp_path / "data")) in failure and "remove" in failure
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert not (tmp_path / "data" / TINY.folder).exists()
    assert not (tmp_path / "data" / f"{TINY.folder}.part").exists()


def test_mirrors_of_the_environment_come_first(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR_MIRRORS", f" {mirrors.add('a', Prediction(status=404))},\n{mirrors.add('b')} ")
    events = list(download(tmp_path, archive=TINY))
    assert [asked.name for asked in mirrors.asked] == ["a", "b"]
    assert isinstance(events[-1], Ready)


def test_the_named_mirrors_stand_in_front_of_the_built_in_ones() -> None:
    assert mirror.mirrors_from("") == mirror.MIRRORS
    assert mirror.mirrors_from("http://a/x, https://b/y") == ("http://a/x", "https://b/y", *mirror.MIRRORS)
    assert mirror.mirrors_from(mirror.MIRRORS[2]) == (mirror.MIRRORS[2], *mirror.MIRRORS[:2])


@pytest.mark.parametrize("url", ["ftp://a/x", "file:///etc/passwd", "a/x", "http://", "http://[a/x", "http://a:port/x"])
def test_an_address_that_is_no_mirror_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not the address of a mirror"):
        mirror.mirrors_from(f"http://good/x {url}")
    assert "is not the address of a mirror" in failure_of(tmp_path / "data", url)
    assert not (tmp_path / "data").exists()


def test_a_password_in_an_address_is_not_shown() -> None:
    assert mirror.host_of("https://me:secret@mirror.example:8080/x") == "mirror.example:8080"


def test_a_download_closed_half_way_goes_on_the_next_time(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "REPORT_SECONDS", 0)
    monkeypatch.setattr(mirror, "CHUNK", 10_000)
    url = mirrors.add("a", Prediction(stop_after=30_000, stalls=True), Prediction())
    events = download(tmp_path, archive=TINY, mirrors=[url])
    for event in events:
        if isinstance(event, Downloading) and event.received == 30_000:
            break
    events.close()
    assert part_of(tmp_path).read_bytes() == CONTENT[:30_000]
    bring(tmp_path, url)
    assert mirrors.asked == [Asked("a", None), Asked("a", "bytes=30000-")]
    assert is_complete(tmp_path)


def test_only_one_download_at_a_time_goes_to_one_place(mirrors: Mirrors, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    url = mirrors.add("a")
    with contextlib.closing(download(tmp_path, archive=TINY, mirrors=[url])) as first:
        assert next(first) == Trying(mirrors.host)
        assert "already downloading" in failure_of(tmp_path, url)
        assert isinstance(bring(tmp_path / "elsewhere", url)[-1], Ready)
    assert isinstance(bring(tmp_path, url)[-1], Ready)


def test_events_have_sentences_for_people(tmp_path: Path) -> None:
    expected: dict[DownloadEvent, str] = {
        Trying("zenodo.org"): "Asking zenodo.org for CIFAR-10.",
        Downloading(0, 170_498_071, "h", 0.0): "Downloading CIFAR-10: 0 of 170 MB.",
        Downloading(34_000_000, 170_498_071, "h", 2_100_000.0): (
            "Downloading CIFAR-10: 34 of 170 MB at 2.1 MB/s, about 1 minute left."
        ),
        Downloading(34_000_000, 170_498_071, "h", 60_000.0): (
            "Downloading CIFAR-10: 34 of 170 MB at 60 kB/s, about 38 minutes left."
        ),
        Downloading(160_000_000, 170_498_071, "h", 2e6): (
            "Downloading CIFAR-10: 160 of 170 MB at 2.0 MB/s, less than a minute left."
        ),
        MirrorFailed("h", "h is away."): "h is away.",
        Verifying(): "Checking that every byte of CIFAR-10 arrived.",
        Extracting(): "Unpacking CIFAR-10.",
        Ready(tmp_path): f"CIFAR-10 is ready in {tmp_path}.",
    }
    assert {event: sentence(event) for event in expected} == expected


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.005)


def test_in_the_background_the_download_becomes_ready(mirrors: Mirrors, tmp_path: Path) -> None:
    background = BackgroundDownload(tmp_path, archive=TINY, mirrors=[mirrors.add("a", Prediction(stalls=True))])
    assert (background.status.state, background.folder, mirrors.asked) == ("idle", None, [])
    background.start()
    background.start()
    until(lambda: background.status.state == "ready")
    assert background.folder == tmp_path / TINY.folder
    assert background.status.sentence == f"CIFAR-10 is ready in {background.folder}."
    background.start()
    assert background.status.state == "ready"
    assert len(mirrors.asked) == 1
    assert is_complete(tmp_path)


def test_in_the_background_a_failure_is_told_and_can_be_tried_again(mirrors: Mirrors, tmp_path: Path) -> None:
    url = mirrors.add("a", Prediction(status=503), Prediction())
    background = BackgroundDownload(tmp_path, archive=TINY, mirrors=[url])
    background.start()
    until(lambda: background.status.state == "failed")
    assert "503" in background.status.sentence
    assert background.folder is None
    background.start()
    until(lambda: background.status.state == "ready")


def stopped_half_way(mirrors: Mirrors, tmp_path: Path) -> BackgroundDownload:
    url = mirrors.add("a", Prediction(stop_after=30_000, stalls=True), Prediction())
    background = BackgroundDownload(tmp_path, archive=TINY, mirrors=[url])
    background.start()
    until(lambda: mirrors.sent["a"] == 30_000 and background.status.fraction is not None)
    assert background.status.sentence.startswith("Downloading CIFAR-10: ")
    background.stop()
    return background


def test_in_the_background_a_stopped_download_ends_and_keeps_what_came(mirrors: Mirrors, tmp_path: Path) -> None:
    background = stopped_half_way(mirrors, tmp_path)
    stopped = background.status
    assert stopped.state == "idle"
    mirrors.go_on.set()
    until(lambda: all(thread.name != "download of CIFAR-10" for thread in threading.enumerate()))
    assert background.status == stopped
    assert part_of(tmp_path).read_bytes() == CONTENT[:30_000]
    assert mirrors.asked == [Asked("a", None)]


def test_in_the_background_a_stopped_download_can_be_started_again_at_once(mirrors: Mirrors, tmp_path: Path) -> None:
    background = stopped_half_way(mirrors, tmp_path)
    background.start()  # while the thread of the first attempt still waits for the stalled mirror
    time.sleep(0.05)
    assert background.status.state == "running"
    mirrors.go_on.set()
    until(lambda: background.status.state == "ready")
    assert mirrors.asked == [Asked("a", None), Asked("a", "bytes=30000-")]
    assert is_complete(tmp_path)


def test_in_the_background_even_a_bug_does_not_look_like_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", logged.append)
    monkeypatch.setattr(archive_module, "missing_from", lambda _: 1 / 0)
    background = BackgroundDownload(tmp_path, archive=TINY, mirrors=["http://127.0.0.1:9/archive"])
    background.start()
    until(lambda: background.status.state == "failed")
    assert "division by zero" in background.status.sentence
    until(lambda: len(logged) == 1)
