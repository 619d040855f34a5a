"""What happens on a click in Browse."""

import secrets
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from cifar_core.data.browse import MAX_SEED, describe, image_facts, page_of
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from demo.tabs.browse.view import counts_html, detail_html, no_detail_html, page_html, printed_html
from demo.widgets.events import Outputs
from demo.widgets.format import count
from demo.widgets.templates import message_box


@dataclass(frozen=True)
class BrowseWidgets:
    """The parts of the tab that handlers read or write."""

    split_radio: gr.Radio
    classes_dropdown: gr.Dropdown
    per_page_dropdown: gr.Dropdown
    order_radio: gr.Radio
    seed_number: gr.Number
    page_number: gr.Number
    where_html: gr.HTML
    message_html: gr.HTML
    grid_html: gr.HTML
    detail_html: gr.HTML
    counts_html: gr.HTML
    printed_html: gr.HTML

    @property
    def page(self) -> list[Component]:
        """Return what a page of images consists of."""
        return [self.grid_html, self.page_number, self.where_html, self.message_html]

    @property
    def about_split(self) -> list[Component]:
        """Return what belongs to a split as a whole, and the image of it that is shown large."""
        return [self.counts_html, self.printed_html, self.detail_html]


class BrowseHandlers:
    """Each method handles one event."""

    def __init__(self, source: DataSource, widgets: BrowseWidgets) -> None:
        self.source, self.widgets = source, widgets

    def show(
        self, split: str, classes: list[str], per_page: float, order: str, seed: float | None, number: float | None
    ) -> Outputs:
        """Show a page, or the sentence that says what is wrong with the choice."""
        widgets, image_set = self.widgets, self.source.splits.split(split)
        try:
            page = page_of(
                image_set,
                number=number,  # type: ignore[arg-type]
                per_page=per_page,
                classes=tuple(classes),
                seed=seed if order == "shuffled" else None,
            )
        except CifarError as error:
            return {widgets.message_html: message_box(str(error), "error")}
        return {
            widgets.grid_html: page_html(image_set, page),
            widgets.page_number: page.number,
            widgets.where_html: f"of {count(page.pages)} · {count(page.total)} images",
            widgets.message_html: message_box(""),
        }

    def first_page(self, split: str, classes: list[str], per_page: float, order: str, seed: float | None) -> Outputs:
        """Show the first page of another choice."""
        return self.show(split, classes, per_page, order, seed, 1)

    def previous(
        self, split: str, classes: list[str], per_page: float, order: str, seed: float | None, number: float | None
    ) -> Outputs:
        """Show the page before."""
        return self.show(split, classes, per_page, order, seed, max(1, (number or 1) - 1))

    def next(
        self, split: str, classes: list[str], per_page: float, order: str, seed: float | None, number: float | None
    ) -> Outputs:
        """Show the page after; behind the last page, the last."""
        return self.show(split, classes, per_page, order, seed, (number or 0) + 1)

    def shuffle(self, split: str, classes: list[str], per_page: float) -> Outputs:
        """Show the first page in another random order."""
        seed = secrets.randbelow(MAX_SEED + 1)
        page = self.show(split, classes, per_page, "shuffled", seed, 1)
        return page | {self.widgets.seed_number: seed, self.widgets.order_radio: "shuffled"}

    def change_split(self, split: str, classes: list[str], per_page: float, order: str, seed: float | None) -> Outputs:
        """Show the other split: its first page, and what is to be said about all of it."""
        return self.about_split(split) | self.first_page(split, classes, per_page, order, seed)

    def change_data(self, split: str, per_page: float, order: str, seed: float | None, number: float | None) -> Outputs:
        """Show another data set, whose classes may be others."""
        classes = gr.Dropdown(choices=list(self.source.splits.train.classes), value=[], multiselect=True)
        page = self.show(split, [], per_page, order, seed, number)
        return {self.widgets.classes_dropdown: classes} | self.about_split(split) | page

    def show_detail(self, split: str, event: gr.EventData) -> Outputs:
        """Show the image that was clicked large, with its numbers; raise DataError if there is no such image."""
        image_set = self.source.splits.split(split)
        facts = image_facts(image_set, getattr(event, "index", None))  # type: ignore[arg-type]
        return {self.widgets.detail_html: detail_html(image_set, facts)}

    def about_split(self, split: str) -> Outputs:
        """Return what is to be said about a split as a whole, and no image of it large."""
        splits = self.source.splits
        image_set = splits.split(split)
        return {
            self.widgets.counts_html: counts_html(image_set),
            self.widgets.printed_html: printed_html(describe(image_set, splits.info)),
            self.widgets.detail_html: no_detail_html(),
        }
