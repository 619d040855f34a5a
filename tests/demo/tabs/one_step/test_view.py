"""The tab One step: what it prints are the step's own numbers, and its arithmetic adds up as it stands there."""

import html
import math
import re
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from cifar_core.config import CLASSES, TrainConfig
from cifar_core.data import Splits
from cifar_core.mistakes import MISTAKES
from cifar_core.net import new_net
from cifar_core.teach.step_trace import MOST_IMAGES, StepTrace, WeightUpdate, before_step, trace_step
from demo.tabs.one_step.arithmetic import SHAPES, arithmetic, place_words
from demo.tabs.one_step.handlers import fits, nearest
from demo.tabs.one_step.loss import before_and_after
from demo.tabs.one_step.numbers import adds_up, decimals_for, fixed, mean_of, minus_log, plain
from demo.tabs.one_step.view import backward_html, end_html, forward_html, summary_html

CONFIG = TrainConfig(epochs=2, batch_size=4, lr=0.01, seed=5)
CONFIGS = {
    "plain": CONFIG,
    "no momentum": replace(CONFIG, momentum=0.0),
    "decay": replace(CONFIG, weight_decay=0.01),
    "smooth": replace(CONFIG, label_smoothing=0.1, augment="flip_shift"),
    "one cycle": replace(CONFIG, schedule="one_cycle", lr=0.05),
    "sixteen": replace(CONFIG, batch_size=16),
    "long": replace(CONFIG, lr=0.1),
    "bfloat16": replace(CONFIG, precision="bfloat16"),
} | {word: replace(CONFIG, mistake=word) for word in MISTAKES}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


@pytest.fixture(scope="module")
def look(tiny: Splits):  # type: ignore[no-untyped-def]
    @lru_cache
    def looked_at(
        number: int, config: TrainConfig = CONFIG, weight: str = "conv1.weight", place: int = 100
    ) -> StepTrace:
        return trace_step(config, tiny.train, before_step(config, tiny.train, number), weight, place)

    return looked_at


def text_of(markup: str) -> str:
    """What a person reads, with a plain minus sign, in one line."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup)).replace("\N{MINUS SIGN}", "-"))


def cells(markup: str, row: str) -> list[str]:
    """The numbers of a table's row."""
    found = re.search(rf"<tr[^>]*><th scope='?\"?row'?\"?>{re.escape(row)}</th>(.*?)</tr>", markup)
    assert found, row
    return [text_of(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", found[1])]


def tables(markup: str) -> tuple[str, str]:
    """The parts of the page with the logits and with the softmax."""
    first, second = markup.index('aria-label="Logits"'), markup.index('aria-label="Softmax"')
    return markup[first:second], markup[second:]


def equations(text: str) -> list[tuple[str, str, str, str]]:
    """Each line `name = left sign right` of arithmetic with numbers on both sides."""
    lines = [text_of(line) for line in text.split("\n")]
    return re.findall(r"(\w+) = ([-\d.() ×+]+) ([=≈]) (-?[\d.]+)(?=\n|$)", "\n".join(line.strip() for line in lines))


def printed(weight: WeightUpdate, config: TrainConfig) -> str:
    """The lines of a weight's arithmetic as they stand on the page."""
    return "\n".join(f"{line.name} = {line.rule}\n{line.name} = {line.numbers}" for line in arithmetic(weight, config))


def value_of(left: str) -> float:
    assert re.fullmatch(r"[-\d.() ×+/]+", left), left
    return float(eval(left.replace("×", "*")))  # noqa: S307 - digits and signs only, see above


def decimals(number: str) -> int:
    return len(number.partition(".")[2])


def assert_adds_up(left: str, sign: str, right: str) -> None:
    """Worked out from the printed numbers, the left side is the right one, rounded to its digits."""
    assert sign == "=", f"{left} {sign} {right}"
    assert float(f"{value_of(left):.{decimals(right)}f}") == float(right), f"{left} = {right}"


@every_config
@pytest.mark.parametrize("number", [1, 2, 9])
def test_the_arithmetic_of_a_weight_adds_up_as_printed(look, config: TrainConfig, number: int) -> None:  # type: ignore[no-untyped-def]
    step = look(number, config)
    found = equations(printed(step.weight, config))
    names = [name for name, *_ in found]
    assert ("gradient" in names) == bool(config.weight_decay)
    assert ("buffer" in names) == (bool(config.momentum) and number > 1 and config.mistake != "other_parameters")
    assert ("weight" in names) == (config.mistake != "other_parameters")
    for name, left, sign, right in found:
        assert_adds_up(left, sign, right)
        wanted = {"gradient": step.weight.gradient, "buffer": step.weight.buffer, "weight": step.weight.after}[name]
        assert float(right) == pytest.approx(wanted, abs=0.51 * 10 ** -decimals(right))
        if name == "weight":
            before, moving = re.fullmatch(r"(-?[\d.]+) - [\d.]+ × \(?(-?[\d.]+)\)?", left).groups()  # type: ignore[union-attr]
            assert float(before) == pytest.approx(step.weight.before, abs=0.51 * 10 ** -decimals(before))
            moved = step.weight.buffer if config.momentum else step.weight.gradient
            assert float(moving) == pytest.approx(moved, abs=0.51 * 10 ** -decimals(moving))
            assert float(before) != float(right)  # so many digits that the change is seen


def test_every_tensors_first_and_last_weight_adds_up(look) -> None:  # type: ignore[no-untyped-def]
    for name, shape in SHAPES.items():
        for place in (0, math.prod(shape) - 1):
            weight = look(3, CONFIG, name, place).weight
            for _, left, sign, right in equations(printed(weight, CONFIG)):
                assert_adds_up(left, sign, right)


@every_config
@pytest.mark.parametrize("number", [1, 9])
def test_the_losses_add_up_as_printed_and_are_the_steps(look, config: TrainConfig, number: int) -> None:  # type: ignore[no-untyped-def]
    step = look(number, config)
    markup = forward_html(step, config, CLASSES)
    rows = re.findall(r'<td class="number">(.*?)</td></tr>', markup.split("step-losses")[1])
    assert len(rows) == len(step.losses)
    for row, loss in zip(rows, step.losses, strict=True):
        line = text_of(row).strip()
        if config.label_smoothing:
            left, right = line.split(" = ")
            assert_adds_up(left, "=", right)
        else:
            probability, right = re.fullmatch(r"-log\(([\d.]+)\) = ([\d.]+)", line).groups()  # type: ignore[union-attr]
            assert float(f"{-math.log(float(probability)):.{decimals(right)}f}") == float(right)
        assert float(right) == pytest.approx(loss, abs=0.51 * 10 ** -decimals(right))
    line = text_of(re.search(r'<p class="step-sum">(.*?)</p>', markup)[1]).strip()  # type: ignore[index]
    left, right = re.fullmatch(r"loss = (.*) = ([\d.]+)", line).groups()  # type: ignore[union-attr]
    assert_adds_up(left, "=", right)
    if config.precision == "float32":
        assert float(right) == pytest.approx(step.loss, abs=0.51 * 10 ** -decimals(right))
    else:  # the loop's own number, where it is another one, is told too
        assert f"its own loss is {step.loss:.4f}" in markup


@every_config
def test_the_tables_hold_logits_and_probabilities(look, config: TrainConfig) -> None:  # type: ignore[no-untyped-def]
    step = look(2, config)
    logits, softmax = tables(forward_html(step, config, CLASSES))
    for number, name in enumerate(CLASSES):
        assert cells(logits, name) == [fixed(float(value), 3).replace("−", "-") for value in step.logits[:, number]]
        assert cells(softmax, name) == [f"{value:.4f}" for value in step.probabilities[:, number]]
    for markup in (logits, softmax):
        kinds = re.findall(r'<td class="([a-z ]*)"', markup.split("</table>")[0])
        assert len(kinds) == 10 * len(step.labels)
        for at, label in enumerate(step.labels):
            column = kinds[at :: len(step.labels)]
            assert [number for number, kind in enumerate(column) if "right" in kind] == [label]
            assert [number for number, kind in enumerate(column) if "best" in kind] == [step.logits[at].argmax()]
    right = int((step.logits.argmax(1) == np.array(step.labels)).sum())
    assert f"The Net has {right} of {len(step.labels)} right" in text_of(logits)
    found = re.search(r"that is ([\d.]+) / ([\d.]+) = ([\d.]+)", text_of(softmax))
    assert found
    assert_adds_up(f"{found[1]} / {found[2]}", "=", found[3])
    assert float(found[3]) == pytest.approx(step.probabilities[0, step.labels[0]], abs=1e-4)


def test_the_pictures_come_with_label_and_place(look) -> None:  # type: ignore[no-untyped-def]
    step = look(25)  # the last of the first epoch
    told = forward_html(step, CONFIG, CLASSES)
    assert "[4, 3, 32, 32]" in text_of(told) and "12,288 numbers" in told
    assert f"[{', '.join(map(str, step.labels))}]" in told
    for index, label in zip(step.indices, step.labels, strict=True):
        assert f"<b>{CLASSES[label]}</b><br>label {label}<br>image {index:,}<" in told
        assert f'aria-label="training image {index}, {CLASSES[label]}"' in told
    test = look(3, CONFIGS["test_data"])
    assert f'aria-label="test image {test.indices[0]}, ' in forward_html(test, CONFIGS["test_data"], CLASSES)


def test_the_sizes_are_the_steps(look) -> None:  # type: ignore[no-untyped-def]
    step = look(4)
    gradients, updates = backward_html(step, CONFIG, CLASSES).split("optimizer.step()")
    largest = max(moved.gradient for moved in step.moved)
    for moved in step.moved:
        count, size, gradient, _ = cells(gradients, moved.name)
        assert int(count.replace(",", "")) == moved.count
        assert float(size) == pytest.approx(moved.size, rel=0.01)
        assert float(gradient) == pytest.approx(moved.gradient, rel=0.01)
        size, update, _, share = cells(updates, moved.name)
        assert float(update) == pytest.approx(moved.update, rel=0.01)
        assert float(share.removesuffix(" %")) == pytest.approx(100 * moved.update / moved.size, rel=0.06)
        assert f"width:{100 * moved.gradient / largest:.1f}%" in gradients
    assert re.findall(r'data-chosen><th scope="row">([^<]+)', gradients + updates) == ["conv1.weight"] * 2


@every_config
@pytest.mark.parametrize("number", [1, 9])
def test_before_and_after_are_the_steps_losses(look, config: TrainConfig, number: int) -> None:  # type: ignore[no-untyped-def]
    step = look(number, config)
    before, after = before_and_after(step, config)
    assert float(before) == pytest.approx(np.mean(step.losses), abs=0.51 * 10 ** -decimals(before))
    assert float(after) == pytest.approx(step.loss_after, abs=0.51 * 10 ** -decimals(after))
    told = text_of(backward_html(step, config, CLASSES))
    assert f"{before} → {after}" in told and f"{before} → {after}" in text_of(summary_html(step, config))
    change = step.loss_after - np.mean(step.losses)
    if config.mistake == "other_parameters":
        assert before == after and "just as wrong" in told
    else:
        assert ("less wrong" in told, "more wrong" in told) == (change < 0, change > 0)


def test_settings_and_mistakes_are_told_where_they_change_a_number(look) -> None:  # type: ignore[no-untyped-def]
    def told(word: str, number: int = 2) -> str:
        step, config = look(number, CONFIGS[word]), CONFIGS[word]
        return text_of(forward_html(step, config, CLASSES) + backward_html(step, config, CLASSES))

    assert "A mistake on purpose" not in told("plain")
    assert all(f"A mistake on purpose: {made.what}" in told(word) for word, made in MISTAKES.items())
    assert "Label smoothing is on (0.1)" in told("smooth") and "mirrored" in told("smooth")
    assert "SGD then adds the weight decay" in told("decay")
    assert "there is no buffer" in told("no momentum") and "buffer =" not in told("no momentum")
    assert "softmax is taken twice" in told("softmax")
    lowest = [told(word).count("has a loss near 0") for word in ("plain", "softmax", "smooth")]
    assert lowest == [1, 0, 0]
    assert "sums over all steps so far" in told("no_zero_grad") and "never cleared" not in told("plain")
    assert "ten times the setting" in told("lr_ten")
    assert "No weight moves" in told("other_parameters") and "it stays" in told("other_parameters")
    assert "in stored order" in told("no_shuffle") and "The seed (5) decides" in told("plain")
    one_cycle = look(2, CONFIGS["one cycle"])
    assert f"of this step is {plain(one_cycle.weight.lr)}." in backward_html(one_cycle, CONFIGS["one cycle"], CLASSES)
    assert one_cycle.weight.lr != 0.05


def test_the_first_step_has_nothing_to_clear_and_no_buffer(look) -> None:  # type: ignore[no-untyped-def]
    first, second = look(1), look(2)
    begin = [forward_html(step, CONFIG, CLASSES) for step in (first, second)]
    assert "nothing to clear" in begin[0] and "nothing to clear" not in begin[1]
    end = [text_of(backward_html(step, CONFIG, CLASSES)) for step in (first, second)]
    assert "none yet" in end[0] and "none yet" not in end[1]
    assert "before the first step there is no buffer" in printed(first.weight, CONFIG)
    assert "up to 10 times" in end[0]


def test_the_tensors_and_the_names_of_places_are_the_nets() -> None:
    assert {name: tuple(tensor.shape) for name, tensor in new_net(0).named_parameters()} == SHAPES
    assert place_words("conv1.weight", (2, 0, 0, 3), CLASSES) == "filter 2, red, row 0, column 3"
    assert place_words("conv2.weight", (15, 5, 4, 4), CLASSES) == "filter 15, map 5, row 4, column 4"
    assert place_words("conv2.bias", (7,), CLASSES) == "the bias of filter 7"
    assert place_words("fc1.weight", (119, 399), CLASSES) == "neuron 119, its weight for input 399"
    assert place_words("fc3.weight", (5, 12), CLASSES) == "the output for dog, its weight for input 12"
    assert place_words("fc3.bias", (9,), ("a", "b")) == "the bias of neuron 9"


def test_a_class_with_a_strange_name_and_data_with_few_classes_are_shown(look) -> None:  # type: ignore[no-untyped-def]
    step = replace(look(1), labels=(0, 1, 1, 0))
    told = forward_html(step, CONFIG, ("<b>x", 'a"b')) + backward_html(step, CONFIG, ("<b>x", 'a"b'))
    assert "<b>x" not in told and "&lt;b&gt;x" in told and 'a"b' not in told
    assert text_of(tables(forward_html(step, CONFIG, ("one", "two")))[0]).count("(9)") == 1


def test_numbers_that_are_none_are_shown_as_such(look) -> None:  # type: ignore[no-untyped-def]
    step = look(2)
    nan, wide = float("nan"), np.full((4, 10), np.nan, np.float32)
    weight = replace(step.weight, gradient=nan, buffer=nan, after=nan)
    moved = tuple(replace(part, gradient=nan, update=nan) for part in step.moved)
    lost = replace(step, logits=wide, probabilities=wide, losses=(nan,) * 4, loss=nan, loss_after=nan, weight=weight)
    lost = replace(lost, moved=moved)
    told = text_of(forward_html(lost, CONFIG, CLASSES) + backward_html(lost, CONFIG, CLASSES))
    assert "NaN" in told and "diverged here" in told
    assert not re.search(r"\bnan\b", told)


def test_more_digits_are_taken_where_the_rounded_numbers_would_not_add_up() -> None:
    line = adds_up([0.0004, 0.0004], 0.0008, lambda a, b: a + b, 3)
    assert (line.terms, line.sign, line.result) == (("0.0004", "0.0004"), "=", "0.0008")
    assert adds_up([1.0], 2.0, lambda a: a, 3).sign == "≈"
    assert mean_of([2.3004, 2.3004, 2.3004, 2.3009]).decimals > 3
    assert minus_log(0.0987, -math.log(0.0987), 3) == "−log(0.0987) = 2.316"
    assert minus_log(1.5e-9, -math.log(1.5e-9), 3) == "−log(1.500 × 10⁻⁹) = 20.318"
    assert minus_log(1.0, 0.0, 3) == "−log(1.0000) = 0.000"


def test_numbers_are_printed_to_be_read() -> None:
    assert [plain(value) for value in (0.9, 0.001, 0.00004, 1.0, 10.000000000000002, 0.0)] == [
        "0.9", "0.001", "0.00004", "1", "10", "0"
    ]  # fmt: skip
    assert [fixed(value, 3) for value in (-0.5, -0.0001, float("nan"), float("inf"))] == ["−0.500", "0.000", "NaN", "∞"]
    assert decimals_for(0.00123) == 5 and decimals_for(0.0, 12.0) == 4


def test_steps_and_places_are_put_right() -> None:
    assert [nearest(given, 1, 200) for given in (0, 7, 500, 1.5, None, "x", True, float("nan"), float("inf"))] == [
        1, 7, 200, 1, 1, 1, 1, 1, 200
    ]  # fmt: skip
    assert [fits(size, MOST_IMAGES) for size in (1, 16, 17, 0, 3.5, None, "4", float("nan"))] == [
        True, True, False, False, False, False, False, False
    ]  # fmt: skip


def test_the_end_tells_what_start_would_run() -> None:
    assert "have 25,000 of them" in end_html(TrainConfig(), 50_000, False)
    assert "gives exactly this run" in end_html(TrainConfig(), 50_000, False)
    assert "another run than this one" in end_html(TrainConfig(), 50_000, True)
