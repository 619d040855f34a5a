"""One picture before one Net, looked into: what the parts of the tab Inside are drawn from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import NetRegistry, OpenNet
from demo.widgets.pointer import Pointer, Shown, shown_by

if TYPE_CHECKING:
    from cifar_core.inspect.stages import Inspection


@dataclass(frozen=True, eq=False)
class Look:
    """A Net, a picture, and every number on the way from one to the other."""

    chosen: OpenNet
    shown: Shown
    inside: "Inspection"

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that this Net can answer."""
        return self.chosen.splits.test.classes

    @property
    def answer(self) -> int:
        """The label with the largest logit. Only where all numbers are finite."""
        return int(self.inside.stage("logits").values[: len(self.classes)].argmax())

    @property
    def truth(self) -> str:
        """The picture's true class; empty where nobody knows it."""
        return "" if self.shown.label is None else self.classes[self.shown.label]


def take_look(nets: NetRegistry, pointer: Pointer) -> Look:
    """What `pointer` points at. Raises CifarError where there is no such Net or picture."""
    from cifar_core.inspect.stages import inspect_image

    chosen = nets.open(NetRef(pointer.net, pointer.step))
    shown = shown_by(pointer.picture, chosen)
    return Look(chosen, shown, inspect_image(chosen.net, shown.image, len(chosen.splits.test.classes)))


def moment_words(chosen: OpenNet) -> str:
    """Which state of a Net this is: after how many mini-batches."""
    if chosen.run is None or chosen.step is None:
        return "the pretrained Net"
    return f"{chosen.run.name} after {batches(chosen.step)}"


def batches(count: int) -> str:
    """1 mini-batch, 2 mini-batches"""
    return "1 mini-batch" if count == 1 else f"{count:,} mini-batches"
