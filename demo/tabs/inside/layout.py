"""What stands on the tab Inside, and where."""

from dataclasses import dataclass

import gradio as gr

from cifar_core.runs.registry import PRETRAINED, NetRegistry
from demo.gradio_compat import ImageFileInput, PageState
from demo.tabs.inside.state import InsideState, Place
from demo.widgets.image_grid import clickable_grid
from demo.widgets.net_choices import net_choices
from demo.widgets.templates import message_box, script

PREDICTED = ("the predicted class", -1)
"""the choice of a class that follows the prediction"""


@dataclass(frozen=True, eq=False)
class ChoiceWidgets:
    """Which Net and which image."""

    net_dropdown: gr.Dropdown
    tests_html: gr.HTML
    next_button: gr.Button
    shuffle_button: gr.Button
    index_number: gr.Number
    show_button: gr.Button
    upload_image: ImageFileInput


@dataclass(frozen=True, eq=False)
class UnitWidgets:
    """One unit of a convolution."""

    layer_dropdown: gr.Dropdown
    channel_number: gr.Number
    row_number: gr.Number
    column_number: gr.Number
    unit_html: gr.HTML

    @property
    def place(self) -> list[gr.components.Component]:
        """The fields that name the unit."""
        return [self.layer_dropdown, self.channel_number, self.row_number, self.column_number]


@dataclass(frozen=True, eq=False)
class WhyWidgets:
    """Why this prediction."""

    target_dropdown: gr.Dropdown
    saliency_html: gr.HTML
    search_button: gr.Button
    search_html: gr.HTML
    neighbours_html: gr.HTML


@dataclass(frozen=True, eq=False)
class InsideWidgets:
    """All that handlers read or write."""

    state: PageState[InsideState]
    message_html: gr.HTML
    choice: ChoiceWidgets
    about_html: gr.HTML
    now_button: gr.Button
    filters_html: gr.HTML
    architecture_html: gr.HTML
    stages_html: gr.HTML
    unit: UnitWidgets
    why: WhyWidgets

    @property
    def controls(self) -> list[gr.components.Component]:
        """The fields that say which unit and whose score is shown."""
        return [*self.unit.place, self.why.target_dropdown]

    @property
    def of_image(self) -> list[gr.components.Component]:
        """What another image changes. As few as possible: Gradio's page spends milliseconds on each at every yield."""
        return [
            self.state,
            self.message_html,
            self.about_html,
            self.stages_html,
            self.unit.unit_html,
            self.why.saliency_html,
            self.why.neighbours_html,
        ]

    @property
    def of_net(self) -> list[gr.components.Component]:
        """What another Net changes."""
        return [*self.of_image, self.now_button, self.filters_html, self.why.target_dropdown]


def build_widgets(nets: NetRegistry) -> InsideWidgets:
    """Lay out the tab."""
    gr.Markdown(
        "Choose a Net and an image, and see **every number** on the way from the image to the prediction. "
        "Click into a map to see the sum that gave one of its numbers."
    )
    state = PageState(InsideState(), label="what Inside shows")
    message_html = gr.HTML(message_box(""), elem_id="inside-message")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            choice = _build_choice(nets)
        with gr.Column(scale=3, min_width=320):
            about_html = gr.HTML("", elem_id="inside-about")
            now_button = gr.Button("Show the Net as it is now", size="sm", visible=False, elem_id="inside-now")
            filters_html = gr.HTML(
                "", js_on_load=script("tabs/inside/live.js"), label="Filters", elem_id="inside-filters"
            )
    architecture_html = gr.HTML("", elem_id="inside-architecture")
    with gr.Row(equal_height=False, elem_id="inside-way"):
        with gr.Column(scale=1, min_width=320):
            stages_html = gr.HTML(
                "", js_on_load=script("tabs/inside/inside.js"), label="Stages", elem_id="inside-stages"
            )
        with gr.Column(scale=1, min_width=320, elem_id="inside-side"):
            unit = _build_unit()
    return InsideWidgets(
        state=state,
        message_html=message_html,
        choice=choice,
        about_html=about_html,
        now_button=now_button,
        filters_html=filters_html,
        architecture_html=architecture_html,
        stages_html=stages_html,
        unit=unit,
        why=_build_why(),
    )


def _build_choice(nets: NetRegistry) -> ChoiceWidgets:
    net_dropdown = gr.Dropdown(net_choices(nets, ""), value=PRETRAINED, label="Net", elem_id="inside-net")
    with gr.Tabs():
        with gr.Tab("Test images", id="inside-tests"):
            tests_html = clickable_grid(label="Test images", elem_id="inside-images")
            with gr.Row(elem_classes="pager"):
                next_button = gr.Button("Next", size="sm", elem_id="inside-next")
                shuffle_button = gr.Button("Shuffle", size="sm", elem_id="inside-shuffle")
                gr.HTML("or number")
                index_number = gr.Number(
                    0, label="Number of a test image", show_label=False, container=False, elem_id="inside-index"
                )
                show_button = gr.Button("Show", size="sm", elem_id="inside-show")
        with gr.Tab("Your image", id="inside-yours"):
            upload_image = ImageFileInput(
                label="Upload, paste or photograph",
                sources=["upload", "clipboard", "webcam"],
                type="pil",
                format="png",
                elem_id="inside-upload",
                height=260,
            )
    return ChoiceWidgets(net_dropdown, tests_html, next_button, shuffle_button, index_number, show_button, upload_image)


def _build_unit() -> UnitWidgets:
    first = Place()
    with gr.Row(elem_classes="pager unit-fields"):
        layer_dropdown = gr.Dropdown(["conv1", "conv2"], value=first.layer, label="Layer", elem_id="unit-layer")
        channel_number, row_number, column_number = (
            gr.Number(value, label=label, minimum=0, min_width=60, elem_id=f"unit-{label.lower()}")
            for label, value in (("Map", first.channel), ("Row", first.row), ("Column", first.column))
        )
    unit_html = gr.HTML("", elem_id="inside-unit")
    return UnitWidgets(layer_dropdown, channel_number, row_number, column_number, unit_html)


def _build_why() -> WhyWidgets:
    gr.Markdown("## Why this prediction\nWhich pixels does a score depend on?")
    target_dropdown = gr.Dropdown([PREDICTED], value=PREDICTED[1], label="The score of", elem_id="why-class")
    saliency_html = gr.HTML("", elem_id="why-saliency")
    gr.Markdown(
        "### Training images that look similar to the Net\n"
        "Before its last layer the Net has turned the image into 84 numbers. Which training images have nearly the "
        "same 84 numbers? The first search with a Net takes some seconds."
    )
    with gr.Row(elem_classes="pager"):
        search_button = gr.Button("Find the nearest training images", elem_id="why-search")
    search_html = gr.HTML("", elem_id="why-searching")
    neighbours_html = gr.HTML(
        "",
        js_on_load=script("widgets/image_grid.js") + script("tabs/inside/neighbours.js"),
        label="Nearest training images",
        elem_id="why-neighbours",
        elem_classes="image-grid",
    )
    return WhyWidgets(target_dropdown, saliency_html, search_button, search_html, neighbours_html)
