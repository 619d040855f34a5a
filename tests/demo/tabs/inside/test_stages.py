"""The stages of one image: the numbers on the page are the Net's own."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.data import Splits
from cifar_core.data.image_set import ImageSet
from cifar_core.net import Net, layers, new_net
from demo.tabs.inside.architecture import architecture_html
from demo.tabs.inside.colours import DROPPED, PALETTE, to_colours
from demo.tabs.inside.stages import about_html, stages_html
from demo.tabs.inside.state import Place
from demo.tabs.inside.subject import Subject
from tests.helpers.markup import images_in, text_of

HERE = Place("conv1", 2, 11, 7)
NAMES = ("<b>", "a&b", '"q"', "$x$", "<script>alert(1)</script>", "'", "six", "seven", "eight", "Ňęt")


@pytest.fixture
def page(subject: Subject) -> str:
    return str(stages_html(subject, HERE))


def stage_of(page: str, name: str) -> str:
    """The HTML of one stage."""
    return page.split(f'data-stage="{name}"')[1].split('<li class="stage')[0]


def drawn_in(page: str, name: str, *, selected: bool = False) -> Iterator[np.ndarray]:
    """The pixels of a stage's maps, cut out of the sheet as a browser does: by position and size in percent."""
    (sheet,) = images_in(page)
    stage = stage_of(page, name)
    (width, height), y = _numbers(stage, "size"), _numbers(stage, "selected-y" if selected else "y")[0]
    down, across = round(100 * sheet.shape[0] / height), round(100 * sheet.shape[1] / width)
    top = round(y / 100 * (sheet.shape[0] - down))
    for x in _numbers(stage, "x"):
        left = round(x / 100 * (sheet.shape[1] - across))
        yield sheet[top : top + down, left : left + across]


def _numbers(markup: str, name: str) -> list[float]:
    found = re.findall(rf"--{name}:([^;\"]+)", markup)
    return [float(number) for value in found for number in value.replace("%", "").split()]


def largest_of(subject: Subject, name: str) -> float:
    return float(np.abs(subject.inspection.stage(name).values).max())


# ------------------------------------------------------------------------------------------------------------- colours


def test_zero_is_black_orange_is_positive_and_blue_is_negative() -> None:
    black, orange, blue = PALETTE[to_colours(np.array([0.0, 2.0, -2.0]), 2.0)].astype(int)
    assert black.max() < 15
    assert orange[0] > orange[2] + 60 and blue[2] > blue[0] + 60
    assert orange.sum() > blue.sum()  # so that without colours they differ too


def test_a_stronger_number_is_brighter_on_both_sides() -> None:
    for sign in (1, -1):
        brightness = PALETTE[to_colours(sign * np.linspace(0, 3, 100), 3.0)].astype(int).sum(axis=1)
        assert (np.diff(brightness) > 0).all()
        assert (PALETTE[to_colours(sign * np.array([3.0, 9.0]), 3.0)] == PALETTE[127 if sign > 0 else 254]).all()


def test_maps_of_nothing_but_zeros_are_black() -> None:
    assert PALETTE[to_colours(np.zeros((2, 3)), 0.0)].max() < 15


# --------------------------------------------------------------------------------------------------- the whole drawing


def test_the_drawing_has_every_shape_and_counts_all_parameters() -> None:
    drawing = architecture_html(layers())
    shapes = re.findall(r'class="shape">([^<]+)<', drawing)
    assert shapes == ["3×32×32", "6×28×28", "6×14×14", "16×10×10", "16×5×5", "400", "120", "84", "10"]
    for layer in layers():
        assert layer.arithmetic in drawing and f"self.{layer.name} = {layer.code}" in drawing
    assert "6×3×5×5 + 6 = 456" in drawing and "62,006" in text_of(drawing)
    assert drawing.count("nn.MaxPool2d") == 1  # the same pool is used twice
    assert "The Net: an image of 3×32×32; conv1 + ReLU makes 6×28×28; max-pool makes" in drawing


def test_every_arrow_has_the_shape_of_the_tensor_that_goes_there(subject: Subject, page: str) -> None:
    shapes = re.findall(r'<li class="shape"><span[^>]*>↓</span> ([^<]+)</li>', page)
    assert [tuple(map(int, shape.split("×"))) for shape in shapes] == [s.shape for s in subject.inspection.stages[:-1]]


def test_every_stage_has_its_code_and_its_parameters(page: str) -> None:
    assert "x = self.pool(F.relu(<mark>self.conv1(x)</mark>))" in stage_of(page, "conv1")
    assert "x = self.pool(<mark>F.relu(self.conv2(x))</mark>)" in stage_of(page, "relu2")
    assert "x = <mark>x.view(-1, 16 * 5 * 5)</mark>" in stage_of(page, "flatten")
    assert 'class="line"><mark>torch.softmax(x, 1)</mark>' in stage_of(page, "probabilities")
    for name, arithmetic in (("conv2", "16×6×5×5 + 16 = 2,416"), ("fc1", "120×400 + 120 = 48,120")):
        assert f"{arithmetic} parameters" in stage_of(page, name)


# ---------------------------------------------------------------------------------------------------------------- maps


@pytest.mark.parametrize("name", ["input", "conv1", "relu1", "pool1", "conv2", "relu2", "pool2"])
def test_the_maps_hold_the_stages_own_numbers(subject: Subject, page: str, name: str) -> None:
    values = subject.inspection.stage(name).values
    scale = largest_of(subject, re.sub("pool|relu", "conv", name))
    assert np.array_equal(list(drawn_in(page, name)), PALETTE[to_colours(values, scale)])


@pytest.mark.parametrize(("name", "mask"), [("relu1", "pool1_mask"), ("relu2", "pool2_mask")])
def test_what_the_pool_does_not_select_turns_grey(subject: Subject, page: str, name: str, mask: str) -> None:
    selected = getattr(subject.inspection, mask)
    maps, overlay = np.array(list(drawn_in(page, name))), np.array(list(drawn_in(page, name, selected=True)))
    assert np.array_equal((overlay != PALETTE[DROPPED]).any(axis=-1), selected)
    assert np.array_equal(overlay[selected], maps[selected])


@pytest.mark.parametrize(("name", "lines"), [("flatten", 4), ("fc1", 2), ("fc2", 2), ("logits", 1)])
def test_long_rows_of_numbers_are_read_line_by_line(subject: Subject, page: str, name: str, lines: int) -> None:
    (strip,) = drawn_in(page, name)
    values = subject.inspection.stage(name).values
    assert strip.shape == (lines, len(values) // lines, 3)
    scale = largest_of(subject, "conv2" if name == "flatten" else name)
    assert np.array_equal(strip.reshape(-1, 3), PALETTE[to_colours(values, scale)])


def test_the_scale_of_a_stage_is_named_in_words(subject: Subject, page: str) -> None:
    largest = largest_of(subject, "conv1")
    assert f"the brightest orange {largest:.2f}, the brightest blue -{largest:.2f}" in text_of(stage_of(page, "conv1"))
    relu = text_of(stage_of(page, "relu1"))
    assert f"the brightest orange {largest:.2f}, the same scale as in conv1" in relu and "blue" not in relu


def test_the_chosen_unit_is_marked_before_and_after_relu_and_nowhere_else(page: str) -> None:
    marked = re.findall(r'map chosen" style="--row:(\d+);--column:(\d+)" data-layer="(\w+)" data-channel="(\d+)"', page)
    assert marked == [("11", "7", "conv1", "2")] * 2


def test_maps_that_can_be_clicked_are_buttons_with_names(page: str) -> None:
    assert len(re.findall(r'<button type="button" class="map[^>]*aria-label="conv1, map \d: ', page)) == 6
    assert len(re.findall(r'<button type="button" class="map[^>]*aria-label="conv2, map \d+: ', page)) == 16


def test_all_stages_together_are_one_image_and_stay_a_light_page(page: str) -> None:
    assert page.count("data:image/png") == 1 and len(page) < 80_000


# ---------------------------------------------------------------------------------------------------- about, questions


def test_the_prediction_and_the_true_class_are_shown(subject: Subject) -> None:
    page = text_of(about_html(subject, past=False, key=""))
    assert f"The Net predicts {subject.classes[subject.predicted]} , {100 * subject.probability:.1f} % sure" in page
    assert ("✓ right" in page) is (subject.predicted == subject.image.label)
    assert f"the true class is {subject.true_class}" in page and "as it was" not in page
    assert "as it was" in about_html(subject, past=True, key="")


def test_the_true_class_of_ones_own_image_is_unknown(subject: Subject) -> None:
    mine = replace(subject, image=replace(subject.image, label=None, ref=replace(subject.image.ref, png="x")))
    page = text_of(about_html(mine, past=False, key=""))
    assert "The true class is unknown." in page and "your image" in page
    assert "right" not in page and "wrong" not in page
    assert "ln(" in stages_html(subject, HERE) and "ln(" not in stages_html(mine, HERE)


def test_a_net_that_is_not_finite_predicts_nothing_but_has_a_sentence(
    tiny: Splits, make_subject: Callable[..., Subject]
) -> None:
    net = new_net(0)
    net.fc2.weight.data.fill_(float("nan"))
    page = about_html(make_subject(net, tiny), past=False, key="")
    assert "diverged" in page and "The Net predicts" not in page


def test_the_scores_are_those_of_the_net_in_the_order_of_the_labels(subject: Subject, page: str) -> None:
    table = page.split('<table class="bars scores">')[1].split("<tbody>")[1]
    rows = re.findall(r'<tr( class="best")?><th scope="row">([^<]+)</th>(.*?)</tr>', table)
    assert [name for _, name, _ in rows] == list(subject.classes)
    assert [bool(best) for best, _, _ in rows].index(True) == subject.predicted
    logits, shares = (subject.inspection.stage(name).values for name in ("logits", "probabilities"))
    for label, (_, _, row) in enumerate(rows):
        logit, share = (float(number) for number in re.findall(r"-?\d+\.\d+", text_of(row)))
        assert logit == pytest.approx(logits[label], abs=0.00051)
        assert share == pytest.approx(100 * shares[label], abs=0.051)
        assert f"width:{100 * shares[label]:.1f}%" in row


def test_the_questions_are_answered_with_the_images_own_numbers(subject: Subject, page: str) -> None:
    said = {stage.name: text_of(stage_of(page, stage.name)) for stage in subject.inspection.stages}
    values: dict[str, Any] = {stage.name: stage.values for stage in subject.inspection.stages}
    conv1, relu1, pool1 = values["conv1"], values["relu1"], values["pool1"]
    assert f"in place of {(conv1 < 0).sum():,} of 4,704 ({100 * (conv1 < 0).mean():.0f} %)" in said["relu1"]
    assert f"hold {100 * pool1.sum() / relu1.sum():.0f} % of the sum" in said["pool1"]
    assert f"In {(pool1 == 0).sum():,} squares" in said["pool1"]
    place = re.search(r"because (\d+) × 25 \+ (\d) × 5 \+ (\d) = (\d+)", said["flatten"])
    assert place
    channel, down, across, at = map(int, place.groups())
    assert values["flatten"][at] == values["pool2"][channel, down, across] == values["flatten"].max()
    assert at == 25 * channel + 5 * down + across
    assert f"{(values['fc1'] == 0).sum()} of the 120 are 0" in said["fc1"]
    byte = subject.image.pixels[0, 0, 0]
    assert f"{byte} / 255 = {byte / 255:.3f}" in said["input"]
    assert f"= {-np.log(values['probabilities'][subject.image.label]):.3f}" in said["logits"]
    division = re.search(r"([\d.e+]+) / ([\d.e+]+) = (\d\.\d+)", said["probabilities"])
    assert division
    power, total, quotient = map(float, division.groups())
    assert power / total == pytest.approx(quotient, abs=0.001)


def test_an_untrained_net_and_a_black_image_have_answers_too(
    tiny: Splits, make_subject: Callable[..., Subject]
) -> None:
    net = new_net(0)
    with torch.no_grad():
        net.conv1.weight.zero_()
        net.conv1.bias.fill_(-1)  # type: ignore[union-attr]  # so that ReLU leaves nothing
    assert "hold 0 % of the sum" in text_of(stages_html(make_subject(net, tiny), HERE))


def test_names_of_classes_cannot_break_the_page(
    trained: Net, tiny: Splits, make_subject: Callable[..., Subject]
) -> None:
    train, test = (ImageSet(part.images, part.labels, NAMES, part.split) for part in tiny)
    splits = replace(tiny, train=train, test=test)
    for index in range(6):
        subject = make_subject(trained, splits, index)
        for page in (about_html(subject, past=False, key=""), stages_html(subject, HERE)):
            assert "<script" not in page and "<b></b>" not in page and not re.search(r"<b><b>|a&b", page)
