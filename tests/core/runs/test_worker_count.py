"""How many workers a machine, or a container on it, has room for."""

import os
from pathlib import Path

import pytest

from cifar_core.runs.worker_count import default_count

GB = 1_000_000_000


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 16 cores and 64 GB, as Linux tells about it."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)), raising=False)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal:       62500000 kB\nMemFree:        1 kB\n")
    (tmp_path / "proc/self/cgroup").write_text("0::/outer/inner\n")
    (tmp_path / "sys/fs/cgroup/outer/inner").mkdir(parents=True)
    return tmp_path


def bound(system: Path, file: str, content: object) -> None:
    path = system / "sys/fs/cgroup" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{content}\n")


def test_a_machine_for_itself_has_a_worker_for_each_core_it_may_use(system: Path) -> None:
    assert default_count("auto", system) == 16
    bound(system, "cpu.max", "max 100000")
    bound(system, "memory.max", "max")
    assert default_count("cpu", system) == 16


@pytest.mark.parametrize("group", ["", "outer/", "outer/inner/"])
@pytest.mark.parametrize(("quota", "workers"), [("200000 100000", 2), ("210000 100000", 3), ("50000 100000", 1)])
def test_a_share_of_the_cores_is_rounded_up(system: Path, group: str, quota: str, workers: int) -> None:
    bound(system, f"{group}cpu.max", quota)
    assert default_count("auto", system) == workers


@pytest.mark.parametrize(("memory", "workers"), [(16 * GB, 16), (4 * GB, 5), (2 * GB, 1), (GB // 2, 1)])
def test_there_are_no_more_workers_than_fit_into_the_memory(system: Path, memory: int, workers: int) -> None:
    bound(system, "outer/memory.max", memory)
    assert default_count("auto", system) == workers


def test_bounds_of_the_older_kind_hold_too(system: Path) -> None:
    (system / "proc/self/cgroup").write_text("5:cpu,cpuacct:/\n")
    bound(system, "cpu/cpu.cfs_quota_us", 400_000)
    bound(system, "cpu/cpu.cfs_period_us", 100_000)
    bound(system, "memory/memory.limit_in_bytes", 2**63 - 4096)
    assert default_count("auto", system) == 4
    bound(system, "cpu/cpu.cfs_quota_us", -1)
    bound(system, "memory/memory.limit_in_bytes", 3 * GB)
    assert default_count("auto", system) == 3


def test_a_gpu_has_one_worker(system: Path) -> None:
    (system / "dev").mkdir()
    (system / "dev/nvidia0").touch()
    assert default_count("auto", system) == default_count("cuda", system) == default_count("mps", system) == 1
    assert default_count("cpu", system) == 16
