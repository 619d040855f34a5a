"""Nets for the page: which there are, what is kept of them; and pointers from tab to tab, which anybody could write."""

import json
from dataclasses import replace
from pathlib import Path

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
from cifar_core.runs.frame_recorder import take
from cifar_core.runs.limits import Limits
from cifar_core.runs.records import Moment, Run
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from cifar_core.runs.service import Service
from demo.widgets.net_choices import net_choices
from demo.widgets.pointer import LONGEST, Pointer, picture_pointer, read_pointer, shown_by
from tests.helpers.tiny_data import tiny_splits

ANN, BOB = "ann" * 8, "bob" * 8
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
    taken = take(net, Moment(step, 4 * step), test, test.first(4), "cpu") if frame else None
    store.update(
        run.id, state="running", step=step, seen=4 * step, checkpoint=step, frames=[taken] if taken is not None else []
    )
    if before >= 0 and all(moment.step != before for moment in nets.service.moments(run.id)):
        store.weights_of(run, before).unlink()


def run_of(nets: NetRegistry, owner: str, seed: int, step: int = 10) -> Run:
    """A run of `owner` whose Net after `step` mini-batches is the untrained one of `seed`."""
    run = nets.service.start(owner, CONFIG, nets.source.splits)
    come_to(nets, run, step, new_net(seed))
    return run


def same(one: Evaluation, other: Evaluation) -> bool:
    return np.array_equal(one.logits, other.logits)


# ------------------------------------------------------------------------------------------------- choosing and opening


def test_a_visitor_can_choose_the_pretrained_net_and_his_own_runs_with_weights(nets: NetRegistry) -> None:
    assert [name for _, name in net_choices(nets, ANN)] == [PRETRAINED]
    mine, _ = run_of(nets, ANN, 1), run_of(nets, BOB, 2)
    nets.service.start(ANN, CONFIG, nets.source.splits)  # has none yet
    assert [name for _, name in net_choices(nets, ANN)] == [PRETRAINED, mine.id]
    assert net_choices(nets, ANN)[1][0] == f"My {mine.name} · training · 5 % of its training"
    assert net_choices(nets, "") == net_choices(nets, ANN)[:1]


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
    with pytest.raises(RunError, match="kept no weights of step 10; the nearest are those of step 20"):
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
    nets.service.store.remove(run.id)
    for step in (None, 10):
        with pytest.raises(RunError, match="There is no such run"):
            nets.open(NetRef(run.id, step))


def test_a_run_whose_pictures_are_gone_is_refused_with_a_sentence(nets: NetRegistry, tmp_path: Path) -> None:
    run = nets.service.start(ANN, CONFIG, replace(nets.source.splits, folder=tmp_path / "gone"))
    come_to(nets, run, 10, new_net(1))
    with pytest.raises(RunError, match="no longer on this server"):
        nets.open(NetRef(run.id))


def test_a_run_is_asked_about_its_own_pictures_whatever_is_in_use_now(
    nets: NetRegistry, tiny: Splits, tmp_path: Path
) -> None:
    run = run_of(nets, ANN, 1)
    nets.source.splits = tiny_splits(tmp_path / "other", train=40, test=20, seed=5)
    assert nets.evaluation(nets.open(NetRef(run.id))).total == 120
    assert nets.open(NetRef(run.id)).splits.folder.resolve() == tiny.folder.resolve()


# ------------------------------------------------------------------------------------------------------ what is kept


def test_a_test_tells_how_far_it_is_and_the_second_time_it_is_known_at_once(nets: NetRegistry) -> None:
    chosen = nets.open(NetRef(run_of(nets, ANN, 1).id))
    assert nets.cached_evaluation(chosen) is None
    *way, end = nets.evaluating(chosen)
    assert way == [Evaluating(120, 120)] and isinstance(end, Evaluated)
    again = nets.open(NetRef(chosen.name))
    assert again is not chosen and nets.cached_evaluation(again) is end.evaluation
    (only,) = nets.evaluating(again)
    assert isinstance(only, Evaluated) and only.evaluation is end.evaluation


def test_what_is_kept_belongs_to_one_run_at_one_step(nets: NetRegistry, tiny: Splits) -> None:
    anns, bobs = run_of(nets, ANN, 1), run_of(nets, BOB, 2)
    first = nets.open(NetRef(anns.id))
    nets.evaluation(first)
    assert nets.cached_evaluation(nets.open(NetRef(bobs.id))) is None
    assert same(nets.evaluation(nets.open(NetRef(bobs.id))), evaluate(new_net(2), tiny.test))

    come_to(nets, anns, 20, new_net(3), frame=True)
    later = nets.open(NetRef(anns.id))
    assert nets.cached_evaluation(later) is None
    assert same(nets.evaluation(later), evaluate(new_net(3), tiny.test))
    kept = nets.cached_evaluation(first)
    assert kept is not None and same(kept, evaluate(new_net(1), tiny.test))
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


# ------------------------------------------------------------------------------------------------------------ pointers


def test_a_pointer_travels_as_text_that_is_never_the_same_twice() -> None:
    for pointer in (Pointer(PRETRAINED, "test 12"), Pointer("ab" * 8, "train 0", 1250)):
        assert read_pointer(pointer.text()) == pointer
        assert pointer.text() != pointer.text()


def test_a_picture_of_ones_own_survives_the_way_bit_for_bit(nets: NetRegistry) -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)  # noise makes the largest PNG
    text = Pointer(PRETRAINED, picture_pointer(image)).text()
    assert len(text) < LONGEST
    shown = shown_by(read_pointer(text).picture, nets.open(NetRef(PRETRAINED)))
    assert np.array_equal(shown.image, image)
    assert (shown.title, shown.label) == ("your picture", None)


def test_a_picture_of_the_data_set_comes_with_its_class(nets: NetRegistry, tiny: Splits) -> None:
    chosen = nets.open(NetRef(PRETRAINED))
    for picture, images, index in (("test 119", tiny.test, 119), ("train 0", tiny.train, 0)):
        shown = shown_by(picture, chosen)
        assert np.array_equal(shown.image, images.images[index])
        assert (shown.title, shown.label) == (picture.replace(" ", " image "), images.labels[index])


def test_a_pointer_that_is_none_is_refused_with_a_sentence() -> None:
    rights = [PRETRAINED, "test 1", None, "x"]
    wrongs = [
        ("", None, 0, "nonsense", "[]", "{}", "null", "[1, 2, 3, 4]", "[" * 5000),
        (json.dumps(rights[:3]), json.dumps([*rights, 1]), json.dumps([None, *rights[1:]])),
        (json.dumps([PRETRAINED, 7, None, "x"]), json.dumps([PRETRAINED, "test 1", "5", "x"])),
        (json.dumps([PRETRAINED, "test 1", True, "x"]), json.dumps([PRETRAINED, "png " + "A" * LONGEST, None, "x"])),
    ]
    for wrong in (one for group in wrongs for one in group):
        with pytest.raises(RunError, match="Choose a picture first"):
            read_pointer(wrong)


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        ("test 120", "There is no test image 120; they are numbered from 0 to 119"),
        ("train 400", "There is no train image 400; they are numbered from 0 to 399"),
        ("test -1", "There is no test image -1"),
        ("test 1.0", "There is no test image"),
        ("test ²", "There is no test image"),
        ("test 1234567890", "There is no test image"),
        ("test", "There is no test image"),
        ("", "must be train or test"),
        ("valid 3", "must be train or test"),
        ("png", "empty"),
        ("png !", "did not arrive whole"),
        ("png AAA", "did not arrive whole"),
        ("png AAAA", "no picture that can be read here"),
    ],
)
def test_a_picture_that_there_is_not_is_refused_with_a_sentence(nets: NetRegistry, picture: str, sentence: str) -> None:
    with pytest.raises(CifarError, match=sentence):
        shown_by(picture, nets.open(NetRef(PRETRAINED)))


def test_a_picture_cut_short_on_the_way_is_refused(nets: NetRegistry) -> None:
    whole = picture_pointer(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(ImageError):
        shown_by(whole[: len(whole) // 2 // 4 * 4], nets.open(NetRef(PRETRAINED)))
