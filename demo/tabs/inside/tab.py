"""The tab that shows what goes on inside a Net for one picture, and why it answers as it does."""

import secrets
from pathlib import Path
from typing import Any

import gradio as gr

from cifar_core.data.browse import MAX_SEED, page_of
from cifar_core.errors import CifarError
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from demo.gradio_compat import ImageInput
from demo.tabs.inside.architecture import architecture_html
from demo.tabs.inside.events import ANSWER, WAITING, InsideEvents
from demo.tabs.inside.page import FIRST
from demo.widgets.image_grid import clickable_grid, grid_html, scroll_to
from demo.widgets.net_choices import net_choices
from demo.widgets.templates import message_box

PER_PAGE = 12
_LIVE = """
setInterval(() => {
    const seen = element.offsetParent && !document.hidden;
    if (seen && element.querySelector('[data-live]')) trigger('refresh');
}, 1000);
"""
"""Asks for newer filters only while a run that trains is shown and can be seen, so an idle page asks for nothing."""


def build_inside_tab(
    nets: NetRegistry, owner: gr.BrowserState, data_changed: gr.Textbox, look_at: gr.Textbox, tab: gr.Tab
) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of Nets is fresh."""
    gr.Markdown(
        "Choose a Net and a picture, and see **every number** on the way from the picture to the answer. "
        "Click into a map to see the sum that gave one of its numbers."
    )
    message = gr.HTML(message_box(""), elem_id="inside-message")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            net = gr.Dropdown(net_choices(nets, ""), value=PRETRAINED, label="Net", elem_id="inside-net")
            with gr.Tabs():
                with gr.Tab("Test images", id="inside-tests"):
                    grid = clickable_grid(label="Test images", elem_id="inside-pictures")
                    with gr.Row(elem_classes="pager"):
                        onward = gr.Button("Next", size="sm", elem_id="inside-next")
                        shuffle = gr.Button("Shuffle", size="sm", elem_id="inside-shuffle")
                        gr.HTML("<label for='inside-index'>or number</label>")
                        index = gr.Number(
                            0, label="Number of a test image", show_label=False, container=False, elem_id="inside-index"
                        )
                        by_index = gr.Button("Show", size="sm", elem_id="inside-show")
                with gr.Tab("Your picture", id="inside-yours"):
                    upload = ImageInput(
                        label="Upload, paste or photograph",
                        sources=["upload", "clipboard", "webcam"],
                        type="pil",
                        format="png",
                        elem_id="inside-upload",
                        height=260,
                    )
        with gr.Column(scale=3, min_width=320):
            about = gr.HTML("", elem_id="inside-about")
            to_now = gr.Button("Show the Net as it is now", size="sm", visible=False, elem_id="inside-now")
            filters = gr.HTML("", js_on_load=_LIVE, label="Filters", elem_id="inside-filters")
    drawing = gr.HTML("", elem_id="inside-architecture")
    with gr.Row(equal_height=False, elem_id="inside-way"):
        with gr.Column(scale=1, min_width=320):
            code = (Path(__file__).parent / "inside.js").read_text()
            stages = gr.HTML("", js_on_load=code, label="Stages", elem_id="inside-stages")
        with gr.Column(scale=1, min_width=320, elem_id="inside-side"):
            with gr.Row(elem_classes="pager unit-fields"):
                layer = gr.Dropdown(["conv1", "conv2"], value=FIRST.layer, label="Layer", elem_id="unit-layer")
                numbers = [
                    gr.Number(value, label=label, minimum=0, min_width=60, elem_id=f"unit-{label.lower()}")
                    for label, value in (("Map", FIRST.channel), ("Row", FIRST.row), ("Column", FIRST.column))
                ]
            unit = gr.HTML("", elem_id="inside-unit")
    gr.Markdown("## Why this answer\nWhich pixels does a score depend on?")
    target = gr.Dropdown([ANSWER], value=ANSWER[1], label="The score of", elem_id="why-class")
    saliency = gr.HTML("", elem_id="why-saliency")
    gr.Markdown(
        "### Training images that look alike to the Net\n"
        "Before its last layer the Net has turned the picture into 84 numbers. Which training images have nearly the "
        "same 84 numbers? The first search with a Net takes some seconds."
    )
    with gr.Row(elem_classes="pager"):
        search = gr.Button("Find the nearest training images", elem_id="why-search")
    searching = gr.HTML("", elem_id="why-searching")
    neighbours = clickable_grid(label="Nearest training images", elem_id="why-neighbours")

    number = gr.Number(1, visible="hidden", label="page of pictures to look inside of")
    seed = gr.Number(-1, visible="hidden", label="shuffle seed of pictures to look inside of; below 0 as stored")
    at = gr.Textbox("", visible="hidden", label="what is looked at")
    picked = gr.Textbox("", visible="hidden", label="Net that the visitor chose to look inside of")
    seen = gr.Textbox("", visible="hidden", label="pointer from another tab that was followed")
    drawn = gr.Textbox("", visible="hidden", label="state of the Net that is drawn")
    due = gr.Textbox("", visible="hidden", label="newer state of the Net")
    searched = gr.Textbox("", visible="hidden", label="picture whose neighbours were searched")

    def show_tests(name: Any, number: float | None, seed: float | None) -> tuple[str, int]:
        try:
            test = nets.open(NetRef(str(name))).splits.test  # a run has pictures of its own
        except CifarError:
            test = nets.source.splits.test
        page = page_of(
            test, number=int(number or 1), per_page=PER_PAGE, seed=None if seed is None or seed < 0 else int(seed)
        )
        indices = list(page.indices)
        captions = [test.classes[label] for label in test.labels[indices]]
        names = [f"{caption}, test image {index}" for caption, index in zip(captions, indices, strict=True)]
        return grid_html(test.images[indices], captions, indices, columns=4, names=names), page.number

    def draw_architecture() -> str:
        from cifar_core.net import layers  # loads torch

        return architecture_html(layers())

    events = InsideEvents(nets)
    place = [layer, *numbers]
    asked = [*place, target]
    view = [at, message, to_now, target, drawn, about, filters, stages, unit, saliency, neighbours]
    tests = [net, number, seed]

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    heavy = quiet | {"concurrency_limit": 2, "concurrency_id": "classify"}
    latest = heavy | {"trigger_mode": "always_last"}
    to_answer: dict[str, Any] = {"js": scroll_to("inside-about"), "api_visibility": "private"}
    to_unit: dict[str, Any] = {"js": scroll_to("inside-side"), "api_visibility": "private"}

    opening = [owner, at, picked, look_at, seen, *asked]
    gr.on([tab.select, look_at.change], events.opened, opening, [net, picked, seen, *view], **latest).then(
        draw_architecture, None, drawing, **quiet
    ).then(show_tests, tests, [grid, number], **quiet)
    net.input(events.other_net, [at, net, *asked], [picked, *view], **heavy).then(
        show_tests, tests, [grid, number], **quiet
    )
    onward.click(lambda net, number, seed: show_tests(net, (number or 1) + 1, seed), tests, [grid, number], **quiet)
    shuffle.click(lambda: (1, secrets.randbelow(MAX_SEED + 1)), None, [number, seed], **quiet).then(
        show_tests, tests, [grid, number], **quiet
    )
    data_changed.change(show_tests, tests, [grid, number], **quiet).then(events.again, [at, *asked], view, **heavy)

    grid.pick(events.picked_test, [at, net, *asked], view, **latest).then(None, None, None, **to_answer)
    gr.on([by_index.click, index.submit], events.numbered, [at, net, index, *asked], view, **heavy).then(
        None, None, None, **to_answer
    )
    upload.input(events.uploaded, [at, net, upload, *asked], view, **heavy).then(None, None, None, **to_answer)
    neighbours.pick(events.picked_train, [at, net, *asked], view, **heavy).then(None, None, None, **to_answer)
    to_now.click(events.back_to_now, [at, *asked], view, **heavy)

    filters.refresh(events.refreshed, [at, drawn], [filters, due], **quiet)
    due.change(events.again, [at, *asked], view, **heavy)

    stages.pick(events.picked_unit, at, [*place, unit], **latest).then(None, None, None, **to_unit)
    gr.on([layer.input, *(field.input for field in numbers)], events.unit, [at, *place], unit, **latest)
    target.input(events.saliency, [at, target], saliency, **heavy)
    search.click(lambda: WAITING, None, searching, **quiet).then(
        events.search,
        at,
        [searching, neighbours, searched],
        **(quiet | {"concurrency_limit": 1, "concurrency_id": "judge"}),
    ).then(events.searched, [at, searched], neighbours, **heavy)
