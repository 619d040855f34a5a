"""What all events of the page have in common: how much may run at once, and what a refusal looks like."""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from gradio.components import Component

from cifar_core.errors import CifarError
from demo.widgets.templates import message_box

Outputs = dict[Any, Any]
"""what a handler gives: new values by component; a component that is left out stays as it is"""

JS_ONLY: dict[str, Any] = {"api_visibility": "private"}
"""for a listener that runs in the browser alone"""
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
"""for a short event: any number at once"""
PREDICT: dict[str, Any] = QUIET | {"concurrency_limit": 2, "concurrency_id": "classify"}
"""for an event that asks a Net about a few images: two at once on the whole server"""
EVALUATE: dict[str, Any] = QUIET | {"concurrency_limit": 1, "concurrency_id": "judge"}
"""for an event that asks a Net about thousands of images: one at a time on the whole server"""
TRACE: dict[str, Any] = QUIET | {"concurrency_limit": 1, "concurrency_id": "step"}
"""for an event that makes one step of a training, and perhaps the 200 before it: one at a time on the whole server"""
LATEST: dict[str, Any] = {"trigger_mode": "always_last"}
"""for an event that comes faster than it is answered: the last one counts. At most one such listener an event:
in Gradio 6.31 two of them wake each other for ever (a test looks for that)"""


def refusals_in(message: Component) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let `message` show the sentence of a CifarError that a handler raises; all other outputs then stay as they are.

    The handler is a function or a generator that gives `Outputs`.
    """

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:

        if inspect.isgeneratorfunction(handler):

            @wraps(handler)
            def generator(*inputs: Any, **more: Any) -> Iterator[Outputs]:
                try:
                    yield from handler(*inputs, **more)
                except CifarError as error:
                    yield {message: message_box(str(error), "error")}

            return generator

        @wraps(handler)
        def function(*inputs: Any, **more: Any) -> Outputs:
            try:
                outputs: Outputs = handler(*inputs, **more)
                return outputs
            except CifarError as error:
                return {message: message_box(str(error), "error")}

        return function

    return decorate
