"""The zip of a run: everything that is known of it, readable with nothing but Python and torch."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.net import new_net, save_weights
from cifar_core.runs.bundle import bundle
from cifar_core.runs.records import Point, Run, TestResult, new_run
from cifar_core.runs.service import Service
from cifar_core.runs.store import Store
from cifar_core.training.events import Changed, Reported, Validated
from tests.helpers.runs import ANN, BOB, write_rows

CONFIG = TrainConfig(lr=0.01, seed=7)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def a_run(store: Store, data: Path, name: str = "a", **values: Any) -> Run:
    """A run of Ann's that was changed once, validated twice, tested, and has its weights of step 40."""
    columns: dict[str, Any] = {"state": "done", "step": 40, "checkpoint": 40} | values
    run = replace(new_run(name, CONFIG, data, 400, 0), **columns)
    store.add(run, ANN)
    write_rows(
        store,
        run.id,
        points=[Point(20, 80, 2.25), Point(40, 160, 1.5)],
        reports=[Reported(20, 1, 20, 2.25), Reported(40, 1, 40, 1.875)],
        validations=[Validated(20, 80, 12, 100), Validated(40, 160, 31, 100)],
        changes=[Changed(30, 120, "lr", 0.002, 200)],
        result=TestResult(40, 45, 120, (0.25, None), (3, 8, 8, 0)),
    )
    store.folder_of(run.id).mkdir(exist_ok=True)
    if run.checkpoint >= 0:
        save_weights(new_net(5).state_dict(), store.weights_of(run))
    return run


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


def test_the_zip_holds_weights_curve_accuracy_log_and_settings_in_this_order(store: Store, tiny: Splits) -> None:
    files = opened(bundle(store, a_run(store, tiny.folder)))
    assert list(files) == ["net.pth", "curve.csv", "accuracy.csv", "log.txt", "settings.json"]
    assert rows(files["curve.csv"]) == [["step", "images", "loss"], ["20", "80", "2.25"], ["40", "160", "1.5"]]
    assert rows(files["accuracy.csv"])[0] == ["step", "images", "correct", "total"]
    assert rows(files["accuracy.csv"])[1:] == [["20", "80", "12", "100"], ["40", "160", "31", "100"]]
    assert files["log.txt"].decode() == "[1,    20] loss: 2.250\n[1,    40] loss: 1.875\n"


def test_the_weights_in_the_zip_are_the_newest_and_any_torch_reads_them(store: Store, tiny: Splits) -> None:
    files = opened(bundle(store, a_run(store, tiny.folder)))
    read = torch.load(io.BytesIO(files["net.pth"]), weights_only=True)
    assert all(torch.equal(read[name], tensor) for name, tensor in new_net(5).state_dict().items())
    assert json.loads(files["settings.json"])["weights_of_step"] == 40


def test_the_settings_tell_start_changes_test_and_data(store: Store, tiny: Splits) -> None:
    told = json.loads(opened(bundle(store, a_run(store, tiny.folder)))["settings.json"])
    assert TrainConfig.from_json(told["settings"]) == CONFIG
    assert told["changes"] == [{"step": 30, "images": 120, "name": "lr", "value": 0.002, "steps": 200}]
    assert told["test"] == {"step": 40, "correct": 45, "total": 120, "accuracy": 0.375}
    assert (told["state"], told["steps_done"], told["training_images"]) == ("done", 40, 400)
    assert told["data"].startswith(tiny.info.name)


def test_a_name_in_any_script_survives_and_no_path_of_the_server_is_told(store: Store, tiny: Splits) -> None:
    run = a_run(store, tiny.folder)
    write_rows(store, run.id, name="größer 学习率")
    settings = opened(bundle(store, run))["settings.json"]
    assert '"name": "größer 学习率"' in settings.decode()
    assert str(tiny.folder).encode() not in settings and ANN.encode() not in settings


def test_a_run_before_its_first_weights_has_a_zip_without_them(store: Store, tiny: Splits) -> None:
    run = replace(new_run("young", CONFIG, tiny.folder, 400, 0))
    store.add(run, ANN)
    files = opened(bundle(store, run))
    assert list(files) == ["curve.csv", "accuracy.csv", "log.txt", "settings.json"]
    assert rows(files["curve.csv"]) == [["step", "images", "loss"]]
    told = json.loads(files["settings.json"])
    assert (told["state"], told["test"], told["weights_of_step"]) == ("waiting", None, None)


def test_a_run_whose_images_are_gone_is_packed_all_the_same(store: Store, tmp_path: Path) -> None:
    told = json.loads(opened(bundle(store, a_run(store, tmp_path / "gone")))["settings.json"])
    assert told["data"] == "no longer on this server"


def test_the_same_run_gives_the_same_bytes_even_with_a_clock_before_1980(store: Store, tiny: Splits) -> None:
    run = a_run(store, tiny.folder, created=5.0)
    assert bundle(store, run) == bundle(store, run)


def test_weights_are_found_when_a_newer_checkpoint_took_their_place(
    store: Store, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(store, tiny.folder)
    find = store.run
    before = iter([replace(run, checkpoint=20)])  # its file is already gone
    monkeypatch.setattr(store, "run", lambda name: next(before, None) or find(name))
    assert json.loads(opened(bundle(store, run))["settings.json"])["weights_of_step"] == 40


def test_only_the_owner_gets_the_zip_and_a_removed_run_has_none(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs", workers=1, device="cpu")
    run = a_run(service.store, tiny.folder)
    assert "net.pth" in opened(service.bundle(ANN, run.id))
    with pytest.raises(RunError, match="Only the one who started this run"):
        service.bundle(BOB, run.id)
    service.delete(ANN, run.id)
    with pytest.raises(RunError, match="no such run"):
        service.bundle(ANN, run.id)
    with pytest.raises(RunError, match="no such run"):
        bundle(service.store, run)


def test_a_quiz_that_is_not_solved_has_no_zip(store: Store, tiny: Splits) -> None:
    run = a_run(store, tiny.folder, config=replace(CONFIG, mistake="softmax"), kind="quiz", secret=True)
    with pytest.raises(RunError, match="unsolved quiz"):
        bundle(store, run)
    assert b"softmax" in opened(bundle(store, replace(run, secret=False)))["settings.json"]
