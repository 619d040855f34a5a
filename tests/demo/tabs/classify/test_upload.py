"""The upload doctor without its page: what is asked, what an answer is compared with, and what is said instead."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.errors import ConfigError, ImageError, RunError
from cifar_core.evaluate import Evaluation, evaluate
from cifar_core.image_edit import ImageEdit, apply_edit
from cifar_core.image_files import read_image
from cifar_core.images import to_net_input
from cifar_core.net import Net, new_net
from cifar_core.predict import predict
from cifar_core.runs.records import new_run
from cifar_core.runs.registry import PRETRAINED, NetRegistry, OpenNet
from demo.gradio_compat import CachedUpload
from demo.tabs.classify.upload import UNTOUCHED, comparison, examine, seen_of, text_of_test
from demo.widgets.format import percent

PHOTO = Image.effect_mandelbrot((200, 120), (-3, -2.5, 2, 2.5), 50).convert("RGB")


class Known(NetRegistry):
    """Nets of which there is one, and of whose tests some are known."""

    def __init__(self, chosen: OpenNet | RunError, *tested: OpenNet) -> None:
        self.chosen = chosen
        self.found = {chosen.key: evaluate(chosen.net, chosen.splits.test) for chosen in tested}

    def open(self, name: str, step: int | None = None) -> OpenNet:
        if isinstance(self.chosen, RunError):
            raise self.chosen
        return self.chosen

    def cached_evaluation(self, chosen: OpenNet) -> Evaluation | None:
        return self.found.get(chosen.key)


def at(step: int, splits: Splits, net: Net, state: Any = "running") -> OpenNet:
    """A run's Net after `step` mini-batches."""
    run = replace(new_run("ab12", TrainConfig(), splits.folder, 400, 0), state=state, step=step)
    return OpenNet("ab12", step, run, net, splits)


@pytest.fixture
def asked(tiny: Splits, trained: Net) -> OpenNet:
    return OpenNet(PRETRAINED, None, None, trained, tiny)


def test_an_untouched_photo_gives_the_answer_that_any_upload_gets(asked: OpenNet) -> None:
    shown, numbers, due = examine(Known(asked, asked), PRETRAINED, PHOTO, *UNTOUCHED, "")
    answer = predict(asked.net, to_net_input(PHOTO), asked.splits.test.classes)
    assert f"{percent(answer.best.probability)} sure" in shown and all(
        percent(score.probability) in shown and f"{score.logit:.3f}" in numbers for score in answer.scores
    )
    assert not due and "of the 120 test images" in shown


def test_frame_and_sliders_make_the_treatment() -> None:
    seen = seen_of(PHOTO, "0.5 0 1", "-30 1.5 3 -2 0.7 12")
    treatment = ImageEdit(
        crop_size=0.5, crop_x=0, crop_y=1, rotate=-30, blur=1.5, shift_right=3, shift_down=-2, brightness=0.7, noise=12
    )
    assert np.array_equal(seen, apply_edit(PHOTO, treatment))
    assert np.array_equal(seen_of(PHOTO, *UNTOUCHED), to_net_input(PHOTO))


@pytest.mark.parametrize(
    ("crop", "levels"),
    [("1 0.5", "0 0 0 0 1 0"), ("9 0 0", "0 0 0 0 1 0"), ("1 0 0", "0 0 0 0 1 nan"), ("1 0 0", "0 0 0.5 0 1 0")],
)
def test_a_treatment_out_of_bounds_gets_a_sentence(asked: OpenNet, crop: str, levels: str) -> None:
    with pytest.raises(ConfigError):
        seen_of(PHOTO, crop, levels)
    shown, numbers, due = examine(Known(asked), PRETRAINED, PHOTO, crop, levels, "")
    assert 'role="alert"' in shown and not numbers and not due


def test_the_answer_comes_before_the_comparison(asked: OpenNet) -> None:
    shown, _, due = examine(Known(asked), PRETRAINED, PHOTO, *UNTOUCHED, "")
    assert "The Net says" in shown and "Comparing with the test images …" in shown and due


@pytest.mark.parametrize("what", ["no run", "NaN", "unreadable"])
def test_without_an_answer_there_is_a_sentence_and_nothing_else(asked: OpenNet, what: str) -> None:
    nets, picture = Known(asked, asked), PHOTO
    if what == "no run":
        nets = Known(RunError("There is no such run."))
    elif what == "NaN":
        broken = new_net(0)
        broken.fc3.bias.data[0] = float("nan")
        nets = Known(replace(asked, net=broken))
    else:
        picture = ImageError("This picture is damaged.")
    shown, numbers, due = examine(nets, "ab12", picture, *UNTOUCHED, "")
    assert shown.startswith('<div class="note error" role="alert">') and numbers == "" and not due
    assert "The Net says" not in shown and "Comparing" not in shown


def test_without_a_picture_nothing_is_said(asked: OpenNet) -> None:
    assert examine(Known(asked), PRETRAINED, None, *UNTOUCHED, "") == ("", "", False)


def test_a_run_still_training_is_compared_with_a_slightly_earlier_step(tiny: Splits, trained: Net) -> None:
    chosen: Callable[..., OpenNet] = lambda step, state="running": at(step, tiny, trained, state)  # noqa: E731
    tested = chosen(1000)
    nets, said = Known(chosen(1200), tested), text_of_test(tested)
    near = comparison(nets, chosen(1200), said)
    assert near.found is nets.found[tested.key] and near.step == 1000 and not near.due
    shown, _, due = examine(nets, "ab12", PHOTO, *UNTOUCHED, said)
    assert "The test images were asked after step 1,000 of the run, your picture after 1,200." in shown and not due
    # further on it is tested again, and shown with the earlier test until then
    far = comparison(nets, chosen(1300), said)
    assert far.found is near.found and far.due
    # as is one that trains no more
    for state in ("done", "stopped", "paused"):
        assert comparison(nets, chosen(1200, state), said).due
    # the very step needs no word about steps
    same = comparison(nets, tested, "")
    assert same.step == 1000 and not same.due
    assert "of the run" not in examine(Known(tested, tested), "ab12", PHOTO, *UNTOUCHED, "")[0]


@pytest.mark.parametrize("said", ["", None, "[]", "[1, 2, 3]", '["ab12", true, ""]', '["ab12", 7, ""]', "[" * 999, "x"])
def test_what_says_of_no_test_is_no_test(tiny: Splits, trained: Net, said: Any) -> None:
    found = comparison(Known(at(1200, tiny, trained), at(1000, tiny, trained)), at(1200, tiny, trained), said)
    assert found.found is None and found.due


def test_another_runs_test_is_not_taken(tiny: Splits, trained: Net) -> None:
    other = replace(at(1000, tiny, trained), name="ffff")
    nets = Known(at(1000, tiny, trained), other)
    assert comparison(nets, at(1001, tiny, trained), text_of_test(other)).found is None


def test_a_kept_photo_comes_back_byte_for_byte(tmp_path: Path) -> None:
    kept = CachedUpload()
    kept.GRADIO_CACHE = str(tmp_path)
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8))
    back = kept.preprocess(kept.postprocess(photo))
    assert isinstance(back, Image.Image) and np.array_equal(back, photo) and back.mode == "RGB"
    assert kept.preprocess(None) is None and kept.postprocess(None) is None
    for file in tmp_path.rglob("*.bmp"):
        assert np.array_equal(read_image(file), photo)
        file.unlink()
    assert isinstance(kept.preprocess(kept.postprocess(None) or gone(tmp_path)), ImageError)
    assert isinstance(kept.preprocess([1, 2]), ImageError)


def gone(folder: Path) -> Any:
    from gradio.data_classes import FileData

    return FileData(path=str(folder / "gone.bmp"))
