"""The tab in which the data set is looked through: its layout, and which event calls which handler."""

from dataclasses import dataclass

import gradio as gr

from cifar_core.data.browse import MAX_PER_PAGE
from cifar_core.data.source import DataSource
from demo.tabs.browse.handlers import BrowseHandlers, BrowseWidgets
from demo.widgets.events import JS_ONLY, QUIET, refusals_in
from demo.widgets.image_grid import clickable_grid, scroll_to
from demo.widgets.templates import message_box

PER_PAGE = (4, 16, 36, 64, MAX_PER_PAGE)
DEFAULT_PER_PAGE = 36


@dataclass(frozen=True)
class PagerButtons:
    """What turns the pages."""

    previous_button: gr.Button
    next_button: gr.Button
    shuffle_button: gr.Button


def build_browse_tab(source: DataSource, data_in_use: gr.Textbox) -> None:
    """Lay out the tab and wire it. `data_in_use` changes when another data set is in use."""
    widgets, pager = _layout(list(source.splits.train.classes))
    handlers = BrowseHandlers(source, widgets)
    # what a visitor sees first is part of the page itself
    first = handlers.show("train", [], DEFAULT_PER_PAGE, "shuffled", 0, 1) | handlers.about_split("train")
    for component, value in first.items():
        component.value = value
    _wire(widgets, pager, handlers, data_in_use)


def _layout(classes: list[str]) -> tuple[BrowseWidgets, PagerButtons]:
    gr.Markdown(
        "These are the images the Net learns from, exactly as they are stored: 32 × 32 pixels, enlarged without "
        "smoothing. Click one to see which numbers the Net gets."
    )
    with gr.Row(elem_classes="controls"):
        split = gr.Radio(
            [("Training set", "train"), ("Test set", "test")], value="train", label="Split", elem_id="split"
        )
        chosen = gr.Dropdown(
            classes, multiselect=True, value=[], label="Classes", info="Empty shows all.", elem_id="classes"
        )
        per_page = gr.Dropdown(
            list(PER_PAGE),
            value=DEFAULT_PER_PAGE,
            label="Images per page",
            info="The tutorial shows 4.",
            elem_id="per-page",
        )
        order = gr.Radio(
            [("Shuffled", "shuffled"), ("As stored", "stored")], value="shuffled", label="Order", elem_id="order"
        )
        seed = gr.Number(
            0, label="Shuffle seed", info="The same seed, the same order.", precision=0, elem_id="browse-seed"
        )
    number, where, pager = _pager()
    message = gr.HTML(message_box(""), elem_id="browse-message")
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            grid = clickable_grid(label="Images", elem_id="images")
        with gr.Column(scale=2, min_width=300):
            detail = gr.HTML("", elem_id="detail")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            counts = gr.HTML("", elem_id="counts")
        with gr.Column(scale=1, min_width=300):
            printed = gr.HTML("", elem_id="about-set")
    return BrowseWidgets(
        split, chosen, per_page, order, seed, number, where, message, grid, detail, counts, printed
    ), pager


def _pager() -> tuple[gr.Number, gr.HTML, PagerButtons]:
    with gr.Row(elem_classes="pager"):
        previous = gr.Button("← Previous", elem_id="previous", size="sm")
        number = gr.Number(
            1, label="Page", show_label=False, container=False, precision=0, elem_id="page-number", min_width=70
        )
        where = gr.HTML("", elem_id="where", elem_classes="where")
        onward = gr.Button("Next →", elem_id="next", size="sm")
        shuffle = gr.Button("Shuffle again", elem_id="shuffle", size="sm")
    return number, where, PagerButtons(previous, onward, shuffle)


def _wire(widgets: BrowseWidgets, pager: PagerButtons, handlers: BrowseHandlers, data_in_use: gr.Textbox) -> None:
    split, seed, order, number = widgets.split_radio, widgets.seed_number, widgets.order_radio, widgets.page_number
    choice = [split, widgets.classes_dropdown, widgets.per_page_dropdown, order, seed]
    page, detail = widgets.page, widgets.detail_html
    # another choice begins at page 1; turning a page keeps everything else
    choices = [widgets.classes_dropdown.input, widgets.per_page_dropdown.input, order.input, seed.submit, seed.blur]
    gr.on(choices, handlers.first_page, choice, page, **QUIET)
    number.submit(handlers.show, [*choice, number], page, **QUIET)
    pager.previous_button.click(handlers.previous, [*choice, number], page, **QUIET)
    pager.next_button.click(handlers.next, [*choice, number], page, **QUIET)
    pager.shuffle_button.click(handlers.shuffle, choice[:3], [*page, seed, order], **QUIET)
    split.input(handlers.change_split, choice, [*page, *widgets.about_split], **QUIET)
    widgets.grid_html.pick(refusals_in(detail)(handlers.show_detail), split, detail, **QUIET).then(
        None, None, None, js=scroll_to("detail"), **JS_ONLY
    )
    data_in_use.change(
        handlers.change_data,
        [split, widgets.per_page_dropdown, order, seed, number],
        [*page, *widgets.about_split, widgets.classes_dropdown],
        trigger_mode="multiple",
        **QUIET,
    )
