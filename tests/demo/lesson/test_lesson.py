"""The lesson's texts are complete, their numbers are true, and what they offer to try is something the page can do."""

import ast
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from cifar_core.config import FIELDS
from cifar_core.data import Splits
from cifar_core.data.image_set import ImageSet, save
from cifar_core.data.source import DataSource
from cifar_core.net import layers
from cifar_core.runs.limits import Limits
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.lesson.lesson import Step, lesson
from demo.lesson.panel import begin_of, end_of
from demo.lesson.values import values_of
from demo.setup.link import TABS, read_setup
from tests.helpers.markup import EVIL_CLASSES, text_of
from tests.helpers.run_steps import ANN, CONFIG, end, go_to


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "runs", limits=Limits(steps=1000))


@pytest.fixture
def source(tiny: Splits) -> DataSource:
    return DataSource(tiny)


def markup(step: Step, values: dict[str, str]) -> str:
    return begin_of(step, values) + end_of(step)


def shown(step: Step, service: Service, source: DataSource, run: str = "") -> str:
    return text_of(markup(step, values_of(NetRegistry(service, source), run)))


def test_the_way_has_ten_steps_from_the_device_to_what_comes_next() -> None:
    assert [step.number for step in lesson()] == list(range(1, 11))
    assert "processor" in lesson()[0].title and "next" in lesson()[-1].title


@pytest.mark.parametrize("step", lesson(), ids=lambda step: f"{step.number}")
def test_a_step_has_all_its_parts_and_is_short(step: Step) -> None:
    for part in (step.what, step.why, step.screen, step.question, step.answer):
        assert len(part) > 10 and part[-1] in ".?*}", part
        assert len(part.split()) <= 85, f"too long to be read beside the controls: {part}"
    assert 2 <= len(step.code.splitlines()) <= 8
    assert 1 <= len(step.tries) <= 4


@pytest.mark.parametrize("step", lesson(), ids=lambda step: f"{step.number}")
def test_its_code_is_python(step: Step) -> None:
    ast.parse(step.code)


@pytest.mark.parametrize("step", lesson(), ids=lambda step: f"{step.number}")
def test_what_it_offers_to_try_is_a_set_up_of_this_page(step: Step) -> None:
    assert step.tab in TABS
    for one in step.tries:
        setup = read_setup(one.query[1:], tuple(FIELDS))
        assert setup.tab and not setup.problems, one


@pytest.mark.parametrize("step", lesson(), ids=lambda step: f"{step.number}")
def test_every_value_it_names_is_there_with_and_without_a_run(
    step: Step, service: Service, source: DataSource, tiny: Splits
) -> None:
    before = shown(step, service, source)
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 200)
    end(service, run, tiny)
    after = shown(step, service, source, run.id)
    assert "{" not in before + after and before != "" != after
    assert shown(step, service, source, "0" * 16) == before  # a run that is gone


def test_the_values_are_those_of_the_run_that_is_followed(service: Service, source: DataSource, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 200)
    end(service, run, tiny)
    values = values_of(NetRegistry(service, source), run.id, 8)
    assert values["train_count"] == "400" and values["steps_an_epoch"] == "50" and values["steps_in_all"] == "200"
    assert "31 of 120 right" in values["accuracy"] and "25.8\u00a0%" in values["accuracy"]
    assert "epoch 2, mini-batch 100" in values["last_line"]


def test_a_class_name_is_never_taken_for_markup(service: Service, tiny: Splits, tmp_path: Path) -> None:
    train, test = (ImageSet(part.images, part.labels, EVIL_CLASSES, part.split) for part in tiny)
    evil = save(tmp_path / "evil", train, test, tiny.info)
    run = service.start(ANN, CONFIG, evil)
    go_to(service, run, 200)
    end(service, run, evil)
    values = values_of(NetRegistry(service, DataSource(evil)), run.id)
    assert not any("<script" in markup(step, values) for step in lesson())


def test_the_markup_is_closed_where_it_was_opened(service: Service, source: DataSource) -> None:
    class Reader(HTMLParser):
        open: list[str]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    for step in lesson():
        reader = Reader()
        reader.open = []
        reader.feed(markup(step, values_of(NetRegistry(service, source), "")))
        assert reader.open == []


def test_the_numbers_in_the_texts_are_true() -> None:
    words = " ".join(f"{step.what} {step.why} {step.screen} {step.answer}" for step in lesson())
    counts = [layer.parameters for layer in layers() if layer.parameters]
    assert " + ".join(f"{count:,}" for count in counts) + f" = {sum(counts):,}" in words
    assert f"−log(0.5) = {-math.log(0.5):.2f} and −log(0.01) = {-math.log(0.01):.2f}" in words
    assert f"e^2.1 = {math.exp(2.1):.1f}" in words
    assert 51 / 255 == 0.2 and round((0.2 - 0.5) / 0.5, 6) == -0.6 and round((-0.2 / 2 + 0.5) * 255) == 102


def test_the_steps_tell_the_tutorials_story_in_its_own_names() -> None:
    code = "\n".join(step.code for step in lesson())
    for line in ("optimizer.zero_grad()", "loss.backward()", "optimizer.step()", "criterion = nn.CrossEntropyLoss()"):
        assert line in code
    made = {name: eval(right, {"nn": torch.nn}) for name, right in re.findall(r"self\.(\w+) = (nn\..+)", code)}
    assert sum(p.numel() for layer in made.values() for p in layer.parameters()) == 62_006


def test_a_batch_size_that_is_none_leaves_the_lesson_with_the_tutorials(service: Service, source: DataSource) -> None:
    nets = NetRegistry(service, source)
    for size in (math.inf, math.nan, 0, 10**9, None, "x"):
        assert values_of(nets, "", size) == values_of(nets, "", 4)
