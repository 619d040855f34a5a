"""A real server in a process of its own, and where Chromium is: for the tests in e2e/ and the benchmarks."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.data import Splits, open_splits

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_TIMEOUT = 90
"""seconds; far more than a start takes, and less than anybody waits for a stuck one"""


@dataclass(frozen=True)
class Server:
    """A running `python -m demo`."""

    url: str
    splits: Splits
    """what it serves"""
    process: "subprocess.Popen[str]"
    log: Path


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(folder: Path, *options: str, command: tuple[str, ...] = ("-m", "demo")) -> tuple[str, Any, Path]:
    """Start the demo in `folder` and wait until it answers; its address, process and log."""
    port, log = free_port(), folder / "server.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CIFAR_", "GRADIO_"))}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "GRADIO_TEMP_DIR": str(folder / "gradio")}
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port), "--runs", str(folder / "runs"), *options],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + START_TIMEOUT
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"The server ended with {process.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return url, process, log
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    process.kill()
    raise AssertionError(f"The server did not answer in {START_TIMEOUT} s:\n{log.read_text()}")


def serve(folder: Path, data: Path) -> Iterator[Server]:
    """A server for the data set in `data`, ended afterwards; its log must hold no trace."""
    url, process, log = start_server(folder, "--data", str(data), "--unverified", "--workers", "2")
    try:
        yield Server(url, open_splits(data, unverified=True), process, log)
    finally:
        process.terminate()
        process.wait(20)
    assert "Traceback" not in own_trouble(log.read_text()), log.read_text()


def own_trouble(log: str) -> str:
    """The log without what Gradio says when a page is closed while it is being opened: its stream finds no session."""
    head, *traces = re.split(r"^(?=ERROR: +Exception in ASGI application)", log, flags=re.MULTILINE)
    closed = ("in sse_stream", "HTTPException: 404: Not Found")
    return head + "".join(trace for trace in traces if not all(words in trace for words in closed))
