"""The page's Blocks, which does otherwise what Gradio 6.31 does to every event's inputs and outputs."""

from collections.abc import Sequence
from copy import copy
from typing import Any

import gradio as gr

from cifar_core.errors import CifarError


class Page(gr.Blocks):
    """Blocks in which an output that a handler leaves out costs nothing, and loses nothing.

    Gradio 6.31 makes the component of every output anew that a dictionary leaves out: 3 to 5 ms each. And of a second
    yield it sends what differs from the first, which its page applies in place: to an object that it may not have shown
    yet, or that is the value of a page state. So objects are sent whole.

    At each turn of an event the page of Gradio 6.31 writes a status into every component that was ever an output of
    any event, and searches the whole tree for each: half of the browser's time. This page shows no progress of
    Gradio's, so there is no component to write it into but those that an event names itself.

    What a browser sent and no component can read is refused with a sentence. Gradio would print a trace for each, so
    that anybody could fill the log.
    """

    def get_config_file(self) -> Any:
        config = super().get_config_file()
        for listener in config["dependencies"]:
            listener["show_progress_on"] = listener["show_progress_on"] or []
        return config

    async def process_api(self, *args: Any, **more: Any) -> dict[str, Any]:
        try:
            return await super().process_api(*args, **more)
        except gr.Error as error:
            error.print_exception = False
            raise
        except CifarError as error:
            raise gr.Error(str(error), print_exception=False) from error

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[Any]:
        try:
            values = await super().preprocess_data(block_fn, inputs, state, explicit_call)
            return [_checked(field, value) for field, value in zip(block_fn.inputs, values, strict=True)]
        except gr.Error:
            raise
        except Exception as error:
            sentence = "A field of this page holds something that cannot be read: change it, or reload the page."
            raise gr.Error(sentence, print_exception=False) from error

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        outputs = block_fn.outputs
        if not _by_component(predictions, outputs):
            return await super().postprocess_data(block_fn, predictions, state)
        part = copy(block_fn)
        part.outputs = [output for output in outputs if output in predictions]
        values = [predictions[output] for output in part.outputs]
        processed: list[Any] = []
        if values:
            processed = await super().postprocess_data(part, values[0] if len(values) == 1 else values, state)
        given = iter(processed)
        return [next(given) if output in predictions else gr.skip() for output in outputs]

    def handle_streaming_diffs(
        self,
        block_fn: Any,
        data: list[Any],
        session_hash: str | None,
        run: str | None,
        final: bool,
        simple_format: bool = False,
    ) -> list[Any]:
        values = list(data)
        later = session_hash is not None and run in self.pending_diff_streams[session_hash]
        sent = super().handle_streaming_diffs(block_fn, data, session_hash, run, final, simple_format)
        if final or simple_format or not later:
            return sent
        return [
            [["replace", [], value]] if edits and isinstance(value, dict) else edits
            for value, edits in zip(values, sent, strict=True)
        ]


def _checked(field: Any, value: Any) -> Any:
    """Return the value of a field; raise TypeError if it can have no such value. Gradio takes a list for a word."""
    if isinstance(field, gr.CheckboxGroup) or getattr(field, "multiselect", False):
        value = [] if value is None else value
        fits = isinstance(value, list) and all(isinstance(word, str) for word in value)
    elif isinstance(field, gr.Dropdown | gr.Radio | gr.Textbox):
        fits = value is None or isinstance(value, str | int | float) or hasattr(field, "codec")
    else:
        fits = True  # the handler, or the field's own class, looks at it
    if not fits:
        raise TypeError
    return value


def _by_component(predictions: Any, outputs: Sequence[Any]) -> bool:
    """Return whether a handler gave a dictionary of new values by component; an empty one changes nothing."""
    if not isinstance(predictions, dict):
        return False
    is_a_value = not predictions and len(outputs) == 1 and isinstance(outputs[0], gr.JSON | gr.BrowserState)
    return not is_a_value and set(predictions) <= set(outputs)
