"""A class at work: python tests/bench/class_of_30.py --data DIR [--unverified] [--learners 30] [--batch-size 64]

Starts the server with 2 workers and drives it with simulated browsers, all in this process and over loopback only. A
learner opens the page, presses Start with a seed of his own, watches, asks the Net about test images, turns pages of
the Browse tab and refreshes once. Every 10th presses Stop in the middle; every 9th falls silent and comes back later.
What a real browser sends is sent, the clock that refreshes the plan included; only scripts and styles are not fetched.

Prints one table. In the end each curve is compared, bit for bit, with what `train()` gives here for the same seed. The
exit status is 1 where anything went wrong or was mixed up.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import re
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.helpers.serving import start_server  # noqa: E402

ARRIVE_WITHIN = 5.0
"""seconds in which all open the page"""
START_WITHIN = 2.0
"""seconds in which all press Start, once everybody has the page"""
CLASSIFY_EVERY = 10.0
BROWSE_EVERY = 15.0
PLAN_EVERY = 5.0
"""seconds between two ticks of the page's own clock"""
SILENT_FOR = 8.0
"""seconds that a learner who fell silent stays away"""
REFRESH_AT, SILENT_AT, STOP_AT = (0.15, 0.4), 0.3, 0.6
"""at which share of his run a learner does this; the refreshes are spread over a range"""
COMPARED_POINTS = 40
"""points of each curve that are computed here once more"""
SAMPLE_EVERY = 0.25
API = "/gradio_api"


class Trouble(Exception):
    """Something that a learner must not meet."""


class Connection:
    """One HTTP/1.1 connection that stays open between requests."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.one_at_a_time = asyncio.Lock()
        self.reader = asyncio.StreamReader()
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer's content. Raises Trouble for any status but 200."""
        async with self.one_at_a_time:
            for _ in range(2):  # the server may just have closed a connection that was idle
                try:
                    length = await self._send(method, path, body)
                    if length is not None:
                        return await self.reader.readexactly(length)
                    return b"".join([chunk async for chunk in self._chunks()])
                except ConnectionError:
                    self.close()
        raise Trouble(f"{method} {path}: the connection was cut twice")

    async def messages(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """The messages of an event stream, until it ends."""
        await self._send("GET", path, None)
        rest = b""
        async for chunk in self._chunks():
            *whole, rest = (rest + chunk).split(b"\n\n")
            for message in whole:
                yield json.loads(message.removeprefix(b"data: "))

    async def _send(self, method: str, path: str, body: Any) -> int | None:
        """Send a request and read the answer's head: its length, None where it comes in chunks."""
        if self.writer is None or self.reader.at_eof():
            self.close()
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=2**22)
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
        self.writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        status = await self.reader.readline()
        if not status:
            raise ConnectionResetError
        headers = {}
        while (line := await self.reader.readline()).strip():
            name, _, value = line.decode().lower().partition(":")
            headers[name] = value.strip()
        if status.split()[1] != b"200":
            raise Trouble(f"{method} {path}: {status.decode().strip()}")
        return int(headers["content-length"]) if "content-length" in headers else None

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self.reader.readline() or b"0", 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()

    def close(self) -> None:
        """Say goodbye."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def fall_silent(self) -> None:
        """Read no more and tell nobody, like a laptop that is closed."""
        assert self.writer is not None
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]

    def abort(self) -> None:
        """Vanish: the server finds the connection reset."""
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None


class Layout:
    """What /config tells of the page: components, and events by what triggers them."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self.ids = {
            part["props"]["elem_id"]: part["id"] for part in config["components"] if part["props"].get("elem_id")
        }
        self.tabs = {part["props"]["id"]: part["id"] for part in config["components"] if part["type"] == "tabitem"}
        self.events = config["dependencies"]

    def on(self, target: int, event: str) -> dict[str, Any]:
        """The event of a component that the server answers."""
        found = [one for one in self.events if [target, event] in one["targets"] and one["backend_fn"]]
        assert len(found) == 1, f"{len(found)} events {event} of component {target}"
        return found[0]

    def loads(self) -> list[dict[str, Any]]:
        """The events of the server that run when the page is opened."""
        return [one for one in self.events if one["backend_fn"] and any(event == "load" for _, event in one["targets"])]

    def watch(self) -> dict[str, Any]:
        """The one of them that follows the run; it also gives the browser the visitor's key."""
        return next(one for one in self.loads() if self.ids["chart"] in one["outputs"])

    def tick(self) -> dict[str, Any]:
        """The event of the page's clock."""
        return next(one for one in self.events if any(event == "tick" for _, event in one["targets"]))

    def named(self, name: str) -> dict[str, Any]:
        """A public endpoint."""
        return next(one for one in self.events if one["api_name"] == name)


class Event:
    """One event under way: what it last put out, and its end."""

    def __init__(self) -> None:
        self.of: dict[str, Any] | None = None
        self.data: list[Any] | None = None
        self.first_output = asyncio.Event()
        self.finished: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()


class Page:
    """One open page: a session of Gradio's with one stream for all its events, and the values it shows."""

    def __init__(self, layout: Layout, address: tuple[str, int], key: str | None, run: str = "") -> None:
        self.layout, self.query = layout, f"?run={run}" if run else ""
        self.session = uuid.uuid4().hex[:11]
        self.requests, self.stream = Connection(*address), Connection(*address)
        self.values = dict(layout.values)
        self.key_id = layout.watch()["outputs"][0]
        self.values[self.key_id] = key
        self.events: dict[str, Event] = {}
        self.listener: asyncio.Task[None] | None = None
        self.trouble: list[str] = []
        self.updates: list[float] = []
        """when the curve changed"""
        self.left = False

    async def load(self) -> None:
        """Open the page, as a browser does, until the run that is followed is shown."""
        await self.requests.ask("GET", f"/{self.query}")
        shown = None
        for one in self.layout.loads():
            begun = await self.begin(one)
            shown = begun if one["id"] == self.layout.watch()["id"] else shown
        assert shown is not None
        await shown.first_output.wait()

    async def press(self, elem_id: str, event: str = "click", data: Any = None) -> float:
        """Do something to a component and wait until the page has the answer: seconds."""
        return await self.fire(self.layout.on(self.layout.ids[elem_id], event), data)

    async def fire(self, event: dict[str, Any], data: Any = None) -> float:
        """Run an event to its end: seconds."""
        begun = time.perf_counter()
        under_way = await self.begin(event, data)
        output = (await under_way.finished)["data"]
        for value in output:
            if isinstance(value, str) and 'class="note error"' in value:
                raise Trouble(re.sub("<[^>]*>", "", value))
        return time.perf_counter() - begun

    async def call(self, name: str, *data: Any) -> Any:
        """The result of a public endpoint."""
        event = await self.begin(self.layout.named(name), given=list(data))
        return (await event.finished)["data"][0]

    async def begin(self, event: dict[str, Any], data: Any = None, given: list[Any] | None = None) -> Event:
        """Put an event into the server's queue."""
        body = self._body(event, data) | ({"data": given} if given is not None else {})
        answer = json.loads(await self.requests.ask("POST", f"{API}/queue/join{self.query}", body))
        under_way = self._event(answer["event_id"])
        under_way.of = event
        if under_way.data is not None:  # its first output was quicker
            self._take(event, under_way.data)
        if self.listener is None:
            self.listener = asyncio.create_task(self._listen())
        return under_way

    def _body(self, event: dict[str, Any], data: Any) -> dict[str, Any]:
        inputs = [self.values[key] for key in event["inputs"]]
        trigger = event["targets"][0][0] if event["targets"] else None
        body = {"data": inputs, "event_data": data, "fn_index": event["id"], "trigger_id": trigger}
        return body | {"session_hash": self.session}

    def _event(self, key: str) -> Event:
        if key not in self.events:
            self.events[key] = Event()
        return self.events[key]

    async def _listen(self) -> None:
        try:
            async for message in self.stream.messages(f"{API}/queue/data?session_hash={self.session}"):
                self._hear(message)
            reason = "ended"
        except (ConnectionError, asyncio.IncompleteReadError, Trouble, ValueError) as error:
            reason = f"broke ({error!r})"
        if not self.left:
            self.trouble.append(f"the stream {reason}")
            for event in self.events.values():
                if not event.finished.done():
                    event.finished.set_exception(Trouble(f"the stream {reason}"))

    def _hear(self, message: dict[str, Any]) -> None:
        kind, key = message["msg"], message.get("event_id")
        if kind == "unexpected_error":
            self.trouble.append(str(message))
        if kind not in ("process_generating", "process_completed") or key is None:
            return
        event = self._event(key)
        if not message["success"]:
            if not event.finished.done():
                event.finished.set_exception(Trouble(f"an event failed: {message['output']}"))
            return
        data = message["output"].get("data", [])
        if kind == "process_generating":
            event.data = data if event.data is None else [patched(*pair) for pair in zip(event.data, data, strict=True)]
        else:
            event.data = data
        if event.of is not None:
            self._take(event.of, event.data)
        event.first_output.set()
        if kind == "process_completed":
            if not event.finished.done():
                event.finished.set_result(message["output"])
            del self.events[key]

    def _take(self, event: dict[str, Any], data: list[Any]) -> None:
        """Show what an event puts out, where it is more than a skip."""
        for key, value in zip(event["outputs"], data, strict=True):
            if isinstance(value, dict) and value.get("__type__") == "update":
                if "value" not in value:
                    continue
                value = value["value"]
            if key == self.layout.ids["chart"] and len(value) != len(self.values[key] or ""):
                self.updates.append(time.perf_counter())
            self.values[key] = value

    def close(self) -> None:
        """Leave as a browser does that closes or refreshes the page."""
        self.left = True
        self.requests.close()
        self.stream.close()

    def vanish(self) -> None:
        """Leave without goodbye."""
        self.left = True
        self.requests.abort()
        self.stream.abort()

    def of(self, elem_id: str) -> Any:
        """The value that a component shows."""
        return self.values[self.layout.ids[elem_id]]

    @property
    def key(self) -> str:
        """The secret key that the browser keeps."""
        return str(self.values[self.key_id])

    @property
    def run(self) -> str:
        """The id of the run that is followed."""
        return str(json.loads(self.of("train-state"))["run"])

    @property
    def state(self) -> str:
        """How that run stands."""
        found = re.search('data-state="([a-z]+)"', self.of("run-status") or "")
        return found[1] if found else ""

    @property
    def seen(self) -> int:
        """How many images the newest point of the curve has seen."""
        curve = (self.of("chart") or "").partition(";")[2]
        newest = curve[-300:].split(";")[len(curve) > 300 :]  # without what was cut through
        return next((int(part.split(",")[1]) for part in reversed(newest) if part and part[0] not in "ac"), 0)

    def points(self) -> list[tuple[int, str]]:
        """Step and loss of each point of the curve, as drawn."""
        parts = (self.of("chart") or "").split(";")[1:]
        return [(int(part.split(",")[0]), part.split(",")[2]) for part in parts if part and part[0] not in "ac"]


def patched(old: Any, edits: list[Any]) -> Any:
    """A value after the edits that Gradio sends instead of it."""
    for action, path, new in edits:
        if not path:
            old = old + new if action == "append" else new
            continue
        *way, last = path
        place = old
        for step in way:
            place = place[step]
        if action == "delete":
            del place[last]
        elif action == "append":
            place[last] += new
        elif action == "add" and isinstance(place, list):
            place.insert(last, new)
        else:
            place[last] = new
    return old


@dataclass
class Measured:
    """What is measured, in seconds, over all learners."""

    load: list[float] = field(default_factory=list)
    first_point: list[float] = field(default_factory=list)
    predict: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Learner:
    """One member of the class."""

    def __init__(self, index: int, layout: Layout, address: tuple[str, int], options: Any, measured: Measured) -> None:
        self.index, self.layout, self.address, self.measured = index, layout, address, measured
        self.settings = {"epochs": options.epochs, "batch_size": options.batch_size, "seed": 1000 + index}
        self.chance = random.Random(index)
        self.stops, self.falls_silent = index % 10 == 9, index % 9 == 8
        self.pages: list[Page] = []
        self.images = 0
        self.run = ""
        self.started = asyncio.Event()
        self.finished = False

    @property
    def page(self) -> Page:
        """The page that is open."""
        return self.pages[-1]

    async def noted(self, doing: Awaitable[None]) -> None:
        """Do something; what goes wrong is counted and not raised."""
        try:
            await doing
        except Exception as error:
            self.measured.errors.append(f"learner {self.index}: {error!r}")

    async def open(self) -> None:
        """Come to the page."""
        await asyncio.sleep(self.chance.uniform(0, ARRIVE_WITHIN))
        await self._load(None)

    async def _load(self, key: str | None, run: str = "") -> None:
        begun = time.perf_counter()
        self.pages.append(Page(self.layout, self.address, key, run))
        await self.page.load()
        self.measured.load.append(time.perf_counter() - begun)

    async def learn(self) -> None:
        """Start a run and follow it to its end, doing now this and now that."""
        await asyncio.sleep(self.chance.uniform(0, START_WITHIN))
        for name, value in self.settings.items():
            self.page.values[self.layout.ids[name]] = value
        begun = time.perf_counter()
        await self.page.press("start")
        while not self.page.seen:
            await self._going()
            await asyncio.sleep(0.02)
        self.measured.first_point.append(time.perf_counter() - begun)
        self.run, self.images = (
            self.page.run,
            int(self.page.of("chart").split(";")[0].split(",")[1]) * self.settings["epochs"],
        )
        self.started.set()
        asides = [
            asyncio.create_task(self.noted(doing))
            for doing in (self._classify_now_and_then(), self._browse_now_and_then(), self._tick())
        ]
        try:
            await self._reach(self.chance.uniform(*REFRESH_AT))
            await self._refresh()
            if self.falls_silent:
                await self._reach(max(SILENT_AT, self.page.seen / self.images))
                await self._go_and_come_back()
            if self.stops:
                await self._reach(STOP_AT)
                self.measured.clicks.append(await self.page.press("stop"))
            while self.page.state not in ("done", "stopped"):
                await self._going()
                await asyncio.sleep(0.1)
            self.finished = True
        finally:
            for task in asides:
                task.cancel()

    async def _going(self) -> None:
        if self.page.trouble:
            raise Trouble(self.page.trouble[0])
        if self.page.state in ("failed", "diverged"):
            raise Trouble(f"the run is {self.page.state}: {self.page.of('run-status')}")

    async def _reach(self, share: float) -> None:
        while self.page.seen < share * self.images and self.page.state == "running":
            await self._going()
            await asyncio.sleep(0.1)

    async def _refresh(self) -> None:
        old = self.page
        old.close()
        await self._load(old.key, self.run)
        self._same_run(old)

    async def _go_and_come_back(self) -> None:
        old = self.page
        old.left = True
        old.stream.fall_silent()
        await asyncio.sleep(SILENT_FOR)
        old.vanish()
        await self._load(old.key, self.run)
        self._same_run(old)

    def _same_run(self, old: Page) -> None:
        before, after = old.points(), self.page.points()
        assert self.page.run == self.run, f"came back to run {self.page.run!r} instead of {self.run!r}"
        assert after[: len(before)] == before, f"came back to {len(after)} points, had {len(before)}"

    async def _classify_now_and_then(self) -> None:
        page, own = None, False
        await asyncio.sleep(self.chance.uniform(0, CLASSIFY_EVERY))
        while True:
            if not self.page.left:
                if page is not self.page:  # the tab is opened first; that lists the visitor's own Nets
                    page = self.page
                    tab = self.layout.on(self.layout.tabs["classify"], "select")
                    self.measured.clicks.append(await self._unless_left(page, page.fire(tab)))
                page.values[self.layout.ids["net"]] = self.run if own else "pretrained"
                picked = page.press("test-images", "pick", {"index": self.chance.randrange(100)})
                self.measured.predict.append(await self._unless_left(page, picked))
                own = not own
            await asyncio.sleep(self.chance.uniform(0.8, 1.2) * CLASSIFY_EVERY)

    async def _browse_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(0.8, 1.2) * BROWSE_EVERY)
            if not (page := self.page).left:
                self.measured.clicks.append(await self._unless_left(page, page.press("next")))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(PLAN_EVERY)
            if not (page := self.page).left:
                await self._unless_left(page, page.fire(self.layout.tick()))

    async def _unless_left(self, page: Page, doing: Awaitable[float]) -> float:
        """What `doing` gives; NaN where the page is closed meanwhile and nobody will ever know."""
        task = asyncio.ensure_future(doing)
        while not task.done():
            await asyncio.wait([task], timeout=1)
            if page.left:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                return float("nan")
        return float("nan") if page.left else task.result()

    def updates_a_second(self) -> float:
        """How often the curve changed while the run was going and a page was open."""
        changes = sum(max(0, len(page.updates) - 1) for page in self.pages)
        watched = sum(page.updates[-1] - page.updates[0] for page in self.pages if page.updates)
        return changes / watched if watched else 0.0

    def gaps(self) -> list[float]:
        """Seconds between two changes of the curve."""
        return [after - before for page in self.pages for before, after in pairwise(page.updates)]


@dataclass(frozen=True)
class Sample:
    """The machine at one moment."""

    time: float
    server: float
    """seconds of CPU used so far, as the next three"""
    workers: float
    client: float
    machine: float
    server_mb: float
    workers_mb: float
    """resident, the data set included that all of them map"""
    private_mb: float
    """of that, what is each worker's own"""
    workers_up: list[int]
    steps: dict[str, int]
    """of each run"""


class Watcher:
    """Looks at processes and runs every now and then."""

    def __init__(self, pid: int, store: Path) -> None:
        self.pid = pid
        self.database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        self.samples: list[Sample] = []

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(SAMPLE_EVERY)

    def look(self) -> Sample:
        """How it is now."""
        workers = self._workers()
        now = Sample(
            time.perf_counter(),
            _cpu(self.pid),
            sum(map(_cpu, workers)),
            time.process_time(),
            _machine_cpu(),
            _memory(self.pid, "VmRSS"),
            sum(_memory(pid, "VmRSS") for pid in workers),
            sum(_memory(pid, "RssAnon") for pid in workers),
            workers,
            dict(self.database.execute("select id, step from runs").fetchall()),
        )
        self.samples.append(now)
        return now

    def _workers(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task").glob("*/children")
        pids = [pid for path in children for pid in path.read_text().split()]
        return sorted(int(pid) for pid in pids if b"runs.worker" in Path(f"/proc/{pid}/cmdline").read_bytes())


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int, kind: str) -> float:
    found = re.search(rf"{kind}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def _machine_cpu() -> float:
    """Seconds of CPU that all processes together have used."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


@dataclass
class Lesson:
    """What happened in class."""

    learners: list[Learner]
    measured: Measured
    samples: list[Sample]
    """the first from before anybody came, the last from when all runs had ended"""
    begun: Sample
    """when everybody had the page and was told to press Start"""
    going: Sample
    """when every run had a point"""
    mixed: list[str] = field(default_factory=list)
    """what was mixed up"""


async def hold_class(url: str, watcher: Watcher, options: argparse.Namespace) -> Lesson:
    """Everything from the first learner who comes to the end of the last run."""
    address = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
    layout = Layout(json.loads(await Connection(*address).ask("GET", "/config")))
    await warm_up(layout, address)
    start, measured = watcher.look(), Measured()
    learners = [Learner(index, layout, address, options, measured) for index in range(options.learners)]
    lesson = Lesson(learners, measured, watcher.samples, start, start)
    watching = asyncio.create_task(watcher.watch())
    try:
        async with asyncio.timeout(options.seconds_limit):
            await asyncio.gather(*(learner.noted(learner.open()) for learner in learners))
            lesson.begun = watcher.look()
            lessons = [asyncio.create_task(learner.noted(learner.learn())) for learner in learners]
            while not all(
                learner.started.is_set() or one.done() for learner, one in zip(learners, lessons, strict=True)
            ):
                await asyncio.sleep(0.05)
            lesson.going = watcher.look()
            await asyncio.gather(*lessons)
    except TimeoutError:
        late = sum(not learner.finished for learner in learners)
        measured.errors.append(f"after {options.seconds_limit:g} s {late} learners were not at the end of their runs")
    watching.cancel()
    if watcher.look().workers_up != start.workers_up:
        measured.errors.append("a worker died")
    return lesson


async def warm_up(layout: Layout, address: tuple[str, int]) -> None:
    """Wait until the workers are up and the classifier has answered once, as for a teacher who tries the page."""
    page = Page(layout, address, None)
    await page.load()
    while "starting" in page.of("header"):
        await asyncio.sleep(0.2)
    await page.press("test-images", "pick", {"index": 0})
    page.close()


async def cross_talk(learners: list[Learner], data: Path, unverified: bool) -> list[str]:
    """What is not as it would be had each learner been alone."""
    import torch

    from cifar_core.config import TrainConfig
    from cifar_core.data import open_splits
    from cifar_core.net import new_net
    from cifar_core.training.events import Progress
    from cifar_core.training.loop import train

    torch.set_num_threads(1)
    images = open_splits(data, unverified=unverified).train
    found = []
    for learner in learners:
        if not learner.run:
            continue
        run = await learner.page.call("snapshot", learner.run, -1)
        config, points = TrainConfig.from_json(run["config"]), run["points"]
        wrong = [name for name, value in learner.settings.items() if getattr(config, name) != value]
        training = train(new_net(config.seed), images, config)
        alone = islice((event for event in training if isinstance(event, Progress)), COMPARED_POINTS)
        expected = [[event.step, event.loss] for event in alone][: len(points)]
        checks = {
            f"another {', '.join(wrong)}": not wrong,
            "another curve than alone": points[: len(expected)] == expected and len(expected) > 0,
            "its page shows another curve": learner.page.points() == [(step, f"{loss:.4g}") for step, loss in points],
            f"{run['state']} at step {run['step']} of {config.steps(len(images))}": (
                run["step"] == run["steps"] == config.steps(len(images)) and run["state"] == "done"
                if not learner.stops
                else 0 < run["step"] < run["steps"] and run["state"] == "stopped"
            ),
            "the last point is not the last step": points[-1][0] == run["step"],
        }
        found += [f"learner {learner.index}: {what}" for what, fine in checks.items() if not fine]
    return found


def table(lesson: Lesson) -> str:
    """The one table."""
    measured, learners = lesson.measured, lesson.learners
    runs = [learner.run for learner in learners if learner.run]
    after = [sample for sample in lesson.samples if sample.time >= lesson.going.time]
    start, end = lesson.samples[0], after[-1]

    def middle(sample: Sample) -> float:
        return statistics.median(sample.steps.get(run, 0) for run in runs) if runs else 0.0

    half = next(sample for sample in after if middle(sample) >= middle(end) / 2)
    done = [half.steps.get(run, 0) for run in runs]
    since = [half.steps.get(run, 0) - lesson.going.steps.get(run, 0) for run in runs]
    seconds = end.time - lesson.begun.time
    server, workers, client, machine = (
        100 * (getattr(end, name) - getattr(lesson.begun, name)) / seconds
        for name in ("server", "workers", "client", "machine")
    )
    rates = [learner.updates_a_second() for learner in learners]
    gaps = [gap for learner in learners for gap in learner.gaps()]
    finished = sum(learner.finished for learner in learners)

    def memory(name: str) -> str:
        sizes = [getattr(sample, name) for sample in (start, half, end)]
        return f"{' / '.join(f'{size:.0f}' for size in sizes)} ({100 * (sizes[2] / sizes[1] - 1):+.1f} %)"

    rows = (
        ("open the page until the run is shown, p50 / p95, s", halves(measured.load), ""),
        ("Start to first point, p50 / p95, s", halves(measured.first_point), "p95 ≤ 3"),
        (
            "updates of the curve a second and viewer, median / min",
            f"{statistics.median(rates):.2f} / {min(rates):.2f}",
            "min ≥ 3",
        ),
        ("from one update to the next, p50 / p95, s", halves(gaps), ""),
        (f"classify, p50 / p95 of {len(measured.predict)}, s", halves(measured.predict), "p95 ≤ 0.3"),
        (f"other clicks, p50 / p95 of {len(measured.clicks)}, s", halves(measured.clicks), ""),
        ("fastest / slowest run at half time, steps since all were going", ratio(since), "≤ 1.3"),
        ("fastest / slowest run at half time, all steps", ratio(done), ""),
        ("CPU of the server / all workers, % of a core", f"{server:.0f} / {workers:.0f}", ""),
        ("CPU of these browsers / all else here", f"{client:.0f} / {machine - server - workers - client:.0f}", ""),
        ("memory of the server at start / half time / end, MB", memory("server_mb"), "≤ +5 %"),
        (f"memory of {len(end.workers_up)} workers, the shared data included", memory("workers_mb"), ""),
        ("memory of the workers without what they share", memory("private_mb"), "≤ +5 %"),
        ("errors", str(len(measured.errors)), "0"),
        ("cross-talk", str(len(lesson.mixed)), "0"),
        ("runs that came to their end", f"{finished} of {len(learners)}", "all"),
        ("first Start until the last run had ended, s", f"{seconds:.0f}", "≤ 180"),
    )
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"| what | measured | wanted |\n| --- | --- | --- |\n{lines}"


def halves(values: list[float]) -> str:
    """The median and the 95th percentile; NaN is left out."""
    known = sorted(value for value in values if value == value)
    return " / ".join(f"{known[int(len(known) * part)]:.2f}" for part in (0.5, 0.95)) if known else "none"


def ratio(steps: list[int]) -> str:
    """The most over the fewest."""
    return f"{max(steps) / max(1, min(steps)):.2f}" if steps else "none"


def main() -> int:
    """Hold the class and print; 1 where anything went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seconds-limit", type=float, default=300)
    options = parser.parse_args()
    data = options.data.resolve()
    with tempfile.TemporaryDirectory() as folder:
        more = ("--unverified",) if options.unverified else ()
        url, process, log = start_server(Path(folder), "--data", str(data), "--workers", "2", *more)
        try:
            return asyncio.run(_report(url, process.pid, log, data, options))
        finally:
            process.terminate()
            process.wait(20)


async def _report(url: str, pid: int, log: Path, data: Path, options: argparse.Namespace) -> int:
    import gradio
    import torch

    from cifar_core.device import choose_device

    print(
        f"{choose_device('cpu').name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python "
        f"{platform.python_version()}, torch {torch.__version__}, gradio {gradio.__version__}; {options.learners} "
        f"learners, batch {options.batch_size}, {options.epochs} epochs\n",
        flush=True,
    )
    watcher = Watcher(pid, log.parent / "runs" / "store.sqlite3")
    lesson = await hold_class(url, watcher, options)
    lesson.mixed = await cross_talk(lesson.learners, data, options.unverified)
    for learner in lesson.learners:
        for page in learner.pages:
            page.close()
    if "Traceback" in log.read_text():
        lesson.measured.errors.append(f"the server's log has a trace:\n{log.read_text()[-3000:]}")
    print(table(lesson))
    wrong = [*lesson.measured.errors, *lesson.mixed]
    print("".join(f"\n- {line}" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
