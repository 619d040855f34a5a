"""The settings as the page has them, and what is said of them before a run is started."""

from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import ConfigError
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import WorkerInfo
from cifar_core.runs.service import Service
from demo.setup.settings import NAMES, limits_sentence, page_config, plan_sentence
from demo.widgets.format import duration
from tests.helpers.run_steps import ANN, CONFIG
from tests.helpers.runs import write_rows

SHOWN = {name: getattr(TrainConfig(), name) for name in NAMES}
"""the settings as the page first shows them"""


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "runs", limits=Limits(steps=1000))


def test_the_pages_settings_make_a_recipe_with_a_line_every_8000_images() -> None:
    assert page_config(SHOWN, 50_000) == TrainConfig()
    as_a_browser_sends = SHOWN | {"epochs": 3.0, "batch_size": 32.0, "lr": 1, "seed": 7.0}
    expected = TrainConfig(epochs=3, batch_size=32, lr=1.0, seed=7, report_every=250)
    assert page_config(as_a_browser_sends, 50_000) == expected
    assert page_config(SHOWN | {"batch_size": 1024}, 50_000).report_every == 7


def test_on_small_data_the_log_has_lines_too() -> None:
    assert page_config(SHOWN, 400).report_every == 20
    assert page_config(SHOWN | {"batch_size": 100}, 400).report_every == 1
    assert page_config(SHOWN, 2).report_every == 1


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("epochs", None, "Epochs"),
        ("epochs", "2", "Epochs"),
        ("lr", float("nan"), "Learning rate"),
        ("batch_size", 2.5, "Batch size"),
        ("augment", ["none"], "Augmentation"),
        ("device", "tpu", "Device"),
        ("stop_rule", "never", "Stop rule"),
        ("patience", 0, "Patience"),
        ("target_accuracy", 101, "Target accuracy"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: Any, label: str) -> None:
    with pytest.raises(ConfigError, match=f"^{label} must be "):
        page_config(SHOWN | {name: value}, 400)


def test_the_plan_tells_what_the_settings_mean_on_this_data(service: Service, tiny: Splits) -> None:
    source = DataSource(tiny)
    assert plan_sentence(service, source, TrainConfig()) == (
        "2 × 400 images in mini-batches of 4: 200 updates of the weights, a line in the log every 2,000."
    )
    words = plan_sentence(service, source, TrainConfig(epochs=11))
    assert words.endswith("That is more than the 1,000 updates that one run may have here.")


def test_the_plan_tells_ones_share_and_the_time_it_takes_now(service: Service, tiny: Splits) -> None:
    source, config = DataSource(tiny), TrainConfig(epochs=4, batch_size=8)
    assert "yours would get" not in plan_sentence(service, source, config)
    service.store.register(0, WorkerInfo(11, "cpu", "A processor", "", ("cpu",), 0.1, 0.01))
    work = 200 * 0.1 + 4 * 400 * 0.01  # seconds of mini-batches and of images
    workers = service._pool.count
    for going in range(4):
        words = plan_sentence(service, source, config)
        runs = ("No run is active", "1 run is active", "2 runs are active", "3 runs are active")[going]
        others = going // workers  # on the worker that has the fewest
        share = ("a whole core", "half a core", "a third of a core", "a quarter of a core")[others]
        assert words.endswith(f" {runs}: yours would get {share} and take about {duration(work * (1 + others))}.")
        service.start(ANN, CONFIG, tiny)
    for run in service.runs_of(ANN)[:3]:
        write_rows(service.store, run.id, state="paused")
    assert "1 run is active" in plan_sentence(service, source, config)  # those that rest take no part


def test_the_plan_tells_that_the_run_would_be_stopped(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, limits=Limits(minutes=10))
    service.store.register(0, WorkerInfo(11, "cpu", "A processor", "", ("cpu",), 1.0, 0.0))
    source, told = DataSource(tiny), " A run is stopped after 10 minutes of work."
    assert not plan_sentence(service, source, TrainConfig(epochs=6)).endswith(told)
    service.start(ANN, CONFIG, tiny)  # its turns are not counted
    assert not plan_sentence(service, source, TrainConfig(epochs=6)).endswith(told)
    assert plan_sentence(service, source, TrainConfig(epochs=7)).endswith(told)


def test_the_page_tells_the_limits_that_a_visitor_can_meet() -> None:
    limits = Limits(steps=1_234, minutes=56, paused_minutes=78, active_per_owner=3, kept_per_owner=21, days=9)
    words = limits_sentence(limits)
    for said in ("1,234 updates", "56 minutes of work", "paused for 78", "3 runs active", "newest 21 ended", "9 days"):
        assert said in words
