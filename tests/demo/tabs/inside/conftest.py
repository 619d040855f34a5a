"""The tab Inside without a browser, and one image before a trained Net."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.inspect.stages import inspect_image
from cifar_core.net import Net
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Run
from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry, OpenImage, OpenNet
from cifar_core.runs.service import Service
from demo.tabs.inside.handlers import InsideHandlers
from demo.tabs.inside.layout import ChoiceWidgets, InsideWidgets, UnitWidgets, WhyWidgets
from demo.tabs.inside.state import InsideState, Place
from demo.tabs.inside.subject import Subject
from demo.widgets.events import refusals_in
from demo.widgets.look_at import LookAt
from tests.helpers.nets import ANN, CONFIG, come_to, run_of
from tests.helpers.runs import write_rows

FIRST = Place()


def named(kind: type, **more: Any) -> Any:
    """Widgets that are nothing but their names."""
    return kind(**{field.name: more.get(field.name, field.name) for field in fields(kind)})


class Tab:
    """The tab as a visitor's browser has it: each event changes what is shown."""

    def __init__(self, nets: NetRegistry) -> None:
        self.nets = nets
        parts = {"choice": ChoiceWidgets, "unit": UnitWidgets, "why": WhyWidgets}
        widgets = named(InsideWidgets, **{name: named(kind) for name, kind in parts.items()})
        self.handlers = InsideHandlers(nets, widgets, "look_at")  # type: ignore[arg-type]
        self.shown: dict[str, Any] = {"state": InsideState(), "message_html": ""}
        self.place: tuple[Any, ...] = (FIRST.layer, FIRST.channel, FIRST.row, FIRST.column)
        self.target: Any = -1
        self.changed: list[str] = []

    def __getattr__(self, name: str) -> Any:
        try:
            return self.shown[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def do(self, event: str, *inputs: Any, **clicked: Any) -> "Tab":
        """Let a handler handle an event; `clicked` is what a click carries. What it left out stays as it is."""
        handler: Callable[..., Any] = refusals_in("message_html")(getattr(self.handlers, event))  # type: ignore[arg-type]
        outputs: Any = handler(*([SimpleNamespace(**clicked)] if clicked else []), *inputs)
        steps: list[Any] = list(outputs) if inspect.isgenerator(outputs) else [outputs]
        assert steps, "Gradio empties all outputs of a generator that yields nothing"
        self.changed = [name for step in steps for name in step]
        for step in steps:
            self.shown |= step
        return self

    def open(self, look_at: LookAt | None = None) -> "Tab":
        return self.do("open", ANN, look_at or LookAt(), self.state, *self.place, self.target)

    def event(self, name: str, *inputs: Any, **clicked: Any) -> "Tab":
        """Let a handler handle an event that shows an image or a Net."""
        return self.do(name, *inputs, self.state, *self.place, self.target, **clicked)

    @property
    def unchanged(self) -> bool:
        """Only the message is new."""
        return self.changed == ["message_html"]

    @property
    def empty(self) -> bool:
        """No image is shown."""
        names = ("about", "filters", "stages", "unit", "saliency", "neighbours")
        return not any(self.shown[f"{name}_html"] for name in names)

    # ------------------------------------------------------------------------------------------- what workers do

    def start(self, owner: str = ANN) -> Run:
        """Start a run, which has no weights yet."""
        return self.nets.service.start(owner, CONFIG, self.nets.source.splits)

    def come_to(self, run: Run, step: int, net: Net, *, frame: bool = False, state: str = "running") -> None:
        """Write what a worker writes when `net` is its newest checkpoint, at `step`."""
        come_to(self.nets, run, step, net, frame=frame)
        write_rows(self.nets.service.store, run.id, state=state)

    def trained_run(self, seed: int = 1, owner: str = ANN) -> Run:
        """Start a run that has weights."""
        return run_of(self.nets, owner, seed)


@pytest.fixture
def tab(tmp_path: Path, tiny: Splits) -> Tab:
    """The tab before a service without workers: the tests do what workers write."""
    return Tab(NetRegistry(Service(tmp_path / "runs", limits=Limits(steps=1000)), DataSource(tiny)))


def subject_with(net: Net, splits: Splits, index: int = 3, label: int | None = -1) -> Subject:
    """A test image before a Net; `label` is its true class, -1 that of the data set."""
    image, known = np.asarray(splits.test.images[index]), int(splits.test.labels[index])
    shown = OpenImage(image, known if label == -1 else label, ImageRef("test", index))
    return Subject(OpenNet(NetRef(), None, net, splits), shown, inspect_image(net, image))


@pytest.fixture
def subject(trained: Net, tiny: Splits) -> Subject:
    return subject_with(trained, tiny)


@pytest.fixture
def make_subject() -> Callable[..., Subject]:
    return subject_with
