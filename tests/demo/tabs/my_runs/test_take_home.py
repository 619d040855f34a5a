"""The zip to take home: all of the core's bundle, and the curves as an image."""

import io
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import RunError
from cifar_core.runs.records import Point, Snapshot, new_run
from cifar_core.runs.service import Service
from cifar_core.training.events import Validated
from demo.tabs.my_runs.take_home import take_home
from demo.widgets.figures import curve_png
from tests.helpers.run_steps import ANN, BOB, CONFIG, end, go_to


def a_snapshot(name: str = "a", losses: tuple[float, ...] = (2.3, 1.9, 1.4)) -> Snapshot:
    run = replace(new_run(name, TrainConfig(), Path("/nowhere"), 400, 0), name=name)
    points = tuple(Point(10 * at, 40 * at, loss) for at, loss in enumerate(losses, 1))
    return Snapshot(run, points, (), None, (Validated(20, 80, 20, 100), Validated(30, 120, 45, 100)), ())


def image_of(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG"
    return image


def test_the_zip_holds_the_bundle_and_the_curves(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs")
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 200)
    end(service, run, tiny)
    (service.store.folder / run.id).mkdir(exist_ok=True)
    (service.store.folder / run.id / "200.pth").write_bytes(b"weights")
    with zipfile.ZipFile(io.BytesIO(service.bundle(ANN, run.id))) as bundle:
        expected = {name: bundle.read(name) for name in bundle.namelist()}
    with zipfile.ZipFile(io.BytesIO(take_home(service, ANN, run.id))) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
        assert len({entry.date_time for entry in archive.infolist()}) == 1
        assert archive.testzip() is None
    assert found == expected | {"curve.png": curve_png(service.snapshot(run.id))}
    assert image_of(found["curve.png"]).width >= 1000


def test_only_the_owner_takes_a_run_home(tmp_path: Path, tiny: Splits) -> None:
    service = Service(tmp_path / "runs")
    run = service.start(ANN, CONFIG, tiny)
    with pytest.raises(RunError, match="Only the one who started"):
        take_home(service, BOB, run.id)
    with pytest.raises(RunError, match="no such run"):
        take_home(service, ANN, "gone")


def test_another_run_has_another_image_and_the_same_run_the_same() -> None:
    drawn = curve_png(a_snapshot())
    assert curve_png(a_snapshot()) == drawn
    blank = np.asarray(image_of(curve_png(Snapshot(a_snapshot().run, (), (), None, (), ()))).convert("RGB"))
    image = np.asarray(image_of(drawn).convert("RGB"))
    assert (image != blank).any() and curve_png(a_snapshot(losses=(2.3, 1.1))) != drawn


def test_a_name_with_signs_of_mathematics_is_a_name() -> None:
    name = "<b>$\\frac{ & co"
    assert image_of(curve_png(a_snapshot(name))).info["Title"] == name


def test_two_drawings_at_once_are_what_they_are_alone() -> None:
    alone, seen = curve_png(a_snapshot()), []
    threads = [threading.Thread(target=lambda: seen.append(curve_png(a_snapshot()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [alone] * 4
