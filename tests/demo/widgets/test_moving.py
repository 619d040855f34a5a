"""An owner's key moves to another device by a code: once, soon, and only to where nothing is lost."""

from pathlib import Path

import pytest

from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.runs.service import Service
from demo.widgets.moving import RUNS_HERE, USED, WELCOME, MovingKeys
from tests.helpers.run_steps import ANN, BOB, CONFIG


class Clock:
    """Stands still until it is moved."""

    now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def service(tmp_path: Path, tiny: Splits) -> Service:
    """Without workers; Ann has a run, and Bob another."""
    service = Service(tmp_path / "runs", workers=1)
    for owner in (ANN, BOB):
        service.start(owner, CONFIG, tiny)
    return service


def test_a_code_brings_its_key_once_and_is_not_the_key(service: Service) -> None:
    moving = MovingKeys(service)
    code = moving.leave(ANN)
    assert ANN not in code and len(code) > 20 and code.isascii()
    assert moving.key_for(None, code) == (ANN, WELCOME)
    key, notice = moving.key_for(None, code)
    assert key not in (ANN, "") and notice == USED


@pytest.mark.parametrize(("minutes", "good"), [(9.9, True), (10, False)])
def test_a_code_is_good_for_ten_minutes(service: Service, minutes: float, good: bool) -> None:
    clock = Clock()
    moving = MovingKeys(service, clock)
    code = moving.leave(ANN)
    clock.now += 60 * minutes
    assert (moving.key_for(None, code)[0] == ANN) == good


def test_a_second_code_takes_the_place_of_the_first(service: Service) -> None:
    moving = MovingKeys(service)
    first, bobs, second = moving.leave(ANN), moving.leave(BOB), moving.leave(ANN)
    assert moving.key_for(None, first)[1] == USED
    assert moving.key_for(None, second)[0] == ANN and moving.key_for(None, bobs)[0] == BOB


def test_no_code_takes_a_browsers_own_runs_away_and_the_code_stays_good(service: Service) -> None:
    moving = MovingKeys(service)
    code = moving.leave(ANN)
    assert moving.key_for(BOB, code) == (BOB, RUNS_HERE)
    assert moving.key_for("a key that has no runs", code) == (ANN, WELCOME)


def test_without_a_code_a_browser_keeps_its_key(service: Service) -> None:
    assert MovingKeys(service).key_for(ANN, "") == (ANN, "")
    assert MovingKeys(service).key_for(None, "made up")[1] == USED


def test_who_has_no_runs_gets_no_code(service: Service) -> None:
    moving = MovingKeys(service)
    for number in range(5):
        with pytest.raises(RunError, match="no runs yet"):
            moving.leave(f"key {number}" * 4)
    assert moving._waiting == {}
