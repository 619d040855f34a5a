"""Pages with one tab, in the test's own process, over a store with runs that have ended: quick to open, nothing trains.

What needs a training, several tabs or a restart is tested on the whole page (`visit` in conftest.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import gradio as gr

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Run
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from cifar_core.runs.worker import Worker
from demo.gradio_compat import Page, PageState
from demo.setup.settings import NAMES, setting_field
from demo.widgets.look_at import LookAt
from demo.widgets.owner import STORAGE_KEY, STORAGE_SECRET
from demo.widgets.theme import CSS, theme

OWNER = "visitor" * 4
"""the key that every browser has here at first"""

Build = Callable[["OneTab", "PageParts"], None]


@dataclass(frozen=True, eq=False)
class PageParts:
    """What a page gives its tabs."""

    blocks: gr.Blocks
    tab: gr.Tab
    owner: gr.BrowserState
    data_in_use: gr.Textbox
    look_at: PageState[LookAt]
    saved: gr.DownloadButton
    settings: dict[str, gr.Number | gr.Dropdown]


@dataclass(eq=False)
class OneTab:
    """A store with ended runs, and the pages over it."""

    service: Service
    source: DataSource
    nets: NetRegistry
    pages: dict[str, gr.Blocks] = field(default_factory=dict)

    def trained(self, name: str, config: TrainConfig) -> Run:
        """Train a run in this process until it has ended."""
        run = self.service.start(OWNER, config, self.source.splits)
        self.service.rename(OWNER, run.id, name)
        worker = Worker(self.service.store, run.worker, "cpu")
        while worker.turn():
            pass
        return self.service.find(run.id)

    def url(self, label: str, build: Build) -> str:
        """Return the address of the page with this tab; it is served from the first time on."""
        if label not in self.pages:
            self.pages[label] = self._page(label, build)
            self.pages[label].launch(
                theme=theme(), css_paths=CSS, prevent_thread_lock=True, quiet=True, ssr_mode=False, max_threads=8
            )
        return str(self.pages[label].local_url)

    def close(self) -> None:
        for page in self.pages.values():
            page.close()

    def _page(self, label: str, build: Build) -> gr.Blocks:
        with Page(analytics_enabled=False) as blocks:
            owner = gr.BrowserState(OWNER, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
            data_in_use = gr.Textbox("", visible="hidden", label="data set in use")
            look_at = PageState(LookAt(), label="what Inside is to open", elem_id="look-at")
            saved = gr.DownloadButton(visible="hidden", label="file to save", elem_id="file-to-save")
            with gr.Tabs(elem_id="tabs"):
                with gr.Tab("Settings", id="settings"):
                    settings = {name: setting_field(name) for name in NAMES}
                with gr.Tab("Inside", id="inside") if label != "Inside" else gr.Tab("Other", id="other"):
                    gr.Markdown("Another tab")
                with gr.Tab(label, id=label.lower().replace(" ", "_")) as tab:
                    build(self, PageParts(blocks, tab, owner, data_in_use, look_at, saved, settings))
        return blocks


def open_store(folder: Path, splits: Splits) -> OneTab:
    """Return a store with two ended runs of OWNER."""
    service, source = Service(folder / "runs", workers=1, limits=Limits(starts_a_minute=1000)), DataSource(splits)
    made = OneTab(service, source, NetRegistry(service, source))
    made.trained("small steps", TrainConfig(epochs=1, batch_size=20, lr=0.005, report_every=20))
    made.trained("large steps", TrainConfig(epochs=1, batch_size=20, lr=0.02, report_every=20))
    return made
