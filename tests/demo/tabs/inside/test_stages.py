"""What is shown inside of a Net: the numbers on the page are the Net's own, and those of a sum add up as printed."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from PIL import Image

from cifar_core.data import Splits
from cifar_core.data.image_set import ImageSet
from cifar_core.inspect.filters import filter_tiles, first_filters
from cifar_core.inspect.neighbours import Neighbours
from cifar_core.inspect.saliency import saliency, smooth_saliency
from cifar_core.inspect.stages import inspect_image
from cifar_core.inspect.unit import unit
from cifar_core.net import Net, layers, new_net
from cifar_core.runs.registry import OpenNet
from demo.tabs.inside.architecture import architecture_html
from demo.tabs.inside.colours import DROPPED, kept_colours, number_colours
from demo.tabs.inside.inspection import Look, moment_words
from demo.tabs.inside.questions import questions
from demo.tabs.inside.stages import Place, about_html, filters_html, scores_html, stages_html
from demo.tabs.inside.unit import unit_html
from demo.tabs.inside.why import TRUST, neighbours_html, saliency_html, searching_html
from demo.widgets.pointer import Shown

EVIL = ("<b>", "a&b", '"q"', "$x$", "<script>alert(1)</script>", "'", "six", "seven", "eight", "Ňęt")
PLACES = [("conv1", 0, 0, 0), ("conv1", 5, 27, 27), ("conv1", 3, 4, 19), ("conv2", 0, 0, 0), ("conv2", 15, 9, 9)]
HERE = Place("conv1", 2, 11, 7)


def look_at(net: Net, splits: Splits, index: int = 3) -> Look:
    image, label = np.asarray(splits.test.images[index]), int(splits.test.labels[index])
    chosen = OpenNet("pretrained", None, None, net, splits)
    return Look(chosen, Shown(image, f"test image {index}", label), inspect_image(net, image))


@pytest.fixture(scope="module")
def look(trained: Net, tiny: Splits) -> Look:
    return look_at(trained, tiny)


def renamed(splits: Splits) -> Splits:
    """The same pictures, of classes whose names would break a page that trusted them."""
    train, test = (ImageSet(part.images, part.labels, EVIL, part.split) for part in splits)
    return replace(splits, train=train, test=test)


def text_of(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup)).replace("−", "-").strip()


def stage_of(markup: str, name: str) -> str:
    """The HTML of one stage."""
    return markup.split(f"data-stage='{name}'")[1].split("<li class='stage'")[0]


def pictures_in(markup: str) -> Iterator[np.ndarray]:
    for encoded in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", markup):
        yield np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))


def maps_of(image_grid: np.ndarray) -> np.ndarray:
    """A sheet of square maps in one row: uint8 (N, side, side, 3)."""
    side = len(image_grid)
    return image_grid.reshape(side, -1, side, 3).swapaxes(0, 1)


# ------------------------------------------------------------------------------------------------------------- colours


def test_zero_is_black_and_the_sign_is_told_by_orange_and_blue() -> None:
    black, orange, blue = number_colours(np.array([0.0, 2.0, -2.0]), 2.0).astype(int)
    assert black.max() < 15
    assert orange[0] > orange[2] + 60 and blue[2] > blue[0] + 60
    assert orange.sum() > blue.sum()  # so that without colours they differ too


def test_a_stronger_number_is_brighter_on_both_sides() -> None:
    for sign in (1, -1):
        brightness = number_colours(sign * np.linspace(0, 3, 30), 3.0).astype(int).sum(axis=1)
        assert (np.diff(brightness) > 0).all()


def test_maps_of_nothing_but_zeros_are_black() -> None:
    assert number_colours(np.zeros((2, 3)), 0.0).max() < 15


# --------------------------------------------------------------------------------------------------- the whole drawing


def test_the_drawing_has_every_shape_and_counts_all_parameters() -> None:
    drawing = architecture_html(layers())
    shapes = re.findall(r"class='shape'>([^<]+)<", drawing)
    assert shapes == ["3×32×32", "6×28×28", "6×14×14", "16×10×10", "16×5×5", "400", "120", "84", "10"]
    for layer in layers():
        assert layer.arithmetic in drawing and f"self.{layer.name} = {layer.code}" in drawing
    assert "6×3×5×5 + 6 = 456" in drawing and "62,006" in text_of(drawing)
    assert drawing.count("nn.MaxPool2d") == 1  # the same pool is used twice


def test_every_arrow_has_the_shape_of_the_tensor_that_goes_there(look: Look) -> None:
    shapes = re.findall(r"<li class='shape'><span[^>]*>↓</span> ([^<]+)</li>", stages_html(look, HERE))
    assert [tuple(map(int, shape.split("×"))) for shape in shapes] == [s.shape for s in look.inside.stages[:-1]]


def test_every_stage_has_its_code_and_its_parameters(look: Look) -> None:
    page = stages_html(look, HERE)
    assert "x = self.pool(F.relu(<mark>self.conv1(x)</mark>))" in stage_of(page, "conv1")
    assert "x = self.pool(<mark>F.relu(self.conv2(x))</mark>)" in stage_of(page, "relu2")
    assert "x = <mark>x.view(-1, 16 * 5 * 5)</mark>" in stage_of(page, "flatten")
    for name, arithmetic in (("conv2", "16×6×5×5 + 16 = 2,416"), ("fc1", "120×400 + 120 = 48,120")):
        assert f"{arithmetic} parameters" in stage_of(page, name)


# ---------------------------------------------------------------------------------------------------------------- maps


@pytest.mark.parametrize("name", ["input", "conv1", "pool1", "conv2", "pool2"])
def test_the_maps_hold_the_stages_own_numbers(look: Look, name: str) -> None:
    (image_grid,) = pictures_in(stage_of(stages_html(look, HERE), name))
    values = look.inside.stage(name).values
    largest = np.abs(look.inside.stage(name.replace("pool", "conv")).values).max()
    assert np.array_equal(maps_of(image_grid), number_colours(values, largest))


@pytest.mark.parametrize(("name", "kept"), [("relu1", "pool1_mask"), ("relu2", "pool2_mask")])
def test_what_the_pool_throws_away_turns_grey(look: Look, name: str, kept: str) -> None:
    overlay, image_grid = pictures_in(stage_of(stages_html(look, HERE), name))
    keeps = getattr(look.inside, kept)
    assert np.array_equal((maps_of(overlay) != DROPPED).any(axis=-1), keeps)
    assert np.array_equal(maps_of(overlay)[keeps], maps_of(image_grid)[keeps])
    assert np.array_equal(maps_of(overlay), kept_colours(look.inside.stage(name).values, _scale(look, name), keeps))


def _scale(look: Look, name: str) -> float:
    return float(np.abs(look.inside.stage(name.replace("relu", "conv")).values).max())


@pytest.mark.parametrize(("name", "rows"), [("flatten", 4), ("fc1", 2), ("fc2", 2), ("logits", 1)])
def test_vectors_are_strips_read_line_by_line(look: Look, name: str, rows: int) -> None:
    (strip,) = pictures_in(stage_of(stages_html(look, HERE), name))
    values = look.inside.stage(name).values
    assert strip.shape == (rows, len(values) // rows, 3)
    largest = np.abs(look.inside.stage("conv2" if name == "flatten" else name).values).max()
    assert np.array_equal(strip.reshape(-1, 3), number_colours(values, largest))


def test_the_scale_of_a_stage_is_named_in_words(look: Look) -> None:
    page = stages_html(look, HERE)
    largest = np.abs(look.inside.stage("conv1").values).max()
    assert f"the brightest orange {largest:.2f}, the brightest blue -{largest:.2f}" in text_of(stage_of(page, "conv1"))
    relu = text_of(stage_of(page, "relu1"))
    assert f"the brightest orange {largest:.2f}, the same scale as in conv1" in relu and "blue" not in relu


def test_the_chosen_unit_is_marked_before_and_after_relu_and_nowhere_else(look: Look) -> None:
    page = stages_html(look, HERE)
    marked = re.findall(r"map chosen' style='--row:(\d+);--column:(\d+)' data-layer='(\w+)' data-channel='(\d+)'", page)
    assert marked == [("11", "7", "conv1", "2")] * 2


def test_maps_that_can_be_clicked_are_buttons_with_names(look: Look) -> None:
    page = stages_html(look, HERE)
    assert len(re.findall(r"<button type='button' class='map[^>]*aria-label='conv1, map \d: ", page)) == 6
    assert len(re.findall(r"<button type='button' class='map[^>]*aria-label='conv2, map \d+: ", page)) == 16


def test_all_stages_together_stay_a_light_page(look: Look) -> None:
    assert len(stages_html(look, HERE)) < 150_000


# ------------------------------------------------------------------------------------------------------------ one unit


def numbers(cells: str) -> list[Decimal]:
    return [Decimal(number) for number in re.findall(r"-?\d+\.\d+", cells.replace("−", "-"))]


@pytest.mark.parametrize("place", PLACES)
def test_the_printed_numbers_of_a_unit_add_up_exactly_and_to_the_maps_value(
    trained: Net, tiny: Splits, place: tuple[str, int, int, int]
) -> None:
    layer, channel, row, column = place
    for image in tiny.test.images[:5]:
        page = unit_html(unit(trained, image, *place), image, *place)
        value = Decimal(re.search(r"class='value'>([^<]+)<", page)[1].replace("−", "-"))
        in_map = inspect_image(trained, image).stage(layer).values[channel, row, column]
        assert float(value) == pytest.approx(in_map, abs=0.00051)
        # the line with the sum: a term for each channel below and the bias, and what they give
        line = re.search(r"<p class='sum'>(.*?)</p>", page)[1]
        *terms, total = numbers(re.sub(r"([+−]) ", r"\1", text_of(line).replace("- ", "-").replace("+ ", "")))
        assert len(terms) == {"conv1": 4, "conv2": 7}[layer]
        assert sum(terms) == total == value
        # and in each channel the 25 products give the term
        for term, part in zip(terms, re.findall(r"<section class='channel'.*?</section>", page), strict=False):
            tables = re.findall(r"<table.*?</table>", part)
            products = numbers(text_of(tables[2]))
            assert len(products) == 25 and sum(products) == term
            assert numbers(part.split("add up to")[1]) == [term]


def test_patch_and_kernel_are_printed_beside_their_products(trained: Net, tiny: Splits) -> None:
    image = tiny.test.images[1]
    found = unit(trained, image, "conv2", 4, 3, 2)
    parts = re.findall(r"<section class='channel'.*?</section>", unit_html(found, image, "conv2", 4, 3, 2))
    assert len(parts) == 6
    for at, part in enumerate(parts):
        for table, values in zip(re.findall(r"<table.*?</table>", part), (found.patch, found.kernel), strict=False):
            printed = [float(number) for number in re.findall(r">(-?\d\d?\.\d+)<", table.replace("−", "-"))]
            assert np.allclose(printed, values[at].ravel(), atol=0.0051)
        assert f"<b>map {at}</b>" in part


def test_each_printed_product_is_less_than_a_thousandth_off(trained: Net, tiny: Splits) -> None:
    image = tiny.test.images[2]
    found = unit(trained, image, "conv1", 1, 5, 5)
    page = unit_html(found, image, "conv1", 1, 5, 5)
    tables = [table for table in re.findall(r"<table.*?</table>", page) if "= product" in table]
    printed = [float(number) for table in tables for number in re.findall(r">(-?\d\.\d{3})<", table.replace("−", "-"))]
    assert np.allclose(printed, found.products.ravel(), atol=0.00101)


def test_a_negative_sum_becomes_0_after_relu(trained: Net, tiny: Splits) -> None:
    image = tiny.test.images[0]
    for channel in range(6):
        found = unit(trained, image, "conv1", channel, 9, 9)
        page = unit_html(found, image, "conv1", channel, 9, 9)
        after = Decimal(re.search(r"class='after'>([^<]+)<", page)[1])
        value = Decimal(re.search(r"class='value'>([^<]+)<", page)[1].replace("−", "-"))
        assert after == max(value, 0)
        assert ("becomes 0" in page) is (found.total <= 0)
        assert ("The max-pool takes it" in page) is found.selected


@pytest.mark.parametrize(
    ("place", "frame"),
    [
        (("conv1", 0, 4, 19), "left:59.375%;top:12.5%;width:15.625%;height:15.625%"),
        (("conv2", 7, 9, 0), "left:0%;top:56.25%;width:43.75%;height:43.75%"),
    ],
)
def test_a_frame_shows_where_on_the_picture_the_unit_looks(
    trained: Net, tiny: Splits, place: tuple[str, int, int, int], frame: str
) -> None:
    image = tiny.test.images[0]
    found = unit(trained, image, *place)
    page = unit_html(found, image, *place)
    assert frame in page
    whole, patch = pictures_in(page)
    top, left, side = found.receptive_field.top, found.receptive_field.left, found.receptive_field.side
    assert np.array_equal(whole, image)
    assert np.array_equal(patch, image[top : top + side, left : left + side])
    assert f"rows {top} to {top + side - 1}, columns {left} to {left + side - 1}" in page


def test_a_unit_that_is_no_number_has_a_sentence(tiny: Splits) -> None:
    net = new_net(0)
    net.conv1.bias.data.fill_(float("nan"))
    image = tiny.test.images[0]
    assert "no value" in unit_html(unit(net, image, "conv1", 0, 0, 0), image, "conv1", 0, 0, 0)


# ----------------------------------------------------------------------------------------------------- about, questions


def test_the_answer_and_the_truth_are_told(look: Look) -> None:
    page = text_of(about_html(look, then=False))
    probability = look.inside.stage("probabilities").values.max()
    assert f"The Net says {look.classes[look.answer]} , {100 * probability:.1f} % sure" in page
    assert ("✓ right" in page) is (look.answer == look.shown.label)
    assert f"the truth is {look.truth}" in page and "as it was" not in page
    assert "as it was" in about_html(look, then=True)


def test_of_ones_own_picture_nobody_knows_the_truth(look: Look) -> None:
    mine = Look(look.chosen, replace(look.shown, title="your picture", label=None), look.inside)
    page = text_of(about_html(mine, then=False))
    assert "right" not in page and "wrong" not in page and "your picture" in page
    assert "ln(" not in dict(questions(mine)["logits"]).popitem()[1]


def test_a_net_that_is_no_numbers_has_no_answer_but_a_sentence(tiny: Splits) -> None:
    net = new_net(0)
    net.fc2.weight.data.fill_(float("nan"))
    page = about_html(look_at(net, tiny), then=False)
    assert "diverged" in page and "The Net says" not in page


def test_the_scores_are_those_of_the_net_in_the_order_of_the_labels(look: Look) -> None:
    rows = re.findall(r"<tr( class=best)?><th scope='row'>([^<]+)</th>(.*?)</tr>", scores_html(look))
    assert [name for _, name, _ in rows] == list(look.classes)
    assert [bool(best) for best, _, _ in rows].index(True) == look.answer
    logits, shares = look.inside.stage("logits").values, look.inside.stage("probabilities").values
    for label, (_, _, row) in enumerate(rows):
        logit, share = numbers(text_of(row))
        assert float(logit) == pytest.approx(logits[label], abs=0.00051)
        assert float(share) == pytest.approx(100 * shares[label], abs=0.051)
        assert f"width:{100 * shares[label]:.1f}%" in row


def test_the_questions_are_answered_with_the_pictures_own_numbers(look: Look) -> None:
    said = {name: " ".join(text_of(answer) for _, answer in asked) for name, asked in questions(look).items()}
    conv1, relu1, pool1 = (look.inside.stage(name).values for name in ("conv1", "relu1", "pool1"))
    assert f"in place of {(conv1 < 0).sum():,} of 4,704" in said["relu1"]
    assert f"hold {100 * pool1.sum() / relu1.sum():.0f} % of the sum" in said["pool1"].replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert f"In {(pool1 == 0).sum():,} squares" in said["pool1"]
    channel, down, across, place = map(
        int, re.search(r"for (\d+) × 25 \+ (\d) × 5 \+ (\d) = (\d+)", said["flatten"]).groups()
    )
    flat, pool2 = look.inside.stage("flatten").values, look.inside.stage("pool2").values
    assert flat[place] == pool2[channel, down, across] == flat.max() and place == 25 * channel + 5 * down + across
    assert f"{(look.inside.stage('fc1').values == 0).sum()} of the 120 are 0" in said["fc1"]
    byte = look.shown.image[0, 0, 0]
    assert f"{byte} / 255 = {byte / 255:.3f}" in said["input"]
    share = look.inside.stage("probabilities").values[look.shown.label]
    assert f"= {-np.log(share):.3f}" in said["logits"]
    power, total, quotient = re.search(r"([\d.e+]+) / ([\d.e+]+) = (\d\.\d+)", said["probabilities"]).groups()
    assert float(power) / float(total) == pytest.approx(float(quotient), abs=0.001)


def test_an_untrained_net_and_a_black_picture_have_answers_too(tiny: Splits) -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    net = new_net(0)
    net.conv1.weight.data.zero_()
    net.conv1.bias.data.fill_(-1)  # so that ReLU leaves nothing
    chosen = OpenNet("pretrained", None, None, net, tiny)
    look = Look(chosen, Shown(image, "your picture", None), inspect_image(net, image))
    assert "hold 0\N{NO-BREAK SPACE}% of the sum" in stages_html(look, HERE)


# ------------------------------------------------------------------------------------------------------- filters, why


def test_the_filters_are_the_nets_own_and_ask_for_news_only_while_they_may_change(trained: Net) -> None:
    tiles = filter_tiles(first_filters(trained))
    page = filters_html(tiles, 0.5, "After 12 mini-batches.", live=True)
    (image_grid,) = pictures_in(page)
    assert np.array_equal(maps_of(image_grid), tiles)
    assert "After 12 mini-batches." in page and "data-live" in page
    assert "data-live" not in filters_html(tiles, 0.5, "After 12 mini-batches.", live=False)


def test_saliency_is_shown_by_two_methods_with_a_warning(look: Look) -> None:
    net, image = look.chosen.net, look.shown.image
    plain, smooth = saliency(net, image, 4), smooth_saliency(net, image, 4)
    page = saliency_html(look, 4, plain, smooth)
    picture, one, other = pictures_in(page)
    assert np.array_equal(picture, image)
    assert np.array_equal(one, number_colours(plain.map, 1)) and np.array_equal(other, number_colours(smooth.map, 1))
    row, column = map(int, re.search(r"at row (\d+), column (\d+)", page).groups())
    assert plain.map[row, column] == 1
    assert TRUST in page and f"the score of <b>{look.classes[4]}</b>" in page
    assert ("(the Net's answer)" in page) is (look.answer == 4)


def test_the_neighbours_are_told_with_class_distance_and_index(look: Look, tiny: Splits) -> None:
    page = neighbours_html(look, Neighbours(np.array([7, 3, 11]), np.array([0.0, 1.25, 2.5], np.float32)))
    names = [tiny.train.classes[tiny.train.labels[index]] for index in (7, 3, 11)]
    assert re.findall(r'data-index="(\d+)"', page) == ["7", "3", "11"]
    for name, index, distance in zip(names, (7, 3, 11), ("0.00", "1.25", "2.50"), strict=True):
        assert f'aria-label="{name}, training image {index}, distance {distance}' in page
        assert f"{name} · {distance}" in page
    (image_grid,) = pictures_in(page)
    assert np.array_equal(image_grid[:, 32:64], tiny.train.images[3])
    assert "test image 3" in text_of(page) and moment_words(look.chosen) in page


def test_where_nothing_is_near_a_sentence_says_so(look: Look) -> None:
    assert "nothing is near" in neighbours_html(look, Neighbours(np.empty(0, np.int64), np.empty(0, np.float32)))


def test_a_search_says_how_far_it_is() -> None:
    page = searching_html(12_500, 50_000)
    assert "12,500 of 50,000" in page and "width:25.0%" in page


def test_names_of_classes_cannot_break_the_page(trained: Net, tiny: Splits) -> None:
    splits = renamed(tiny)
    for index in range(12):
        look = look_at(trained, splits, index)
        label = look.answer
        maps = saliency(trained, look.shown.image, label)
        near = neighbours_html(look, Neighbours(np.arange(5), np.arange(5).astype(np.float32)))
        for page in (
            about_html(look, then=False),
            stages_html(look, HERE),
            saliency_html(look, label, maps, maps),
            near,
        ):
            assert "<script" not in page and "<b></b>" not in page and not re.search(r"<b><b>|a&b", page)
            assert 'aria-label=""q"' not in page
