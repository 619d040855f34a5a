"""Whatever is asked about a test that is shown belongs to that very test, or is refused with a sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cifar_core.data import Splits
from cifar_core.data.image_set import ImageSet
from cifar_core.errors import RunError
from cifar_core.evaluate import evaluate
from cifar_core.net import new_net
from cifar_core.runs.refs import PRETRAINED, ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry
from demo.gradio_compat import PageState
from demo.tabs.judge.batch import batch_page
from demo.tabs.judge.evaluation import image_inside, shown_evaluation
from demo.tabs.judge.images import images_page
from demo.tabs.judge.state import JudgeState, fingerprint
from demo.widgets.look_at import LookAt
from tests.helpers.nets import ANN, come_to, run_of
from tests.helpers.runs import remove, write_rows
from tests.helpers.tiny_data import tiny_splits


def state_of(nets: NetRegistry, name: str = PRETRAINED) -> JudgeState:
    """Return the state after a test of a Net as it is now."""
    opened = nets.open(NetRef(name))
    nets.evaluation(opened)
    return JudgeState(tested=opened.ref, data=fingerprint(opened.splits))


def test_what_is_shown_belongs_to_its_step_while_the_run_trains_on(nets: NetRegistry, tiny: Splits) -> None:
    run = run_of(nets, ANN, 1)
    state = state_of(nets, run.id)
    assert state.tested == NetRef(run.id, 10)
    come_to(nets, run, 20, new_net(2))
    splits, then = shown_evaluation(nets, state)
    assert splits is tiny and np.array_equal(then.logits, evaluate(new_net(1), tiny.test).logits)
    assert nets.cached_evaluation(nets.open(NetRef(run.id))) is None  # the newer Net is not taken for the older


def test_a_question_about_a_test_that_was_dropped_tests_nothing_and_says_what_to_do(
    nets: NetRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = state_of(nets, run_of(nets, ANN, 1).id)
    forgetful = NetRegistry(nets.service, nets.source)
    monkeypatch.setattr(forgetful, "evaluating", lambda opened: pytest.fail("a Net is tested in a place of Classify"))
    for ask in (shown_evaluation, images_page, lambda nets, state: batch_page(nets, state, "0, 1, 2, 3")):
        with pytest.raises(
            RunError, match=r"^This test is no longer stored\. Press Test it to see the Net as it is now"
        ):
            ask(forgetful, state)


def test_images_of_other_data_than_tested_are_never_shown(nets: NetRegistry, tmp_path: Path) -> None:
    state = state_of(nets)
    assert shown_evaluation(nets, state)
    nets.source.splits = tiny_splits(tmp_path / "other", train=40, test=20, seed=5)
    with pytest.raises(RunError, match="Other images are in use"):
        shown_evaluation(nets, state)
    with pytest.raises(RunError, match="Other images are in use"):
        image_inside(nets, state, 3)


def test_a_deleted_run_gets_a_sentence_even_where_its_evaluation_is_cached(nets: NetRegistry) -> None:
    run = run_of(nets, ANN, 1)
    state = state_of(nets, run.id)
    assert images_page(nets, state).grid
    remove(nets.service.store, run.id)
    with pytest.raises(RunError, match="There is no such run"):
        images_page(nets, state)
    with pytest.raises(RunError, match="There is no such run"):
        batch_page(nets, state, "0, 1, 2, 3")
    with pytest.raises(RunError, match="There is no such run"):
        image_inside(nets, state, 0)


def test_an_image_is_opened_before_the_net_of_the_test_where_that_is_stored(nets: NetRegistry) -> None:
    run, image = run_of(nets, ANN, 1), ImageRef("test", 7)
    at_first = state_of(nets, run.id)
    assert image_inside(nets, at_first, 7) == (LookAt(NetRef(run.id), image), "")
    come_to(nets, run, 20, new_net(2), frame=True)
    framed = state_of(nets, run.id)
    come_to(nets, run, 30, new_net(3))
    assert image_inside(nets, framed, 7) == (LookAt(NetRef(run.id, 20), image), "")
    come_to(nets, run, 40, new_net(4), frame=True)
    write_rows(nets.service.store, run.id, state="done")
    assert image_inside(nets, state_of(nets, run.id), 7) == (LookAt(NetRef(run.id), image), "")  # it stays as it is
    look_at, message = image_inside(nets, at_first, 7)
    assert look_at == LookAt(NetRef(run.id), image)
    assert "trained on since step 10" in message and "as it is now, at step 40" in message
    assert image_inside(nets, state_of(nets), 0) == (LookAt(NetRef(), ImageRef("test", 0)), "")
    for wrong in (-1, 120, 1.0, "1", None, True):
        with pytest.raises(RunError, match="no such test image"):
            image_inside(nets, framed, wrong)


def test_before_the_first_test_there_is_nothing_to_ask(nets: NetRegistry) -> None:
    with pytest.raises(RunError, match="press Test it first"):
        shown_evaluation(nets, JudgeState())
    with pytest.raises(RunError, match="press Test it first"):
        image_inside(nets, JudgeState(), 0)


def test_other_images_have_another_fingerprint_which_tells_no_path(tiny: Splits, tmp_path: Path) -> None:
    other = tiny_splits(tmp_path / "other", train=400, test=120, seed=5)
    moved = Splits(tiny.train, tiny.test, tiny.info, tmp_path / "moved")
    relabelled = ImageSet(tiny.test.images, (tiny.test.labels + 1) % 10, tiny.test.classes, "test")
    assert fingerprint(moved) == fingerprint(tiny)
    fingerprints = {
        fingerprint(splits) for splits in (tiny, other, Splits(tiny.train, relabelled, tiny.info, tiny.folder))
    }
    assert len(fingerprints) == 3


def test_what_the_browser_is_given_holds_no_path_of_the_server(nets: NetRegistry) -> None:
    state = state_of(nets, run_of(nets, ANN, 1).id)
    written = str(PageState(JudgeState(), label="x").written(replace(state, page=3)))
    assert fingerprint(nets.source.splits) in written
    assert "/" not in written and nets.source.splits.folder.name not in written
