"""The tab One step: one mini-batch, number by number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from cifar_core.data.source import DataSource
from demo.gradio_compat import OPEN_TAB, PageState
from demo.tabs.one_step.arithmetic import SHAPES, count_of
from demo.tabs.one_step.handlers import FIRST, SMALL_BATCH, Refusal, Steps
from demo.tabs.one_step.state import OneStepState
from demo.widgets.events import JS_ONLY, LATEST, TRACE, Outputs
from demo.widgets.templates import message_box

FAR = 10**6
"""steps, more than can be shown"""
_MOVE = "(number) => Math.max(1, Math.floor(number || 1) + ({by}))"
_OPEN_TRAIN = f"() => {{ ({OPEN_TAB})('train', 'Train'); window.scrollTo({{top: 0}}); }}"


@dataclass(frozen=True, eq=False)
class Parts:
    """The components of the tab."""

    number: gr.Number
    movers: tuple[tuple[gr.Button, int], ...]
    """buttons, and by how many steps each moves"""
    summary_html: gr.HTML
    message_html: gr.HTML
    small_button: gr.Button
    forward_html: gr.HTML
    choice_row: gr.Row
    weight_dropdown: gr.Dropdown
    place_number: gr.Number
    backward_html: gr.HTML
    run_button: gr.Button
    state: PageState[OneStepState]


def build_one_step_tab(source: DataSource, settings: Mapping[str, gr.Number | gr.Dropdown], tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `settings` are the fields of the tab Train, by name."""
    wire(lay_out(), Steps(source), settings, tab)


def lay_out() -> Parts:
    """Lay out the tab."""
    gr.Markdown(
        "One turn of the training loop, as slowly as you like: one mini-batch, each line of the tutorial's code, and "
        "the numbers that it makes. It is a step of the real training with the settings of the tab **Train**."
    )
    small: dict[str, Any] = {"size": "sm"}
    with gr.Row(elem_id="step-controls"):
        first_button = gr.Button("First", **small, elem_id="step-first")
        back_button = gr.Button("Back", **small, elem_id="step-back")
        gr.HTML("Step number", elem_classes="where")
        number = gr.Number(
            1, label="Step number", show_label=False, container=False, min_width=60, elem_id="step-number"
        )
        next_button = gr.Button("Next step", **small, variant="primary", elem_id="step-next")
        ten_button = gr.Button("Ten steps", **small, elem_id="step-ten")
        summary_html = gr.HTML("", elem_id="step-summary")
    message_html = gr.HTML(message_box(""), elem_id="step-message")
    small_button = gr.Button(
        f"Show the step for batch size {SMALL_BATCH} instead", visible=False, **small, elem_id="step-instead"
    )
    forward_html = gr.HTML("", elem_id="step-forward")
    with gr.Row(elem_id="step-choice", visible=False) as choice_row:
        gr.Markdown("**Follow one weight** of the 62,006 through the rest of the step:", elem_id="step-follow")
        weight_dropdown = gr.Dropdown(list(SHAPES), value=FIRST, label="Layer", elem_id="step-weight", min_width=140)
        place_number = gr.Number(0, label=place_label(FIRST), elem_id="step-place", min_width=140)
    return Parts(
        number=number,
        movers=((first_button, -FAR), (back_button, -1), (next_button, 1), (ten_button, 10)),
        summary_html=summary_html,
        message_html=message_html,
        small_button=small_button,
        forward_html=forward_html,
        choice_row=choice_row,
        weight_dropdown=weight_dropdown,
        place_number=place_number,
        backward_html=gr.HTML("", elem_id="step-backward"),
        run_button=gr.Button("Let it run", variant="primary", visible=False, elem_id="step-run"),
        state=PageState(OneStepState(), label="what One step knows"),
    )


def wire(parts: Parts, steps: Steps, settings: Mapping[str, gr.Number | gr.Dropdown], tab: gr.Tab) -> None:
    """Let the tab work."""

    def show(number: Any, weight: Any, place: Any, state: OneStepState, *values: Any) -> Outputs:
        try:
            shown = steps.show(number, weight, place, state.small_batch, values)
        except Refusal as refusal:
            return nothing(parts, str(refusal), refusal.too_large)
        outputs = step_outputs(parts, shown)
        if number == shown["number"]:
            del outputs[parts.number]
        if place == shown["place"]:
            del outputs[parts.place_number]
        return outputs

    def show_small(number: Any, weight: Any, place: Any, state: OneStepState, *values: Any) -> Outputs:
        small = OneStepState(small_batch=True)
        return {parts.state: small, **show(number, weight, place, small, *values)}

    def other_tensor(number: Any, weight: Any, place: Any, state: OneStepState, *values: Any) -> Outputs:
        name = weight if str(weight) in SHAPES else FIRST
        outputs = show(number, name, 0, state, *values)
        return {**outputs, parts.place_number: gr.Number(0, label=place_label(name))}

    inputs = [parts.number, parts.weight_dropdown, parts.place_number, parts.state, *settings.values()]
    outputs = list(nothing(parts, "", False)) + [parts.number, parts.place_number, parts.state]
    latest = TRACE | LATEST
    gr.on([tab.select, parts.number.input, parts.place_number.input], show, inputs, outputs, **latest)
    for button, by in parts.movers:
        # the browser counts, so that every one of several fast clicks counts
        counted = button.click(None, parts.number, parts.number, js=_MOVE.format(by=by), **JS_ONLY)
        counted.then(show, inputs, outputs, **latest)
    parts.small_button.click(show_small, inputs, outputs, **latest)
    parts.weight_dropdown.input(other_tensor, inputs, outputs, **latest)
    parts.run_button.click(None, None, None, js=_OPEN_TRAIN, **JS_ONLY)


def step_outputs(parts: Parts, shown: dict[str, Any]) -> Outputs:
    """Return what the components show of a step."""
    return {
        parts.number: shown["number"],
        parts.place_number: shown["place"],
        parts.message_html: message_box(shown["message"]),
        parts.small_button: gr.Button(visible=False),
        parts.summary_html: shown["summary"],
        parts.forward_html: shown["forward"],
        parts.choice_row: gr.Row(visible=True),
        parts.backward_html: shown["backward"],
        parts.run_button: gr.Button(visible=True),
    }


def nothing(parts: Parts, sentence: str, too_large: bool) -> Outputs:
    """Return why no step can be shown, and the way out where the batch size is the reason."""
    return {
        parts.message_html: message_box(sentence, "error"),
        parts.small_button: gr.Button(visible=too_large),
        parts.summary_html: "",
        parts.forward_html: "",
        parts.choice_row: gr.Row(visible=False),
        parts.backward_html: "",
        parts.run_button: gr.Button(visible=False),
    }


def place_label(name: str) -> str:
    """Return what stands above the field for a number within a tensor."""
    return f"Number in it (0 to {count_of(name) - 1:,})"
