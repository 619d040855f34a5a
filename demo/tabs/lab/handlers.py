"""What happens in the tab Lab: a pair of runs is started, followed, stopped, and solved."""

from contextlib import suppress
from typing import Any, NamedTuple

import gradio as gr

from cifar_core.config import TrainConfig
from cifar_core.errors import CifarError, RunError, StoreError
from cifar_core.mistakes import MISTAKES
from cifar_core.runs.pairs import PAIR_DEFAULTS, PAIR_SETTINGS, Pair, pair_config
from cifar_core.runs.registry import NetRegistry
from demo.client_address import address_of
from demo.tabs.lab.layout import Parts
from demo.tabs.lab.state import LabState
from demo.tabs.lab.view import (
    SECRET_CODE,
    about_html,
    board_html,
    chart_of,
    code_html,
    verdict_html,
    version_of,
    words_html,
)
from demo.widgets.events import Outputs
from demo.widgets.templates import message_box


class _Newest(NamedTuple):
    pair: str
    """the id of its baseline; empty if there is no pair"""
    secret: bool


class Lab:
    """The events of the tab. Each returns the components that change."""

    def __init__(self, nets: NetRegistry, parts: Parts) -> None:
        self.service, self.source, self.parts = nets.service, nets.source, parts

    def open_tab(self, owner: str, state: LabState) -> Outputs:
        """Show the newest pair, if there is one."""
        parts = self.parts
        try:
            shown = self._newest(owner).pair or state.pair
            if not shown:
                return {}
            pair = self.service.pair(str(owner), shown)
        except CifarError as error:
            return {parts.board_html: message_box(str(error), "error"), **self._buttons(LabState(), state)}
        outputs = self._shown(pair, state)
        if pair.secret:
            return {**outputs, parts.code_html: message_box(SECRET_CODE)}
        return {
            **outputs,
            parts.mistake_radio: pair.word,
            parts.about_html: about_html(pair.word),
            parts.code_html: code_html(pair.word, pair.baseline.run.config),
        }

    def choose(self, word: str, *values: Any) -> Outputs:
        """Show the words and the code of a mistake, with the settings as they are."""
        if word not in MISTAKES:
            return {}
        try:
            config = self._config(values)
        except CifarError:
            config = PAIR_DEFAULTS
        return {self.parts.about_html: about_html(word), self.parts.code_html: code_html(word, config)}

    def run_both(self, owner: str, state: LabState, word: str, request: gr.Request | None, *values: Any) -> Outputs:
        """Start a pair; the one before makes room for it."""
        config = self._config(values)
        splits, address = self.source.splits, address_of(request)
        baseline, _ = self.service.start_pair(str(owner), config, str(word), splits, address=address)
        return {**self._started(str(owner), baseline.id, state), self.parts.code_html: code_html(str(word), config)}

    def start_quiz(self, owner: str, state: LabState, request: gr.Request | None) -> Outputs:
        """Start a pair whose mistake is to be guessed."""
        baseline, _ = self.service.start_quiz(str(owner), self.source.splits, address=address_of(request))
        return {**self._started(str(owner), baseline.id, state), self.parts.code_html: message_box(SECRET_CODE)}

    def stop(self, owner: str, state: LabState) -> Outputs:
        """Stop both runs."""
        self.service.stop_pair(str(owner), state.pair)
        return {self.parts.message_html: message_box("")}

    def look(self, owner: str, state: LabState, event: gr.EventData) -> Outputs:
        """Show what is new; the page says which version it shows.

        It is about the newest pair, not about the one that the page had when it asked. Where another pair has been
        started, or this one solved, meanwhile, that event shows it: an answer that is late must bring nothing back.
        """
        try:
            newest = self._newest(owner)
            pair = self.service.pair(str(owner), newest.pair or state.pair)
        except StoreError:  # for the moment; what was shown stays
            return {}
        except RunError as error:
            return {self.parts.board_html: message_box(str(error), "error"), **self._buttons(LabState(), state)}
        if getattr(event, "version", None) == version_of(pair):
            return {}
        outputs = self._shown(pair, state)
        return outputs if self._newest(owner) == newest else {}

    def answer(self, owner: str, state: LabState, guess: str | None) -> Outputs:
        """Compare the answer to a quiz with its mistake, which is no secret from now on."""
        if guess not in MISTAKES:
            return {self.parts.verdict_html: message_box("Choose one of the mistakes first.", "error")}
        pair = self.service.pair(str(owner), state.pair)
        self.service.solve(str(owner), pair.faulty.run.id)
        pair = self.service.pair(str(owner), state.pair)
        return {
            **self._shown(pair, state),
            self.parts.verdict_html: verdict_html(guess, pair.word),
            self.parts.code_html: code_html(pair.word, pair.baseline.run.config),
        }

    def _newest(self, owner: str) -> _Newest:
        pairs = self.service.pairs_of(str(owner))
        return _Newest(pairs[0][0].id, pairs[0][1].secret) if pairs else _Newest("", False)

    def _config(self, values: tuple[Any, ...]) -> TrainConfig:
        return pair_config(dict(zip(PAIR_SETTINGS, values, strict=True)), len(self.source.splits.train))

    def _started(self, owner: str, pair: str, before: LabState) -> Outputs:
        with suppress(CifarError):  # there may be none, or it has ended
            self.service.stop_pair(owner, before.pair)
        return {
            **self._shown(self.service.pair(owner, pair), before),
            self.parts.message_html: message_box(""),
            self.parts.guess_radio: gr.Radio(value=None, interactive=True),
            self.parts.verdict_html: message_box(""),
        }

    def _shown(self, pair: Pair, before: LabState) -> Outputs:
        parts, classes = self.parts, len(self.source.splits.test.classes)
        state = LabState(pair.id, pair.active, pair.secret, pair.was_quiz)
        return {
            parts.board_html: board_html(pair),
            parts.chart: chart_of(pair, classes),
            parts.words_html: words_html(pair),
            **self._buttons(state, before),
        }

    def _buttons(self, state: LabState, before: LabState) -> Outputs:
        """Return the state and the buttons that follow from it; nothing where nothing has changed."""
        if state == before:
            return {}
        parts = self.parts
        return {
            parts.state: state,
            parts.stop_button: gr.Button(interactive=state.can_stop),
            parts.quiz_column: gr.Column(visible=state.can_answer or state.was_quiz),
            parts.guess_radio: gr.Radio(interactive=state.can_answer),
            parts.answer_button: gr.Button(visible=state.can_answer),
            parts.another_button: gr.Button(visible=state.was_quiz),
        }
