"""The whole page behind its gate, in process: what a stranger may send to Gradio, and what it leaves."""

import gc
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
import pytest

from cifar_core.data import Splits
from cifar_core.errors import CifarError
from demo.__main__ import EVENTS_AT_ONCE, SESSIONS
from demo.bounds import Bounds
from demo.gradio_compat import Control
from demo.upload_folder import MAX_AGE, UploadFolder
from tests.helpers.asgi import join, news
from tests.helpers.live_page import LivePage

T = TypeVar("T")

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, tiny: Splits) -> Iterator[LivePage]:
    with LivePage(tmp_path_factory.mktemp("live"), tiny) as live:
        yield live
    gc.collect()


def test_no_markup_of_the_page_is_an_input_of_an_event(page: LivePage) -> None:
    """What is an input can come from anybody; in a gr.HTML it would be markup wherever the page shows it again."""
    inputs = [part for event in page.blocks.fns.values() for part in event.inputs]
    assert any(isinstance(part, Control) for part in inputs), "the controls are found"
    assert [part for part in inputs if isinstance(part, gr.HTML | gr.Markdown) and not isinstance(part, Control)] == []


def test_a_control_inserts_its_value_nowhere() -> None:
    for template in ("<p>${value}</p>", "<p>{{value}}</p>"):
        with pytest.raises(ValueError, match="inserts nothing"):
            Control("", html_template=template)


def test_the_page_is_served_and_deep_links_are_not(page: LivePage) -> None:
    assert page.ask("GET", "/").status == 200
    assert b'"deep_link_state":"none"' in page.ask("GET", "/?deep_link=3t4opnTNmOQ").body
    assert page.ask("GET", "/gradio_api/deep_link?session_hash=page").status == 404


def test_no_page_tells_where_the_server_has_its_files(page: LivePage) -> None:
    for path in ("/", "/config", "/gradio_api/info"):
        body = page.ask("GET", path).body.decode()
        for folder in (page.folder, page.splits.folder, Path(gr.__file__).parent):
            assert str(folder) not in body


def test_events_of_pages_that_never_listen_end_by_themselves(page: LivePage) -> None:
    for ghost in range(8):
        for number in page.loads():
            assert page.join(number, f"ghost{ghost}").status == 200
    page.run(page.sweep())
    page.wait_for(lambda: page.active() >= 16)
    page.pass_time(5)
    page.wait_for(lambda: page.active() == 0)
    page.run(page.sweep())
    assert not page.blocks._queue.pending_messages_per_session


def test_a_page_that_reloads_quickly_keeps_one_watch_of_each_kind(page: LivePage) -> None:
    for _ in range(4):
        for number in page.watches():
            assert page.join(number, "eager").status == 200
    page.wait_for(lambda: page.active() <= 2)
    assert page.active() == 2
    page.pass_time(5)
    page.wait_for(lambda: page.active() == 0)


def test_a_page_that_listens_is_sent_its_news(page: LivePage) -> None:
    async def visit() -> Any:
        for number in page.watches():
            assert (await join(page.app, number, page.inputs(number), "learner")).status == 200
        return await news(page.app, "learner", lambda message: message["msg"] == "process_generating")

    assert page.run(visit())["success"]
    page.pass_time(5)
    page.wait_for(lambda: page.active() == 0)


def test_a_stream_without_a_page_ends_with_a_message_and_no_trace(page: LivePage) -> None:
    heard = page.run(news(page.app, "nobody", lambda message: True))
    assert heard["session_not_found"]


@pytest.mark.parametrize("field", ["path", "url"])
def test_no_value_makes_the_server_fetch_an_address(
    page: LivePage, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def network(url: str, **more: Any) -> Any:
        asked.append(url)
        raise RuntimeError("there is no network here")

    monkeypatch.setattr("safehttpx.get", network)
    address = "http://anywhere.example/100GB.bin"
    value = {"path": "x.png", "meta": {"_type": "gradio.FileData"}} | {field: address}
    stop = next(number for number, event in page.blocks.fns.items() if event.name == "stop" and len(event.inputs) == 2)
    message = page.finish(stop, [value, json.dumps({"run": "x"})])
    assert asked == []
    if field == "path":
        assert not message["success"] and "fetches no addresses" in message["output"]["error"]
    classify = next(number for number, event in page.blocks.fns.items() if event.api_name == "classify")
    page.finish(classify, [value, "pretrained"])
    assert asked == []


def test_what_no_component_can_read_is_refused_with_a_sentence_and_no_trace(
    page: LivePage, capfd: pytest.CaptureFixture[str]
) -> None:
    classify = next(number for number, event in page.blocks.fns.items() if event.api_name == "classify")
    for data in ([], [5, 5], [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, "pretrained"]):
        message = page.finish(classify, data)
        assert not message["success"] and message["output"]["error"]
        assert str(page.folder) not in json.dumps(message)
    assert "Traceback" not in capfd.readouterr().err


def test_an_event_that_tells_nonsense_of_a_click_does_nothing_and_leaves_no_trace(
    page: LivePage, capfd: pytest.CaptureFixture[str]
) -> None:
    picking = [number for number, event in page.blocks.fns.items() if event.fn and event.collects_event_data]
    assert len(picking) > 5
    for session, told in enumerate((5, "index", ["index"], {"index": {"x": 1}}, None)):
        for number in picking:
            assert (
                page.run(join(page.app, number, page.inputs(number), f"nonsense{session}", event_data=told)).status
                == 200
            )
    page.wait_for(page.is_idle)
    assert "Traceback" not in (log := capfd.readouterr().err), log[-2000:]


def upload(*files: bytes, cut: int | None = None) -> tuple[bytes, dict[str, str]]:
    parts = [
        b'--sep\r\nContent-Disposition: form-data; name="files"; filename="x.png"\r\n\r\n' + content + b"\r\n"
        for content in files
    ]
    return b"".join([*parts, b"--sep--\r\n"])[:cut], {"content_type": "multipart/form-data; boundary=sep"}


def test_one_file_is_uploaded_at_once_and_no_more(page: LivePage) -> None:
    body, headers = upload(b"one")
    (path,) = page.ask("POST", "/gradio_api/upload", body, **headers).json
    assert Path(path).read_bytes() == b"one" and Path(path).is_relative_to(page.uploads.path)
    before = page.files()
    body, headers = upload(b"two", b"three")
    assert page.ask("POST", "/gradio_api/upload", body, **headers).status == 400
    assert page.files() == before


def test_an_upload_that_breaks_off_or_is_too_large_leaves_nothing(page: LivePage) -> None:
    before = page.files()
    body, headers = upload(b"x" * 5_000_000, cut=4_000_000)
    page.ask("POST", "/gradio_api/upload", [body], breaks_off=True, **headers)
    assert page.files() == before
    body, headers = upload(b"x" * (Bounds().upload_bytes + 1))
    pieces = [body[start : start + 1_000_000] for start in range(0, len(body), 1_000_000)]
    assert page.ask("POST", "/gradio_api/upload", pieces, **headers).status == 413
    assert page.files() == before
    assert page.ask("POST", "/gradio_api/upload", b"no form", content_type="text/plain").status == 400


def test_the_folder_for_uploads_is_private_and_empty_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    uploads = UploadFolder(tmp_path / "runs")
    uploads.prepare()
    (uploads.path / "left").write_text("by a server that was killed")
    again = UploadFolder(tmp_path / "runs")
    again.prepare()
    assert again.path == uploads.path and list(again.path.iterdir()) == []
    assert stat.S_IMODE(again.path.stat().st_mode) == 0o700
    assert UploadFolder(tmp_path / "other runs").path != again.path
    assert "runs" not in again.path.name  # its name reaches browsers


def test_a_folder_for_uploads_that_is_a_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    uploads = UploadFolder(tmp_path / "runs")
    (tmp_path / "precious").mkdir()
    uploads.path.symlink_to(tmp_path / "precious")
    with pytest.raises(CifarError, match="GRADIO_TEMP_DIR"):
        uploads.prepare()


def test_files_that_are_old_or_too_many_go_whoever_made_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    uploads = UploadFolder(tmp_path / "runs")
    uploads.prepare()
    (uploads.path / "hash").mkdir()
    old, new = uploads.path / "hash" / "old.png", uploads.path / "new.png"
    old.write_bytes(b"x" * 100)
    os.utime(old, (0, 0))  # a copy has the times of what it was copied from
    uploads.sweep()
    assert old.exists()
    time.sleep(0.01)
    new.write_bytes(b"x" * 100)
    uploads.sweep(most=150)
    assert new.exists() and not old.exists()
    uploads.sweep(now=time.time() + MAX_AGE + 60)
    assert list(uploads.path.iterdir()) == []


def test_an_upload_needs_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = UploadFolder(tmp_path / "runs")
    uploads.path = tmp_path
    assert uploads.has_room() == (os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize >= 1e9)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10**8})())
    assert not uploads.has_room()


def test_a_class_of_forty_with_several_tabs_has_its_place() -> None:
    bounds = Bounds()
    assert bounds.open_pages >= 3 * 40
    assert 2 * bounds.all_open_pages + 100 <= EVENTS_AT_ONCE, "two events a page, and room for all that is clicked"
    assert 2 * bounds.all_open_pages <= SESSIONS


def test_gradio_is_told_to_take_no_way_around_its_queue(page: LivePage) -> None:
    assert page.blocks.api_open is False
    assert page.blocks._queue.max_size is None, "what waits is bounded by address; one bound for all is one client's"
    assert page.ask("POST", "/gradio_api/run/predict", b"{}").status == 404
