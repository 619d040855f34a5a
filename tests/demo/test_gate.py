"""What the gate lets through to Gradio and what it refuses: in front of an application that takes everything."""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any, TypeVar

import pytest

from demo.bounds import Bounds, Ledger, Rate
from demo.gate import Behind, Gate, Waiting
from demo.open_pages import OpenPages
from tests.helpers.asgi import ADDRESS, ask, join

T = TypeVar("T")
SHORT, LONG = 3, 4
"""an event that starts at once; and one that may have to wait for a turn"""


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Everything:
    """Takes every request, reads its body and remembers it."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"taken"})


class Site:
    """A gate and what stands behind it."""

    def __init__(self, proxies: int = 0, **bounds: Any) -> None:
        self.app, self.clock, self.waiting = Everything(), Clock(), list[Waiting]()
        self.room = True
        self.pages = OpenPages(self.clock)
        behind = Behind({SHORT: False, LONG: True}, lambda: self.waiting, lambda: self.room)
        self.gate = Gate(
            self.app, self.pages, behind, proxies=proxies, bounds=Bounds(**bounds), ledger=Ledger(self.clock)
        )

    def ask(self, *args: Any, **options: Any) -> Any:
        return run(ask(self.gate, *args, **options))

    def join(self, number: int = SHORT, session: str = "page", **options: Any) -> Any:
        return run(join(self.gate, number, [], session, **options))


def run(work: Awaitable[T]) -> T:
    async def wait() -> T:
        return await work

    return asyncio.run(wait())


OPEN = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/?lr=0.01&run=abc"),
    ("GET", "/config"),
    ("GET", "/gradio_api/info"),
    ("GET", "/assets/index.js"),
    ("GET", "/theme.css"),
    ("GET", "/gradio_api/app_id"),
    ("GET", "/gradio_api/queue/data?session_hash=page"),
    ("GET", "/gradio_api/file=/tmp/cifar-demo/photo.png"),
    ("POST", "/gradio_api/upload"),
    ("POST", "/gradio_api/cancel"),
]
CLOSED = [
    ("GET", "/gradio_api/deep_link?session_hash=page"),
    ("POST", "/gradio_api/process_recording"),
    ("POST", "/gradio_api/component_server"),
    ("GET", "/gradio_api/custom_component/1/client/component/index.js"),
    ("GET", "/gradio_api/proxy=https://somebody.hf.space/x"),
    ("GET", "/gradio_api/file=http://anywhere.example/100GB.bin"),
    ("GET", "/gradio_api/file=https://anywhere.example/100GB.bin"),
    ("GET", "/gradio_api/file=//anywhere.example/x"),
    ("GET", "/gradio_api/file/http://anywhere.example/x"),
    ("POST", "/gradio_api/run/predict"),
    ("POST", "/gradio_api/api/start"),
    ("POST", "/gradio_api/call/start"),
    ("POST", "/gradio_api/call/v2/start"),
    ("POST", "/gradio_api/stream/abc"),
    ("GET", "/gradio_api/stream/a/b/1/playlist.m3u8"),
    ("POST", "/gradio_api/vibe-edit"),
    ("GET", "/monitoring/summary"),
    ("GET", "/gradio_api/runs"),
    ("GET", "/gradio_api/token"),
    ("POST", "/login"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/pwa_icon/99999"),
    ("POST", "/"),
    ("DELETE", "/gradio_api/upload"),
    ("GET", "/gradio_api/queue/join"),
    ("GET", "/gradio_api/file=/tmp/a\0b"),
    ("GET", "//gradio_api/deep_link"),
    ("GET", "/gradio_api/../gradio_api/deep_link"),
]


@pytest.mark.parametrize("method, path", OPEN)
def test_what_the_page_asks_for_gets_through(method: str, path: str) -> None:
    assert Site().ask(method, path).body == b"taken"


@pytest.mark.parametrize("method, path", CLOSED)
def test_nothing_else_of_gradio_is_there(method: str, path: str) -> None:
    site = Site()
    assert site.ask(method, path).status == 404
    assert site.app.scopes == []


def test_below_a_mount_point_the_same_is_open_and_closed() -> None:
    site = Site()

    async def mounted(path: str) -> int:
        from tests.helpers.asgi import request

        found: list[int] = []

        async def send(message: Any) -> None:
            found.append(message.get("status", 0))

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        await site.gate(request("GET", ADDRESS, path) | {"root_path": "/class"}, receive, send)
        return found[0]

    assert run(mounted("/class/")) == run(mounted("/class")) == run(mounted("/class/gradio_api/app_id")) == 200
    assert run(mounted("/class/gradio_api/deep_link")) == 404


def test_a_parameter_that_presets_all_fields_of_a_page_is_taken_out_of_its_address() -> None:
    site = Site()
    site.ask("GET", "/?lr=0.01&deep_link=3t4opnTNmOQ&title=Group+A")
    assert site.app.scopes[-1]["query_string"] == b"lr=0.01&title=Group+A"
    site.ask("GET", "/?%64eep_link=x")
    assert site.app.scopes[-1]["query_string"] == b""


def test_an_event_reaches_gradio_as_it_was_sent() -> None:
    site = Site()
    assert site.join(SHORT, event_data="a value", trigger_id=7).body == b"taken"
    assert json.loads(site.app.bodies[0])["event_data"] == "a value"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[1]",
        b"\xff\xfe{}",
        json.dumps({"data": [], "fn_index": SHORT}).encode(),
        json.dumps({"data": {}, "fn_index": SHORT, "session_hash": "page"}).encode(),
        json.dumps({"data": [], "fn_index": 999, "session_hash": "page"}).encode(),
        json.dumps({"data": [], "fn_index": True, "session_hash": "page"}).encode(),
        json.dumps({"data": [], "fn_index": SHORT, "session_hash": "../page"}).encode(),
        json.dumps({"data": [], "fn_index": SHORT, "session_hash": "x" * 65}).encode(),
        json.dumps({"data": [], "fn_index": SHORT, "session_hash": "page", "batched": True}).encode(),
        json.dumps({"data": [], "fn_index": SHORT, "session_hash": "page", "trigger_id": "x"}).encode(),
        json.dumps({"data": [10**18], "fn_index": SHORT, "session_hash": "page"}).encode(),
        json.dumps({"data": ["\ud800"], "fn_index": SHORT, "session_hash": "page"}).encode(),
        b'{"fn_index": 3, "session_hash": "page", "data": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"fn_index": 3, "session_hash": "page", "data": ["[", ' + b"[" * 60 + b"]" * 60 + b"]}",
    ],
)
def test_what_is_no_event_of_this_page_is_refused_with_a_sentence(body: bytes) -> None:
    site = Site()
    answer = site.ask("POST", "/gradio_api/queue/join", body)
    assert answer.status in (400, 404) and "reload" in answer.sentence
    assert site.app.scopes == []


def test_brackets_in_a_text_are_no_depth() -> None:
    site = Site()
    assert run(join(site.gate, SHORT, ["\N{GRINNING FACE}", "[" * 500 + '"\\' + "{" * 500], "page")).body == b"taken"


def test_bodies_are_bounded_whatever_length_they_claim() -> None:
    site = Site(event_bytes=1000, upload_bytes=5000, other_bytes=50)
    for path, size in (("queue/join", 1001), ("upload", 5001), ("cancel", 51)):
        answer = site.ask("POST", f"/gradio_api/{path}", [b"x" * (size - 9), b"x" * 9])
        assert answer.status == 413 and "MB" in answer.sentence
    assert site.ask("POST", "/gradio_api/upload", b"x" * 5000).body == b"taken"


def test_an_upload_is_handed_on_piece_by_piece() -> None:
    seen: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(len((await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    run(ask(Gate(app, OpenPages()), "POST", "/gradio_api/upload", [b"12345", b"678"]))
    assert seen == [5]


def test_uploads_are_counted_by_address_and_need_room_on_the_disk() -> None:
    site = Site(uploads=Rate(2, 60))
    answers = [site.ask("POST", "/gradio_api/upload", b"x") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["content-type"].startswith("text/plain")  # the page shows an upload's answer as it is
    assert site.ask("POST", "/gradio_api/upload", b"x", address="198.51.100.1").status == 200
    site.clock.now += 1
    assert site.ask("POST", "/gradio_api/upload", b"x").status == 200
    site.room = False
    answer = site.ask("POST", "/gradio_api/upload", b"x", address="198.51.100.2")
    assert answer.status == 507 and "no room" in answer.sentence


def test_one_page_cannot_use_up_what_its_network_may_click() -> None:
    site = Site(session_events=Rate(3, 60))
    assert [site.join(session="busy").status for _ in range(4)] == [200, 200, 200, 429]
    assert site.join(session="other").status == 200


def test_one_address_cannot_use_up_what_others_may_click_and_an_open_page_can_still_stop() -> None:
    site = Site(events=Rate(3, 60), spared=Rate(2, 60))
    for _ in range(5):
        site.join(session="flood")
    assert site.join(session="flood").status == 429
    assert site.join(session="elsewhere", address="198.51.100.1").status == 200
    with site.pages.reading("flood"):
        assert [site.join(session="flood").status for _ in range(3)] == [200, 200, 429]


def test_new_pages_are_counted_by_address_and_old_ones_are_not_counted_again() -> None:
    site = Site(sessions=Rate(3, 60))
    assert [site.join(session=f"page{number}").status for number in range(4)] == [200, 200, 200, 429]
    assert site.join(session="page0").status == 200
    assert "reload" in site.join(session="page9").sentence


def test_only_so_many_pages_are_open_at_once_of_one_address_and_of_all() -> None:
    site = Site(open_pages=2, all_open_pages=3)
    assert [site.join(session=name).status for name in ("a", "b", "c")] == [200, 200, 429]
    assert site.join(session="d", address="198.51.100.1").status == 200
    assert site.join(session="e", address="198.51.100.2").status == 429
    site.clock.now += 60  # all have gone
    assert site.join(session="f").status == 200


def test_what_waits_for_a_turn_is_bounded_for_each_page_and_address_and_start_and_stop_do_not_wait() -> None:
    site = Site(session_waiting=2, waiting=3, waiting_bytes=10_000)
    site.waiting = [Waiting("page", ADDRESS, 100)] * 2
    refused = site.join(LONG)
    assert refused.status == 429 and "wait for their turn" in refused.sentence
    assert site.join(SHORT).status == 200
    assert site.join(LONG, session="neighbour").status == 200
    site.waiting.append(Waiting("neighbour", ADDRESS, 100))
    assert site.join(LONG, session="third").status == 429
    assert site.join(LONG, session="elsewhere", address="198.51.100.1").status == 200
    site.waiting = [Waiting("other", ADDRESS, 9_950)]
    assert site.join(LONG, session="third").status == 429


def test_a_class_of_forty_behind_one_address_is_let_in_all_at_once() -> None:
    site = Site()
    for learner in range(40):
        for tab in range(3):
            session = f"{learner}-{tab}"
            for path in ("/", "/config", "/gradio_api/info"):
                assert site.ask("GET", path).status == 200
            assert [site.join(session=session).status for _ in range(4)] == [200] * 4
            site.pages._pages[session].streams = 1
    assert [site.ask("POST", "/gradio_api/upload", b"x").status for _ in range(40)] == [200] * 40
    for _ in range(60):  # a minute of work: a click a second
        site.clock.now += 1
        assert {site.join(session=f"{learner}-0").status for learner in range(40)} == {200}


def test_the_address_that_counts_is_the_one_the_trusted_proxies_give() -> None:
    site = Site(proxies=1, sessions=Rate(1, 1))
    for number, status in ((1, 200), (2, 200), (1, 429)):
        name = f"s{number}{status}"
        event = json.dumps({"data": [], "fn_index": SHORT, "session_hash": name}).encode()
        forwarded = f"10.9.8.7, 203.0.113.{number}"
        assert site.ask("POST", "/gradio_api/queue/join", event, x_forwarded_for=forwarded).status == status
    assert site.app.scopes[-1]["client"][0] == "203.0.113.2"


def test_a_page_counts_as_open_while_it_reads_its_stream_and_the_stream_is_not_held_back() -> None:
    site = Site()
    pieces: list[tuple[bytes, bool]] = []

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})

    async def send(message: Any) -> None:
        if "body" in message:
            pieces.append((message["body"], site.pages.reads("page")))

    async def read() -> None:
        from tests.helpers.asgi import request

        site.gate.app = streaming
        site.pages.heard("page", ADDRESS)
        site.clock.now += 60
        await site.gate(request("GET", ADDRESS, "/gradio_api/queue/data?session_hash=page"), None, send)  # type: ignore[arg-type]

    run(read())
    assert pieces == [(b"one", True), (b"two", True)]
    assert not site.pages.reads("page") and site.pages.is_open("page")
    site.clock.now += 60
    assert not site.pages.is_open("page")


def test_a_web_socket_is_closed_at_once() -> None:
    sent: list[str] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    run(Site().gate({"type": "websocket", "path": "/gradio_api/queue/join"}, None, send))  # type: ignore[arg-type]
    assert sent == ["websocket.close"]


def test_streams_are_bounded_for_each_address() -> None:
    site = Site(streams=0)
    assert site.ask("GET", "/gradio_api/queue/data?session_hash=page").status == 429


def test_the_ledger_forgets_whom_it_has_not_seen_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "MOST", 10)
    ledger = Ledger(Clock())
    for number in range(100):
        assert ledger.take("event", str(number), Rate(1, 1))
    assert len(ledger._stores) == 10
