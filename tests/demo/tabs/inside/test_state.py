"""What the tab knows lies in the browser, where anybody can write to it."""

from typing import Any

import gradio as gr
import numpy as np
import pytest

from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import own_image
from demo.gradio_compat import PageState
from demo.tabs.inside.state import InsideState, key_of
from demo.widgets.look_at import LookAt


@pytest.mark.parametrize(
    "state",
    [
        InsideState(),
        InsideState(NetRef("ab" * 8, 1250), ImageRef("train", 7), True, True, 1250, 3, 99),
        InsideState(image=own_image(np.zeros((32, 32, 3), np.uint8))),
        LookAt(),
        LookAt(NetRef(step=3), ImageRef()),
    ],
)
def test_what_a_browser_sends_back_is_what_it_was_given(state: Any) -> None:
    component = PageState(type(state)(), label="state")
    assert component.preprocess(component.written(state)) == state


@pytest.mark.parametrize(
    "junk",
    [
        None,
        "x",
        [1, 2],
        {"net": 5},
        {"net": {"run": "pretrained", "step": "5"}},
        {"net": {"run": "pretrained", "step": True}},
        {"image": {"split": "valid", "index": 1, "png": ""}},
        {"image": {"split": "test", "index": 1.5, "png": ""}},
        {"image": {"split": "test", "index": 1, "png": "A" * 100_000}},
    ],
)
def test_anything_else_is_refused_with_a_sentence(junk: Any) -> None:
    for state in (InsideState(), LookAt()):
        with pytest.raises(gr.Error, match="reload"):
            PageState(state, label="state").preprocess(junk)


def test_the_key_is_the_same_for_the_same_image_before_the_same_net_alone() -> None:
    keys = {key_of(net, image) for net in (NetRef(), NetRef(step=3)) for image in (ImageRef(), ImageRef("train"))}
    assert len(keys) == 4 and key_of(NetRef(), ImageRef()) in keys
