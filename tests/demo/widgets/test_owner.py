"""The key of a run's owner."""

from pathlib import Path
from typing import Any

from cifar_core.data import Splits
from cifar_core.runs.service import Service
from demo.widgets.owner import owner_key_of
from tests.helpers.run_steps import ANN, CONFIG


def test_a_browser_keeps_its_owner_key_and_a_new_one_is_unguessable(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs")
    assert owner_key_of(ANN) == ANN
    useless: tuple[Any, ...] = (None, "", "short", "x" * 101, 7, ["x"] * 20, "\ud800" * 20, "\u00e9" * 20)
    new = {owner_key_of(stored) for stored in useless}
    assert len(new) == 8 and all(len(key) >= 32 for key in new)
    for key in new:
        assert service.start(key, CONFIG, tiny).active
