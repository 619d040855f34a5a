"""The settings of a training: the tutorial's defaults, and a bound that is checked for each."""

import json
import math
from dataclasses import FrozenInstanceError, dataclass, fields
from typing import Any

import pytest

from cifar_core.config import CLASSES, FIELDS, TrainConfig
from cifar_core.errors import ConfigError, ImageError
from cifar_core.field import check_settings, setting, settings_of, whole_number

WHOLE = ("epochs", "batch_size", "seed", "report_every", "patience")
NUMBERS = (*WHOLE, "lr", "momentum", "weight_decay", "label_smoothing", "target_accuracy")
WORDS = ("augment", "schedule", "stop_rule", "device", "precision", "mistake")


def refusal(**settings: Any) -> str:
    """The sentence with which `settings` are refused."""
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**settings)
    return str(caught.value)


def test_the_defaults_are_the_tutorials_to_the_digit() -> None:
    config = TrainConfig()
    assert (config.epochs, config.batch_size, config.report_every) == (2, 4, 2000)
    assert (config.lr, config.momentum, config.weight_decay) == (0.001, 0.9, 0.0)
    assert (config.augment, config.schedule) == ("none", "constant")


def test_the_classes_are_the_tutorials_in_the_order_of_their_labels() -> None:
    assert " ".join(CLASSES) == "plane car bird cat deer dog frog horse ship truck"


def test_a_config_comes_back_from_json_as_it_went() -> None:
    config = TrainConfig(epochs=50, lr=0.05, weight_decay=5e-4, seed=7, augment="flip_shift", schedule="one_cycle")
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_a_config_from_json_needs_no_more_than_what_differs_from_the_tutorial() -> None:
    assert TrainConfig.from_json({"epochs": 3}) == TrainConfig(epochs=3)


def test_an_unknown_name_in_json_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no setting called 'learning_rate'; there are epochs, .*, mistake\.$"):
        TrainConfig.from_json({"learning_rate": 0.1})


def test_every_setting_has_a_label_a_reason_to_touch_it_and_bounds() -> None:
    assert [field.name for field in fields(TrainConfig)] == list(FIELDS) == [*FIELDS]
    assert {*FIELDS} == {*NUMBERS, *WORDS}
    for name, field in FIELDS.items():
        assert field.label[0].isupper() and field.help.endswith(".") and len(field.help) > 40, name
        bounded = math.isfinite(field.low) and math.isfinite(field.high) and field.low < field.high
        assert bounded or len(field.choices) > 1, name


@pytest.mark.parametrize("name", NUMBERS)
def test_the_bounds_themselves_are_allowed(name: str) -> None:
    for value in (FIELDS[name].low, FIELDS[name].high):
        assert getattr(TrainConfig.from_json({name: value}), name) == value


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("bad", ["too low", "too high", math.nan, math.inf, -math.inf, 10**400, -(10**400)], ids=str)
def test_a_number_out_of_its_bounds_is_refused_with_them(name: str, bad: Any) -> None:
    field = FIELDS[name]
    value = {"too low": field.low - 1, "too high": field.high + 1}.get(bad, bad)
    kind = "whole number" if name in WHOLE else "number"
    start = f"{field.label} must be a {kind} from {field.low:,g} to {field.high:,g}; "
    sentence = refusal(**{name: value})
    assert sentence.startswith(start) and sentence.endswith(" is not.") and len(sentence) < 200


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("bad", [True, False, "1", "", None, [1], 1j, "x" * 10_000], ids=lambda bad: repr(bad)[:9])
def test_what_is_no_number_is_refused(name: str, bad: Any) -> None:
    sentence = refusal(**{name: bad})
    assert sentence.startswith(f"{FIELDS[name].label} must be a ") and sentence.endswith(" is not a number.")
    assert len(sentence) < 200


@pytest.mark.parametrize("name", WHOLE)
def test_a_fraction_of_a_whole_number_is_refused(name: str) -> None:
    assert refusal(**{name: 2.5}) == (
        f"{FIELDS[name].label} must be a whole number from {FIELDS[name].low:,g} to {FIELDS[name].high:,g}; "
        "2.5 is not a whole number."
    )


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("bad", ["", "None", "CPU", 0, None, True, ["none"]], ids=repr)
def test_another_word_is_refused_with_the_allowed_ones(name: str, bad: Any) -> None:
    sentence = refusal(**{name: bad})
    assert sentence == (
        f"{FIELDS[name].label} must be one of {', '.join(FIELDS[name].choices)}; {bad!r} is none of them."
    )


def test_numbers_get_the_type_of_their_setting() -> None:
    # a slider gives 2.0 for 2 and 1 for 1.0
    config = TrainConfig(epochs=2.0, lr=1)  # type: ignore[arg-type]
    assert (type(config.epochs), type(config.lr)) == (int, float)
    assert config == TrainConfig(epochs=2, lr=1.0)


def test_a_config_cannot_be_changed_past_its_check() -> None:
    with pytest.raises(FrozenInstanceError):
        TrainConfig().epochs = -1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("images", "batch_size", "epochs", "steps"),
    [(50_000, 4, 2, 25_000), (10, 4, 1, 3), (10, 4, 3, 9), (8, 4, 1, 2), (1, 1024, 1, 1)],
)
def test_steps_counts_the_smaller_last_batch_of_each_epoch(
    images: int, batch_size: int, epochs: int, steps: int
) -> None:
    assert TrainConfig(batch_size=batch_size, epochs=epochs).steps(images) == steps


# ------------------------------------------------------------------------------------- settings of anything, described


@dataclass(frozen=True)
class Oven:
    heat: int = setting(180, "Heat", low=50, high=250, unit="degrees", help="How hot the oven is.")
    opening: float = setting(0.0, "Opening", low=0, high=1, help="How far the door stands open.")
    mode: str = setting("fan", "Mode", choices=("fan", "grill"), help="Where the heat comes from.")

    def __post_init__(self) -> None:
        check_settings(self)


def test_any_dataclass_can_describe_its_settings() -> None:
    described = settings_of(Oven)
    assert list(described) == ["heat", "opening", "mode"]
    heat, opening, mode = described.values()
    assert (heat.label, heat.low, heat.high, heat.unit, heat.default, heat.help) == (
        "Heat",
        50,
        250,
        "degrees",
        180,
        "How hot the oven is.",
    )
    assert (heat.type, opening.type, mode.type) == (int, float, str)
    assert (heat.allowed, opening.allowed, mode.allowed) == ("50..250", "0..1", "fan|grill")


def test_settings_of_any_dataclass_are_checked_and_typed() -> None:
    oven = Oven(heat=200.0, opening=1)  # type: ignore[arg-type]
    assert (oven.heat, type(oven.heat), type(oven.opening)) == (200, int, float)
    with pytest.raises(ConfigError, match=r"^Heat must be a whole number from 50 to 250; 20 is not\.$"):
        Oven(heat=20)
    with pytest.raises(ConfigError, match="^Mode must be one of fan, grill; 'gas' is none of them"):
        Oven(mode="gas")


@pytest.mark.parametrize("good", [1, 7.0, 9])
def test_a_whole_number_within_its_bounds_becomes_an_int(good: float) -> None:
    found = whole_number("Page", good, 1, 9)
    assert found == good and type(found) is int


@pytest.mark.parametrize("bad", [0, 10, 2.5, True, None, "2", [2], math.nan, math.inf, -math.inf, 10**400], ids=str)
def test_what_is_no_whole_number_within_the_bounds_is_refused_with_them(bad: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"^Page must be a whole number from 1 to 9; .* is not( a (whole )?number)?\.$"
    ):
        whole_number("Page", bad, 1, 9)


def test_a_whole_number_may_have_no_upper_bound_and_another_error() -> None:
    assert whole_number("Step", 10**30, 0) == 10**30
    for bad in (-1, math.inf):
        with pytest.raises(ImageError, match=r"^Step must be a whole number from 0; .* is not"):
            whole_number("Step", bad, 0, error=ImageError)
