"""What leans on the inside of Gradio's server: its queue, its sessions, its uploads, its downloads (seen in 6.31)."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from copy import copy
from typing import Any, NoReturn

import gradio as gr
import gradio.processing_utils
import gradio.route_utils
import gradio.routes
import gradio.state_holder
from starlette.middleware import Middleware

from demo.gate import Behind, Gate, Waiting
from demo.open_pages import OpenPages

MOST_BOXES = 20_000
"""boxes of messages, one a page; of more, Gradio drops the oldest, whoever reads it"""
SWEEP_EVERY = 2.0
"""seconds between two looks for pages that have gone"""
MOST_UPLOADS_TRACKED = 500


def harden(blocks: gr.Blocks, pages: OpenPages) -> None:
    """Change of Gradio, for this process, what a stranger could use against all others."""
    use_light_sessions()
    forbid_downloads()
    gradio.route_utils.GradioMultiPartParser = OneFileParser  # type: ignore[misc]
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of each form that is none
    gr.EventData.__getattr__ = _attribute_of_event  # type: ignore[method-assign]
    blocks._queue.pending_messages_per_session.max_size = MOST_BOXES
    pages.unread = lambda session: _unread(blocks, session)


def behind_gate(blocks: gr.Blocks, pages: OpenPages, has_room: Callable[[], bool], proxies: int) -> dict[str, Any]:
    """Return what `launch` and FastAPI must be given, as app_kwargs, to serve the page behind its gate."""
    behind = Behind(events_of(blocks), lambda: waiting_in(blocks), has_room)
    gate = Middleware(Gate, pages, behind, proxies=proxies)
    return {"middleware": [gate], "lifespan": sweeping(blocks, pages)}


def events_of(blocks: gr.Blocks) -> dict[int, bool]:
    """Return the events of the page that a server handles, and whether each may have to wait for a turn."""
    return {number: event.concurrency_limit is not None for number, event in blocks.fns.items() if event.fn}


def waiting_in(blocks: gr.Blocks) -> Iterator[Waiting]:
    """Yield the events that wait for a turn."""
    for queue in blocks._queue.event_queue_per_concurrency_id.values():
        for event in queue.queue:
            scope = event.request.scope
            yield Waiting(event.session_hash, scope["client"][0], scope.get("event_bytes", 0))


def _unread(blocks: gr.Blocks, session: str) -> int:
    box = blocks._queue.pending_messages_per_session.get(session)
    return 0 if box is None else box.qsize()


def sweeping(blocks: gr.Blocks, pages: OpenPages) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return the lifespan of a server that takes away, every few seconds, what waits for pages that have gone."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async def sweep_again_and_again() -> None:
            while True:
                await asyncio.sleep(SWEEP_EVERY)
                await sweep(blocks, pages)

        task = asyncio.create_task(sweep_again_and_again())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return lifespan


async def sweep(blocks: gr.Blocks, pages: OpenPages) -> None:
    """End the events of each page that has gone, and forget its messages.

    Gradio does so only where a stream of the page ends; a page that never opened one would be waited for for ever.
    """
    queue = blocks._queue
    for session in {*queue.pending_messages_per_session, *queue.pending_event_ids_session}:
        if not pages.is_open(session):
            await queue.clean_events(session_hash=session)
            queue.pending_messages_per_session.pop(session, None)
            queue.pending_event_ids_session.pop(session, None)
    for tracked in (gradio.routes.file_upload_statuses._statuses, gradio.routes.file_upload_statuses._signals):
        while len(tracked) > MOST_UPLOADS_TRACKED:
            del tracked[next(iter(tracked))]


def forget_files(blocks: gr.Blocks) -> None:
    """Let Gradio forget the files of its cache that are no longer there; it remembers each by its path."""
    for paths in blocks.temp_file_sets:
        for path in list(paths):
            if not os.path.exists(path):
                paths.discard(path)


def forbid_downloads() -> None:
    """Let no value from a browser make this server fetch an address.

    Gradio downloads whatever a value names as the path of a file, in any field, whole and without a bound.
    """
    gradio.processing_utils.async_ssrf_protected_get = _fetch_nothing
    gradio.processing_utils.async_ssrf_protected_download = _fetch_nothing
    gradio.processing_utils.ssrf_protected_download = _fetch_nothing_now
    gradio.processing_utils.save_url_to_cache = _fetch_nothing_now


def _attribute_of_event(event: Any, name: str) -> Any:
    """Return what the browser told of an event; it may have told anything, and Gradio takes it for a dictionary."""
    told = event.__dict__.get("_data")
    if isinstance(told, dict) and name in told:
        return told[name]
    raise AttributeError(name)


async def _fetch_nothing(*args: object, **more: object) -> NoReturn:
    _fetch_nothing_now()


def _fetch_nothing_now(*args: object, **more: object) -> NoReturn:
    raise gr.Error("This page fetches no addresses: upload the file itself.", print_exception=False)


class OneFileParser(gradio.route_utils.GradioMultiPartParser):
    """Takes one file a request, and leaves nothing of one that breaks off; Gradio takes 1,000, and leaves all."""

    def __init__(self, headers: Any, stream: Any, **options: Any) -> None:
        super().__init__(headers, stream, **options | {"max_files": 1, "max_fields": 10})

    async def parse(self) -> Any:
        try:
            return await super().parse()
        except BaseException:
            for file in self._files_to_close_on_error:
                file.close()
                with suppress(FileNotFoundError):
                    os.unlink(file.name)
            raise


class _LightSession(gradio.state_holder.SessionState):
    """A session without a copy of every component's configuration.

    Gradio 6.31 keeps one for its deep links, which this page does not have: 0.6 MB and 20 ms a visitor.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


def use_light_sessions() -> None:
    """Let this process make sessions without copies of the page (see `_LightSession`)."""
    gradio.state_holder.SessionState = _LightSession  # type: ignore[misc]
