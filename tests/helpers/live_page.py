"""The page as `python -m demo` makes it, behind its gate, in the test's own process: no port, no workers."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from tests.helpers.asgi import ADDRESS, Answer, ask, join, news

T = TypeVar("T")


class LivePage:
    """A page and the event loop that serves it; its clock of open pages is set by hand."""

    def __init__(self, folder: Path, splits: Splits) -> None:
        self.folder, self.splits, self.now = folder, splits, 0.0

    def __enter__(self) -> "LivePage":
        import os

        from demo.upload_folder import UploadFolder

        self._environment = dict(os.environ)
        os.environ["GRADIO_TEMP_DIR"] = str(self.folder / "gradio")
        os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "1000000000"
        self.uploads = UploadFolder(self.folder / "runs")
        self.uploads.prepare()
        os.environ["GRADIO_TEMP_DIR"] = str(self.uploads.path)
        self._runner = asyncio.Runner()
        self.run(self._begin())
        return self

    async def _begin(self) -> None:
        from gradio.routes import App

        from demo.app import build_app
        from demo.gradio_compat import MAX_FILE
        from demo.gradio_compat_server import behind_gate, harden
        from demo.open_pages import OpenPages
        from demo.widgets.theme import CSS, theme

        self.service = Service(self.folder / "runs", workers=1)
        source = DataSource(self.splits)
        self.nets, self.pages = NetRegistry(self.service, source), OpenPages(lambda: self.now)
        self.blocks = build_app(self.service, source, self.nets, self.pages)
        looks: Any = self.blocks
        looks.theme, looks.css, looks.css_paths, looks.js, looks.head, looks.head_paths = theme(), "", CSS, "", "", []
        looks._set_html_css_theme_variables()
        self.blocks.queue(max_size=None, api_open=False)
        harden(self.blocks, self.pages)
        self.blocks._queue.max_thread_count = 100
        self.blocks.config = self.blocks.get_config_file()
        self.blocks.max_file_size = int(MAX_FILE.removesuffix("mb")) * 1_000_000
        options = behind_gate(self.blocks, self.pages, lambda: True, proxies=0)
        del options["lifespan"]  # nobody sends the lifespan's events here; a test sweeps by itself
        self.app = App.create_app(self.blocks, app_kwargs=options)
        self.blocks.is_running = True
        await ask(self.app, "GET", "/gradio_api/startup-events")

    def __exit__(self, *error: object) -> None:
        import os

        self.blocks._queue.stopped = True
        self.run(asyncio.sleep(0.05))
        self._runner.close()
        os.environ.clear()
        os.environ.update(self._environment)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the page's event loop."""
        return self._runner.run(work)

    def ask(self, method: str, path: str, body: Any = b"", **options: Any) -> Answer:
        """Send a request."""
        return self.run(ask(self.app, method, path, body, **options))

    def join(self, number: int, session: str, data: list[Any] | None = None, address: str = ADDRESS) -> Answer:
        """Send an event; with the values that its fields have at first, if no others are given."""
        return self.run(join(self.app, number, self.inputs(number) if data is None else data, session, address=address))

    def finish(self, number: int, data: list[Any], session: str = "visitor", address: str = ADDRESS) -> Any:
        """Send an event and return how it ended."""

        async def work() -> Any:
            answer = await join(self.app, number, data, session, address=address)
            assert answer.status == 200, answer
            key = answer.json["event_id"]
            return await news(
                self.app,
                session,
                lambda message: message["msg"] == "process_completed" and message["event_id"] == key,
                address=address,
            )

        return self.run(work())

    def inputs(self, number: int) -> list[Any]:
        """Return what the fields of an event hold when the page has just been opened."""
        config = {part["id"]: part["props"].get("value") for part in self.blocks.config["components"]}
        return [config[part._id] for part in self.blocks.fns[number].inputs]

    def loads(self) -> list[int]:
        """Return the events that a page sends when it is opened."""
        return [
            number
            for number, event in self.blocks.fns.items()
            if event.fn and any(name == "load" for _, name in event.targets)
        ]

    def watches(self) -> list[int]:
        """Return those of them that last as long as the page: header and run."""
        return [number for number in self.loads() if self.blocks.fns[number].name == "watch"]

    def active(self) -> int:
        """Return how many events are under way."""
        return int(self.blocks._queue.get_active_worker_count())

    def is_idle(self) -> bool:
        """Return whether nothing is under way or waits but what lasts as long as its page."""
        queue = self.blocks._queue
        under_way = [event for events in queue.active_jobs if events for event in events]
        return len(queue) == 0 and all(event.fn.name == "watch" for event in under_way)

    def files(self) -> set[Path]:
        """Return all files in the upload folder."""
        return {path for path in self.uploads.path.rglob("*") if path.is_file()}

    def pass_time(self, seconds: float) -> None:
        """Set the clock of the open pages forward."""
        self.now += seconds

    async def sweep(self) -> None:
        """Take away what waits for pages that have gone, as a server does now and then."""
        from demo.gradio_compat_server import sweep

        await sweep(self.blocks, self.pages)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Let the page work until the condition holds."""

        async def wait() -> None:
            until = time.monotonic() + seconds
            while not condition():
                assert time.monotonic() < until, "in vain"
                await asyncio.sleep(0.02)

        self.run(wait())
