"""A run is repeated with the changes that were made while it ran, each at its very step."""

from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import ConfigError, RunError
from cifar_core.net import new_net
from cifar_core.runs.limits import Limits
from cifar_core.runs.service import Service
from cifar_core.runs.worker import Worker
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Progress
from cifar_core.training.loop import train

ANN = "ann" * 8
CONFIG = TrainConfig(epochs=2, seed=3)
CHANGES = (Change("lr", 0.004, 37), Change("batch_size", 16, 37), Change("momentum", 0.5, 60))


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Without worker processes: the tests work themselves."""
    return Service(tmp_path / "runs", limits=Limits(steps=300))


def test_a_repeated_run_makes_the_changes_at_their_steps(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny, CHANGES)
    worker = Worker(service.store, 0, "cpu")
    while worker.turn():
        pass
    alone = train(new_net(3), tiny.train, CONFIG, control=Control(changes=list(CHANGES)))
    snapshot = service.snapshot(run.id)
    assert [point.loss for point in snapshot.points] == [event.loss for event in alone if isinstance(event, Progress)]
    made = {(change.step, change.name, change.value) for change in snapshot.changes}
    assert made == {(change.step, change.name, change.value) for change in CHANGES}
    # 37 of 4, then 15 of 16 and one of 12 to the end of the epoch, and 7 of 16
    assert [change.images for change in snapshot.changes if change.step == 60] == [400 + 7 * 16]


def test_a_change_that_is_not_allowed_starts_nothing(service: Service, tiny: Splits) -> None:
    with pytest.raises(ConfigError, match="Learning rate"):
        service.start(ANN, CONFIG, tiny, [Change("lr", 9.0, 10)])
    with pytest.raises(RunError, match="800 mini-batches"):
        service.start(ANN, CONFIG, tiny, [Change("batch_size", 1, 10)])
    assert service.runs_of(ANN) == []
