"""The registry: Nets and images are opened by small pointers, which anybody could write; what is costly is cached."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError, ImageError, RunError
from cifar_core.evaluate import Evaluated, Evaluating, Evaluation, evaluate
from cifar_core.net import Net, new_net, save_weights
from cifar_core.pretrained import pretrained_net
from cifar_core.runs import registry as nets_module
from cifar_core.runs.frame_recorder import record_frame
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import FrameTime, Run
from cifar_core.runs.refs import PRETRAINED, ImageRef, NetRef
from cifar_core.runs.registry import MAX_PNG, NetRegistry, own_image
from cifar_core.runs.service import Service
from tests.helpers.runs import ANN, BOB, remove, write_rows
from tests.helpers.tiny_data import tiny_splits

CONFIG = TrainConfig(epochs=2)
"""200 mini-batches of 4 from 400 images"""


@pytest.fixture
def nets(tmp_path: Path, tiny: Splits) -> NetRegistry:
    """Nets of a service without workers: the tests do what workers write."""
    return NetRegistry(Service(tmp_path / "runs", limits=Limits(steps=1000)), DataSource(tiny))


def come_to(nets: NetRegistry, run: Run, step: int, net: Net, *, frame: bool = False) -> None:
    """Write what a worker writes when `net` is its newest checkpoint, at `step`; the one before goes, unless a frame.

    With `frame`, a frame of the run's history is taken as well.
    """
    store, test = nets.service.store, nets.source.splits.test
    before = nets.service.find(run.id).checkpoint
    store.folder_of(run.id).mkdir(exist_ok=True)
    save_weights(net.state_dict(), store.weights_of(run, step))
    taken = record_frame(net, FrameTime(step, 4 * step), test, test.first(4), "cpu") if frame else None
    columns: dict[str, Any] = {"state": "running", "step": step, "seen": 4 * step, "checkpoint": step}
    write_rows(store, run.id, frames=[taken] if taken is not None else [], **columns)
    if before >= 0 and all(time.step != before for time in nets.service.frame_times(run.id)):
        store.weights_of(run, before).unlink()


def run_of(nets: NetRegistry, owner: str, seed: int, step: int = 10) -> Run:
    """A run of `owner` whose Net after `step` mini-batches is the untrained one of `seed`."""
    run = nets.service.start(owner, CONFIG, nets.source.splits)
    come_to(nets, run, step, new_net(seed))
    return run


def same(one: Evaluation, other: Evaluation) -> bool:
    return np.array_equal(one.logits, other.logits)


# ------------------------------------------------------------------------------------------------------------- opening


def test_the_pretrained_net_is_asked_about_the_data_in_use(nets: NetRegistry, tiny: Splits, tmp_path: Path) -> None:
    chosen = nets.open(NetRef(PRETRAINED))
    assert (chosen.name, chosen.step, chosen.run, chosen.splits) == (PRETRAINED, None, None, tiny)
    first = nets.evaluation(chosen)
    assert same(first, evaluate(pretrained_net(), tiny.test))
    nets.source.splits = other = tiny_splits(tmp_path / "other", train=40, test=20, seed=5)
    again = nets.open(NetRef(PRETRAINED))
    assert again.splits is other and nets.cached_evaluation(again) is None
    assert nets.evaluation(again).total == 20
    assert nets.cached_evaluation(chosen) is first


def test_a_run_is_opened_as_it_is_now_or_as_it_was_at_a_frame(nets: NetRegistry) -> None:
    run = run_of(nets, ANN, 1)
    come_to(nets, run, 20, new_net(2), frame=True)
    come_to(nets, run, 30, new_net(3))
    now, then = nets.open(NetRef(run.id)), nets.open(NetRef(run.id, 20))
    assert (now.step, then.step) == (30, 20)
    for chosen, seed in ((now, 3), (then, 2)):
        assert chosen.run and chosen.run.id == run.id
        assert torch.equal(chosen.net.fc3.weight, new_net(seed).fc3.weight)
    with pytest.raises(RunError, match="saved no weights of step 10; the nearest are those of step 20"):
        nets.open(NetRef(run.id, 10))


def test_a_run_without_weights_an_unknown_one_and_a_deleted_one_are_refused_with_a_sentence(nets: NetRegistry) -> None:
    waiting = nets.service.start(ANN, CONFIG, nets.source.splits)
    with pytest.raises(RunError, match="no weights yet"):
        nets.open(NetRef(waiting.id))
    for name in ("", "0" * 16, "\u0147", "../x"):
        with pytest.raises(RunError, match="There is no such run"):
            nets.open(NetRef(name))
    run = run_of(nets, ANN, 1)
    chosen = nets.open(NetRef(run.id))
    nets.evaluation(chosen)
    remove(nets.service.store, run.id)
    for step in (None, 10):
        with pytest.raises(RunError, match="There is no such run"):
            nets.open(NetRef(run.id, step))


def test_a_run_whose_images_are_gone_is_refused_with_a_sentence(nets: NetRegistry, tmp_path: Path) -> None:
    run = nets.service.start(ANN, CONFIG, replace(nets.source.splits, folder=tmp_path / "gone"))
    come_to(nets, run, 10, new_net(1))
    with pytest.raises(RunError, match="no longer on this server"):
        nets.open(NetRef(run.id))


def test_a_run_is_asked_about_its_own_images_whatever_is_in_use_now(
    nets: NetRegistry, tiny: Splits, tmp_path: Path
) -> None:
    run = run_of(nets, ANN, 1)
    nets.source.splits = tiny_splits(tmp_path / "other", train=40, test=20, seed=5)
    assert nets.evaluation(nets.open(NetRef(run.id))).total == 120
    assert nets.open(NetRef(run.id)).splits.folder.resolve() == tiny.folder.resolve()


# ---------------------------------------------------------------------------------------------------- what is cached


def test_a_test_tells_how_far_it_is_and_the_second_time_it_is_known_at_once(nets: NetRegistry) -> None:
    chosen = nets.open(NetRef(run_of(nets, ANN, 1).id))
    assert nets.cached_evaluation(chosen) is None
    *way, end = nets.evaluating(chosen)
    assert way == [Evaluating(120, 120)] and isinstance(end, Evaluated)
    again = nets.open(NetRef(chosen.name))
    assert again is not chosen and nets.cached_evaluation(again) is end.evaluation
    (only,) = nets.evaluating(again)
    assert isinstance(only, Evaluated) and only.evaluation is end.evaluation


def test_what_is_cached_belongs_to_one_run_at_one_step(nets: NetRegistry, tiny: Splits) -> None:
    anns, bobs = run_of(nets, ANN, 1), run_of(nets, BOB, 2)
    first = nets.open(NetRef(anns.id))
    nets.evaluation(first)
    assert nets.cached_evaluation(nets.open(NetRef(bobs.id))) is None
    assert same(nets.evaluation(nets.open(NetRef(bobs.id))), evaluate(new_net(2), tiny.test))

    come_to(nets, anns, 20, new_net(3), frame=True)
    later = nets.open(NetRef(anns.id))
    assert nets.cached_evaluation(later) is None
    assert same(nets.evaluation(later), evaluate(new_net(3), tiny.test))
    cached = nets.cached_evaluation(first)
    assert cached is not None and same(cached, evaluate(new_net(1), tiny.test))
    assert nets.cached_evaluation(nets.open(NetRef(anns.id, 20))) is nets.cached_evaluation(later)  # the same weights


def test_what_was_not_asked_for_the_longest_is_forgotten_first(
    tmp_path: Path, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nets_module, "MAX_EVALUATIONS", 2)
    nets = NetRegistry(Service(tmp_path / "runs", limits=Limits(steps=1000)), DataSource(tiny))
    one, two, three = (nets.open(NetRef(run_of(nets, owner, 1).id)) for owner in (ANN, ANN, BOB))
    for chosen in (one, two, one, three):
        nets.evaluation(chosen)
    assert [nets.cached_evaluation(chosen) is not None for chosen in (one, two, three)] == [True, False, True]


# -------------------------------------------------------------------------------------------------------------- images


def test_an_image_of_ones_own_survives_the_way_bit_for_bit(nets: NetRegistry, tiny: Splits) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)  # noise makes the largest PNG
    ref = own_image(pixels)
    assert len(ref.png) < MAX_PNG
    opened = nets.image(ref, tiny)
    assert np.array_equal(opened.pixels, pixels)
    assert (opened.label, opened.ref) == (None, ref)


def test_an_image_of_the_data_set_comes_with_its_class(nets: NetRegistry, tiny: Splits) -> None:
    for ref, images in ((ImageRef("test", 119), tiny.test), (ImageRef("train", 0), tiny.train)):
        opened = nets.image(ref, tiny)
        assert np.array_equal(opened.pixels, images.images[ref.index])
        assert opened.label == images.labels[ref.index]


@pytest.mark.parametrize(
    ("ref", "sentence"),
    [
        (ImageRef("test", 120), "There is no test image 120; they go from 0 to 119"),
        (ImageRef("train", 400), "There is no train image 400; they go from 0 to 399"),
        (ImageRef("test", -1), "There is no test image -1"),
        (ImageRef("test", 1234567890), "There is no test image"),
        (ImageRef("valid", 3), "must be train or test"),  # type: ignore[arg-type]
        (ImageRef(png="!"), "did not arrive whole"),
        (ImageRef(png="AAA"), "did not arrive whole"),
        (ImageRef(png="\u00e9"), "did not arrive whole"),
        (ImageRef(png="AAAA"), "did not arrive whole"),
        (ImageRef(png="A" * 10**6), "."),
    ],
)
def test_an_image_that_there_is_not_is_refused_with_a_sentence(
    nets: NetRegistry, tiny: Splits, ref: ImageRef, sentence: str
) -> None:
    with pytest.raises(CifarError, match=sentence):
        nets.image(ref, tiny)


def test_an_image_cut_short_on_the_way_is_refused(nets: NetRegistry, tiny: Splits) -> None:
    whole = own_image(np.zeros((32, 32, 3), np.uint8)).png
    with pytest.raises(ImageError):
        nets.image(ImageRef(png=whole[: len(whole) // 2 // 4 * 4]), tiny)
