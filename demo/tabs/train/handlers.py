"""What happens on a click in Train, and what the page is sent while it follows a run."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr

from cifar_core.config import CHANGEABLE, TrainConfig
from cifar_core.data import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError, RunError
from cifar_core.runs.service import Service
from cifar_core.training.presets import PRESETS
from demo.client_address import address_of
from demo.gradio_compat import cached_copy
from demo.open_pages import OpenPages
from demo.setup.settings import NAMES, page_config, plan_sentence, preset_values
from demo.tabs.train.guess import compared, with_guess
from demo.tabs.train.layout import TrainWidgets
from demo.tabs.train.run_watch import RunWatch, View
from demo.tabs.train.state import TrainState
from demo.widgets.events import Outputs
from demo.widgets.moving import MovingKeys
from demo.widgets.templates import message_box

LOOK_EVERY = 0.2
"""seconds between two looks at the run"""
HEARTBEAT = 5.0
"""seconds after which something is sent even without news, so that Gradio notices a closed page"""


class TrainHandlers:
    """Each method handles one event."""

    def __init__(
        self,
        service: Service,
        source: DataSource,
        widgets: TrainWidgets,
        owner: gr.BrowserState,
        saved: gr.DownloadButton,
        pages: OpenPages,
        moving: MovingKeys,
    ) -> None:
        self.service, self.source, self.widgets, self.pages = service, source, widgets, pages
        self.owner, self.saved, self.moving = owner, saved, moving

    def start(
        self,
        owner_key: str,
        stored: object,
        accuracy: object,
        hardest: object,
        diverges: object,
        request: gr.Request | None,
        *values: Any,
    ) -> Outputs:
        """Start a run and store the guess about it; the questions are empty again for the next."""
        data, guess = self.source.splits, self.widgets.guess
        run = self.service.start(str(owner_key), self._config(values, data), data, address=address_of(request))
        guesses = with_guess(stored, run.id, (accuracy, hardest, diverges))
        return {
            self.widgets.run.message_html: message_box(""),
            guess.stored_state: guesses,
            self.widgets.comparison_html: compared(self.service, run.id, guesses),
            **dict.fromkeys(guess.questions),
        }

    def stop(self, owner_key: str, state: TrainState) -> Outputs:
        """End the run that is followed."""
        self.service.stop(str(owner_key), state.run)
        return self._no_message()

    def pause_or_resume(self, owner_key: str, state: TrainState) -> Outputs:
        """Pause the run that is followed, or resume it if it is paused."""
        command = self.service.resume if "resume" in state.commands else self.service.pause
        command(str(owner_key), state.run)
        return self._no_message()

    def change(self, owner_key: str, state: TrainState, *values: Any) -> Outputs:
        """Let the run use the learning rate, momentum and batch size of the fields from now on."""
        self.service.change(str(owner_key), state.run, **dict(zip(CHANGEABLE, values, strict=True)))
        return self._no_message()

    def train_on(self, owner_key: str, state: TrainState, epochs: Any) -> Outputs:
        """Let the run that has ended train for more epochs."""
        self.service.train_on(str(owner_key), state.run, epochs)
        return self._no_message()

    def download(self, state: TrainState) -> Outputs:
        """Offer the weights of the run that is followed."""
        weights = self.service.weights_file(state.run)
        if weights is None:
            raise RunError("This run has no weights to download yet.")
        return self._no_message() | {self.saved: cached_copy(weights)}

    def fill_in(self, preset: str) -> Outputs:
        """Fill in the settings of a preset."""
        left = self.widgets.left
        values: Outputs = {left.settings[name]: value for name, value in preset_values(preset).items()}
        return values | {left.preset_html: message_box(PRESETS[preset].help)}

    def plan(self, *values: Any) -> str:
        """Return what the settings mean and how long they would take; or what is wrong with them."""
        try:
            return message_box(plan_sentence(self.service, self.source, self._config(values, self.source.splits)))
        except CifarError as error:
            return message_box(str(error), "error")

    def follow(self, state: TrainState, stored: object, *values: Any) -> Outputs:
        """Show what follows from another run or another state of it: buttons, the guess compared, its settings."""
        comparison = {self.widgets.comparison_html: compared(self.service, state.run, stored)}
        settings = self._settings_in_force(state.run, values) if state.new else {}
        return self._buttons(state) | comparison | settings

    def compare_guess(self, state: TrainState, stored: object) -> str:
        """Return the guess about the run that is followed beside its result."""
        return compared(self.service, state.run, stored)

    async def watch(self, stored_key: object, request: gr.Request) -> AsyncIterator[Outputs]:
        """Follow the run for as long as the page is open, and send whatever is new; first of all the owner's key.

        Every update has all parts, because a text that has not changed costs nothing and one that has grown costs its
        tail; an update of a button, or a part left out, would cost twenty times as much.
        """
        code, asked = (str(request.query_params.get(name) or "") for name in ("move", "run"))
        watching = self.pages.watch(request.session_hash, "run")
        # in threads of their own: a disk that is slow for a moment must not stop every other page
        owner_key, notice = await asyncio.to_thread(self.moving.key_for, stored_key, code)
        watch = await asyncio.to_thread(RunWatch, self.service, owner_key, asked)
        shown, sent = None, 0.0
        while watching.goes_on:
            view = await asyncio.to_thread(watch.look)
            if view != shown or time.monotonic() - sent > HEARTBEAT:
                shown, sent = view, time.monotonic()
                yield {self.owner: owner_key} | self._parts(replace(view, status=with_notice(notice, view.status)))
            await asyncio.sleep(LOOK_EVERY)

    @property
    def _fields(self) -> list[gr.Number | gr.Dropdown]:
        return [self.widgets.left.settings[name] for name in NAMES]

    def _config(self, values: tuple[Any, ...], data: Splits) -> TrainConfig:
        return page_config(dict(zip(NAMES, values, strict=True)), len(data.train))

    def _no_message(self) -> Outputs:
        return {self.widgets.run.message_html: message_box("")}

    def _parts(self, view: View) -> Outputs:
        run, widgets = self.widgets.run, self.widgets
        return {
            widgets.state: widgets.state.written(view.state),
            run.status_html: view.status,
            run.chart_html: view.chart,
            run.filters_html: view.filters,
            run.story_html: view.story,
            run.log_textbox: view.log,
            widgets.result_html: view.result,
        }

    def _buttons(self, state: TrainState) -> Outputs:
        may, run = set(state.commands), self.widgets.run
        return {
            run.start_button: gr.Button(interactive="start" in may),
            run.pause_button: gr.Button(
                "Resume" if "resume" in may else "Pause", interactive=bool(may & {"pause", "resume"})
            ),
            run.stop_button: gr.Button(interactive="stop" in may),
            self.widgets.left.change_button: gr.Button(interactive="change" in may),
            run.train_on_button: gr.Button(interactive="train_on" in may),
            run.download_button: gr.Button(interactive="download" in may),
        }

    def _settings_in_force(self, run: str, values: tuple[Any, ...]) -> Outputs:
        """Return those of an active run, if the fields show others, as after a refresh."""
        try:
            snapshot = self.service.snapshot(run)
        except CifarError:
            return {}
        in_force = [getattr(snapshot.config, name) for name in NAMES]
        same = not snapshot.run.active or in_force == list(values)
        return {} if same else dict(zip(self._fields, in_force, strict=True))


def with_notice(notice: str, status: str) -> str:
    """Return the state of the run below what there is to say about the visitor's own runs."""
    return message_box(notice) + status if notice else status
