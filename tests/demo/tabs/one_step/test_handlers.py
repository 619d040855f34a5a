"""What a click in One step costs: the steps before the one that is shown are made once, and in nobody's way."""

import gc
from typing import Any

import gradio as gr
import pytest

from cifar_core.config import FIELDS
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.teach import step_trace
from demo.setup.settings import NAMES, setting_field
from demo.tabs.one_step.handlers import Refusal, Steps
from demo.tabs.one_step.tab import build_one_step_tab

# blocks that are built and never launched leave an event loop behind
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
VALUES = [FIELDS[name].default for name in NAMES]


def test_another_weight_of_a_step_does_not_make_the_steps_before_it_anew(
    tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, made, train = Steps(DataSource(tiny)), [], step_trace.train

    def counted(*given: Any, **options: Any) -> Any:
        made.append(given)
        return train(*given, **options)

    monkeypatch.setattr(step_trace, "train", counted)
    shown = [steps.show(9, "conv1.weight", place, False, VALUES) for place in (0, 1, 2)]
    assert len(made) == 1
    assert len({one["backward"] for one in shown}) == 3 and len({one["forward"] for one in shown}) == 1
    steps.show(10, "conv1.weight", 0, False, VALUES)
    assert len(made) == 2


def test_float16_is_refused_with_a_sentence(tiny: Splits) -> None:
    values = [("float16" if name == "precision" else value) for name, value in zip(NAMES, VALUES, strict=True)]
    with pytest.raises(Refusal, match=r"take float32 or bfloat16\. Change it on the tab Train\."):
        Steps(DataSource(tiny)).show(9, "conv1.weight", 0, False, values)


def test_no_step_is_made_in_a_place_of_those_who_classify(tiny: Splits) -> None:
    classes = concurrency_classes(tiny)
    gc.collect()
    assert classes == {("step", 1)}


def concurrency_classes(tiny: Splits) -> set[tuple[str, int | None]]:
    """The class of each event of the tab that the server handles, and how many of it may run at once."""
    with gr.Blocks() as blocks, gr.Tab("One step") as tab:
        build_one_step_tab(DataSource(tiny), {name: setting_field(name) for name in NAMES}, tab)
    return {(handler.concurrency_id, handler.concurrency_limit) for handler in blocks.fns.values() if handler.fn}
