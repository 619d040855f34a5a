"""A seeded share of the fuzzer (tests/bench/fuzz.py sends 10,000 requests to a real server)."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cifar_core.data import Splits
from tests.helpers.asgi import ask
from tests.helpers.fuzzing import Attempt, Fuzzer
from tests.helpers.live_page import LivePage
from tests.helpers.runs import ANN, BRIEF, work

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, tiny: Splits) -> Iterator[LivePage]:
    with LivePage(tmp_path_factory.mktemp("fuzzed"), tiny) as live:
        yield live


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_is_sent_breaks_the_page_or_touches_anothers_runs(
    page: LivePage, tiny: Splits, seed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    if not page.service.runs_of(ANN):
        page.service.start(ANN, BRIEF, tiny)
        work(page.service.store)
        page.service.start(ANN, replace(BRIEF, seed=1), tiny)
    ids = [run.id for run in page.service.runs_of(ANN)]
    before = [page.service.snapshot(run) for run in ids]
    config = json.loads(page.ask("GET", "/config").body)
    fuzzer = Fuzzer(config, seed, ids)

    async def send_all() -> list[tuple[int, Attempt]]:
        return [
            ((await ask(page.app, sent.method, sent.path, sent.body, **sent.headers)).status, sent)
            for sent in fuzzer.attempts(50)
        ]

    broken = [(status, sent) for status, sent in page.run(send_all()) if status >= 500]
    page.wait_for(page.is_idle, seconds=60)
    page.pass_time(5)
    page.run(page.sweep())
    page.wait_for(lambda: page.active() == 0, seconds=60)
    assert broken == []
    assert [page.service.snapshot(run) for run in ids] == before
    assert "Traceback" not in (log := capfd.readouterr().err), log[-3000:]
