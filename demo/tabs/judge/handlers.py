"""What the tab Judge does: one function for each action of a visitor."""

import time
from collections.abc import Iterator
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from cifar_core.errors import CifarError
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry, OpenNet
from demo.gradio_compat import PageState
from demo.tabs.judge.batch import batch_page, with_last
from demo.tabs.judge.evaluation import image_inside
from demo.tabs.judge.images import images_page
from demo.tabs.judge.layout import ANY, JudgeWidgets
from demo.tabs.judge.reading import reading_html
from demo.tabs.judge.state import JudgeState, Question, fingerprint
from demo.tabs.judge.view import NOT_FINITE, classes_html, matrix_html, net_words, overall_html
from demo.widgets.events import Outputs
from demo.widgets.look_at import LookAt
from demo.widgets.net_choices import net_choices
from demo.widgets.templates import message_box

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

PROGRESS_EVERY = 0.15
"""seconds between two messages on how far a test is"""


class JudgeHandlers:
    """The events of the tab. Each handler takes the page's state first, and returns new values by component."""

    def __init__(self, nets: NetRegistry, widgets: JudgeWidgets, look_at: PageState[LookAt]) -> None:
        self.nets, self.widgets, self.look_at = nets, widgets, look_at

    def open_tab(self, state: JudgeState, batch: str, owner: str, name: str) -> Iterator[Outputs]:
        """Offer the Nets there are now, and test the chosen one unless its test is shown already.

        The visitor's own choice comes first, if that Net still exists; then their newest run, then the pretrained Net.
        """
        outputs: Outputs = {}
        try:
            choices = net_choices(self.nets, str(owner))
            names = [name for _, name in choices]
            newest = next((name for name in names if name != PRETRAINED), PRETRAINED)
            name = state.chosen if state.chosen in names else newest
            outputs = {self.widgets.net_dropdown: gr.Dropdown(choices=choices, value=name)}
        except CifarError:  # the store is busy for the moment; the list stays as it was
            pass
        shown = self._shown(state, name)
        if shown:
            outputs[self.widgets.message_html] = message_box(shown)
        yield outputs  # always, even if empty: of a generator that yields nothing Gradio empties all outputs
        if shown is None:
            yield from self._test(state, batch, name)

    def test(self, state: JudgeState, batch: str, name: str) -> Iterator[Outputs]:
        """Test the Net that the visitor chose."""
        yield from self._test(replace(state, chosen=str(name)), batch, str(name))

    def ask_cell(self, state: JudgeState, event: gr.EventData) -> Outputs:
        """Show the images that one number of the matrix counts, most confident first."""
        truth, predicted = (str(getattr(event, name, "")) for name in ("truth", "predicted"))
        return self.ask(state, question=Question(truth, predicted, "any"))

    def ask(self, state: JudgeState, *, question: Question) -> Outputs:
        """Show the images of a question and set the four choices to it; a refused question changes neither."""
        outputs = self._images(replace(state, question=question, page=1))
        return outputs | (self._choices(question) if self.widgets.state in outputs else {})

    def ask_chosen(self, state: JudgeState, truth: str, predicted: str, outcome: Any, order: Any) -> Outputs:
        """Show the images that the four choices ask for."""
        return self._images(replace(state, question=Question(truth or "", predicted or "", outcome, order), page=1))

    def turn(self, state: JudgeState, *, by: int) -> Outputs:
        """Show another page of the same images."""
        return self._images(replace(state, page=state.page + by))

    def pick_image(self, state: JudgeState, batch: str, action: str, event: gr.EventData) -> Outputs:
        """Ask Inside to open the image that was clicked, or put it into the batch as its last."""
        message_html, index = self.widgets.images.message_html, getattr(event, "index", None)
        try:
            look_at, changed = image_inside(self.nets, state, index)
        except CifarError as error:
            return {self.look_at: LookAt(), message_html: message_box(str(error), "error")}
        outputs: Outputs = {self.widgets.state: replace(state, chosen=look_at.net.run)}
        if action != "batch":
            return outputs | {self.look_at: look_at, message_html: message_box(changed)}
        batch = with_last(batch or "", index)
        put = message_box(f"Test image {index} is now the last of the batch below.")
        return (
            outputs
            | {self.look_at: LookAt(), message_html: put, self.widgets.batch_textbox: batch}
            | self.show_batch(state, batch)
        )

    def show_batch(self, state: JudgeState, batch: str) -> Outputs:
        """Show the logits of the images in the batch, or why there are none."""
        try:
            return {self.widgets.logits_html: batch_page(self.nets, state, batch)}
        except CifarError as error:
            return {self.widgets.logits_html: message_box(str(error), "error")}

    def _shown(self, state: JudgeState, name: str) -> str | None:
        """Return a message about the test on screen, mostly empty; None if it is not one of this Net."""
        try:
            opened = self.nets.open(NetRef(str(name)))
            if state.tested is None or state.tested.run != name or state.data != fingerprint(opened.splits):
                return None
        except CifarError:  # the Net is gone: testing it says so
            return None
        if state.tested == opened.ref:
            return ""
        return (
            f"Shown is the test after step {state.tested.step:,}. The run has trained on since: press Test it to test "
            "it as it is now."
        )

    def _test(self, state: JudgeState, batch: str, name: str) -> Iterator[Outputs]:
        from cifar_core.evaluate import Evaluated

        try:
            opened = self.nets.open(NetRef(name))
            last = time.monotonic()
            for event in self.nets.evaluating(opened):
                if isinstance(event, Evaluated):
                    yield self._result(state, batch, opened, event.evaluation)
                elif time.monotonic() - last > PROGRESS_EVERY:
                    last = time.monotonic()
                    done = f"tested {event.done:,} of {event.total:,} images."
                    yield {self.widgets.message_html: message_box(f"Testing {net_words(opened)}: {done}")}
        except CifarError as error:
            yield self._nothing(state, str(error))

    def _result(self, state: JudgeState, batch: str, opened: OpenNet, evaluation: "Evaluation") -> Outputs:
        """Return everything that belongs to a test; the question stays, but for classes that are gone."""
        if not evaluation.finite:
            return self._nothing(state, NOT_FINITE)
        going = opened.run is not None and opened.run.active
        later = " It is still training: press Test it again to test it as it is by then." if going else ""
        truth, predicted = (
            name if name in evaluation.classes else "" for name in (state.question.truth, state.question.predicted)
        )
        question = replace(state.question, truth=truth, predicted=predicted)
        state = replace(state, tested=opened.ref, data=fingerprint(opened.splits), question=question, page=1)
        widgets, tested = self.widgets, f"Tested {net_words(opened)} on all {evaluation.total:,} test images.{later}"
        return {
            widgets.message_html: message_box(tested),
            widgets.results_column: gr.Column(visible=True),
            widgets.overall_html: overall_html(opened, evaluation),
            widgets.matrix_html: matrix_html(evaluation),
            widgets.reading_html: reading_html(evaluation),
            widgets.classes_html: classes_html(evaluation),
            **self._choices(question),
            **self._classes(question, evaluation.classes),
            **self._images(state),
            **self.show_batch(state, batch),
        }

    def _nothing(self, state: JudgeState, sentence: str) -> Outputs:
        """Show why there is no result, and remove what belongs to another Net."""
        return {
            self.widgets.message_html: message_box(sentence, "error"),
            self.widgets.results_column: gr.Column(visible=False),
            self.widgets.state: replace(state, tested=None, data=""),
        }

    def _choices(self, question: Question) -> Outputs:
        return dict(zip(self.widgets.images.question.all(), astuple(question), strict=True))

    def _classes(self, question: Question, classes: tuple[str, ...]) -> Outputs:
        """Offer other classes in the choices."""
        offered = [ANY, *((name, name) for name in classes)]
        choices = self.widgets.images.question
        return {
            choices.truth_dropdown: gr.Dropdown(choices=offered, value=question.truth),
            choices.predicted_dropdown: gr.Dropdown(choices=offered, value=question.predicted),
        }

    def _images(self, state: JudgeState) -> Outputs:
        """Return a page of images and the state that belongs to it; a refusal leaves the page's state as it is."""
        images = self.widgets.images
        try:
            page = images_page(self.nets, state)
        except CifarError as error:
            number, pages = 1, 1
            outputs: Outputs = {images.heading_html: message_box(str(error), "error"), images.grid_html: ""}
        else:
            number, pages = page.number, page.pages
            outputs = {
                images.heading_html: page.heading,
                images.grid_html: page.grid,
                self.widgets.state: replace(state, page=number),
            }
        back, more = gr.Button(interactive=number > 1), gr.Button(interactive=number < pages)
        return outputs | {images.back_button: back, images.more_button: more}
