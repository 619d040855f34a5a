"""Whichever way a run is started on the page, it counts for the address of the visitor who started it."""

import gc
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.helpers import special_args

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.runs.pairs import PAIR_DEFAULTS, PAIR_SETTINGS
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from cifar_core.runs.tables.holder import Holder
from demo.endpoints import START_SETTINGS, build_endpoints
from demo.open_pages import OpenPages
from demo.setup.settings import NAMES
from demo.tabs.code.tab import build_code_tab
from demo.tabs.lab.state import LabState
from demo.tabs.lab.tab import build_lab_tab
from demo.tabs.train.tab import build_train_tab
from demo.widgets.download import download_button
from demo.widgets.moving import MovingKeys
from demo.widgets.owner import owner_state
from tests.helpers.receipts import a_receipt
from tests.helpers.run_steps import ANN
from tests.helpers.runs import write_rows

# blocks that are built and never launched leave an event loop behind
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SCHOOL = gr.Request(client={"host": "192.0.2.7"})


def test_each_way_to_start_runs_counts_for_the_visitors_address(tmp_path: Path, tiny: Splits) -> None:
    holders = holders_of_each_way(Service(tmp_path / "runs", workers=1), tiny)
    gc.collect()
    here = Holder.of(ANN, "192.0.2.7")
    assert holders == {
        "start": [here],
        "start_1": [here],
        "run_both": [here, here],
        "start_quiz": [here, here],
        "repeat": [here],
    }


def holders_of_each_way(service: Service, splits: Splits) -> dict[str, list[Holder]]:
    """Start runs by each event that starts some; return to whom they belong, by the event's name."""
    blocks = page_that_starts_runs(service, splits)
    endpoint = [getattr(TrainConfig(), name) for name in START_SETTINGS]
    endpoint.insert(START_SETTINGS.index("device") + 1, ANN)
    ways: dict[str, list[Any]] = {
        "start": endpoint,
        "start_1": [ANN, {}, None, None, None, *(FIELDS[name].default for name in NAMES)],  # of the tab Train
        "run_both": [ANN, LabState(), "softmax", *(getattr(PAIR_DEFAULTS, name) for name in PAIR_SETTINGS)],
        "start_quiz": [ANN, LabState()],
        "repeat": [ANN, a_receipt(splits).to_json()],
    }
    holders = {}
    for name, inputs in ways.items():
        (handler,) = [one.fn for one in blocks.fns.values() if one.fn and one.api_name == name]
        given, *_ = special_args(handler, inputs, SCHOOL)  # as Gradio does
        handler(*given)
        started = service.store.holders()
        holders[name] = list(started.values())
        for run in started:
            write_rows(service.store, run, state="stopped")
            service.store.remove(run)
    return holders


def page_that_starts_runs(service: Service, splits: Splits) -> gr.Blocks:
    """Return a page with everything that starts runs."""
    source = DataSource(splits)
    nets = NetRegistry(service, source)
    with gr.Blocks() as blocks:
        build_endpoints(service, source, nets)
        owner, saved = owner_state(), download_button()
        train = build_train_tab(service, source, owner, saved, blocks, OpenPages(), MovingKeys(service))
        with gr.Tab("Lab") as lab:
            build_lab_tab(nets, owner, lab)
        with gr.Tab("Code") as code:
            build_code_tab(nets, owner, train.settings, saved, code)
    return blocks
