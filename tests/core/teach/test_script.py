"""The script of a run, done with plain python, prints the run's very lines and gives its very weights."""

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_core.__main__ import main
from cifar_core.commands import report_accuracy
from cifar_core.config import TrainConfig
from cifar_core.data import Splits, open_splits
from cifar_core.data.image_set import DatasetInfo
from cifar_core.errors import ConfigError
from cifar_core.evaluate import evaluate
from cifar_core.mistakes import MISTAKES, prepare_for, training_images
from cifar_core.net import new_net
from cifar_core.runs.records import Snapshot, new_run
from cifar_core.teach.script import command_of, data_kind, script_of, script_of_run
from cifar_core.training.control import Change, Control
from cifar_core.training.events import Changed, Finished, Progress, Reported
from cifar_core.training.loop import train
from cifar_core.training.progress import VALIDATION_IMAGES
from tests.helpers.pairwise import pairwise
from tests.helpers.tiny_data import write_archive, write_folders

TUTORIAL = TrainConfig(report_every=10, device="cpu")
MIXED = replace(
    TUTORIAL,
    epochs=3,
    batch_size=6,
    lr=0.02,
    weight_decay=0.01,
    label_smoothing=0.1,
    augment="flip_shift",
    schedule="one_cycle",
)
PLAIN_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@dataclass(frozen=True)
class Case:
    """One run to be told as a script."""

    config: TrainConfig
    changes: tuple[Change, ...] = ()
    stop: int | None = None
    source: str = "repacked"
    ended: str = "done"


CASES = {
    "batch and seed": Case(replace(TUTORIAL, batch_size=16, lr=0.01, momentum=0.5, seed=7, report_every=3)),
    "all arts": Case(MIXED),
    "no momentum": Case(replace(TUTORIAL, momentum=0.0, report_every=1, epochs=1)),
    "changes": Case(
        TUTORIAL,
        (Change("lr", 0.01, 7), Change("batch_size", 16, 21), Change("momentum", 0.5, 30), Change("batch_size", 3, 40)),
    ),
    "changes of a mixed one": Case(
        replace(MIXED, mistake="lr_ten", lr=0.002), (Change("lr", 0.001, 10), Change("batch_size", 4, 10))
    ),
    "a change of the rate": Case(replace(TUTORIAL, mistake="lr_ten"), (Change("lr", 0.002, 0), Change("lr", 3e-4, 55))),
    "stopped in an epoch": Case(TUTORIAL, stop=33, ended="stopped"),
    "stopped after an epoch": Case(TUTORIAL, (Change("lr", 0.1, 50),), stop=50, ended="stopped"),
    "stopped at once": Case(TUTORIAL, stop=0, ended="stopped"),
    "patience": Case(replace(TUTORIAL, report_every=2, stop_rule="patience", patience=3), ended="no_better"),
    "accuracy": Case(
        replace(TUTORIAL, epochs=200, batch_size=1, report_every=70, stop_rule="accuracy", target_accuracy=50),
        ended="reached",
    ),
    "accuracy, changed": Case(
        replace(TUTORIAL, lr=0.005, epochs=9, batch_size=20, stop_rule="accuracy", target_accuracy=25, report_every=4),
        (Change("batch_size", 3, 12),),
        ended="reached",
    ),
    "bfloat16": Case(replace(TUTORIAL, precision="bfloat16")),
    "float16": Case(replace(TUTORIAL, precision="float16", batch_size=10, lr=0.01, report_every=5)),
    "diverged": Case(replace(TUTORIAL, lr=1.0, momentum=0.999, weight_decay=0.1, report_every=1), ended="diverged"),
    "no shuffling, moved": Case(replace(TUTORIAL, augment="flip_shift", mistake="no_shuffle")),
    "probed without Normalize": Case(
        replace(TUTORIAL, lr=0.005, mistake="no_normalize", stop_rule="accuracy", target_accuracy=15), ended="reached"
    ),
    "folders": Case(TUTORIAL, source="folders"),
    "three folders": Case(replace(TUTORIAL, mistake="test_data", epochs=9), source="three folders"),
    **{mistake: Case(replace(TUTORIAL, mistake=mistake)) for mistake in MISTAKES},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Splits]:
    """An archive of 200 training and 40 test images with other md5 sums, and folders of pictures."""
    folder = tmp_path_factory.mktemp("data")
    write_archive(folder / "repacked", train=200, test=40)
    write_folders(folder / "folders", ("cat", "dog"), 30, 10)
    write_folders(folder / "three folders", ("apple", 'a "pear"', "plum"), 30, 10)
    return {name: open_splits(folder / name, unverified=True) for name in ("repacked", "folders", "three folders")}


def prepare(place: Path, script: str, splits: Splits) -> None:
    """A folder in which somebody runs the script: it holds the script and the data."""
    place.mkdir()
    (place / "script.py").write_text(script)
    if splits.info.kind == "archive":
        (place / "data").symlink_to(splits.info.root)
    else:
        shutil.copytree(splits.folder, place / "images")


RUNNER = """
import contextlib, os, runpy, sys, torch
usual = torch.get_num_threads()
for place in sys.argv[1:]:
    torch.set_num_threads(usual)
    torch.backends.mkldnn.enabled = True
    torch.manual_seed(99)
    os.chdir(place)
    with open("printed.txt", "w") as printed, contextlib.redirect_stdout(printed):
        try:
            runpy.run_path("script.py", run_name="__main__")
        except SystemExit as end:
            print(end)
assert "cifar_core" not in sys.modules
"""
"""runs scripts one after the other, each with torch as a fresh process has it; to load torch costs seconds"""


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory, data: dict[str, Splits]) -> Path:
    """A folder for each case, in which its script has been run; the first in a process that had done nothing else."""
    folder = tmp_path_factory.mktemp("home")
    prepare(folder / "the command", script_of(replace(TUTORIAL, device="auto"), data="repacked"), data["repacked"])
    for name, case in CASES.items():
        splits = data[case.source]
        script = script_of(
            case.config,
            changes=case.changes,
            last_step=case.stop,
            diverged=case.ended == "diverged",
            data=data_kind(splits.info),
            classes=splits.train.classes,
        )
        prepare(folder / name, script, splits)
    places = [str(folder / name) for name in ("the command", *CASES)]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, *places], cwd=folder, env=PLAIN_ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder


def the_run(case: Case, splits: Splits, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], dict[str, Any], int]:
    """What our own training prints, the weights it gives, and its last step."""
    config, control = case.config, Control(changes=list(case.changes), stop=case.stop == 0)
    net = new_net(config.seed)
    probe = splits.test.sample(VALIDATION_IMAGES)
    lines = []
    for event in train(net, training_images(config, splits), config, control=control, validation=probe):
        if isinstance(event, Reported):
            lines.append(event.line)
        if isinstance(event, Progress) and event.step == case.stop:
            control.stop = True
    assert isinstance(event, Finished) and event.reason == case.ended
    if event.reason == "diverged":
        return lines, {}, event.step
    report_accuracy(evaluate(net, splits.test, prepare=prepare_for(config)))
    return [*lines, "Finished Training", *capsys.readouterr().out.splitlines()], net.state_dict(), event.step


@pytest.mark.parametrize("name", CASES)
def test_the_script_prints_what_the_run_prints_and_gives_its_weights_bit_for_bit(
    name: str, at_home: Path, data: dict[str, Splits], capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    lines, weights, last = the_run(case, data[case.source], capsys)
    printed = (at_home / name / "printed.txt").read_text().splitlines()
    if case.ended == "diverged":
        assert printed == [*lines, "The loss is no longer a finite number: here the run ended."] and len(lines) > 1
        assert not (at_home / name / "cifar_net.pth").exists()
        return
    assert printed == lines
    assert len(lines) > 13 or case.ended == "reached" or case.stop == 0 or case.source == "three folders"
    count = len(training_images(case.config, data[case.source]))
    if case.ended in ("no_better", "reached"):
        assert 2 < last < case.config.steps(count), "the rule was put to the test"
    saved = torch.load(at_home / name / "cifar_net.pth")
    assert list(saved) == list(weights) and all(torch.equal(saved[key], weights[key]) for key in weights)


def test_the_tutorials_script_prints_what_the_command_prints(
    tmp_path: Path, at_home: Path, data: dict[str, Splits], capsys: pytest.CaptureFixture[str]
) -> None:
    root = data["repacked"].info.root
    train_command = ["train", "--data", root, "--unverified", "--device", "cpu", "--report-every", "10"]
    assert main([*train_command, "--out", str(tmp_path / "net.pth")]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    home = at_home / "the command"
    assert (home / "printed.txt").read_text().splitlines() == lines and len(lines) == 10 + 1 + 11
    ours, theirs = torch.load(tmp_path / "net.pth"), torch.load(home / "cifar_net.pth")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


# ------------------------------------------------------------------------------------------------------- the text


CHANGES = (Change("lr", 1e-06, 3), Change("momentum", 0.123, 3), Change("batch_size", 7, 40_000))
KINDS: dict[str, tuple[Any, ...]] = {
    "mistake": ("none", *MISTAKES),
    "stop_rule": ("none", "patience", "accuracy"),
    "schedule": ("constant", "one_cycle"),
    "augment": ("none", "flip_shift"),
    "precision": ("float32", "bfloat16", "float16"),
    "device": ("auto", "mps", "cpu"),
    "weight_decay": (0.0, 0.000123),
    "batch_size": (4, 1024),
    "changes": ((), CHANGES[:2], CHANGES),
    "last_step": (None, 123_456),
    "diverged": (False, True),
    "source": ("official", "repacked", "images"),
}
"""everything that changes the code of a script"""


def every_kind() -> list[str]:
    """Return scripts in which every two of these stand together, wherever they can."""
    scripts = []
    for kind in pairwise(KINDS):
        how = {name: kind.pop(name) for name in ("changes", "last_step", "diverged")}
        data = data_kind(ABOUT[kind.pop("source")])
        if kind["mistake"] == "no_zero_grad" and kind["precision"] == "float16":  # these two cannot
            kind["precision"] = "float32"
        config = TrainConfig(seed=999_999, epochs=200, report_every=100_000, **kind)
        scripts.append(script_of(config, data=data, **how))
    assert len(set(scripts)) > 30
    return scripts


ABOUT = {
    "official": DatasetInfo("CIFAR-10", "archive", True, "", ""),
    "repacked": DatasetInfo("CIFAR-10", "archive", False, "", ""),
    "images": DatasetInfo("Drawn images", "drawn", False, "", ""),
}


def test_every_script_can_be_compiled_for_python_3_10_and_fits_on_a_page_of_100_columns() -> None:
    for script in every_kind():
        ast.parse(script, feature_version=(3, 10))
        compile(script, "script.py", "exec")
        long = [line for line in script.splitlines() if len(line) > 100]
        assert not long
        assert not [line for line in script.splitlines() if line != line.rstrip()]
        assert "cifar_core" not in script.replace(".cifar_core", "")


def test_only_what_the_settings_need_stands_in_the_script() -> None:
    script = script_of(TrainConfig())
    for word in (
        "step =",
        "import sys",
        "math",
        "numpy",
        "autocast",
        "flip",
        "mistake",
        "label_smoothing",
        "weight_decay",
    ):
        assert word not in script, word
    assert 'CIFAR10(\n    root="./data", train=True, download=True, transform=transform\n)' in script
    assert "optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.9, fused=True)\n" in script
    assert "mkldnn" not in script_of(TrainConfig(batch_size=5)) and "mkldnn" in script
    assert "GPU" in script and "GPU" not in script_of(TrainConfig(device="cpu"))
    assert len(script.splitlines()) < 130


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_marked_and_is_all_that_is_unlike_the_healthy_script(mistake: str) -> None:
    healthy = script_of(TrainConfig()).split()
    script = script_of(TrainConfig(mistake=mistake))
    assert script.count("# <- the mistake") == 1 and "mistake" not in "".join(healthy)
    lines = set(script.splitlines()) - set(script_of(TrainConfig()).splitlines())
    assert any("# <- the mistake" in line for line in lines) and len(lines) <= 7


@pytest.mark.parametrize(
    "name", ["x" * 255, '"; import os #', "'''\"\"\"\\", "日本" * 40, "a\nb", "\udcff"], ids=["long", *"abcde"]
)
def test_a_class_may_have_any_name(name: str) -> None:
    script = script_of(TrainConfig(), classes=(name, "cat"), data="images")
    tree = ast.parse(script)
    (given,) = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "classes"
    ]
    assert ast.literal_eval(given.value) == (name, "cat")
    assert max(map(len, script.splitlines())) <= 100


def test_what_cannot_be_repeated_is_told() -> None:
    mark = [Changed(100, 400, "epochs", 5, 500)]
    assert script_of(TrainConfig(epochs=5), changes=mark) == script_of(TrainConfig(epochs=5))
    with pytest.raises(ConfigError, match="then trained on with another plan"):
        script_of(TrainConfig(epochs=5, schedule="one_cycle"), changes=mark)
    with pytest.raises(ConfigError, match="Only lr, momentum, batch_size can change"):
        script_of(TrainConfig(), changes=[Change("seed", 5, 5)])
    with pytest.raises(ConfigError, match="Learning rate must be"):
        script_of(TrainConfig(), changes=[Change("lr", 5.0, 5)])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"state": "running", "step": 30}, {}),
        ({"state": "done", "step": 30}, {}),
        ({"state": "stopped", "step": 30}, {"last_step": 30}),
        ({"state": "testing", "ending": "stopped", "step": 30}, {"last_step": 30}),
        ({"state": "diverged", "step": 30}, {"diverged": True}),
    ],
)
def test_a_run_of_the_page_is_told_as_it_ended(tiny: Splits, values: dict[str, Any], expected: dict[str, Any]) -> None:
    run = replace(new_run("a", TrainConfig(seed=4), tiny.folder, 400, 0), **values)
    changes = (Changed(20, 80, "lr", 0.5, 200),)
    snapshot = Snapshot(run, (), (), None, (), changes)
    assert script_of_run(snapshot, tiny) == script_of(TrainConfig(seed=4), changes=changes, **expected)


def test_the_command_names_what_is_not_the_tutorials() -> None:
    assert command_of(TrainConfig()) == "python -m cifar_core train --data DIR --out net.pth"
    config = TrainConfig(lr=1e-05, batch_size=64, augment="flip_shift", report_every=50, seed=3)
    assert command_of(config) == (
        "python -m cifar_core train --data DIR --out net.pth "
        "--batch-size 64 --lr 1e-05 --seed 3 --report-every 50 --augment flip_shift"
    )
