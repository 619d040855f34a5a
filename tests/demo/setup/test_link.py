"""A set-up in an address: it comes back as it was written, and what cannot be is left out with a sentence."""

import math

import pytest

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.errors import ConfigError
from demo.app import build_app
from demo.setup.link import TABS, Setup, non_default_settings, read_setup, write_setup

NAMES = tuple(FIELDS)


def read(query: str) -> Setup:
    return read_setup(query, NAMES)


def test_an_address_without_a_set_up_asks_for_nothing() -> None:
    assert read("") == read("run=0123&__theme=dark") == Setup({})


def test_settings_come_as_the_numbers_and_words_that_they_are() -> None:
    setup = read("lr=0.01&batch_size=64&epochs=3.0&augment=flip_shift&weight_decay=5e-4")
    assert setup == Setup({"lr": 0.01, "batch_size": 64, "epochs": 3, "augment": "flip_shift", "weight_decay": 5e-4})
    assert type(setup.settings["batch_size"]) is int and type(setup.settings["epochs"]) is int


@pytest.mark.parametrize("text", ["abc", "", "nan", "inf", "-1", "9" * 400, "0x10", "1e999", "<script>"])
def test_a_value_that_cannot_be_stays_the_tutorials_with_a_sentence(text: str) -> None:
    setup = read(f"lr={text}&momentum=0.5")
    assert setup.settings == {"momentum": 0.5}
    (problem,) = setup.problems
    assert "Learning rate must be a number from 1e-06 to 1" in problem and problem.endswith("It stays at 0.001.")


def test_an_unknown_word_for_a_setting_is_told_with_the_known_ones() -> None:
    (problem,) = read("schedule=two_cycles").problems
    assert "constant, one_cycle" in problem and problem.endswith("It stays at constant.")


def test_a_setting_that_the_page_does_not_show_is_passed_over() -> None:
    assert read_setup("mistake=softmax&lr=0.1", ("lr",)) == Setup({"lr": 0.1})


def test_lock_hide_tab_step_and_title_are_read_and_the_unknown_told() -> None:
    setup = read("lock=lr,momentum&hide=seed,lab,recipes&tab=train&step=6&title=Group%20A%3A+larger+batches")
    assert setup == Setup(
        {}, frozenset({"lr", "momentum"}), frozenset({"seed", "lab", "presets"}), "train", 6, "Group A: larger batches"
    )
    setup = read("lock=lr,speed&hide=everything&tab=home&step=0")
    assert (setup.locked, setup.hidden, setup.tab, setup.step) == (frozenset({"lr"}), frozenset(), None, None)
    assert len(setup.problems) == 4 and all(problem.endswith(".") for problem in setup.problems)


@pytest.mark.parametrize("step", ["²", "٣", "-1", "1.5", "100", "9" * 5000])
def test_a_step_that_is_no_number_of_a_step_is_refused(step: str) -> None:
    assert read(f"step={step}").step is None and read(f"step={step}").problems


def test_what_is_written_is_read_again() -> None:
    setup = Setup(
        {"lr": 0.03, "batch_size": 64, "weight_decay": 5e-4, "augment": "flip_shift"},
        frozenset({"lr"}),
        frozenset({"seed", "judge"}),
        "train",
        3,
        "A & B = 100 %, <b>",
    )
    address = write_setup(setup)
    assert address.startswith("?lr=0.03&") and "<" not in address
    assert read(address[1:]) == setup


@pytest.mark.parametrize("name", NAMES)
def test_every_bound_of_every_setting_survives_the_address(name: str) -> None:
    field = FIELDS[name]
    for value in field.choices or (field.low, field.high):
        value = int(value) if isinstance(getattr(TrainConfig(), name), int) else value
        assert read(write_setup(Setup({name: value}))[1:]).settings == {name: value}


def test_an_address_names_only_what_is_not_the_tutorials() -> None:
    tutorial = TrainConfig().to_json()
    assert non_default_settings(tutorial) == {}
    assert non_default_settings(tutorial | {"lr": 0.01, "epochs": 3.0}) == {"epochs": 3, "lr": 0.01}
    with pytest.raises(ConfigError, match="Learning rate"):
        non_default_settings(tutorial | {"lr": math.nan})


def test_the_tabs_in_an_address_are_those_of_the_page() -> None:
    code = build_app.__code__
    assert all(word in code.co_consts for word in TABS) and all(label in code.co_consts for label in TABS.values())
