"""What one more visitor costs the server: python tests/bench/session.py [--sessions 200]

Counts the memory that a new session of the page takes and the time of the event loop that making it takes, with
Gradio's own sessions and with those of this page, in one run.
"""

import argparse
import platform
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

import gradio.state_holder  # noqa: E402

from cifar_core.data.source import DataSource  # noqa: E402
from cifar_core.runs.registry import NetRegistry  # noqa: E402
from cifar_core.runs.service import Service  # noqa: E402
from demo.app import build_app  # noqa: E402
from demo.gradio_compat_server import use_light_sessions  # noqa: E402
from demo.open_pages import OpenPages  # noqa: E402
from tests.helpers.tiny_data import tiny_splits  # noqa: E402


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=200)
    count = parser.parse_args().sessions
    with tempfile.TemporaryDirectory() as folder:
        service, source = Service(Path(folder) / "runs", workers=1), DataSource(tiny_splits(Path(folder)))
        page = build_app(service, source, NetRegistry(service, source), OpenPages())
        stock = gradio.state_holder.SessionState
        use_light_sessions()
        rows = [("Gradio's own", stock), ("this page's", gradio.state_holder.SessionState)]
        print(f"Python {platform.python_version()}, gradio {gradio.__version__}, {count} sessions\n")
        print("| session | kB | ms of the event loop |\n| --- | --- | --- |")
        for name, kind in rows:
            kilobytes, milliseconds = cost(page, kind, count)
            print(f"| {name} | {kilobytes:.0f} | {milliseconds:.2f} |")


def cost(page: Any, kind: Any, count: int) -> tuple[float, float]:
    """Return what one session of this kind takes: kB, and ms of CPU."""
    kind(page)  # what is made once for all
    began = time.process_time()
    sessions = [kind(page) for _ in range(count)]
    milliseconds = 1000 * (time.process_time() - began) / count
    del sessions
    tracemalloc.start()
    sessions = [kind(page) for _ in range(count)]
    kilobytes = tracemalloc.get_traced_memory()[0] / 1000 / count
    tracemalloc.stop()
    del sessions
    return kilobytes, milliseconds


if __name__ == "__main__":
    main()
