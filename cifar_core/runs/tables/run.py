"""Run: a row of the table of runs, and what may change in it."""

from dataclasses import dataclass, fields, replace
from typing import Literal

from cifar_core.config import TrainConfig
from cifar_core.errors import RunError

State = Literal["waiting", "running", "paused", "testing", "done", "stopped", "diverged", "failed"]
"""waiting for its worker's first slice; running; paused; testing on the test images; and four ways to have ended"""
ACTIVE: tuple[State, ...] = ("waiting", "running", "paused", "testing")
Ending = Literal["", "done", "stopped", "diverged"]
Kind = Literal["run", "lab", "quiz"]
"""a run by itself; one of the two runs of a pair in the Lab; the same where the mistake is to be guessed"""

NOT_USABLE = "This version of the program does not allow the settings of this run, so nothing can be made of it."
"""the message of a run that an older or a newer version wrote with settings that are out of bounds here"""


@dataclass(frozen=True)
class Run:
    """One training, as the store knows it. `owner` is a secret and not part of it."""

    id: str
    name: str
    config: TrainConfig
    data: str
    """folder of the decoded data set it trains on: a path of the server, which must not reach a browser"""
    data_sha256: str | None
    """the sum of that data set (see `Splits.sha256`); None for a run of an earlier program, which did not write it"""
    images: int
    """training images in that set"""
    worker: int
    """index of the worker process that advances it"""
    state: State
    ending: Ending
    """how the training ended while it is still being tested: done, stopped; else empty"""
    message: str
    """one sentence if it failed or diverged, else empty"""
    created: float
    """seconds since 1970"""
    ended: float | None
    step: int
    """mini-batches done"""
    steps: int
    """mini-batches in all"""
    epoch: int
    """the epoch under way, from 1; 0 before the first step"""
    seen: int
    """training images seen, over all epochs"""
    speed: float
    """training images per second, wall clock, over the last 3 s"""
    tested: int
    """test images tested so far"""
    checkpoint: int
    """the step of the newest checkpoint; -1 if there is none yet"""
    attempts: int
    """how often a worker died in this run's slices since its last checkpoint; one under way counts until it ends"""
    busy: float
    """seconds of work so far, of this run only"""
    accuracy: float | None
    """fraction of right predictions, 0 to 1, in the newest validation or test"""
    paused: float | None
    """since when it is paused, in seconds since 1970"""
    kind: Kind
    pair: str
    """the same for both runs of a pair: the id of its baseline; empty for a run by itself"""
    secret: bool
    """whether its mistake is still to be guessed"""
    usable: bool = True
    """False if this version does not allow its settings: `config` then is not what it was trained with"""

    @property
    def active(self) -> bool:
        """True until the run has ended and is tested."""
        return self.state in ACTIVE

    @property
    def public(self) -> "Run":
        """The run as everybody may see it: the mistake of a quiz that is not solved yet is hidden."""
        return replace(self, config=replace(self.config, mistake="none")) if self.secret else self

    def check_solved(self) -> None:
        """Raise RunError if nothing may be made of its settings: they are unknown, or those of an unsolved quiz."""
        if not self.usable:
            raise RunError(NOT_USABLE)
        if self.secret:
            raise RunError("This run is an unsolved quiz; its settings and code are shown once the quiz is solved.")


@dataclass(frozen=True)
class RunChange:
    """What changes in the row of a run. What is None stays as it is."""

    state: State | None = None
    paused: float | None = None
    """written together with a state, so that every state but paused clears it"""
    name: str | None = None
    secret: bool | None = None
    ending: Ending | None = None
    message: str | None = None
    ended: float | None = None
    step: int | None = None
    steps: int | None = None
    epoch: int | None = None
    seen: int | None = None
    speed: float | None = None
    tested: int | None = None
    checkpoint: int | None = None
    attempts: int | None = None
    busy: float | None = None
    accuracy: float | None = None

    def columns(self) -> dict[str, object]:
        """Return the columns to be written."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed = {name: value for name, value in values.items() if value is not None}
        return changed | ({"paused": self.paused} if self.state else {})
