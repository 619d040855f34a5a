"""The checkpoints of one run on disk: two generations, because a power cut or a bad disk may take the newest."""

from collections import deque
from collections.abc import Iterable
from pathlib import Path

from cifar_core import durable
from cifar_core.errors import WeightsError
from cifar_core.net import save_weights
from cifar_core.training.checkpoint import load_checkpoint, save_checkpoint
from cifar_core.training.state import Checkpoint

GENERATIONS = 2


class Checkpoints:
    """The files in `folder`, which is made if it is not there: <step>.resume, and <step>.pth with the weights alone."""

    def __init__(self, folder: Path) -> None:
        durable.make_folder(folder)
        self.folder = folder
        self._steps: deque[int] = deque(maxlen=GENERATIONS)

    def newest(self, until: int) -> Checkpoint | None:
        """Return the newest checkpoint up to step `until` that can be read; None if there is none.

        Raise WeightsError if none can be read, but perhaps later: the disk does not respond.
        """
        there = [int(path.stem) for path in self.folder.glob("*.resume") if path.stem.isdecimal()]
        steps = sorted(step for step in there if step <= until)
        unreadable: WeightsError | None = None
        while steps:
            try:
                checkpoint = load_checkpoint(self.folder / f"{steps[-1]}.resume")
            except WeightsError as error:
                unreadable = error
                steps.pop()
            else:
                self._steps.extend(steps)
                return checkpoint
        if unreadable and durable.may_pass(unreadable):
            raise unreadable
        return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint that outlives a power cut. Raise WeightsError if it cannot be written."""
        step = checkpoint.position.step
        save_weights(checkpoint.weights, self.folder / f"{step}.pth")
        save_checkpoint(checkpoint, self.folder / f"{step}.resume")
        if step not in self._steps:  # a training may end right where its last checkpoint was made
            self._steps.append(step)

    def tidy(self, frames: Iterable[int], *, ended: bool = False) -> None:
        """Remove what is older, weights of other steps than `frames`, and files half written.

        Only what the store names for good may count as saved: call it when that is written. A run that has `ended`
        needs its last checkpoint only.
        """
        steps = list(self._steps)[-1:] if ended else list(self._steps)
        kept = {f"{step}.resume" for step in steps} | {f"{step}.pth" for step in (*steps, *frames)}
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)
