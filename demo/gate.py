"""The gate before Gradio: what of the internet reaches the page, and how much of it.

Plain ASGI, so that a stream passes through piece by piece. Gradio answers many more routes than this page uses, reads
bodies of any size, and lets one client fill its queue; none of that gets past here. What is refused is refused with a
sentence, in the form in which Gradio's page shows it to the visitor: an event's as JSON, an upload's as plain text.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import ClientDisconnect

from demo.bounds import Bounds, Ledger
from demo.client_address import client_address
from demo.open_pages import OpenPages

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ROUTES: tuple[tuple[str, str], ...] = (
    ("page", r"/|/config/?|/gradio_api/info/?"),
    ("file", r"/(assets|static|svelte)/.*|/favicon\.ico|/robots\.txt|/manifest\.json|(/gradio_api)?/theme\.css"),
    ("file", r"/gradio_api/file=/[^/].*"),  # a path, never an address elsewhere
    ("file", r"/gradio_api/(app_id|startup-events|login_check/?)"),
    ("stream", r"/gradio_api/(queue/data|upload_progress|heartbeat/[^/]*)"),
    ("event", r"/gradio_api/queue/join"),
    ("upload", r"/gradio_api/upload"),
    ("end", r"/gradio_api/(cancel|reset/?)"),
)
"""what the page and `gradio_client` ask for, by kind; anything else is not here"""
POSTED = ("event", "upload", "end")
EVENT_KEYS = {"data", "event_data", "fn_index", "trigger_id", "session_hash"}


@dataclass(frozen=True)
class Waiting:
    """One event that waits for a turn."""

    session: str
    address: str
    size: int


@dataclass
class Behind:
    """What the gate asks of the Gradio behind it."""

    events: Mapping[int, bool] = field(default_factory=dict)
    """the events there are by number; and whether only some of each may run at once, so that it may have to wait"""
    waiting: Callable[[], Iterable[Waiting]] = tuple
    has_room: Callable[[], bool] = lambda: True
    """whether the disk has room for an upload"""


class Refused(Exception):
    """A request that goes no further: a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Gate:
    """ASGI middleware; see the module."""

    def __init__(
        self,
        app: App,
        pages: OpenPages,
        behind: Behind | None = None,
        *,
        proxies: int = 0,
        bounds: Bounds | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.app, self.pages, self.behind, self.proxies = app, pages, behind or Behind(), proxies
        self.bounds, self.ledger = bounds or Bounds(), ledger or Ledger()
        self._streams: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            else:
                await send({"type": "websocket.close"})
            return
        kind, request = "", scope
        try:
            kind = _kind_of(scope)
            request = self._cleaned(scope)
            await self._let_through(kind, request, receive, send)
        except Refused as refused:
            await _answer(kind, refused, send)

    def _cleaned(self, scope: Scope) -> Scope:
        """Return the request with its client's own address, and without the parameter that presets all fields."""
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        peer, port = scope.get("client") or ("unknown", 0)
        address = client_address(peer, forwarded, self.proxies)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        kept = [(name, value) for name, value in query if name != "deep_link"]
        cleaned = scope["query_string"] if kept == query else urlencode(kept).encode()
        return {**scope, "client": (address, port), "query_string": cleaned}

    async def _let_through(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        address, bounds = scope["client"][0], self.bounds
        if kind == "page" and not self.ledger.take("page", address, bounds.pages):
            raise Refused(429, "Too many pages have been opened from your network just now; wait a minute.")
        if kind == "event":
            body = await _whole_body(receive, bounds.event_bytes)
            self._check_event(body, scope, address)
            scope = {**scope, "event_bytes": len(body)}
            await self.app(scope, _given(body, receive), send)
        elif kind == "upload":
            await self._upload(scope, receive, send)
        elif kind == "end":
            await self.app(scope, _given(await _whole_body(receive, bounds.other_bytes), receive), send)
        elif kind == "stream":
            await self._stream(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _check_event(self, body: bytes, scope: Scope, address: str) -> None:
        """Raise Refused for an event that makes no sense, or is one too many."""
        bounds, pages, take = self.bounds, self.pages, self.ledger.take
        session, number = _read_event(body, bounds.depth, self.behind.events)
        if session not in pages:
            if pages.count(address) >= bounds.open_pages or pages.count() >= bounds.all_open_pages:
                raise Refused(429, "Too many pages are open here just now; close some, then reload this one.")
            if not take("session", address, bounds.sessions):
                raise Refused(429, "Too many pages have been opened from your network; reload this one in a minute.")
        if not take("session event", session, bounds.session_events) or (
            not take("event", address, bounds.events)
            and not (pages.reads(session) and take("spared", session, bounds.spared))
        ):
            raise Refused(429, "Too much was clicked in too short a time; wait a few seconds, then click again.")
        if self.behind.events[number]:
            self._check_waiting(session, address, len(body))
        pages.heard(session, address)

    def _check_waiting(self, session: str, address: str, size: int) -> None:
        waiting = [one for one in self.behind.waiting() if one.address == address]
        full = (
            len(waiting) >= self.bounds.waiting
            or sum(one.session == session for one in waiting) >= self.bounds.session_waiting
            or sum(one.size for one in waiting) + size > self.bounds.waiting_bytes
        )
        if full:
            raise Refused(429, "Too many of your requests wait for their turn; wait for their answers first.")

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = self.bounds.upload_bytes
        try:
            if not self.ledger.take("upload", scope["client"][0], self.bounds.uploads):
                raise Refused(429, "Too many images were uploaded from your network just now; try again in a minute.")
            if not self.behind.has_room():
                raise Refused(507, "This server has no room for images just now; try again later.")
        except Refused:
            # a browser shows the answer only if its whole body was taken
            await _whole_body(receive, most, keep=False)
            raise
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise Refused(413, f"An upload may have {most / 1e6:.0f} MB; choose a smaller copy of the image.")
            return message

        with suppress(ClientDisconnect):  # there is nobody left to be answered
            await self.app(scope, bounded, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["client"][0]
        if self._streams.get(address, 0) >= self.bounds.streams:
            raise Refused(429, "Too many pages are open in your network; close some, then reload this one.")
        self._streams[address] = self._streams.get(address, 0) + 1
        session = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("session_hash", "")
        try:
            with self.pages.reading(session) if session in self.pages else nullcontext():
                await self.app(scope, receive, send)
        except RuntimeError as error:
            # a stream without a session: Gradio says so in a message, and then raises what nobody can answer any more
            if "response already started" not in str(error):
                raise
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._streams[address] -= 1
            if not self._streams[address]:
                del self._streams[address]


def _kind_of(scope: Scope) -> str:
    root = scope.get("root_path", "")  # where the page is mounted below another application
    path = str(scope["path"]).removeprefix(root) or "/"
    kind = next((kind for kind, pattern in ROUTES if re.fullmatch(pattern, path, re.DOTALL)), "")
    methods = ("POST",) if kind in POSTED else ("GET", "HEAD")
    if not kind or scope["method"] not in methods or "\0" in path:
        raise Refused(404, "There is nothing at this address.")
    return kind


def _read_event(body: bytes, depth: int, events: Mapping[int, bool]) -> tuple[str, int]:
    """Return the session and the number of an event; raise Refused if it is none that this page could have sent."""
    try:
        event = json.loads(body.decode(), parse_int=_whole_number) if _depth(body) <= depth else None
        if b"\\u" in body:
            json.dumps(event, ensure_ascii=False).encode()  # half a character, which nothing could store or show, fails
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not set(event) <= EVENT_KEYS or not isinstance(event.get("data"), list):
        raise Refused(400, "This is no event of this page; reload it.")
    session, number, trigger = event.get("session_hash"), event.get("fn_index"), event.get("trigger_id")
    if not isinstance(session, str) or not re.fullmatch(r"[\w-]{1,64}", session):
        raise Refused(400, "This event names no page; reload it.")
    if type(number) is not int or number not in events or not (trigger is None or type(trigger) is int):
        raise Refused(404, "This page has no such event; reload it.")
    return session, number


def _whole_number(digits: str) -> int:
    """Return a whole number; raise ValueError for one that no browser's numbers go up to, and no answer could hold."""
    if len(digits) > 16:
        raise ValueError
    return int(digits)


_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[^][{}]', re.DOTALL)


def _depth(text: bytes) -> int:
    """Return how deep the brackets of JSON are nested, those in its strings left out."""
    deepest = now = 0
    for bracket in _STRINGS.sub(b"", text):
        now += 1 if bracket in b"[{" else -1
        deepest = max(deepest, now)
    return deepest


async def _whole_body(receive: Receive, most: int, keep: bool = True) -> bytes:
    """Return a request's body; raise Refused if it has more than `most` bytes."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended early.")
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > most:
            raise Refused(413, f"This is too much at once: {most / 1e6:g} MB is the most that the page takes.")
        if keep:
            parts.append(part)
    return b"".join(parts)


def _given(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body that was read, and then whatever comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(kind: str, refused: Refused, send: Send) -> None:
    as_text = kind in ("upload", "page", "file", "")
    content = refused.sentence if as_text else json.dumps({"detail": refused.sentence})
    kind_of_content = b"text/plain; charset=utf-8" if as_text else b"application/json"
    headers = [(b"content-type", kind_of_content), (b"content-length", str(len(content.encode())).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": content.encode()})
