"""What happens on the tab Inside: one method for each thing that a visitor can do."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import gradio as gr
from markupsafe import Markup

from cifar_core.data.browse import MAX_SEED, page_of
from cifar_core.errors import NOT_FINITE, CifarError, NetError, RunError
from cifar_core.field import whole_number
from cifar_core.images import to_net_input
from cifar_core.runs.refs import PRETRAINED, ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry, own_image
from demo.gradio_compat import ImageFile, PageState
from demo.tabs.inside.first_layer import first_layer_html
from demo.tabs.inside.layout import PREDICTED, InsideWidgets
from demo.tabs.inside.parts import architecture_part, neighbours_part, saliency_part, unit_part
from demo.tabs.inside.stages import about_html, stages_html
from demo.tabs.inside.state import InsideState, Place, key_of
from demo.tabs.inside.subject import Subject, subject_of
from demo.tabs.inside.why import searching_html
from demo.widgets.events import Outputs
from demo.widgets.image_grid import grid_html
from demo.widgets.look_at import LookAt
from demo.widgets.net_choices import net_choices
from demo.widgets.templates import message_box

PER_PAGE = 12
TELL_EVERY = 0.2
"""seconds between two updates of a search's progress"""


class InsideHandlers:
    """The events. `controls` are always the fields layer, map, row, column and class.

    Those that show another image or Net first yield all but the saliency maps, which take most of the time.
    """

    def __init__(self, nets: NetRegistry, widgets: InsideWidgets, look_at: PageState[LookAt]) -> None:
        self.nets, self.widgets, self.look_at = nets, widgets, look_at

    # ------------------------------------------------------------------------------------------- opening, and the Net

    def open(self, owner: Any, look_at: LookAt, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """Open the tab, by hand or with what another tab asks for in `look_at`."""
        widgets, first, notice = self.widgets, not state.opened, ""
        choices = net_choices(self.nets, str(owner))
        names = [name for _, name in choices]
        state = replace(state, opened=True)
        if look_at.image is not None:
            state = replace(state, net=look_at.net, image=look_at.image, chosen=True)
        elif not state.chosen and state.net.run != names[min(1, len(names) - 1)]:
            state = replace(state, net=NetRef(names[min(1, len(names) - 1)]))  # the newest run that has weights
        if state.net.run not in names:
            try:
                choices.append((self.nets.service.find(state.net.run).name, state.net.run))
            except CifarError:
                notice = "That run is no longer there. This is the pretrained Net."
                state = replace(state, net=NetRef(), chosen=False)
        also = {self.look_at: LookAt(), widgets.choice.net_dropdown: gr.update(choices=choices, value=state.net.run)}
        if first:
            also[widgets.architecture_html] = architecture_part()
        yield from self._show_or_clear(state, controls, notice=notice, also=also | self._page_of_tests(state))

    def choose_net(self, run: Any, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """Show the same image to another Net."""
        state = replace(state, net=NetRef(str(run)), chosen=True)
        yield from self._show_or_clear(state, controls, also=self._page_of_tests(state))

    def return_to_now(self, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """Show the same image to the Net as it is now."""
        yield from self._show_or_clear(replace(state, net=NetRef(state.net.run)), controls)

    def refresh(self, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """About once a second while a run trains: show its filters, or everything if it has a newer checkpoint."""
        try:
            newest = None if state.net.run == PRETRAINED else self.nets.service.find(state.net.run).checkpoint
            if state.net.step is None and newest != state.drawn and newest != -1:
                yield from self._show(state, controls, net_too=True, keep_neighbours=True)
            else:
                yield {self.widgets.filters_html: first_layer_html(self.nets, state.net)}
        except CifarError as error:
            yield {self.widgets.filters_html: message_box(str(error), "error")}

    def change_data(self, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """Show the same again, because another data set is in use. A tab that was never opened stays empty."""
        if not state.opened:
            yield {self.widgets.state: state}
            return
        yield from self._show_or_clear(state, controls, also=self._page_of_tests(state))

    # ------------------------------------------------------------------------------------------------------ the image

    def pick_test(self, event: gr.EventData, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """Show the test image that was clicked."""
        yield from self._show_image(_image("test", getattr(event, "index", None)), state, controls)

    def pick_train(self, event: gr.EventData, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """Show the training image that was clicked."""
        yield from self._show_image(_image("train", getattr(event, "index", None)), state, controls)

    def show_number(self, index: Any, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """Show a test image by its number."""
        yield from self._show_image(_image("test", index), state, controls)

    def upload(self, file: ImageFile | None, state: InsideState, *controls: Any) -> Iterator[Outputs]:
        """Show the visitor's own image; one that cannot be read leaves everything as it is."""
        if file is None:
            yield {self.widgets.message_html: message_box("")}
            return
        yield from self._show_image(own_image(to_net_input(file.read())), state, controls)

    def next_tests(self, state: InsideState) -> Outputs:
        """Turn to the next page of test images."""
        return self._page_of_tests(replace(state, page=state.page + 1))

    def shuffle_tests(self, state: InsideState) -> Outputs:
        """Show the first page of the test images in a new order."""
        return self._page_of_tests(replace(state, page=1, seed=secrets.randbelow(MAX_SEED + 1)))

    # --------------------------------------------------------------------------------------------- units, why it does

    def pick_unit(self, event: gr.EventData, state: InsideState) -> Outputs:
        """Show the unit that was clicked in a map, and write its place into the fields."""
        place = [getattr(event, name, None) for name in ("layer", "channel", "row", "column")]
        return dict(zip(self.widgets.unit.place, place, strict=True)) | self.show_unit(state, *place)

    def show_unit(self, state: InsideState, *place: Any) -> Outputs:
        """Show the unit that the fields name."""
        return {self.widgets.unit.unit_html: _or_sentence(lambda: unit_part(self._subject(state), _place(*place)))}

    def show_saliency(self, state: InsideState, target: Any) -> Outputs:
        """Show the saliency maps for another class."""
        return {self.widgets.why.saliency_html: _or_sentence(lambda: saliency_part(self._subject(state), target))}

    def search(self, state: InsideState) -> Iterator[Outputs]:
        """Search the nearest training images."""
        from cifar_core.inspect.neighbours import ExtractedFeatures

        why, told = self.widgets.why, 0.0
        try:
            subject = self._subject(state)
            for event in self.nets.features(subject.opened):
                if isinstance(event, ExtractedFeatures):
                    found = neighbours_part(subject, event.features, _key(state))
                    yield {why.search_html: "", why.neighbours_html: found}
                elif time.monotonic() - told > TELL_EVERY:
                    told = time.monotonic()
                    yield {why.search_html: searching_html(event.done, event.total)}
        except CifarError as error:
            yield {why.search_html: message_box(str(error), "error")}

    def show_neighbours(self, state: InsideState) -> Outputs:
        """Show the neighbours of the image that is shown now; the visitor has gone on during the search."""
        return {self.widgets.why.neighbours_html: _or_sentence(lambda: self._neighbours(self._subject(state), state))}

    # -------------------------------------------------------------------------------------------------------- in common

    def _subject(self, state: InsideState) -> Subject:
        return subject_of(self.nets, state.net, state.image)

    def _show_image(self, image: ImageRef, state: InsideState, controls: tuple[Any, ...]) -> Iterator[Outputs]:
        yield from self._show(replace(state, image=image), controls, net_too=False)

    def _show(
        self,
        state: InsideState,
        controls: tuple[Any, ...],
        *,
        net_too: bool,
        keep_neighbours: bool = False,
        notice: str = "",
    ) -> Iterator[Outputs]:
        """Show an image before a Net; `net_too` includes what is the same for all images. Raise CifarError if one is
        missing.
        """
        widgets, (*fields, target) = self.widgets, controls
        subject = self._subject(state)
        state = replace(state, drawn=subject.opened.step)
        shown: Outputs = {
            widgets.state: state,
            widgets.message_html: message_box(notice),
            widgets.about_html: about_html(subject, past=state.net.step is not None, key=_key(state)),
        }
        if net_too:
            shown |= self._about_net(state, subject, target)
        if not subject.inspection.finite:
            yield self._empty() | shown | {widgets.stages_html: message_box(NOT_FINITE, "error")}
            return
        place = _place_or_first(*fields)
        yield shown | {
            widgets.stages_html: stages_html(subject, place),
            widgets.unit.unit_html: unit_part(subject, place),
        }
        shown = {widgets.why.saliency_html: saliency_part(subject, target)}
        neighbours = self._neighbours(subject, state)
        if neighbours or not keep_neighbours:
            shown[widgets.why.neighbours_html] = neighbours
        yield shown

    def _show_or_clear(
        self, state: InsideState, controls: tuple[Any, ...], *, notice: str = "", also: Outputs | None = None
    ) -> Iterator[Outputs]:
        """Show an image before a Net, or the sentence why there is nothing to show.

        `also` is yielded with what is ready first.
        """
        first = also or {}
        try:
            for shown in self._show(state, controls, net_too=True, notice=notice):
                yield first | shown
                first = {}
        except CifarError as error:
            widgets = self.widgets
            yield (
                first
                | self._empty()
                | {
                    widgets.state: replace(state, drawn=None),
                    widgets.message_html: message_box(str(error), "error"),
                    widgets.now_button: gr.update(visible=state.net.step is not None),
                    widgets.about_html: "",
                    widgets.filters_html: "",
                }
            )

    def _about_net(self, state: InsideState, subject: Subject, target: Any) -> Outputs:
        widgets, classes = self.widgets, subject.classes
        choices = [PREDICTED, *((name, label) for label, name in enumerate(classes))]
        chosen = target if type(target) is int and target < len(classes) else PREDICTED[1]
        return {
            widgets.now_button: gr.update(visible=state.net.step is not None),
            widgets.filters_html: first_layer_html(self.nets, state.net, subject.opened),
            widgets.why.target_dropdown: gr.update(choices=choices, value=chosen),
        }

    def _empty(self) -> Outputs:
        why = self.widgets.why
        empty = (self.widgets.stages_html, self.widgets.unit.unit_html, why.saliency_html, why.neighbours_html)
        return dict.fromkeys(empty, "")

    def _neighbours(self, subject: Subject, state: InsideState) -> Markup | str:
        """Return nothing until the training images of this Net have been searched."""
        features = self.nets.cached_features(subject.opened)
        return "" if features is None else neighbours_part(subject, features, _key(state))

    def _page_of_tests(self, state: InsideState) -> Outputs:
        """Return a page of test images, those of the Net's own data set."""
        try:
            run = None if state.net.run == PRETRAINED else self.nets.service.find(state.net.run)
            test = (self.nets.source.splits if run is None else self.nets.images(run)).test
        except CifarError:  # said where the Net is shown
            test = self.nets.source.splits.test
        page = page_of(test, number=state.page, per_page=PER_PAGE, seed=state.seed)
        indices = list(page.indices)
        captions = [test.classes[label] for label in test.labels[indices]]
        names = [f"{caption}, test image {index}" for caption, index in zip(captions, indices, strict=True)]
        grid = grid_html(test.images[indices], captions, indices, columns=4, names=names)
        return {self.widgets.state: replace(state, page=page.number), self.widgets.choice.tests_html: grid}


def _key(state: InsideState) -> str:
    return key_of(state.net, state.image)


def _image(split: Literal["train", "test"], index: Any) -> ImageRef:
    return ImageRef(split, whole_number(f"The number of a {split} image", index, 0, error=RunError))


def _place(layer: Any, channel: Any, row: Any, column: Any) -> Place:
    numbers = {"Map": channel, "Row": row, "Column": column}
    return Place(str(layer), *(whole_number(name, value, 0, error=NetError) for name, value in numbers.items()))


def _place_or_first(*fields: Any) -> Place:
    try:
        return _place(*fields)
    except NetError:
        return Place()


def _or_sentence(part: Callable[[], Markup | str]) -> Markup | str:
    """Return a part, or in its place the sentence why it is impossible."""
    try:
        return part()
    except CifarError as error:
        return message_box(str(error), "error")
