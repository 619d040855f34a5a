"""Which test is on screen: one Net in one state on one data set. It travels as text in a hidden field of the page.

A run may train on, be deleted, or lose what its test found while somebody still looks at that. Whatever is asked next
belongs to the same test, or says why it cannot.
"""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cifar_core.data.image_set import Splits
from cifar_core.errors import RunError
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import NetRegistry, OpenNet
from demo.widgets.pointer import Pointer

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

LONGEST = 10_000
"""characters that are read of the field"""


@dataclass(frozen=True)
class Judged:
    """What was tested. `text` writes it, `read_judged` reads it."""

    net: str
    """pretrained, or a run's id"""
    step: int | None
    """after how many mini-batches; None for the pretrained Net"""
    data: str
    """the folder of its pictures"""

    def text(self) -> str:
        """For the hidden field."""
        return json.dumps([self.net, self.step, self.data])


def judged(chosen: OpenNet) -> Judged:
    """The test of a Net that was just opened."""
    return Judged(chosen.name, chosen.step, str(chosen.splits.folder.resolve()))


def read_judged(text: object) -> Judged:
    """What `text` names. Raises RunError where it is nothing: before the first test, or written by somebody else."""
    try:
        net, step, data = json.loads(str(text)[:LONGEST])
    except (ValueError, TypeError, RecursionError) as error:
        raise RunError("Choose a Net and press Test it first.") from error
    if not isinstance(net, str) or not isinstance(data, str) or not (step is None or type(step) is int):
        raise RunError("Choose a Net and press Test it first.")
    return Judged(net, step, data)


def found_by(nets: NetRegistry, shown: Judged) -> tuple[Splits, "Evaluation"]:
    """The pictures of that very test, and what it found; it is done again where that is no longer kept.

    Raises RunError where the run is gone, has trained on too far to be tested as it was, or its pictures were replaced.
    """
    now = _now(nets, shown)
    known = nets.cached_evaluation(
        replace(now, ref=NetRef(now.name, shown.step))
    )  # only the key counts here, not the newer weights
    if known is not None:
        return now.splits, known
    if now.step == shown.step:
        return now.splits, nets.evaluation(now)
    try:
        then = nets.open(NetRef(shown.net, shown.step))
    except RunError as error:
        raise RunError(
            f"This run has trained on since step {shown.step:,}, and that test is no longer kept here. "
            "Press Test it to see the Net as it is now."
        ) from error
    return then.splits, nets.evaluation(then)


def pointer_to(nets: NetRegistry, shown: Judged, index: object) -> tuple[Pointer, str]:
    """What opens test image `index` before the Net of that test, and a sentence where that Net is no longer there.

    The weights of a run are kept at its frames and as they are now; between those, it is opened as it is now.
    Raises RunError as `found_by` does, and where there is no such image.
    """
    now = _now(nets, shown)
    if type(index) is not int or not 0 <= index < len(now.splits.test):
        raise RunError("There is no such test image.")
    picture = f"test {index}"
    going = now.run is not None and now.run.active
    if now.step == shown.step and not going:  # and so it stays
        return Pointer(shown.net, picture), ""
    if any(moment.step == shown.step for moment in nets.service.moments(shown.net)):
        return Pointer(shown.net, picture, shown.step), ""
    if now.step == shown.step:
        return Pointer(shown.net, picture), ""
    moved = (
        f"This run has trained on since step {shown.step:,}. The tab Inside shows the Net as it is now, at step "
        f"{now.step:,}; its answer may differ from the one below."
    )
    return Pointer(shown.net, picture), moved


def _now(nets: NetRegistry, shown: Judged) -> OpenNet:
    """The Net as it is now, on the pictures of the test."""
    now = nets.open(NetRef(shown.net))
    if str(now.splits.folder.resolve()) != shown.data:
        raise RunError("Other pictures are in use on this server since this test. Press Test it to test with them.")
    return now
