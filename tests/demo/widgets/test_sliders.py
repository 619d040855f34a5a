"""Sliders that are one component: their bounds, their value, and what is no value of theirs."""

import json
import re
from typing import Any

import pytest

from cifar_core.errors import ConfigError
from cifar_core.field import Field
from cifar_core.image_edit import ImageEdit
from demo.tabs.classify.upload import SLIDERS
from demo.widgets.crop import CROP_PARTS, WHOLE
from demo.widgets.sliders import Slider, numbers_in, sliders, starts


def test_sliders_have_their_bounds_labels_and_starts() -> None:
    markup = sliders(SLIDERS, elem_id="sliders").html_template
    assert re.findall(r"<span>([\w ]+)</span>", markup) == [slider.field.label for slider in SLIDERS]
    assert 'name="rotate" min="-180" max="180" step="1" value="0" data-unit="°"' in markup
    assert 'name="brightness" min="0" max="3" step="0.05" value="1" data-unit=""' in markup
    assert 'name="blur" min="0" max="8" step="0.1" value="0" data-unit=" px"' in markup
    evil = sliders([Slider("a", Field("<b>", '"q"', 0, 1, default=0), 1)], elem_id="evil").html_template
    assert "&lt;b&gt;" in evil and 'title="&#34;q&#34;"' in evil


def test_crop_and_sliders_together_are_all_of_an_edit() -> None:
    names = {slider.name for slider in SLIDERS}
    plain = json.loads(WHOLE) | json.loads(starts(SLIDERS))
    assert set(CROP_PARTS) | names == set(plain) == set(ImageEdit.__dataclass_fields__) and not set(CROP_PARTS) & names
    assert ImageEdit(**plain) == ImageEdit()


def test_numbers_are_read_under_their_names() -> None:
    assert numbers_in('{"a": 0.5, "c": -3, "b": 1}', ("a", "b", "c")) == {"a": 0.5, "b": 1, "c": -3}


@pytest.mark.parametrize(
    "text",
    ["", "1 2 3", '{"a": 1, "b": 2}', '{"a": 1, "b": 2, "c": 3, "d": 4}', "[1, 2, 3]", None, "<b>", 7, "[" * 9999]
    + ['{"a": 1, "b": 2, "c": ' + "3" * 9999 + "}"],
)
def test_what_no_slider_wrote_is_refused(text: Any) -> None:
    with pytest.raises(ConfigError, match="press Reset"):
        numbers_in(text, ("a", "b", "c"))
