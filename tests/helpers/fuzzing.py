"""Requests that no page would send: the generator of the fuzzer, seeded, so that what it finds can be found again."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Attempt:
    """One request."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, Any] = field(default_factory=dict)

    @property
    def session(self) -> str:
        """The page that it pretends to be; empty if it is no event."""
        try:
            return str(json.loads(self.body).get("session_hash") or "")
        except (ValueError, AttributeError, RecursionError):
            return ""


PATHS = (
    ("GET", "/"),
    ("GET", "/?run=../../etc/passwd&lr=NaN&tab=%00&title=%3Cscript%3E"),
    ("GET", "/?deep_link=../../x"),
    ("GET", "/config"),
    ("GET", "/gradio_api/info?all_endpoints=True"),
    ("GET", "/gradio_api/file=/etc/passwd"),
    ("GET", "/gradio_api/file=/../../etc/passwd"),
    ("GET", "/gradio_api/file=http://127.0.0.1/x"),
    ("GET", "/gradio_api/file=/" + "a" * 5000),
    ("GET", "/gradio_api/queue/data?session_hash=nobody"),
    ("GET", "/gradio_api/queue/data"),
    ("GET", "/gradio_api/heartbeat/../../x"),
    ("GET", "/gradio_api/custom_component/1/client/component/../../x"),
    ("GET", "/gradio_api/deep_link?session_hash=x"),
    ("GET", "/assets/../../../../etc/passwd"),
    ("GET", "/static/..%2f..%2fetc/passwd"),
    ("GET", "/svelte/nothing"),
    ("GET", "/nothing"),
    ("HEAD", "/"),
    ("OPTIONS", "/gradio_api/queue/join"),
    ("PUT", "/gradio_api/upload"),
    ("POST", "/gradio_api/upload"),
    ("POST", "/gradio_api/cancel"),
    ("POST", "/gradio_api/reset"),
    ("POST", "/gradio_api/run/predict"),
    ("POST", "/gradio_api/component_server"),
    ("POST", "/gradio_api/process_recording"),
)
JSON = {"content_type": "application/json"}


class Fuzzer:
    """Makes attempts on the page that `/config` describes, with the `ids` of other people's runs."""

    def __init__(self, config: dict[str, Any], seed: int, ids: Sequence[str] = ()) -> None:
        self._random = random.Random(seed)
        self._defaults = {part["id"]: part["props"].get("value") for part in config["components"]}
        self._events = [event for event in config["dependencies"] if event["backend_fn"]]
        self._ids = list(ids) or ["0" * 16]

    def attempts(self, count: int) -> Iterator[Attempt]:
        """Yield so many requests."""
        for number in range(count):
            kind = self._random.random()
            yield self._event(number) if kind < 0.8 else self._path() if kind < 0.9 else self._raw(number)

    def _event(self, number: int) -> Attempt:
        event = self._events[number % len(self._events)]
        data = [self._defaults.get(part) for part in event["inputs"]]
        changed = self._random.choice([1, 1, 2, len(data)])
        for place in self._random.sample(range(len(data)), min(changed, len(data))):
            data[place] = self._near(data[place]) if self._random.random() < 0.4 else self._value()
        if self._random.random() < 0.05:
            data = data[:-1] if self._random.random() < 0.5 else [*data, self._value()]
        told = self._random.choice([None, {"index": self._value(), "run": self._value(), "step": self._value()}])
        told = self._value() if self._random.random() < 0.1 else told
        target = event["targets"][0][0] if event["targets"] else None
        body = {"data": data, "event_data": told, "fn_index": event["id"], "trigger_id": target}
        return self._join(body | {"session_hash": f"fuzz{number // 5}"})

    def _raw(self, number: int) -> Attempt:
        """Something that is no event, or hardly one."""
        event = self._random.choice(self._events)["id"]
        good = {"data": [], "fn_index": event, "session_hash": f"raw{number}"}
        deep = b'{"fn_index": %d, "session_hash": "raw", "data": ' % event + b"[" * 30_000 + b"]" * 30_000 + b"}"
        key = self._random.choice([*good, "batched", "simple_format", "event_id", "trigger_id", "oauth_token"])
        body = self._random.choice([b"", b"[", b"null", b"\xff\xfe\x00", deep, b"9" * 5000])
        return self._join(good | {key: self._value()}) if self._random.random() < 0.7 else self._post(body)

    def _path(self) -> Attempt:
        method, path = self._random.choice(PATHS)
        if method != "POST":
            return Attempt(method, path)
        form = b'--s\r\nContent-Disposition: form-data; name="files"; filename="../../x"\r\n\r\nx\r\n--s--\r\n'
        body = self._random.choice([b"", b"{}", b"[1]", form, form[:50], json.dumps({"event_id": "x"}).encode()])
        multipart = {"content_type": "multipart/form-data; boundary=s"}
        return Attempt(method, path, body, self._random.choice([JSON, multipart, {}]))

    def _join(self, body: Any) -> Attempt:
        return self._post(json.dumps(body).encode())

    def _post(self, body: bytes) -> Attempt:
        return Attempt("POST", "/gradio_api/queue/join", body, JSON)

    def _near(self, value: Any) -> Any:
        """Return something of the shape that is expected, with another person's id or a wrong part in it."""
        text = isinstance(value, str)
        try:
            inside = json.loads(value) if text else value
        except ValueError:
            return self._random.choice(self._ids)
        if isinstance(inside, dict) and inside:
            key = self._random.choice(list(inside))
            inside = inside | {key: self._value()}
        return json.dumps(inside) if text else inside

    def _value(self) -> Any:
        choose = self._random.choice
        file = {"meta": {"_type": "gradio.FileData"}}
        return choose(
            [
                *(None, True, -1, 0, 1, 3.5, 1e308, 2**63, 10**400, float("nan"), float("inf"), float("-inf")),
                *("", "x" * 10_000, "\0", "\ud800", "NaN", "' or 1=1 --", "<img src=x onerror=alert(1)>", "${value}"),
                *("../../../../etc/passwd", "/etc/passwd", "http://127.0.0.1:1/x", "file:///etc/passwd", "data:,x"),
                *([], {}, [[]], [None] * 50, list(range(5000)), {"run": choose(self._ids)}, [choose(self._ids)]),
                *(choose(self._ids), choose(self._ids), json.dumps({"run": choose(self._ids)}), "pretrained"),
                file | {"path": "/etc/passwd"},
                file | {"path": "http://127.0.0.1:1/x.png"},
                file | {"path": "../../x", "url": "http://127.0.0.1:1/"},
                file | {"path": None, "url": "data:image/png;base64,AAAA"},
                {"path": "/etc/passwd"},
                {"__type__": "update", "value": "x"},
                json.loads("[" * 35 + "]" * 35),
            ]
        )
