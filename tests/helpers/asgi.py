"""Asks an ASGI application in process, as a browser, a script or an attacker would; no port, no network."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

ADDRESS = "192.0.2.1"


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def sentence(self) -> str:
        """What the page shows of a refusal."""
        return str(self.json["detail"]) if "json" in self.headers.get("content-type", "") else self.body.decode()


def request(method: str, address: str, path: str, **headers: str) -> dict[str, Any]:
    """An ASGI scope; `path` may have a query."""
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", b"page.example"),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
        ],
        "client": (address, 50_000),
        "server": ("page.example", 80),
    }


async def ask(
    app: Any,
    method: str,
    path: str,
    body: bytes | Sequence[bytes] = b"",
    *,
    address: str = ADDRESS,
    breaks_off: bool = False,
    **headers: Any,
) -> Answer:
    """Send a request, its body whole or in pieces, and return the answer; with `breaks_off` the client hangs up."""
    pieces, answer = list([body] if isinstance(body, bytes) else body), Answer()

    async def receive() -> dict[str, Any]:
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces) or breaks_off}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert not answer.status, "answered twice"
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    await app(request(method, address, path, **headers), receive, send)
    return answer


async def join(app: Any, number: int, data: list[Any], session: str, *, address: str = ADDRESS, **more: Any) -> Answer:
    """Send an event."""
    event = {"data": data, "fn_index": number, "session_hash": session} | more
    body = json.dumps(event).encode()
    path = "/gradio_api/queue/join"
    return await ask(app, "POST", path, body, address=address, content_type="application/json")


async def news(app: Any, session: str, until: Callable[[dict[str, Any]], bool], *, address: str = ADDRESS) -> Any:
    """Read a page's stream of news until a message is the one; then close the stream, and return that message."""
    import asyncio

    messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    left = asyncio.Event()
    first, ended = True, False

    async def receive() -> dict[str, Any]:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal ended
        ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        for line in message.get("body", b"").decode().split("\n\n"):
            if line.startswith("data: "):
                messages.put_nowait(json.loads(line.removeprefix("data: ")))

    async def stream() -> None:
        try:
            await app(request("GET", address, f"/gradio_api/queue/data?session_hash={session}"), receive, send)
            assert ended or left.is_set(), "the server would write into its log that the answer was not completed"
        finally:
            messages.put_nowait(None)

    reading = asyncio.create_task(stream())

    async def heard() -> AsyncIterator[dict[str, Any]]:
        while (message := await messages.get()) is not None:
            yield message

    try:
        async for message in heard():
            if until(message):
                return message
        return None
    finally:
        left.set()
        await reading
