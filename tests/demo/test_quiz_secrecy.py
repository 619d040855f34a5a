"""A quiz of the Lab gives its answer away at no door of the page before it is solved, and at each of them after."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import RunError
from cifar_core.mistakes import MISTAKES
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.endpoints import Endpoints
from demo.tabs.code.handlers import Code
from demo.tabs.my_runs.take_home import take_home
from demo.tabs.my_runs.view import comparison_html, list_html, snapshots_of
from tests.helpers.runs import ANN, BRIEF, NO_LIMITS, work

MISTAKE = "softmax"
WORDS = (MISTAKE, MISTAKES[MISTAKE].label.lower())


def test_no_page_and_no_endpoint_gives_an_open_quiz_away(tmp_path: Path, tiny: Splits) -> None:
    service, source = Service(tmp_path / "runs", workers=1, limits=NO_LIMITS), DataSource(tiny)
    nets = NetRegistry(service, source)
    baseline, faulty = service.start_pair(ANN, replace(BRIEF, seed=1), MISTAKE, tiny, quiz=True)
    work(service.store)
    endpoints, code, ids = Endpoints(service, source, nets), Code(nets), [baseline.id, faulty.id]
    shown: list[Callable[[], Any]] = [
        lambda: endpoints.snapshot(faulty.id),
        lambda: endpoints.stop(faulty.id, ANN),
        lambda: list_html([service.snapshot(run.id) for run in service.runs_of(ANN)]),
        lambda: comparison_html(snapshots_of(service, ANN, ids)),
    ]
    refused: list[Callable[[], Any]] = [
        lambda: code.script(faulty.id, ()),
        lambda: code.file("py", faulty.id, ()),
        lambda: code.file("json", faulty.id, ()),
        lambda: code.receipt(faulty.id),
        lambda: take_home(service, ANN, faulty.id),
    ]
    for door in shown:
        assert not any(word in str(door()).lower() for word in WORDS)
    for door in refused:
        with pytest.raises(RunError, match="unsolved quiz"):
            door()
    assert not any(word in str(code.choices(ANN)).lower() for word in WORDS)
    assert code.script(baseline.id, ())  # of the baseline there is no secret

    service.solve(ANN, faulty.id)
    for door in shown:
        assert any(word in str(door()).lower() for word in WORDS)
    for door in refused:
        assert door()
