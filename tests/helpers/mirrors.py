"""Mirrors of a tiny CIFAR-10 archive on this machine, which send it, cut it, stall, lie and refuse."""

import gzip
import hashlib
import io
import pickle
import random
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from cifar_core.data.archive import BATCHES, CIFAR10, Archive


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
class Response:
    """How a mirror responds to one request. Defaults: as an honest one does."""

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
    """Several mirrors on one server, each at its own path, with its responses in turn (the last one for ever)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.responses: dict[str, list[Response]] = {}
        self.asked: list[Asked] = []
        self.sent: dict[str, int] = {}
        """bytes of the archive that each mirror sent"""
        self.go_on = threading.Event()
        """ends every stall"""
        self.host = f"127.0.0.1:{self.server_port}"

    def add(self, name: str, *responses: Response) -> str:
        self.responses[name] = list(responses) or [Response()]
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
        responses = self.server.responses[name]
        response = responses.pop(0) if len(responses) > 1 else responses[0]
        if response.refuses_range and asked.range:
            response = Response(status=416)
        if response.status:
            self.send_response(response.status)
            for header in response.headers:
                self.send_header(*header)
            self.end_headers()
            return
        start = int(asked.range.removeprefix("bytes=").removesuffix("-")) if asked.range else 0
        if response.ignores_range:
            start = 0
        size = len(response.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start + response.wrong_range}-{size - 1}/{size}")
        if response.tells_length:
            self.send_header("Content-Length", str(size - start))
        for header in response.headers:
            self.send_header(*header)
        self.end_headers()
        part = response.content[start : response.stop_after]
        self.wfile.write(part)
        self.server.sent[name] += len(part)
        if response.stalls:
            self.wfile.flush()
            self.server.go_on.wait(10)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def running() -> Iterator[Mirrors]:
    with Mirrors() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


def part_of(destination: Path) -> Path:
    """Where the bytes of an unfinished download are."""
    return destination / f"{TINY.name}.part"


def is_complete(destination: Path) -> bool:
    """Whether every file is there with the right bytes, and nothing else but the lock."""
    there = {path.name for path in destination.iterdir()}
    return there <= {TINY.folder, f"{TINY.name}.lock"} and all(
        (destination / name).read_bytes() == content for name, content in FILES.items()
    )
