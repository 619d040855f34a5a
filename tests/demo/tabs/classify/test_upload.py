"""A visitor's own image: what is predicted for it, what that is compared with, and what is said instead."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio.data_classes import FileData, ImageData
from PIL import Image

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import ConfigError, ImageError, RunError
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.image_edit import ImageEdit, apply_edit
from cifar_core.image_files import read_image
from cifar_core.images import to_net_input
from cifar_core.net import Net, new_net
from cifar_core.predict import predict
from cifar_core.runs.records import new_run
from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry, OpenNet, own_image
from demo import gradio_compat
from demo.gradio_compat import CachedUpload, ImageFile, ImageFileInput
from demo.tabs.classify.handlers import ClassifyHandlers
from demo.tabs.classify.known_images import ClassifyWidgets
from demo.tabs.classify.state import ClassifyState
from demo.tabs.classify.upload import SLIDERS, baseline, edit_of
from demo.widgets.crop import WHOLE
from demo.widgets.format import percent
from demo.widgets.look_at import LookAt
from demo.widgets.sliders import starts
from tests.helpers.markup import text_of

PHOTO = Image.effect_mandelbrot((200, 120), (-3, -2.5, 2, 2.5), 50).convert("RGB")
UNTOUCHED = starts(SLIDERS)
NAMES: list[Any] = [field.name for field in fields(ClassifyWidgets)]
"""the widgets' names stand for the widgets"""


class OneNet(NetRegistry):
    """There is one Net, some steps of which are evaluated. Counts how often it is opened and evaluated."""

    def __init__(self, opened: OpenNet | RunError, *evaluated: OpenNet, splits: Splits) -> None:
        self.source, self.net = DataSource(splits), opened
        self.evaluations = {one.key: evaluate(one.net, one.splits.test) for one in evaluated}
        self.asked: list[str] = []

    def open(self, ref: NetRef) -> OpenNet:
        self.asked.append("open")
        if isinstance(self.net, RunError):
            raise self.net
        return self.net

    def cached_evaluation(self, opened: OpenNet) -> Evaluation | None:
        return self.evaluations.get(opened.key)

    def evaluation(self, opened: OpenNet) -> Evaluation:
        self.asked.append("evaluate")
        return self.evaluations.setdefault(opened.key, evaluate(opened.net, opened.splits.test))


def at(step: int, splits: Splits, net: Net, state: Any = "running") -> OpenNet:
    """Return a run's Net after `step` mini-batches."""
    run = replace(new_run("ab12", TrainConfig(), splits.folder, 400, 0), state=state, step=step)
    return OpenNet(NetRef("ab12", step), run, net, splits)


@pytest.fixture
def opened(tiny: Splits, trained: Net) -> OpenNet:
    return OpenNet(NetRef(), None, trained, tiny)


@pytest.fixture
def file(tmp_path: Path) -> ImageFile:
    """The visitor's file: a PNG of PHOTO."""
    PHOTO.save(tmp_path / "photo.png")
    return ImageFile(str(tmp_path / "photo.png"))


def outputs_of(
    nets: NetRegistry,
    file: ImageFile | None,
    photo: ImageFile | None = None,
    crop: str = WHOLE,
    sliders: str = UNTOUCHED,
    state: ClassifyState | None = None,
    net: str = PRETRAINED,
) -> list[dict[Any, Any]]:
    """Return all that one event gives, one after the other."""

    async def collect() -> list[dict[Any, Any]]:
        handlers = ClassifyHandlers(nets, ClassifyWidgets(*NAMES))
        return [given async for given in handlers.predict(net, file, photo, crop, sliders, state or ClassifyState())]

    return asyncio.run(collect())


def sliders_at(**moved: float) -> str:
    return json.dumps(json.loads(UNTOUCHED) | moved)


def crop_at(size: float, x: float, y: float) -> str:
    return json.dumps({"crop_size": size, "crop_x": x, "crop_y": y})


def brought(file: ImageFile, **more: Any) -> ClassifyState:
    """Return the state in which the photo of this file is on the page."""
    return ClassifyState(upload_key=file.key, **more)


def test_an_untouched_upload_gets_the_prediction_that_any_image_gets(opened: OpenNet, file: ImageFile) -> None:
    (given,) = outputs_of(OneNet(opened, opened, splits=opened.splits), file)
    prediction = predict(opened.net, to_net_input(PHOTO), opened.splits.test.classes)
    shown, numbers = given["upload_prediction_html"], given["upload_numbers_html"]
    assert f"<strong>{prediction.best.name}</strong>, {percent(prediction.best.probability)} sure" in shown
    assert all(percent(score.probability) in shown and f"{score.logit:.3f}" in numbers for score in prediction.scores)
    assert "120 test images" in shown and "photo" in given and given["upload_message_html"].count("empty")
    assert given["state"].upload == LookAt(NetRef(), own_image(to_net_input(PHOTO)))


def test_an_upload_is_decoded_once_and_its_net_opened_once(
    opened: OpenNet, file: ImageFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    decoded: list[str] = []

    def counted(path: str) -> Image.Image:
        decoded.append(path)
        return read_image(path)

    monkeypatch.setattr(gradio_compat, "read_image", counted)
    upload, photo = ImageFileInput.__new__(ImageFileInput), CachedUpload.__new__(CachedUpload)
    old = tmp_path / "photo.bmp"
    Image.new("RGB", (9, 9)).save(old)
    # what Gradio does before the handler decodes nothing, neither the new file nor the photo of the one before
    inputs = upload.preprocess(ImageData(path=file.path)), photo.preprocess(FileData(path=str(old)))
    assert decoded == [] and inputs[0] == file
    nets = OneNet(opened, splits=opened.splits)
    first, second = outputs_of(nets, *inputs, state=ClassifyState(upload_key="another"))
    assert decoded == [file.path] and nets.asked == ["open", "evaluate"]
    assert first["photo"].tobytes() == PHOTO.tobytes() and "photo" not in second
    # and a move of a slider reads the small photo alone
    decoded.clear()
    outputs_of(nets, *inputs, sliders=sliders_at(blur=2), state=first["state"])
    assert decoded == [str(old)] and nets.asked == ["open", "evaluate", "open"]


def test_a_new_upload_begins_untouched(opened: OpenNet, file: ImageFile) -> None:
    nets = OneNet(opened, opened, splits=opened.splits)
    (given,) = outputs_of(nets, file, crop=crop_at(0.5, 0, 0), sliders=sliders_at(blur=3))
    assert given["sliders_html"] == UNTOUCHED and given["crop_html"].value == WHOLE
    assert given["crop_html"].props["photo"].startswith("data:image/jpeg;base64,")
    assert given["state"].upload.image == own_image(to_net_input(PHOTO))


def test_frame_and_sliders_make_the_edit(opened: OpenNet, file: ImageFile) -> None:
    crop = crop_at(0.5, 0, 1)
    sliders = sliders_at(rotate=-30, blur=1.5, shift_right=3, shift_down=-2, brightness=0.7, noise=12)
    edit = ImageEdit(
        crop_size=0.5, crop_x=0, crop_y=1, rotate=-30, blur=1.5, shift_right=3, shift_down=-2, brightness=0.7, noise=12
    )
    assert edit_of(crop, sliders) == edit and edit_of(WHOLE, UNTOUCHED) == ImageEdit()
    (given,) = outputs_of(OneNet(opened, opened, splits=opened.splits), file, file, crop, sliders, brought(file))
    assert given["state"].upload.image == own_image(apply_edit(PHOTO, edit))
    # what the visitor is doing is left alone
    assert not {"crop_html", "sliders_html", "photo", "upload_message_html"} & set(given)


@pytest.mark.parametrize(
    ("crop", "sliders"),
    [
        ('{"crop_size": 1, "crop_x": 0.5}', UNTOUCHED),
        (crop_at(9, 0, 0), UNTOUCHED),
        (WHOLE, sliders_at(noise=float("nan"))),
        (WHOLE, sliders_at(shift_down=0.5)),
        (WHOLE, sliders_at(blur=True)),
        (WHOLE, UNTOUCHED.replace('"blur": 0.0', '"blur": "1"')),
        ("", UNTOUCHED),
        (WHOLE, "<b>"),
    ],
)
def test_an_edit_out_of_bounds_gets_a_sentence(opened: OpenNet, file: ImageFile, crop: str, sliders: str) -> None:
    with pytest.raises(ConfigError):
        edit_of(crop, sliders)
    (given,) = outputs_of(OneNet(opened, splits=opened.splits), file, file, crop, sliders, brought(file))
    assert 'role="alert"' in given["upload_prediction_html"] and given["upload_numbers_html"] == ""
    assert given["state"].upload is None


def test_the_prediction_comes_before_the_comparison(opened: OpenNet, file: ImageFile) -> None:
    first, second = outputs_of(OneNet(opened, splits=opened.splits), file)
    assert "The Net predicts" in first["upload_prediction_html"]
    assert "Comparing with the test images …" in first["upload_prediction_html"]
    assert list(second) == ["upload_prediction_html"]  # the state above all is not written again
    assert "The Net predicts" in second["upload_prediction_html"]
    assert "of the 120 test images" in text_of(second["upload_prediction_html"])
    assert first["state"].compared == opened.ref


def test_one_evaluation_runs_at_a_time_and_each_net_is_evaluated_once(
    opened: OpenNet, file: ImageFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets, under_way = OneNet(opened, splits=opened.splits), 0
    at_once = nets.evaluation

    def evaluation(opened: OpenNet) -> Evaluation:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        found = at_once(opened)
        under_way -= 1
        return found

    monkeypatch.setattr(nets, "evaluation", evaluation)
    monkeypatch.setattr(nets, "open", lambda ref: replace(opened, ref=ref))

    async def visitors(*names: str) -> list[str]:
        handlers = ClassifyHandlers(nets, ClassifyWidgets(*NAMES))

        async def visitor(net: str) -> str:
            event: Any = handlers.predict(net, file, None, WHOLE, UNTOUCHED, ClassifyState())
            return [text_of(given["upload_prediction_html"]) async for given in event][-1]

        return await asyncio.gather(*map(visitor, names))

    shown = asyncio.run(visitors("a", "b", "a", "c", "b", "a"))
    assert all("of the 120 test images" in text for text in shown) and nets.asked == ["evaluate"] * 3


def test_nobody_waits_long_for_an_evaluation_and_it_is_there_later(
    opened: OpenNet, file: ImageFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.tabs.classify.handlers.PATIENCE", 0.01)
    nets, may_go_on = OneNet(opened, splits=opened.splits), threading.Event()
    at_once = nets.evaluation

    def evaluation(opened: OpenNet) -> Evaluation:
        assert may_go_on.wait(30)
        return at_once(opened)

    nets.evaluation = evaluation  # type: ignore[method-assign]

    async def visitor() -> list[str]:
        handlers = ClassifyHandlers(nets, ClassifyWidgets(*NAMES))

        async def event() -> list[str]:
            asked: Any = handlers.predict(PRETRAINED, file, file, WHOLE, UNTOUCHED, brought(file))
            return [given["upload_prediction_html"] async for given in asked]

        shown = await event()
        may_go_on.set()
        while not nets.evaluations:
            await asyncio.sleep(0.01)
        return shown + await event()

    first, busy, later = asyncio.run(visitor())
    assert "Comparing" in first and "data-retry" not in first
    assert "Comparing" in busy and "data-retry" in busy  # by which the page asks again
    assert "of the 120 test images" in later


@pytest.mark.parametrize("what", ["no run", "NaN", "gone"])
def test_without_a_prediction_there_is_a_sentence_and_nothing_else(
    opened: OpenNet, file: ImageFile, tmp_path: Path, what: str
) -> None:
    nets, photo = OneNet(opened, opened, splits=opened.splits), file
    if what == "no run":
        nets.net = RunError("There is no such run.")
    elif what == "NaN":
        broken = new_net(0)
        broken.fc3.bias.data[0] = float("nan")
        nets.net = replace(opened, net=broken)
    else:
        photo = ImageFile(str(tmp_path / "gone.bmp"))
    (given,) = outputs_of(nets, file, photo, state=brought(file, upload=LookAt()), net="ab12")
    assert given["upload_prediction_html"].strip().startswith('<div class="note error" role="alert">')
    assert given["upload_numbers_html"] == "" and given["state"].upload is None
    assert str(tmp_path) not in given["upload_prediction_html"]


def test_an_evaluation_that_is_refused_gets_its_sentence(opened: OpenNet, file: ImageFile) -> None:
    nets = OneNet(opened, splits=opened.splits)

    def evaluation(opened: OpenNet) -> Evaluation:
        raise RunError("The images of this run are gone.")

    nets.evaluation = evaluation  # type: ignore[method-assign]
    _, second = outputs_of(nets, file)
    assert "The images of this run are gone." in second["upload_prediction_html"]


def test_a_net_without_finite_logits_is_not_compared(opened: OpenNet, file: ImageFile) -> None:
    nets = OneNet(opened, opened, splits=opened.splits)
    nets.evaluations[opened.key].logits[3, 1] = float("nan")
    (given,) = outputs_of(nets, file)
    assert "The Net predicts" in given["upload_prediction_html"]
    assert "so there is no comparison" in given["upload_prediction_html"]


def test_a_file_that_cannot_be_read_gets_a_sentence_once_and_the_image_before_goes(
    opened: OpenNet, tmp_path: Path, file: ImageFile
) -> None:
    (tmp_path / "strange.png").write_bytes(b"not an image")
    strange = ImageFile(str(tmp_path / "strange.png"))
    nets = OneNet(opened, opened, splits=opened.splits)
    (given,) = outputs_of(nets, strange, file, state=brought(file, upload=LookAt()))
    assert 'role="alert"' in given["upload_message_html"] and str(tmp_path) not in given["upload_message_html"]
    assert given["photo"] is None and given["upload_prediction_html"] == "" == given["upload_numbers_html"]
    assert given["crop_html"].props["photo"] == "" and given["state"].upload is None
    # another Net changes nothing of that
    assert outputs_of(nets, strange, None, state=given["state"]) == [{"state": given["state"]}]
    assert nets.asked == []


def test_without_an_image_nothing_is_predicted(opened: OpenNet, file: ImageFile) -> None:
    nets = OneNet(opened, splits=opened.splits)
    assert outputs_of(nets, None) == [{"state": ClassifyState()}]
    (cleared,) = outputs_of(nets, None, file, state=brought(file, upload=LookAt()))
    assert "Bring an image of your own" in cleared["upload_message_html"] and cleared["photo"] is None
    assert cleared["state"] == ClassifyState() and nets.asked == []


def test_another_net_predicts_the_chosen_test_image_and_the_upload_in_one_event(
    tiny: Splits, trained: Net, file: ImageFile
) -> None:
    nets = OneNet(at(7, tiny, trained), at(7, tiny, trained), splits=tiny)
    state = brought(file, test_index=5, test_net=NetRef())
    (given,) = outputs_of(nets, file, file, state=state, net="ab12")
    assert "test image 5" in given["prediction_html"] and "The Net predicts" in given["upload_prediction_html"]
    assert given["state"].test_net == NetRef("ab12", 7)
    assert given["state"].test == LookAt(NetRef("ab12"), ImageRef("test", 5))
    # the same Net again has nothing new for the test image
    (moved,) = outputs_of(nets, file, file, sliders=sliders_at(blur=1), state=given["state"], net="ab12")
    assert "prediction_html" not in moved and moved["state"].test == given["state"].test


def test_a_run_still_training_is_compared_with_a_slightly_earlier_step(
    tiny: Splits, trained: Net, file: ImageFile
) -> None:
    run: Callable[..., OpenNet] = lambda step, state="running": at(step, tiny, trained, state)  # noqa: E731
    evaluated = run(1000)
    nets = OneNet(run(1200), evaluated, splits=tiny)
    near = baseline(nets, run(1200), evaluated.ref)
    assert near.evaluation is nets.evaluations[evaluated.key] and near.net.step == 1000 and not near.due
    (given,) = outputs_of(nets, file, file, state=brought(file, compared=evaluated.ref), net="ab12")
    assert "The test images were evaluated after step 1,000 of the run, your image after step 1,200." in text_of(
        given["upload_prediction_html"]
    )
    assert given["state"].compared == evaluated.ref
    # further on it is evaluated again, and shown with the earlier evaluation until then
    far = baseline(nets, run(1300), evaluated.ref)
    assert far.evaluation is near.evaluation and far.due
    nets.net = run(1300)
    first, second = outputs_of(nets, file, file, state=brought(file, compared=evaluated.ref), net="ab12")
    assert "after step 1,300" in text_of(first["upload_prediction_html"])
    assert "of the run" not in text_of(second["upload_prediction_html"])
    assert first["state"].compared == NetRef("ab12", 1300)
    # as is one that trains no more
    for state in ("done", "stopped", "paused"):
        assert baseline(nets, run(1201, state), evaluated.ref).due
    # the very step needs no sentence about steps
    same = baseline(nets, evaluated, None)
    assert same.net.step == 1000 and not same.due


@pytest.mark.parametrize(
    "compared", [None, NetRef(), NetRef("ab12"), NetRef("ab12", 7), NetRef("ab12", -1), NetRef("", 1000)]
)
def test_what_is_no_evaluation_is_not_taken(tiny: Splits, trained: Net, compared: NetRef | None) -> None:
    nets = OneNet(at(1200, tiny, trained), at(1000, tiny, trained), splits=tiny)
    found = baseline(nets, at(1200, tiny, trained), compared)
    assert found.evaluation is None and found.due


def test_another_runs_evaluation_is_not_taken(tiny: Splits, trained: Net) -> None:
    other = replace(at(1000, tiny, trained), ref=NetRef("ffff", 1000))
    nets = OneNet(at(1000, tiny, trained), other, splits=tiny)
    assert baseline(nets, at(1001, tiny, trained), other.ref).evaluation is None


def test_a_cached_photo_comes_back_byte_for_byte(tmp_path: Path) -> None:
    cached = CachedUpload()
    cached.GRADIO_CACHE = str(tmp_path)
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8))
    back = cached.preprocess(cached.postprocess(photo))
    assert back
    image = back.read()
    assert image.tobytes() == photo.tobytes() and image.size == (53, 37) and image.mode == "RGB"
    assert cached.preprocess(None) is None and cached.postprocess(None) is None
    for written in tmp_path.rglob("*.bmp"):
        written.unlink()
    for missing in (back, cached.preprocess([1, 2])):
        assert missing
        with pytest.raises(ImageError):
            missing.read()


def test_a_file_is_told_from_others_without_its_path(tmp_path: Path) -> None:
    one, other = ImageFile(str(tmp_path / "a")), ImageFile(str(tmp_path / "b"))
    assert one.key == ImageFile(one.path).key != other.key and len(one.key) == 16
    assert ImageFileInput().preprocess(ImageData(url="data:image/png;base64,AAAA")) == ImageFile("")
    with pytest.raises(ImageError, match="did not arrive"):
        ImageFile("").read()
