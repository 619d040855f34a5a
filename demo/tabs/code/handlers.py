"""What the tab Code does: scripts, receipts, and runs that repeat a receipt."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cifar_core.runs.records import Run
from cifar_core.runs.registry import NetRegistry
from demo.setup.settings import NAMES, page_config
from demo.tabs.code.view import comparison_html, filename
from demo.widgets.format import STATES

if TYPE_CHECKING:
    from cifar_core.teach.receipt import Receipt

NOW = "now"
"""in place of a run's id: the settings on the Train tab"""
MAX_RECEIPT = 1_000_001
"""bytes that are read of a receipt's file: one more than is accepted"""


class Code:
    """Makes scripts and receipts of a visitor's runs. Everything raises CifarError with a sentence."""

    def __init__(self, nets: NetRegistry) -> None:
        self.nets, self.service, self.source = nets, nets.service, nets.source

    def choices(self, owner: str) -> list[tuple[str, str]]:
        """Return what has a script: the settings on the Train tab, and the visitor's runs."""
        runs = [(f"{run.name} · {STATES[run.state]}", run.id) for run in self.service.runs_of(owner)]
        return [("the settings on the Train tab now", NOW), *runs]

    def ended(self, name: str) -> bool:
        """Return whether `name` is a run that has ended, so that it has a receipt."""
        return name != NOW and not self.service.find(name).active

    def script(self, name: str, values: Sequence[Any]) -> tuple[str, str]:
        """Return script and command of a run, or of the settings on the Train tab."""
        from cifar_core.teach.script import command_of, data_kind, script_of, script_of_run

        if name == NOW:
            splits = self.source.splits
            config = page_config(dict(zip(NAMES, values, strict=True)), len(splits.train))
            script = script_of(config, data=data_kind(splits.info), classes=splits.train.classes)
            return script, command_of(config)
        snapshot = self.service.snapshot(name)
        return script_of_run(snapshot, self.nets.images(snapshot.run)), command_of(snapshot.run.config)

    def file(self, kind: str, name: str, values: Sequence[Any]) -> tuple[str, str]:
        """Return content and name of a file; `kind` is py, ipynb or json (the receipt)."""
        from cifar_core.teach.notebook import notebook_of

        run = None if name == NOW else self.service.find(name)
        content = self.receipt(name).to_json() if kind == "json" else self.script(name, values)[0]
        return notebook_of(content) if kind == "ipynb" else content, filename(run, kind)

    def receipt(self, run_id: str) -> "Receipt":
        """Return the receipt of a run that has ended."""
        from cifar_core.teach.receipt import receipt_of

        snapshot = self.service.snapshot(run_id)
        weights = self.service.weights(run_id)
        return receipt_of(snapshot, weights, self.nets.images(snapshot.run), self._device_of(snapshot.run))

    def read(self, text: str) -> "Receipt":
        """Return the receipt in a text from anybody."""
        from cifar_core.teach.receipt_parse import parse_receipt

        return parse_receipt(str(text))

    def repeat(self, owner: str, text: str, address: str | None) -> Run:
        """Start the training of a receipt again, for a visitor at this address."""
        receipt = self.read(text)
        return self.service.start(owner, receipt.settings, self.source.splits, receipt.changes, address=address)

    def comparison(self, text: str, run_id: str) -> tuple[Markup, bool]:
        """Return the receipt beside the run that repeats it, and whether that run is still active."""
        receipt, snapshot = self.read(text), self.service.snapshot(run_id)
        own = self.receipt(run_id) if snapshot.run.state == "done" else None
        return comparison_html(receipt, snapshot, own), snapshot.run.active

    def _device_of(self, run: Run) -> str:
        workers = self.service.workers()
        return workers[0].device if run.config.device == "auto" and workers else run.config.device


def text_of_file(path: object) -> str:
    """Return the text of an uploaded file, as much of it as could be a receipt."""
    try:
        with open(Path(str(path)), "rb") as file:
            return file.read(MAX_RECEIPT).decode("utf-8", "replace")
    except OSError:
        return ""
