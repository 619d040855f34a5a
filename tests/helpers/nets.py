"""Nets of runs without workers: a test writes what a worker writes."""

from cifar_core.config import TrainConfig
from cifar_core.net import Net, new_net, save_weights
from cifar_core.runs.frame_recorder import record_frame
from cifar_core.runs.records import FrameTime, Run
from cifar_core.runs.registry import NetRegistry
from tests.helpers.runs import write_rows

ANN, BOB = "ann" * 8, "bob" * 8
CONFIG = TrainConfig(epochs=2)
"""200 mini-batches of 4 from 400 images"""


def come_to(nets: NetRegistry, run: Run, step: int, net: Net, *, frame: bool = False) -> None:
    """Make `net` the newest checkpoint of a run, at `step`; the one before goes, unless it belongs to a frame.

    With `frame`, a frame of the run's timeline is recorded as well.
    """
    store, test = nets.service.store, nets.source.splits.test
    before = nets.service.find(run.id).checkpoint
    store.folder_of(run.id).mkdir(exist_ok=True)
    save_weights(net.state_dict(), store.weights_of(run, step))
    taken = record_frame(net, FrameTime(step, 4 * step), test, test.first(4), "cpu") if frame else None
    write_rows(
        store,
        run.id,
        state="running",
        step=step,
        seen=4 * step,
        checkpoint=step,
        frames=[taken] if taken is not None else [],
    )
    if before >= 0 and all(time.step != before for time in nets.service.frame_times(run.id)):
        store.weights_of(run, before).unlink()


def run_of(nets: NetRegistry, owner: str, seed: int, step: int = 10) -> Run:
    """Return a run of `owner` whose Net after `step` mini-batches is the untrained one of `seed`."""
    run = nets.service.start(owner, CONFIG, nets.source.splits)
    come_to(nets, run, step, new_net(seed))
    return run
