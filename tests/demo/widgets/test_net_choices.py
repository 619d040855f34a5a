"""Which Nets a visitor can choose on the page."""

from pathlib import Path

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.net import new_net, save_weights
from cifar_core.runs.records import Run
from cifar_core.runs.refs import PRETRAINED
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.widgets.net_choices import net_choices
from tests.helpers.runs import ANN, BOB, write_rows


def test_a_visitor_can_choose_the_pretrained_net_and_own_runs_with_weights(tmp_path: Path, tiny: Splits) -> None:
    nets = NetRegistry(Service(tmp_path / "runs"), DataSource(tiny))

    def run_of(owner: str) -> Run:
        run, store = nets.service.start(owner, TrainConfig(epochs=2), tiny), nets.service.store
        store.folder_of(run.id).mkdir()
        save_weights(new_net(1).state_dict(), store.weights_of(run, 10))
        write_rows(store, run.id, state="running", step=10, seen=40, checkpoint=10)
        return run

    assert [name for _, name in net_choices(nets, ANN)] == [PRETRAINED]
    mine, _ = run_of(ANN), run_of(BOB)
    nets.service.start(ANN, TrainConfig(epochs=2), tiny)  # has no weights yet
    assert [name for _, name in net_choices(nets, ANN)] == [PRETRAINED, mine.id]
    assert net_choices(nets, ANN)[1][0] == f"My {mine.name} · training · 5 % of its training"
    assert net_choices(nets, "") == net_choices(nets, ANN)[:1]
