"""Start the page: python -m demo, or by path, as a Spaces-style server does: python demo/__main__.py"""

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # started by path: Python then knows only the folder of this file
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from cifar_core.data.source import find_data
from cifar_core.errors import CifarError, RunError
from cifar_core.field import settings_of
from cifar_core.runs.limits import Limits
from cifar_core.runs.service import Service
from demo.upload_folder import UploadFolder

EVENTS_AT_ONCE = 500
"""an open page keeps two events going (header and run): the most pages that the gate lets be open, and 140 to spare"""
SESSIONS = 400
"""whose choices are remembered, 24 kB each: all pages that may be open, and those that have just been closed"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl-C or SIGTERM; the exit status: 0 ended, 2 bad input."""
    options = _parser().parse_args(arguments)
    try:
        _check_device(options.device)
        _check_port(options.host, options.port)
        source = find_data(options.data, unverified=options.unverified)
        limits = Limits(**{name: getattr(options, f"max_{name}") for name in settings_of(Limits)})
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what ends a service ends it as Ctrl-C does
        with Service(options.runs, workers=options.workers, device=options.device, limits=limits) as service:
            _serve(service, options, source)  # the workers load torch while this process loads gradio
    except CifarError as error:
        from cifar_core.commands import sentence_of

        advice = " Choose another folder with --runs." if isinstance(error, RunError) else ""
        print(f"demo: {sentence_of(error)}{advice}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _serve(service: Service, options: argparse.Namespace, source) -> None:  # type: ignore[no-untyped-def]
    # Gradio's queue summarises all events after every event; each costs milliseconds and nobody looks at it.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # who asks through a proxy is for the gate to say, and not for uvicorn
    uploads = UploadFolder(options.runs)
    uploads.prepare()
    os.environ["GRADIO_TEMP_DIR"] = str(uploads.path)
    from cifar_core.runs.registry import NetRegistry
    from demo.app import build_app
    from demo.gradio_compat import MAX_FILE
    from demo.gradio_compat_server import behind_gate, forget_files, harden
    from demo.open_pages import OpenPages
    from demo.widgets.theme import CSS, theme

    nets, pages = NetRegistry(service, source), OpenPages()
    app = build_app(service, source, nets, pages)
    app.queue(max_size=None, api_open=False)  # the gate bounds what waits, for each address by itself
    harden(app, pages)
    uploads.keep_small(afterwards=lambda: forget_files(app))
    app.launch(
        server_name=options.host,
        server_port=options.port,
        theme=theme(),
        css_paths=CSS,
        max_threads=EVENTS_AT_ONCE,
        max_file_size=MAX_FILE,
        state_session_capacity=SESSIONS,
        app_kwargs=behind_gate(app, pages, uploads.has_room, options.trusted_proxies),
        footer_links=["api"],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        prevent_thread_lock=True,
        quiet=True,
    )
    workers = f"{service.worker_count} training process{'es' if service.worker_count > 1 else ''}"
    print(f"The page is at {app.local_url}, with {workers} (Ctrl-C ends it)", flush=True)
    nets.warm_up()
    threading.Event().wait()


def _parser() -> argparse.ArgumentParser:
    # A Spaces-style server sets these variables; options on the command line come first.
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    data = os.environ.get("CIFAR_DATA")
    proxies = os.environ.get("CIFAR_TRUSTED_PROXIES", "0")
    parser = argparse.ArgumentParser(prog="python -m demo", description="Serve the page.")
    parser.add_argument(
        "--host", default=host, help="address to listen on; 0.0.0.0 for every one; default: %(default)s"
    )
    parser.add_argument("--port", type=int, default=port, help="default: %(default)s")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(data) if data else None,
        metavar="DIR",
        help="holds cifar-10-batches-py/, or train/ and test/ with a folder a class; default: $CIFAR_DATA, else an "
        "earlier download in ./data, else drawn images while CIFAR-10 is downloaded there",
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR", help="where trainings are kept; default: ./runs"
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="default: %(default)s")
    parser.add_argument(
        "--workers",
        type=_positive,
        metavar="N",
        help="training processes; default: one for each core that is allowed here and has memory, or one for a GPU",
    )
    parser.add_argument(
        "--trusted-proxies",
        type=_count,
        default=proxies,
        metavar="N",
        help="proxies of your own that every request comes through, each of which adds to X-Forwarded-For whom it was "
        "asked by; default: $CIFAR_TRUSTED_PROXIES, else 0",
    )
    for name, limit in settings_of(Limits).items():
        parser.add_argument(
            f"--max-{name.replace('_', '-')}",
            type=_positive,
            default=limit.default,
            metavar="N",
            help=f"{limit.help}; default: %(default)s",
        )
    parser.add_argument("--unverified", action="store_true", help="accept data whose md5 sums are not the official")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10**9:
        raise argparse.ArgumentTypeError("a whole number from 1 is needed")
    return number


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 20:
        raise argparse.ArgumentTypeError("a whole number from 0 to 20 is needed")
    return number


def _check_device(device: str) -> None:
    """Tell at once that a device is not there; torch is imported only where one was asked for."""
    if device in ("cuda", "mps"):
        from cifar_core.device import choose_device

        choose_device(device)


def _check_port(host: str, port: int) -> None:
    """Tell before all the loading that the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise CifarError(
                f"The page cannot be served at {host}:{port} ({error}). Is another server running there? "
                "Choose another with --port."
            ) from error


if __name__ == "__main__":
    sys.exit(main())
