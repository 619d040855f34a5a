"""One image before one Net: what the parts of the tab Inside are drawn from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry, OpenImage, OpenNet

if TYPE_CHECKING:
    from cifar_core.inspect.stages import Inspection


@dataclass(frozen=True, eq=False)
class Subject:
    """A Net, an image, and every number that the Net computes for it."""

    opened: OpenNet
    image: OpenImage
    inspection: "Inspection"

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that this Net can predict."""
        return self.opened.splits.test.classes

    @property
    def predicted(self) -> int:
        """The label with the largest logit. Only valid if all numbers are finite."""
        return int(self.inspection.stage("logits").values[: len(self.classes)].argmax())

    @property
    def probability(self) -> float:
        """Of the predicted class."""
        return float(self.inspection.stage("probabilities").values[self.predicted])

    @property
    def true_class(self) -> str:
        """Empty if it is unknown."""
        return "" if self.image.label is None else self.classes[self.image.label]

    @property
    def title(self) -> str:
        """test image 12, or: your image"""
        ref = self.image.ref
        return "your image" if ref.png else f"{ref.split} image {ref.index}"

    @property
    def net_title(self) -> str:
        """Which state of which Net this is."""
        run, step = self.opened.run, self.opened.step
        return "the pretrained Net" if run is None or step is None else f"{run.name} after {batches(step)}"


def subject_of(nets: NetRegistry, net: NetRef, image: ImageRef) -> Subject:
    """Let a Net compute all its numbers for an image. Raise CifarError if there is no such Net or image."""
    from cifar_core.inspect.stages import inspect_image  # loads torch

    opened = nets.open(net)
    shown = nets.image(image, opened.splits)
    return Subject(opened, shown, inspect_image(opened.net, shown.pixels, len(opened.splits.test.classes)))


def batches(count: int) -> str:
    """1 mini-batch, 2 mini-batches"""
    return "1 mini-batch" if count == 1 else f"{count:,} mini-batches"
