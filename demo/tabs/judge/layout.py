"""What the tab Judge is made of."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from cifar_core.runs.registry import PRETRAINED, NetRegistry
from demo.gradio_compat import PageState
from demo.tabs.judge.images import VIEWS
from demo.tabs.judge.state import JudgeState, Question
from demo.widgets.confusion import confusion_matrix
from demo.widgets.image_grid import clickable_grid
from demo.widgets.net_choices import net_choices
from demo.widgets.templates import message_box

INTRODUCTION = (
    "Where does a Net fail? Here it predicts the class of every test image, none of which it was trained on, and its "
    "predictions are compared with the truth. Look at the mistakes: a number alone does not show what goes wrong."
)
BATCH_INTRODUCTION = (
    "### A batch, as in the notebook\n\nFor each image the Net gives ten numbers, the *logits*. The largest one is its "
    "prediction (←)."
)
ANY = ("any", "")
"""the choice of a class dropdown that asks nothing"""


@dataclass(frozen=True, eq=False)
class QuestionWidgets:
    """The choices that make a `Question`."""

    truth_dropdown: gr.Dropdown
    predicted_dropdown: gr.Dropdown
    outcome_dropdown: gr.Dropdown
    order_dropdown: gr.Dropdown

    def all(self) -> list[gr.Dropdown]:
        """Return them in the order of the fields of a `Question`."""
        return [self.truth_dropdown, self.predicted_dropdown, self.outcome_dropdown, self.order_dropdown]


@dataclass(frozen=True, eq=False)
class ImageWidgets:
    """The images behind the numbers."""

    view_buttons: dict[gr.Button, Question]
    question: QuestionWidgets
    heading_html: gr.HTML
    grid_html: gr.HTML
    back_button: gr.Button
    more_button: gr.Button
    click_radio: gr.Radio
    message_html: gr.HTML


@dataclass(frozen=True, eq=False)
class JudgeWidgets:
    """All parts of the tab that an event reads or changes."""

    state: PageState[JudgeState]
    net_dropdown: gr.Dropdown
    test_button: gr.Button
    message_html: gr.HTML
    results_column: Any
    """a gr.Column, which for Gradio is no component"""
    overall_html: gr.HTML
    matrix_html: gr.HTML
    reading_html: gr.HTML
    images: ImageWidgets
    classes_html: gr.HTML
    batch_textbox: gr.Textbox
    logits_html: gr.HTML


def build_layout(nets: NetRegistry) -> JudgeWidgets:
    """Lay out the tab."""
    state = PageState(JudgeState(), label="test that is shown in Judge")
    gr.Markdown(INTRODUCTION)
    with gr.Row(elem_classes="judge-choice"):
        net_dropdown = gr.Dropdown(
            net_choices(nets, ""), value=PRETRAINED, label="Net", elem_id="judge-net", scale=3, min_width=240
        )
        test_button = gr.Button("Test it", variant="primary", elem_id="judge-test", scale=1, min_width=120)
    message_html = gr.HTML(message_box("Choose a Net and press Test it."), elem_id="judge-message")
    with gr.Column(visible=False) as results_column:
        overall_html = gr.HTML("", elem_id="overall")
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                gr.Markdown("### Which class is predicted as which")
                matrix_html = confusion_matrix(elem_id="confusion")
                reading_html = gr.HTML("", elem_id="reading")
            with gr.Column(min_width=320):
                images = _images()
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                classes_html = gr.HTML("", elem_id="class-shares")
            with gr.Column(min_width=320):
                batch_textbox, logits_html = _batch()
    return JudgeWidgets(
        state=state,
        net_dropdown=net_dropdown,
        test_button=test_button,
        message_html=message_html,
        results_column=results_column,
        overall_html=overall_html,
        matrix_html=matrix_html,
        reading_html=reading_html,
        images=images,
        classes_html=classes_html,
        batch_textbox=batch_textbox,
        logits_html=logits_html,
    )


def _images() -> ImageWidgets:
    gr.Markdown("### The images behind the numbers", elem_id="found")
    with gr.Row(elem_classes="pager"):
        view_buttons = {gr.Button(name, size="sm"): question for name, question in VIEWS.items()}
    with gr.Row(elem_classes="found-filters"):
        question = _question()
    heading_html = gr.HTML("", elem_id="found-heading")
    grid_html = clickable_grid(label="Test images found", elem_id="found-pictures")
    with gr.Row(elem_classes="pager"):
        back_button = gr.Button("← Back", size="sm", elem_id="found-back")
        more_button = gr.Button("More →", size="sm", elem_id="found-more")
    actions = [("looks inside the Net", "inside"), ("puts it into the batch below", "batch")]
    click_radio = gr.Radio(actions, value="inside", label="A click on an image", elem_id="found-way")
    message_html = gr.HTML(message_box(""), elem_id="found-message")
    return ImageWidgets(
        view_buttons, question, heading_html, grid_html, back_button, more_button, click_radio, message_html
    )


def _question() -> QuestionWidgets:
    first = Question()
    outcomes = [("wrong", "wrong"), ("right", "right"), ("both", "any")]
    orders = [("most confident", "most_confident"), ("least certain", "smallest_margin"), ("as stored", "stored")]
    return QuestionWidgets(
        gr.Dropdown([ANY], value=first.truth, label="Truth", elem_id="truth", min_width=110),
        gr.Dropdown([ANY], value=first.predicted, label="Net predicts", elem_id="predicted", min_width=110),
        gr.Dropdown(outcomes, value=first.outcome, label="Right or wrong", elem_id="outcome", min_width=110),
        gr.Dropdown(orders, value=first.order, label="Sort by", elem_id="found-order", min_width=110),
    )


def _batch() -> tuple[gr.Textbox, gr.HTML]:
    gr.Markdown(BATCH_INTRODUCTION)
    batch_textbox = gr.Textbox(
        "0, 1, 2, 3",
        label="Test images",
        info="Up to four numbers. The tutorial takes the first four.",
        max_lines=1,
        max_length=60,
        elem_id="batch",
    )
    return batch_textbox, gr.HTML("", elem_id="batch-logits")
