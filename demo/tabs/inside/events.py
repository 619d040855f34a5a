"""What happens in the tab Inside: each event as a function of the tab's own fields, which gives the parts to show."""

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
from PIL import Image

from cifar_core.errors import CifarError, ImageError, RunError
from cifar_core.images import to_net_input
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from demo.tabs.inside.inspection import take_look
from demo.tabs.inside.page import (
    FIRST,
    inside_page,
    net_filters,
    newest_state,
    read_place,
    saliency_part,
    search_result,
)
from demo.tabs.inside.page import unit_part as unit_of
from demo.tabs.inside.stages import Place
from demo.tabs.inside.why import searching_html
from demo.widgets.net_choices import net_choices
from demo.widgets.pointer import Pointer, picture_pointer, read_pointer
from demo.widgets.templates import message_box

ANSWER = ("the Net's answer", -1)
"""the choice of a class that follows the answer"""
TELL_EVERY = 0.2
"""seconds between two words about the search"""
WAITING = '<p class="quiet" role="status">Waiting for a free place on the server …</p>'


class InsideEvents:
    """The events. `at` is always the text of a Pointer, `asked` are the fields layer, map, row, column and class.

    What most of them return is the view: at, message, button to now, choice of a class, state drawn, and then the
    parts about, filters, stages, unit, saliency, neighbours.
    """

    def __init__(self, nets: NetRegistry) -> None:
        self.nets = nets

    def opened(self, owner: Any, at: str, picked: str, look: str, seen: str, *asked: Any) -> list[Any]:
        """The tab is opened, by hand or by another tab that points at something: list of Nets, picked, seen, view."""
        choices = net_choices(self.nets, str(owner))
        names = [name for _, name in choices]
        now, said = _pointer(at), ""
        if look and look != seen:
            now = _pointer(look) or now
            picked = now.net if now else picked
        # his own choice; else his newest run that has weights
        name = picked or names[min(1, len(names) - 1)]
        if name not in names:
            try:
                choices.append((self.nets.service.find(name).name, name))
            except CifarError:
                name, picked, said = PRETRAINED, "", "That run is no longer there. This is the pretrained Net."
        step = now.step if now and now.net == name else None
        pointer = Pointer(name, now.picture if now else "test 0", step)
        view = self.show(pointer, *asked, said=said)
        return [gr.Dropdown(choices=choices, value=name), picked, str(look), *view]

    def other_net(self, at: str, name: Any, *asked: Any) -> list[Any]:
        """The visitor chooses a Net: picked, view."""
        now = _pointer(at)
        return [str(name), *self.show(Pointer(str(name), now.picture if now else "test 0"), *asked)]

    def other_picture(self, at: str, name: Any, picture: str, *asked: Any) -> list[Any]:
        """Another picture before the same Net in the same state. An impossible one leaves everything as it is."""
        now = _pointer(at)
        step = now.step if now and now.net == name else None
        return self.show(Pointer(str(name), picture, step), *asked, keep=True)

    def picked_test(self, event: gr.EventData, at: str, name: Any, *asked: Any) -> list[Any]:
        """A click on a test image."""
        return self.other_picture(at, name, f"test {getattr(event, 'index', '')}", *asked)

    def picked_train(self, event: gr.EventData, at: str, name: Any, *asked: Any) -> list[Any]:
        """A click on one of the nearest training images."""
        return self.other_picture(at, name, f"train {getattr(event, 'index', '')}", *asked)

    def uploaded(self, at: str, name: Any, picture: Image.Image | ImageError | None, *asked: Any) -> list[Any]:
        """A picture of the visitor's own; what cannot be read leaves everything as it is."""
        if isinstance(picture, Image.Image):
            return self.other_picture(at, name, picture_pointer(to_net_input(picture)), *asked)
        return _kept(str(picture) if picture else "")

    def numbered(self, at: str, name: Any, index: Any, *asked: Any) -> list[Any]:
        """A test image by its number."""
        whole = isinstance(index, int | float) and not isinstance(index, bool) and not index % 1
        return self.other_picture(at, name, f"test {int(index) if whole else index}", *asked)

    def back_to_now(self, at: str, *asked: Any) -> list[Any]:
        """The same picture before the Net as it is now."""
        now = _pointer(at)
        return self.show(Pointer(now.net, now.picture), *asked) if now else _kept("")

    def again(self, at: str, *asked: Any) -> list[Any]:
        """The same picture once more, because the Net or the pictures have changed. The search's result may stay."""
        now = _pointer(at)
        if now is None:
            return _kept("")
        view = self.show(now, *asked)
        return [at, *view[1:-1], view[-1] or gr.skip()]

    def show(self, pointer: Pointer, *asked: Any, said: str = "", keep: bool = False) -> list[Any]:
        """The view, under the sentence `said`. Where there is nothing to show: a sentence, or it stays (`keep`)."""
        *place, target = asked
        try:
            page = inside_page(self.nets, pointer, _place(*place), None if target == -1 else target)
        except CifarError as error:
            told = str(error)
            return _kept(told) if keep else _nothing(pointer, told)
        choices = [ANSWER, *((name, label) for label, name in enumerate(page.classes))]
        chosen = target if target in range(len(page.classes)) else ANSWER[1]
        parts = [page.about, page.filters, page.stages, page.unit, page.saliency, page.neighbours]
        return [
            pointer.text(),
            message_box(said),
            gr.Button(visible=pointer.step is not None),
            gr.Dropdown(choices=choices, value=chosen),
            page.drawn,
            *parts,
        ]

    def refreshed(self, at: str, drawn: str) -> tuple[Any, Any]:
        """About once a second while a run trains: its filters, and the newer state of the Net where there is one."""
        now = _pointer(at)
        try:
            if now is None:
                raise RunError("Choose a picture first.")
            newest = newest_state(self.nets, now)
            return net_filters(self.nets, now, None), newest if newest != drawn else gr.skip()
        except CifarError as error:
            return message_box(str(error), "error"), gr.skip()

    def picked_unit(self, event: gr.EventData, at: str) -> list[Any]:
        """A click into a map: layer, map, row, column, and the unit."""
        place = [getattr(event, name, None) for name in ("layer", "channel", "row", "column")]
        return [*place, self.unit(at, *place)]

    def unit(self, at: str, *place: Any) -> str:
        """The unit that the fields name."""
        try:
            return unit_of(self.nets, read_pointer(at), read_place(*place))
        except CifarError as error:
            return message_box(str(error), "error")

    def saliency(self, at: str, target: Any) -> str:
        """The maps for another class."""
        try:
            return saliency_part(self.nets, read_pointer(at), None if target == -1 else target)
        except CifarError as error:
            return message_box(str(error), "error")

    def search(self, at: str) -> Iterator[tuple[Any, Any, str]]:
        """The nearest training images: the search under way, its result, and for which picture that is."""
        from cifar_core.inspect.neighbours import ExtractedFeatures

        try:
            look = take_look(self.nets, read_pointer(at))
            told = 0.0
            for event in self.nets.features(look.chosen):
                if isinstance(event, ExtractedFeatures):
                    yield "", search_result(look, event.features), at
                elif time.monotonic() - told > TELL_EVERY:
                    told = time.monotonic()
                    yield searching_html(event.done, event.total), gr.skip(), ""
        except CifarError as error:
            yield message_box(str(error), "error"), gr.skip(), ""

    def searched(self, at: str, searched: str) -> Any:
        """The neighbours of the picture that is shown now, where the visitor has gone on during the search."""
        if at == searched or not searched:
            return gr.skip()
        try:
            look = take_look(self.nets, read_pointer(at))
            features = self.nets.cached_features(look.chosen)
            return "" if features is None else search_result(look, features)
        except CifarError as error:
            return message_box(str(error), "error")


def _pointer(text: str) -> Pointer | None:
    try:
        return read_pointer(text)
    except CifarError:
        return None


def _place(*place: Any) -> Place:
    try:
        return read_place(*place)
    except CifarError:
        return FIRST


def _kept(told: str) -> list[Any]:
    """A view in which only the message is new."""
    return [gr.skip(), message_box(told, "error"), *[gr.skip()] * 9]


def _nothing(pointer: Pointer, told: str) -> list[Any]:
    """A view without a picture. What is asked for stays, so that another Net or picture can still be chosen."""
    return [
        pointer.text(),
        message_box(told, "error"),
        gr.Button(visible=pointer.step is not None),
        gr.skip(),
        "",
        *[""] * 6,
    ]
