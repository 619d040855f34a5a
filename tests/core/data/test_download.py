"""The download of CIFAR-10, from mirrors on this machine that cut, stall, lie and refuse."""

import contextlib
import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest

from cifar_core.data import download as module
from cifar_core.data import mirror
from cifar_core.data.archive import CIFAR10, Archive, missing_from
from cifar_core.data.download import download
from cifar_core.data.download_events import (
    DownloadEvent,
    Downloading,
    MirrorFailed,
    Ready,
    Trying,
    UnpackingArchive,
    VerifyingArchive,
)
from cifar_core.errors import DataError
from tests.helpers.mirrors import (
    CONTENT,
    FILES,
    TINY,
    Asked,
    Mirrors,
    Response,
    described,
    is_complete,
    part_of,
    tar_of,
)


def bring(destination: Path, *urls: str, archive: Archive = TINY) -> list[DownloadEvent]:
    return list(download(destination, archive=archive, mirrors=urls, connect_timeout=60, stall_timeout=0.2))


def failure_of(destination: Path, *urls: str, archive: Archive = TINY) -> str:
    with pytest.raises(DataError) as caught:
        bring(destination, *urls, archive=archive)
    assert str(destination) not in str(caught.value), "a page may show it"
    return str(caught.value)


def reasons(events: list[DownloadEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, MirrorFailed)]


def test_the_archive_is_downloaded_verified_and_extracted(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path / "new" / "data", mirrors.add("a"))
    progress = [event for event in events if isinstance(event, Downloading)]
    assert [event for event in events if event not in progress] == [
        Trying(mirrors.host),
        VerifyingArchive(),
        UnpackingArchive(),
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
    assert f"{TINY.folder} is not complete (data_batch_2 is missing)" in failure
    assert (tmp_path / TINY.folder / "data_batch_1").read_bytes() == b"mine"
    assert mirrors.asked == []


def test_an_empty_folder_is_filled(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / TINY.folder).mkdir()
    bring(tmp_path, mirrors.add("a"))
    assert is_complete(tmp_path)


def test_an_archive_that_somebody_put_there_is_used_and_kept(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / TINY.name).write_bytes(CONTENT)
    assert bring(tmp_path, mirrors.add("a")) == [VerifyingArchive(), UnpackingArchive(), Ready(tmp_path / TINY.folder)]
    assert mirrors.asked == []
    assert (tmp_path / TINY.name).read_bytes() == CONTENT


def test_a_damaged_archive_that_somebody_put_there_is_downloaded_again(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / TINY.name).write_bytes(bytes(TINY.size))
    assert isinstance(bring(tmp_path, mirrors.add("a"))[-1], Ready)
    assert not missing_from(tmp_path / TINY.folder)


def test_a_cut_download_goes_on_where_it_stopped(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path, mirrors.add("a", Response(stop_after=30_000), Response()))
    assert mirrors.asked == [Asked("a", None), Asked("a", "bytes=30000-")]
    assert mirrors.sent["a"] == TINY.size, "no byte came twice"
    assert reasons(events) == [f"{mirrors.host} cut the connection after 0 of 0 MB."]
    assert is_complete(tmp_path)


def test_a_cut_is_noticed_where_the_mirror_tells_no_length(mirrors: Mirrors, tmp_path: Path) -> None:
    bring(tmp_path, mirrors.add("a", Response(stop_after=30_000, tells_length=False), Response(tells_length=False)))
    assert mirrors.asked == [Asked("a", None), Asked("a", "bytes=30000-")]
    assert is_complete(tmp_path)


def test_after_a_stall_the_next_mirror_gives_the_rest(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path, mirrors.add("a", Response(stop_after=30_000, stalls=True)), mirrors.add("b"))
    assert mirrors.asked == [Asked("a", None), Asked("b", "bytes=30000-")]
    assert mirrors.sent["a"] + mirrors.sent["b"] == TINY.size, "no byte came twice"
    assert reasons(events) == [f"{mirrors.host} sent nothing for 0.2 seconds, after 0 of 0 MB."]
    assert is_complete(tmp_path)


def test_the_mirrors_are_asked_again_only_while_that_brings_more(mirrors: Mirrors, tmp_path: Path) -> None:
    ends = [Response(stop_after=count) for count in (10_000, 20_000, 20_000)]
    failure = failure_of(tmp_path, mirrors.add("a", *ends), mirrors.add("b", Response(status=404)))
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
    events = bring(tmp_path, mirrors.add("a", Response(status=404)), mirrors.add("b"))
    assert reasons(events) == [f"{mirrors.host} does not give out the archive (404 Not Found)."]
    assert is_complete(tmp_path)


def test_a_mirror_that_is_not_there_is_passed_over(mirrors: Mirrors, tmp_path: Path) -> None:
    events = bring(tmp_path, "http://127.0.0.1:9/archive", mirrors.add("a"))
    assert reasons(events)[0].startswith("127.0.0.1:9 could not be reached (")
    assert is_complete(tmp_path)


def test_a_redirect_is_followed_with_the_range(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT[:30_000])
    url = mirrors.add("a", Response(status=302, headers=(("Location", mirrors.add("b")),)))
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
    events = bring(tmp_path, mirrors.add("a", Response(longer, tells_length=False)), mirrors.add("b"))
    assert mirrors.asked == [Asked("a", None), Asked("b", None)]
    assert reasons(events) == [f"{mirrors.host} gave a damaged archive: its md5 sum is wrong."]
    assert all(event.received <= TINY.size for event in events if isinstance(event, Downloading))
    assert is_complete(tmp_path)


def test_a_file_of_another_length_is_refused_before_it_is_fetched(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT[:30_000])
    events = bring(tmp_path, mirrors.add("a", Response(CONTENT + b"more", ignores_range=True)), mirrors.add("b"))
    assert f"{TINY.size + 4:,} bytes instead of {TINY.size:,}" in reasons(events)[0]
    assert mirrors.asked[1] == Asked("b", "bytes=30000-"), "what was there already is not lost"
    assert is_complete(tmp_path)


def test_a_login_page_does_not_replace_what_is_there(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT[:30_000])
    page = Response(b"<html>", ignores_range=True, tells_length=False, headers=(("Content-Type", "text/html"),))
    events = bring(tmp_path, mirrors.add("a", page), mirrors.add("b"))
    assert reasons(events) == [f"{mirrors.host} sent a web page in place of the archive."]
    assert mirrors.asked[1] == Asked("b", "bytes=30000-")


def test_a_mirror_that_ignores_the_range_begins_again(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(b"?" * 30_000)
    bring(tmp_path, mirrors.add("a", Response(ignores_range=True)))
    assert mirrors.asked == [Asked("a", "bytes=30000-")]
    assert is_complete(tmp_path)


def test_a_mirror_that_sends_another_range_is_passed_over(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT[:30_000])
    events = bring(tmp_path, mirrors.add("a", Response(wrong_range=True)), mirrors.add("b"))
    assert reasons(events) == [f"{mirrors.host} sent something other than the requested part of the archive."]
    assert mirrors.asked[1] == Asked("b", "bytes=30000-")
    assert is_complete(tmp_path)


def test_a_mirror_that_refuses_the_range_is_asked_for_the_whole(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(b"?" * 30_000)
    bring(tmp_path, mirrors.add("a", Response(refuses_range=True)))
    assert mirrors.asked == [Asked("a", "bytes=30000-"), Asked("a", None)]
    assert is_complete(tmp_path)


def test_a_part_that_is_whole_is_not_asked_for_again(mirrors: Mirrors, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT)
    assert bring(tmp_path, mirrors.add("a")) == [VerifyingArchive(), UnpackingArchive(), Ready(tmp_path / TINY.folder)]
    assert mirrors.asked == []
    assert is_complete(tmp_path)


@pytest.mark.parametrize("length", [TINY.size, TINY.size + 1])
def test_a_part_that_cannot_be_right_is_thrown_away(mirrors: Mirrors, tmp_path: Path, length: int) -> None:
    part_of(tmp_path).write_bytes(bytes(length))
    bring(tmp_path, mirrors.add("a"))
    assert mirrors.asked == [Asked("a", None)]
    assert is_complete(tmp_path)


def test_when_every_mirror_fails_one_sentence_says_why_and_what_to_do(mirrors: Mirrors, tmp_path: Path) -> None:
    failure = failure_of(tmp_path, mirrors.add("a", Response(status=503)), "http://127.0.0.1:9/archive")
    assert failure.startswith(f"CIFAR-10 could not be downloaded: {mirrors.host} does not give out the archive (503 ")
    assert TINY.name in failure and "CIFAR_MIRRORS" in failure
    assert "\n" not in failure and failure.count(". ") == 0 and failure.endswith(".")


def test_a_machine_that_is_offline_is_told_so(tmp_path: Path) -> None:
    assert "127.0.0.1:9 could not be reached (" in failure_of(tmp_path, "http://127.0.0.1:9/archive")


def test_a_disk_too_small_is_told_before_anything_is_fetched(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = 2.2 * CIFAR10.size + module.SPARE
    usage = module.shutil.disk_usage(tmp_path)
    url = mirrors.add("a", Response(status=404))
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=int(needed) - 1000))
    failure = failure_of(tmp_path, url, archive=CIFAR10)
    assert failure.startswith("The disk is too full") and "425 MB" in failure
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
    assert failure.startswith("The disk is too full")
    assert mirrors.asked == [Asked("a", None)], "another mirror would not help"
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "*")
    assert part_of(tmp_path).read_bytes() == CONTENT[:30_000]
    bring(tmp_path, *urls)
    assert mirrors.asked[-1] == Asked("a", "bytes=30000-")
    assert is_complete(tmp_path)


def test_a_destination_that_cannot_be_written_is_refused(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    failure = failure_of(tmp_path / "file" / "data", mirrors.add("a"))
    assert failure.startswith("CIFAR-10 cannot be stored in its folder (")
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
    failure = failure_of(tmp_path / "data", mirrors.add("a", Response(content)), archive=described(content))
    assert part_of(tmp_path / "data").name in failure and "remove" in failure
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert not (tmp_path / "data" / TINY.folder).exists()
    assert not (tmp_path / "data" / f"{TINY.folder}.part").exists()


def test_mirrors_of_the_environment_come_first(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR_MIRRORS", f" {mirrors.add('a', Response(status=404))},\n{mirrors.add('b')} ")
    events = list(download(tmp_path, archive=TINY))
    assert [asked.name for asked in mirrors.asked] == ["a", "b"]
    assert isinstance(events[-1], Ready)


def test_a_download_closed_half_way_goes_on_the_next_time(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "REPORT_SECONDS", 0)
    monkeypatch.setattr(mirror, "CHUNK", 10_000)
    url = mirrors.add("a", Response(stop_after=30_000, stalls=True), Response())
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


def test_an_address_that_is_no_mirror_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    assert "is not the address of a mirror" in failure_of(tmp_path / "data", "ftp://a/x")
    assert not (tmp_path / "data").exists()
