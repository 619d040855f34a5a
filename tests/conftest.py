"""What all tests share: one torch thread, a tiny data set, and the real one where there is one."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from tests.helpers.tiny_data import tiny_splits

if TYPE_CHECKING:
    from cifar_core.net import Net

# Before torch is first imported: one thread, as in every training, because the digits of a sum depend on it.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file on one core; one core has a browser and the other none, while there are tests without.

    A test with a browser waits much and one without computes much, so side by side they fill both cores.
    (pytest-xdist's own --dist loadgroup groups nothing under pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.split("::")[0]

        def _assign_work_unit(self, node: Any) -> None:
            others = [work for other, work in self.assigned_work.items() if other is not node]
            browsing = any(_has_browser(file) and not all(work[file].values()) for work in others for file in work)
            wanted = [file for file in self.workqueue if _has_browser(file) != browsing]
            if wanted:
                self.workqueue.move_to_end(wanted[0], last=False)
            super()._assign_work_unit(node)

    return ByFile(config, log)


def _has_browser(file: str) -> bool:
    return file.startswith("tests/e2e/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked real_data where CIFAR_REAL_DATA names no folder."""
    named = os.environ.get("CIFAR_REAL_DATA", "")
    if named and Path(named).is_dir():
        return
    reason = f"CIFAR_REAL_DATA={named} is no folder" if named else "CIFAR_REAL_DATA names no folder with CIFAR-10"
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name every browser test that passed only when it was run again, and where it had failed."""
    again = {report.nodeid: report for report in terminalreporter.stats.get("rerun", [])}
    if again:
        terminalreporter.section("passed only when run again")
        for name, report in sorted(again.items()):
            crash = getattr(report.longrepr, "reprcrash", None)
            terminalreporter.line(f"{name}: {crash}" if crash else name)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """400 training and 120 test images that pass for CIFAR-10."""
    return tiny_splits(tmp_path_factory.mktemp("tiny"), train=400, test=120)


@pytest.fixture(scope="session")
def trained(tiny: Splits) -> "Net":
    """A Net that has learned the tiny set: nearly all of its test images right."""
    from cifar_core.net import new_net
    from cifar_core.training.loop import train

    net = new_net(3)
    for _ in train(net, tiny.train, TrainConfig(epochs=6, lr=0.002, seed=3)):
        pass
    return net.eval()


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """The folder with the real CIFAR-10, for tests marked real_data."""
    return Path(os.environ["CIFAR_REAL_DATA"])
