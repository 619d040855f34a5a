"""How fast training is beside the tutorial's script: python tests/bench/speed.py --data DIR [--quick]

All train the same Net on the same images in the same order, in alternation: the tutorial's script, transcribed as it
stands (images one by one through PIL and transforms, two DataLoader workers); our `train`; and, on the CPU, a run as
the page has it: in a worker process, written into the store and watched. Printed are mini-batches a second, the ratio
to the script in the same round (median, least, most) and the mean loss of the same mini-batches. Without DIR it takes
drawn images; without gradio it leaves the page out.
"""

import argparse
import contextlib
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402
import torchvision  # noqa: E402
from torch import nn, optim  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from cifar_core.config import TrainConfig  # noqa: E402
from cifar_core.data import Splits, open_splits  # noqa: E402
from cifar_core.data.drawn import draw_splits  # noqa: E402
from cifar_core.device import choose_device  # noqa: E402
from cifar_core.net import new_net  # noqa: E402
from cifar_core.training.events import Progress  # noqa: E402
from cifar_core.training.loop import train  # noqa: E402
from cifar_core.training.sampler import EpochSampler  # noqa: E402
from tests.helpers import tutorial  # noqa: E402

WARM = 50
"""mini-batches of 4 (fewer of more) before the clock starts"""
OURS_LONGER = {"cpu": 1, "cuda": 10}
"""how many times more mini-batches ours is given, so that both are timed for seconds"""


@dataclass(frozen=True)
class Timed:
    """What one variant did in one round."""

    speed: float
    """mini-batches a second"""
    loss: float
    """mean of the mini-batches that all variants have in common"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--quick", action="store_true", help="about a minute")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        splits = open_splits(options.data, unverified=True) if options.data else draw_splits(Path(folder), 10_000, 1000)
        print(f"{splits.info.name}: {len(splits.train):,} images")
        print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, Python {platform.python_version()}")
        for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            _table(device, splits, options.quick)


def _table(device: str, splits: Splits, quick: bool) -> None:
    cores = f", {os.cpu_count()} cores" if device == "cpu" else ""
    print(f"\n{choose_device(device).name}{cores}")
    print("| batch | what | mini-batches/s | times the script (least, most) | mean loss |")
    print("| --- | --- | --- | --- | --- |")
    # so few epochs of large batches that a point of the curve covers one or two of them, as the losses are compared
    for batch_size, epochs, lr, steps in ((4, 20, 0.001, 600), (64, 3, 0.02, 120), (512, 10, 0.05, 24)):
        steps = steps // 2 if quick else steps
        config = TrainConfig(epochs=epochs, batch_size=batch_size, lr=lr)
        variants: dict[str, Callable[[TrainConfig, Splits, str, int], Timed]] = {"the script": script, "train": ours}
        if device == "cpu" and _page_can_be_attached():
            variants["train, worker and page"] = attached
        found: dict[str, list[Timed]] = {name: [] for name in variants}
        for _ in range(2 if quick else 5):
            for name, variant in variants.items():
                found[name].append(variant(config, splits, device, steps))
        script_speeds = [timed.speed for timed in found["the script"]]
        for name, rounds in found.items():
            ratios = [timed.speed / base for timed, base in zip(rounds, script_speeds, strict=True)]
            low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
            speed = statistics.median(timed.speed for timed in rounds)
            print(f"| {batch_size} | {name} | {speed:,.0f} | {middle:.1f} ({low:.1f}, {high:.1f}) |", end="")
            print(f" {rounds[-1].loss:.6f} |", flush=True)


def _warm(config: TrainConfig) -> int:
    return max(4, WARM * 4 // config.batch_size)


def script(config: TrainConfig, splits: Splits, device: str, steps: int) -> Timed:
    """The tutorial's loop with its DataLoader, on as many threads as torch takes by itself."""
    torch.set_num_threads(os.cpu_count() or 1)
    net = new_net(config.seed).to(device)
    order = [i for e in range(20) for i in EpochSampler.for_epoch(config, e, len(splits.train)).indices.tolist()]
    trainloader = DataLoader(
        tutorial.Images(splits.train),
        batch_size=config.batch_size,
        sampler=order[: (steps + _warm(config)) * config.batch_size],
        num_workers=2,
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=config.lr, momentum=config.momentum)
    total, begun = 0.0, 0.0
    for i, data in enumerate(trainloader, 0):
        if i == _warm(config):
            begun = time.perf_counter()
        inputs, labels = data[0].to(device), data[1].to(device)
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return Timed(steps / (time.perf_counter() - begun), total / (steps + _warm(config)))


def ours(config: TrainConfig, splits: Splits, device: str, steps: int) -> Timed:
    """`train`, streaming its events, on one thread."""
    torch.set_num_threads(1)
    config = replace(config, report_every=max(1, 2000 // config.batch_size))
    begun, first, total, counted = 0.0, 0, 0.0, 0
    last = _warm(config) + steps
    for event in train(new_net(config.seed), splits.train, config, device=device):
        if not isinstance(event, Progress):
            continue
        if event.step <= last:
            total, counted = total + event.loss * (event.step - counted), event.step
        if not first and event.step >= _warm(config):
            begun, first = time.perf_counter(), event.step
        if event.step >= first + steps * OURS_LONGER[device] and event.step >= last:
            return Timed((event.step - first) / (time.perf_counter() - begun), total / counted)
    raise AssertionError("the training is long enough")


def attached(config: TrainConfig, splits: Splits, device: str, steps: int) -> Timed:
    """A run of the page's: in a worker, with reports, store, checkpoints, validations and a visitor watching."""
    from cifar_core.runs.limits import Limits
    from cifar_core.runs.service import Service
    from demo.tabs.train.run_watch import RunWatch

    with tempfile.TemporaryDirectory() as folder:
        limits = Limits(steps=10**9)
        with Service(Path(folder), workers=1, device=device, limits=limits) as service:
            while not service.workers():
                time.sleep(0.05)
            run = service.start("a visitor's secret key", config, splits)
            watch = RunWatch(service, "a visitor's secret key", run.id)
            first = begun = 0.0
            while True:
                watch.look()
                snapshot = service.snapshot(run.id)
                now = time.perf_counter()
                if not first and snapshot.run.step >= _warm(config):
                    first, begun = snapshot.run.step, now
                if first and now - begun > 1 and snapshot.run.step >= first + 2 * steps:
                    break
                time.sleep(0.15)
            last = _warm(config) + steps
            points = [point for point in snapshot.points if point.step <= last]
            before = [0, *(point.step for point in points)]
            total = sum(p.loss * (p.step - done) for p, done in zip(points, before, strict=False))
            return Timed((snapshot.run.step - first) / (now - begun), total / points[-1].step)


def _page_can_be_attached() -> bool:
    with contextlib.suppress(ImportError):
        import gradio  # noqa: F401

        return True
    return False


if __name__ == "__main__":
    main()
