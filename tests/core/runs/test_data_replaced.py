"""A data folder that others put in the place of the one a run was started on: the run refuses it, and says so."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from cifar_core.net import load_net
from cifar_core.runs.bundle import data_words
from cifar_core.runs.images import images_of
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from cifar_core.teach.receipt import receipt_of
from tests.helpers.runs import ANN, BRIEF, NO_LIMITS, alone, assert_same, refusal, work, write_rows
from tests.helpers.tiny_data import tiny_splits

REPLACED = "The images of this run have been replaced by others since it was started."


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests work in their place."""
    return Service(tmp_path / "runs", workers=1, limits=NO_LIMITS)


@pytest.fixture
def splits(tmp_path: Path) -> Splits:
    return tiny_splits(tmp_path / "data", 400, 120)


def replaced(splits: Splits) -> Splits:
    """Put as many other images in the place of these."""
    shutil.rmtree(splits.folder)
    return tiny_splits(splits.folder, len(splits.train), len(splits.test), seed=7)


def test_a_run_under_way_fails_with_a_sentence_instead_of_going_on_with_other_images(
    service: Service, splits: Splits
) -> None:
    run = service.start(ANN, BRIEF, splits)
    pair = service.start_pair(ANN, BRIEF, "no_shuffle", splits)
    replaced(splits)
    work(service.store)
    for one in (run, *pair):
        assert (service.find(one.id).state, service.find(one.id).message) == ("failed", REPLACED)


def test_a_run_that_has_ended_is_neither_trained_on_nor_opened_with_other_images_and_has_no_receipt(
    service: Service, splits: Splits
) -> None:
    run = service.start(ANN, BRIEF, splits)
    work(service.store)
    other = replaced(splits)
    for opened in (other, tiny_splits(splits.folder.parent / "in use", 40, 20)):
        nets = NetRegistry(service, DataSource(opened))
        assert refusal(partial(nets.open, NetRef(run.id))) == REPLACED
    assert refusal(lambda: service.train_on(ANN, run.id, 1)) == REPLACED
    assert refusal(lambda: images_of(run)) == REPLACED
    assert data_words(run) == "no longer on this server"
    snapshot, weights = service.snapshot(run.id), service.weights(run.id)
    with pytest.raises(CifarError, match="data of this run have changed since"):
        receipt_of(snapshot, weights, other)
    assert load_net(weights)


@pytest.mark.parametrize("again", ["written", "copied"])
def test_the_same_images_written_again_are_the_same(service: Service, splits: Splits, again: str) -> None:
    run = service.start(ANN, BRIEF, splits)
    if again == "written":
        tiny_splits(splits.folder, 400, 120)
    else:
        shutil.copytree(splits.folder, splits.folder.with_name("copy"))
        shutil.rmtree(splits.folder)
        splits.folder.with_name("copy").rename(splits.folder)
    work(service.store)
    assert_same(service.store, run, alone(BRIEF, splits))


def test_a_run_of_an_earlier_program_whose_images_are_not_known_accepts_what_is_there(
    service: Service, splits: Splits
) -> None:
    run = service.start(ANN, BRIEF, splits)
    write_rows(service.store, run.id, data_sha256=None)
    replaced(splits)
    work(service.store)
    assert service.find(run.id).state == "done"
