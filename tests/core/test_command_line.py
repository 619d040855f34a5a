"""The command line: the tutorial's lines, one sentence for bad input, and an interrupted training that goes on."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.__main__ import main
from cifar_core.config import CLASSES, FIELDS, TrainConfig
from cifar_core.data import Splits, open_splits
from cifar_core.device import available, choose_device
from cifar_core.errors import DeviceError
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.mistakes import prepare_for
from cifar_core.net import load_net, new_net, save_weights
from cifar_core.teach.notebook import notebook_of
from cifar_core.teach.script import script_of
from cifar_core.training.loop import train
from cifar_core.training.presets import PRESETS
from tests.helpers import tutorial
from tests.helpers.tiny_data import draw, write_archive

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of 200 training and 40 test images, whose md5 sums are not the official ones."""
    return write_archive(tmp_path_factory.mktemp("archive"), train=200, test=40)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "first.pth"
    save_weights(new_net(0).state_dict(), path)
    return path


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def train_arguments(archive: Path, out: Path, *more: str) -> list[str]:
    common = ["--unverified", "--device", "cpu", "--epochs", "2", "--report-every", "20", "--seed", "5"]
    return ["train", "--data", str(archive), "--out", str(out), *common, *more]


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one sentence on stderr with which a command is refused."""
    assert main(list(map(str, arguments))) == 2
    out, err = capsys.readouterr()
    assert err.startswith("cifar_core: ") and err.endswith(".\n") and err.count("\n") == 1
    return err.removeprefix("cifar_core: ").strip()


# ---------------------------------------------------------------------------------------------------------- train


def test_train_prints_the_tutorials_lines_and_saves_weights_that_its_own_line_loads(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train_arguments(archive, tmp_path / "net.pth")) == 0
    out, err = capsys.readouterr()
    first, *lines = out.splitlines()
    assert first.startswith("Training on ") and "(cpu). It was requested." in first
    assert [line.split("loss")[0] for line in lines[:4]] == ["[1,    20] ", "[1,    40] ", "[2,    20] ", "[2,    40] "]
    assert all(re.fullmatch(r"\[\d, {4}\d\d\] loss: \d\.\d{3}", line) for line in lines[:4])
    assert lines[4] == "Finished Training"

    net = tutorial.Net()
    net.load_state_dict(torch.load(tmp_path / "net.pth"))
    correct, total = tutorial.evaluate(net, open_splits(archive, unverified=True).test)
    assert lines[5] == "Accuracy of the network on the %d test images: %d %%" % (total, 100 * correct / total)  # noqa: UP031
    assert len(lines) == 16
    for name, line in zip(CLASSES, lines[6:], strict=True):
        assert re.fullmatch(rf"Accuracy of {name:>5} : [ \d]{{1,2}}\d %", line)
    assert err == ""
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


def test_train_gives_the_weights_that_the_training_in_a_notebook_gives(archive: Path, tmp_path: Path) -> None:
    options = ["--lr", "0.01", "--momentum", "0.5", "--weight-decay", "0.001", "--batch-size", "10"]
    options += ["--augment", "flip_shift", "--schedule", "one_cycle"]
    assert main(train_arguments(archive, tmp_path / "net.pth", *options)) == 0
    config = TrainConfig(
        lr=0.01, momentum=0.5, weight_decay=0.001, batch_size=10, augment="flip_shift", schedule="one_cycle", seed=5
    )
    net = new_net(5)
    for _ in train(net, open_splits(archive, unverified=True).train, config):
        pass
    assert_same(load_net(tmp_path / "net.pth"), net)


def test_a_preset_can_be_named_and_single_settings_changed_beside_it(archive: Path, tmp_path: Path) -> None:
    options = ["--preset", "quick", "--epochs", "1", "--lr", "0.02"]
    assert main(train_arguments(archive, tmp_path / "net.pth", *options)) == 0
    net, config = new_net(5), PRESETS["quick"].config.changed({"epochs": 1, "lr": 0.02, "seed": 5})
    for _ in train(net, open_splits(archive, unverified=True).train, config):
        pass
    assert_same(load_net(tmp_path / "net.pth"), net)


def test_json_gives_one_event_a_line(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(train_arguments(archive, tmp_path / "net.pth", "--json")) == 0
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "started" and names[-2:] == ["finished", "evaluated"]
    assert names.count("progress") == 100 and names.count("reported") == 4
    assert events[0] == {"event": "started", "steps": 100, "step": 0}
    assert events[-2] == {"event": "finished", "reason": "done", "step": 100}
    reported = next(event for event in events if event["event"] == "reported")
    assert {"step": 20, "epoch": 1, "batch": 20}.items() <= reported.items() and reported["loss"] > 0
    assert list(events[-1]["classes"]) == list(CLASSES) and 0 <= events[-1]["accuracy"] <= 1
    assert err == ""


def test_every_setting_is_an_option_with_the_tutorials_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["train", "--help"])
    assert end.value.code == 0
    letters = "".join(capsys.readouterr().out.split())  # the lines may be broken anywhere
    for field in fields(TrainConfig):
        about = f"{FIELDS[field.name].help} Default: {field.default}"
        assert f"--{field.name.replace('_', '-')}" in letters and "".join(about.split()) in letters, field.name


def test_a_diverged_training_is_one_sentence_and_writes_no_weights(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--lr", "1", "--momentum", "0.999", "--weight-decay", "0.1"]
    assert main(train_arguments(archive, tmp_path / "net.pth", *options)) == 2
    err = capsys.readouterr().err
    assert err.startswith("cifar_core: The loss is no longer a finite number") and err.count("\n") == 1
    assert not (tmp_path / "net.pth").exists()


def test_a_training_gives_the_terminal_its_interrupt_back(archive: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert main(train_arguments(archive, tmp_path / "net.pth", "--epochs", "1")) == 0
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--lr", "99"], "Learning rate must be a number from 1e-06 to 1; 99.0 is not."),
        (["--epochs", "9" * 400], f"Epochs must be a whole number from 1 to 200; {'9' * 40} is not."),
        (["--device", "tpu"], "Device must be one of auto, cpu, cuda, mps; 'tpu' is none of them."),
    ],
    ids=lambda value: " ".join(value)[:14] if isinstance(value, list) else "",
)
def test_a_setting_out_of_its_bounds_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert complaint(capsys, "train", "--data", "nowhere", "--out", "net.pth", *options) == sentence


@pytest.mark.parametrize("options", [["--lr", "abc"], ["--epochs", "2.5"], ["--colour", "red"], []], ids=" ".join)
def test_what_the_parser_cannot_read_ends_with_status_2(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["train", "--data", "nowhere", *(["--out", "net.pth"] if options else []), *options])
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith("python -m cifar_core") and ": error: " in err and "Traceback" not in err


def test_data_that_is_not_there_is_refused(archive: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["train", "--out", "net.pth", "--device", "cpu"], ["evaluate", str(weights), "--device", "cpu"]):
        assert "There is no folder nowhere." in complaint(capsys, *command, "--data", "nowhere")
        assert "There is no folder data." in complaint(capsys, *command)
        assert "md5 sums" in complaint(capsys, *command, "--data", archive)


def test_cifar_data_names_the_folder_if_no_option_does(
    archive: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CIFAR_DATA", str(archive))
    assert main(["evaluate", str(weights), "--unverified", "--device", "cpu"]) == 0
    assert "on the 40 test images" in capsys.readouterr().out


def test_a_device_that_is_not_there_is_refused(
    archive: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    train_command = train_arguments(archive, Path("net.pth"))
    evaluate_command = ["evaluate", "--data", str(archive), "--unverified", str(weights)]
    for command in (train_command, evaluate_command):
        for device, fact in (("cuda", "There is no CUDA GPU: "), ("mps", "There is no Apple GPU (mps): ")):
            sentence = complaint(capsys, *command, "--device", device)
            assert sentence.startswith(fact) and sentence.endswith(" Use --device auto or cpu.")
    assert complaint(capsys, *evaluate_command, "--device", "tpu").startswith("The device must be one of auto, cpu, ")
    assert available() == ("cpu",)
    found = choose_device("auto")
    assert found.kind == "cpu" and found.name and found.reason.startswith("No GPU can be used: ")


def test_float16_on_a_cpu_is_refused_before_anything_is_trained(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*train_arguments(archive, tmp_path / "net.pth"), "--device", "cpu", "--precision", "float16"]
    assert complaint(capsys, *command) == (
        "A CPU computes up to fifty times more slowly in float16 than in float32; take float32 or bfloat16."
    )


def test_a_gpu_is_taken_if_there_is_one_and_the_cpu_if_it_was_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "GeForce GTX 1070")
    found = choose_device()
    assert (found.kind, found.name) == ("cuda", "GeForce GTX 1070") and "is True" in found.reason
    assert choose_device("cpu").kind == "cpu" and choose_device("cpu").reason == "It was requested."
    assert available()[:2] == ("cpu", "cuda")
    with pytest.raises(DeviceError, match="must be one of"):
        choose_device("gpu")


def test_weights_that_could_not_be_written_are_refused_before_the_training(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for out in (tmp_path / "missing" / "net.pth", tmp_path):
        assert complaint(capsys, *train_arguments(archive, out)) == (
            f"The weights cannot be written to {out}: name a file in a folder that exists."
        )


def test_a_mistake_is_made_here_as_on_the_page(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    splits = open_splits(archive, unverified=True)
    for mistake in ("test_data", "no_normalize"):
        out = tmp_path / f"{mistake}.pth"
        assert main(train_arguments(archive, out, "--lr", "0.01", "--mistake", mistake, "--report-every", "5")) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len([line for line in lines if line.startswith("[1,")]) == (2 if mistake == "test_data" else 10)
        found = evaluate(load_net(out), splits.test, prepare=prepare_for(TrainConfig(mistake=mistake)))
        assert f"test images: {100 * found.correct // 40} %" in lines[-11]
    assert found.correct != evaluate(load_net(out), splits.test).correct


def test_a_receipt_that_could_not_be_made_is_refused_before_the_training(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*train_arguments(archive, tmp_path / "net.pth"), "--receipt"]
    place = tmp_path / "missing" / "receipt.json"
    assert complaint(capsys, *arguments, place) == (
        f"The receipt cannot be written to {place}: name a file in a folder that exists."
    )
    assert complaint(capsys, *arguments, tmp_path / "receipt.json", "--resume", "net.pth.checkpoint") == (
        "A receipt is about a whole training; leave out --resume or --receipt."
    )


# --------------------------------------------------------------------------------------------------------- export


def test_export_writes_the_script_or_the_notebook_of_the_settings(archive: Path, tmp_path: Path) -> None:
    settings = ["--preset", "quick", "--epochs", "1", "--seed", "5"]
    config = PRESETS["quick"].config.changed({"epochs": 1, "seed": 5})
    script, notebook = tmp_path / "run.py", tmp_path / "run.ipynb"
    assert main(["export", *settings, "--out", str(script)]) == 0
    assert script.read_text() == script_of(config) and "download=True" in script.read_text()
    assert main(["export", *settings, "--data", str(archive), "--unverified", "--out", str(notebook)]) == 0
    assert notebook.read_text() == notebook_of(script_of(config, data="repacked"))


def test_export_names_what_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "export", "--out", "run.txt") == (
        "run.txt must end with .py for a script or with .ipynb for a notebook."
    )
    assert "run.py cannot be written (No such file" in complaint(capsys, "export", "--out", "missing/run.py")
    assert "There is no folder nowhere." in complaint(capsys, "export", "--data", "nowhere", "--out", "run.py")
    assert "Learning rate must be" in complaint(capsys, "export", "--lr", "99", "--out", "run.py")


# ------------------------------------------------------------------------------------- evaluate, classify, resume


def test_evaluate_prints_the_tutorials_count(archive: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--data", str(archive), "--unverified", "--device", "cpu", str(weights)]) == 0
    first, *classes = capsys.readouterr().out.splitlines()
    found = evaluate(new_net(0), open_splits(archive, unverified=True).test)
    assert first == f"Accuracy of the network on the 40 test images: {100 * found.correct // 40} %"
    assert [line.split()[2] for line in classes] == list(CLASSES)


def test_the_accuracy_is_cut_as_the_tutorial_cuts_it(
    archive: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # 100 times the float 0.29 is a little less than 29, and would be cut to 28
    labels, predictions = np.repeat([0, 0, 1, 1], (27, 70, 1, 2)), np.repeat([0, 1, 0, 1], (27, 70, 1, 2))
    found = Evaluation(np.eye(10, dtype=np.float32)[predictions], labels, CLASSES)
    monkeypatch.setattr("cifar_core.evaluate.evaluate", lambda net, image_set, device: found)
    assert main(["evaluate", "--data", str(archive), "--unverified", "--device", "cpu", str(weights)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "Accuracy of the network on the 100 test images: 29 %",
        "Accuracy of plane : 27 %",
        "Accuracy of   car : 66 %",
        "Accuracy of  bird : no test images",
    ]


def test_classify_prints_one_line_per_image(tiny: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, images = tmp_path / "net.pth", [tmp_path / f"{name}.png" for name in ("one", "two", "three")]
    save_weights(new_net(1).state_dict(), weights)
    for path, image in zip(images, draw(np.arange(3)), strict=True):
        Image.fromarray(image).resize((64, 48)).save(path)
    assert main(["classify", str(weights), *map(str, images)]) == 0
    lines = capsys.readouterr().out.splitlines()
    score = rf"(?:{'|'.join(CLASSES)}) \d+\.\d %"
    for path, line in zip(images, lines, strict=True):
        match = re.fullmatch(rf"{re.escape(str(path))}: (\w+) \(({score}), {score}, {score}\)", line)
        assert match and match[2].startswith(match[1])


def test_a_file_that_is_no_image_is_named(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    sentence = complaint(capsys, "classify", weights, tmp_path / "notes.png")
    assert sentence.startswith(f"{tmp_path / 'notes.png'}: This file is not an image")
    assert "missing.png: There is no such image file" in complaint(capsys, "classify", weights, "missing.png")


def test_weights_of_another_shape_are_refused(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.pth"
    torch.save(torch.nn.Linear(3, 4).state_dict(), other)
    data = ["--data", str(archive), "--unverified", "--device", "cpu"]
    assert "belong to another network" in complaint(capsys, "evaluate", *data, other)
    assert "belong to another network" in complaint(capsys, "classify", other, "picture.png")
    assert "no checkpoint of this Net" in complaint(
        capsys, *train_arguments(archive, Path("net.pth")), "--resume", other
    )
    assert "missing.pth cannot be read" in complaint(capsys, "evaluate", *data, "missing.pth")


def test_an_interrupted_training_saves_a_checkpoint_and_continues_as_if_nothing_had_happened(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, checkpoint = tmp_path / "net.pth", tmp_path / "net.pth.checkpoint"
    # 450 steps of two lines each are more than a pipe holds, so the training cannot end before it is interrupted
    options = ["--epochs", "9", "--report-every", "1", "--augment", "flip_shift"]
    arguments = train_arguments(archive, out, *options)
    process = subprocess.Popen(
        [sys.executable, "-m", "cifar_core", *arguments, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    with process, process.stdout, process.stderr:
        assert '"started"' in process.stdout.readline() and '"reported"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, err = process.stdout.read(), process.stderr.read()
    assert process.returncode == 130
    last = json.loads(rest.splitlines()[-1])
    assert last["event"] == "finished" and last["reason"] == "stopped" and 1 <= last["step"] < 450
    assert (
        err == f"Interrupted after {last['step']:,} steps. Continue with the same options and --resume {checkpoint}\n"
    )
    assert checkpoint.exists() and not out.exists()

    assert main([*arguments, "--resume", str(checkpoint)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert len(lines) == 450 - last["step"]
    whole = tmp_path / "whole.pth"
    assert main(train_arguments(archive, whole, *options)) == 0
    assert_same(load_net(out), load_net(whole))


def test_without_a_command_the_program_shows_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m cifar_core [-h] command")


def test_bad_input_to_the_program_itself_is_status_2_and_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cifar_core", "train", "--data", str(tmp_path), "--out", "net.pth", "--lr", "99"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "cifar_core: Learning rate must be a number from 1e-06 to 1; 99.0 is not.\n"


def assert_same(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for name, weight in other.state_dict().items():
        assert torch.equal(one.state_dict()[name], weight), name
