"""The tab that shows one mini-batch slowly, number by number."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import gradio as gr

from cifar_core.config import TrainConfig
from cifar_core.data.image_set import ImageSet
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from cifar_core.mistakes import training_images
from demo.setup.settings import NAMES, page_config
from demo.tabs.one_step.one_weight import SHAPES, count_of
from demo.tabs.one_step.view import forward_html, run_html, summary_html
from demo.tabs.one_step.weights import backward_html
from demo.widgets.templates import message_box

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import StepTrace

KEPT = 128
"""steps that are kept for the next who asks, at most 100 kB each"""
INSTEAD = 4
"""the batch size that is looked at instead of one that is too large: the tutorial's"""
FIRST = "conv1.weight"
FAR = 10**6
"""steps, more than can be looked at"""
_MOVE = "(number) => Math.max(1, Math.floor(number || 1) + ({by}))"
_OPEN_TRAIN = """() => {
    const tabs = [...document.querySelectorAll('#tabs button[role=tab]')];
    const train = tabs.find((tab) => tab.textContent.trim() === 'Train');
    if (train) train.click();
    window.scrollTo({top: 0});
}"""


def build_step_tab(source: DataSource, settings: Mapping[str, gr.Number | gr.Dropdown], tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `settings` are the fields of the Train tab, by name."""
    gr.Markdown(
        "One turn of the training loop, as slowly as you like: one mini-batch, each line of the tutorial's code, and "
        "the numbers that it makes. It is a step of the real training with the settings of the tab **Train**."
    )
    with gr.Row(elem_id="step-controls"):
        first = gr.Button("First", size="sm", elem_id="step-first")
        back = gr.Button("Back", size="sm", elem_id="step-back")
        gr.HTML("Step number", elem_classes="where")
        number = gr.Number(
            1, label="Step number", show_label=False, container=False, min_width=60, elem_id="step-number"
        )
        onward = gr.Button("Next step", size="sm", variant="primary", elem_id="step-next")
        ten = gr.Button("Ten steps", size="sm", elem_id="step-ten")
        summary = gr.HTML("", elem_id="step-summary")
    message = gr.HTML(message_box(""), elem_id="step-message")
    small = gr.Button(
        f"Show the step for batch size {INSTEAD} instead", visible=False, size="sm", elem_id="step-instead"
    )
    forward = gr.HTML("", elem_id="step-forward")
    with gr.Row(elem_id="step-choice", visible=False) as choice:
        gr.HTML("<b>Follow one weight</b> of the 62,006 through the rest of the step:", elem_id="step-follow")
        weight = gr.Dropdown(list(SHAPES), value=FIRST, label="Layer", elem_id="step-weight", min_width=140)
        place = gr.Number(0, label=place_label(FIRST), elem_id="step-place", min_width=140)
    backward = gr.HTML("", elem_id="step-backward")
    run = gr.Button("Let it run", variant="primary", visible=False, elem_id="step-run")
    instead = gr.Textbox("", visible="hidden", label="batch size that is shown instead")
    same = gr.skip()

    @lru_cache(KEPT)
    def looked_at(config: TrainConfig, images: ImageSet, number: int, weight: str, place: int) -> "StepTrace":
        from cifar_core.teach.step_trace import trace_step

        return trace_step(config, images, number, weight, place)

    def show(number: object, weight: object, place: object, instead: str, *values: Any) -> list[Any]:
        """The step: its number and the weight's (put right where they cannot be), and everything that is shown."""
        from cifar_core.teach.step_trace import MOST_IMAGES, MOST_STEPS

        given, data = dict(zip(NAMES, values, strict=True)), source.splits
        unseen = not fits(given["batch_size"], MOST_IMAGES)
        if unseen and instead:
            given["batch_size"] = INSTEAD
        try:
            config = page_config(given, len(data.train))
        except CifarError as error:
            return nothing(f"{error} Change it on the tab Train.", unseen)
        if config.batch_size > MOST_IMAGES:
            return nothing(too_many(config.batch_size, MOST_IMAGES), unseen)
        images, name = training_images(config, data), str(weight) if str(weight) in SHAPES else FIRST
        last, end = min(MOST_STEPS, config.steps(len(images))), count_of(name) - 1
        at, within = nearest(number, 1, last), nearest(place, 0, end)
        try:
            step = looked_at(config, images, at, name, within)
        except CifarError as error:
            return nothing(str(error), unseen)
        words = [
            f"Shown with batch size {INSTEAD}; the tab Train keeps its own." if unseen else "",
            f"The steps 1 to {last} can be looked at; this is step {at}." if number not in (at, None) else "",
            f"{name} has the numbers 0 to {end:,}; this is number {within}." if place not in (within, None) else "",
        ]
        return [
            same if number == at else at,
            same if place == within else within,
            message_box(" ".join(filter(None, words))),
            gr.Button(visible=False),
            summary_html(step, config),
            forward_html(step, config, images.classes),
            gr.Row(visible=True),
            backward_html(step, config, images.classes) + run_html(config, len(images), unseen),
            gr.Button(visible=True),
        ]

    def nothing(sentence: str, unseen: bool) -> list[Any]:
        """Why no step can be shown, and the way out where it is the batch size."""
        hidden = gr.Row(visible=False), "", gr.Button(visible=False)
        return [same, same, message_box(sentence, "error"), gr.Button(visible=unseen), "", "", *hidden]

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "always_last"}
    heavy = quiet | {"concurrency_limit": 2, "concurrency_id": "classify"}
    given = [number, weight, place, instead, *(settings[name] for name in NAMES)]
    shown = [number, place, message, small, summary, forward, choice, backward, run]
    gr.on([tab.select, number.input, place.input], show, given, shown, **heavy)
    for button, by in ((first, -FAR), (back, -1), (onward, 1), (ten, 10)):
        # the browser counts, so that every one of several fast clicks counts
        moved = button.click(None, number, number, js=_MOVE.format(by=by), api_visibility="private")
        moved.then(show, given, shown, **heavy)
    small.click(lambda: "yes", None, instead, concurrency_limit=None, **quiet).then(show, given, shown, **heavy)
    weight.input(other_tensor, weight, place, concurrency_limit=None, **quiet).then(show, given, shown, **heavy)
    run.click(None, None, None, js=_OPEN_TRAIN, api_visibility="private")


def nearest(given: object, low: int, high: int) -> int:
    """The whole number from `low` to `high` that is nearest to what was given; `low` for what is no number."""
    if isinstance(given, bool) or not isinstance(given, int | float) or given != given:
        return low
    return int(min(max(given, low), high))


def fits(batch_size: object, most: int) -> bool:
    """Whether so many pictures can be looked at."""
    return isinstance(batch_size, int | float) and batch_size in range(1, most + 1)


def too_many(batch_size: int, most: int) -> str:
    """What to do about a batch size that is too large to be looked at."""
    return (
        f"The batch size on the tab Train is {batch_size}: too many pictures to look at each. "
        f"Set it to {most} or less there, or press the button."
    )


def place_label(name: str) -> str:
    """What stands above the field for a number within a tensor."""
    return f"Number in it (0 to {count_of(name) - 1:,})"


def other_tensor(name: str) -> Any:
    """The field for the number within the tensor that was chosen."""
    return gr.Number(0, label=place_label(name if str(name) in SHAPES else FIRST))
