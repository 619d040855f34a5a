"""The lesson beside the page: one step at a time, with buttons that move the page's own controls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from demo.gradio_compat import TOGGLE_SIDEBAR, with_tabs
from demo.lesson.lesson import Step, as_html, lesson
from demo.setup.apply import fill_in
from demo.setup.link import TABS, read_setup
from demo.setup.settings import NAMES, Settings
from demo.widgets.events import JS_ONLY, QUIET, Outputs
from demo.widgets.templates import render, script

STORAGE_KEY = "cifar-demo-lesson"
STORAGE_SECRET = "fixed-so-that-a-restart-keeps-the-place"
OPEN_LESSON = f"() => ({TOGGLE_SIDEBAR})(document.querySelector('#lesson'))"
"""JavaScript that opens the panel, and closes it where it is open"""


@dataclass(frozen=True, eq=False)
class LessonPanel:
    """The parts of the panel."""

    sidebar: gr.Sidebar
    step_dropdown: gr.Dropdown
    begin_html: gr.HTML
    end_html: gr.HTML
    back_button: gr.Button
    next_button: gr.Button
    progress: gr.BrowserState
    """where this visitor is, and which steps they have done"""


def build_lesson_panel() -> LessonPanel:
    """Lay out the panel, closed."""
    with gr.Sidebar(label="Lesson", open=False, width=360, elem_id="lesson", elem_classes="part-lesson") as sidebar:
        step_dropdown = gr.Dropdown(_choices(set()), value=1, label="The lesson", elem_id="lesson-step")
        begin_html = gr.HTML("", elem_id="lesson-begin")
        end_html = gr.HTML(end_of(lesson()[0]), js_on_load=with_tabs(script("lesson/lesson.js")), elem_id="lesson-end")
        with gr.Row(elem_classes="pager"):
            back_button = gr.Button("Back", size="sm", elem_id="lesson-back")
            next_button = gr.Button("Done, next step", size="sm", variant="primary", elem_id="lesson-next")
    progress = gr.BrowserState({}, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
    return LessonPanel(sidebar, step_dropdown, begin_html, end_html, back_button, next_button, progress)


def wire_lesson(
    panel: LessonPanel,
    settings: Settings,
    values: Callable[..., dict[str, str]],
    inputs: Sequence[Component],
    refresh: Sequence[Any],
    blocks: gr.Blocks,
) -> None:
    """Let the panel work. `values(*inputs)` gives what is on the screen; it is asked again at each of `refresh`."""

    def show(number: int, done: set[int], now: Sequence[Any]) -> Outputs:
        step = lesson()[number - 1]
        return {
            panel.step_dropdown: gr.Dropdown(choices=_choices(done), value=number),
            panel.begin_html: begin_of(step, values(*now)),
            panel.end_html: end_of(step),
            panel.back_button: gr.Button(interactive=number > 1),
            panel.progress: {"step": number, "done": sorted(done)},
        }

    def open_page(progress: Any, request: gr.Request, *now: Any) -> Outputs:
        """Show the step that the address names, or else where this visitor was."""
        stored = progress.get("step") if isinstance(progress, dict) else 1
        return show(_number(request.query_params.get("step") or stored), _done(progress), now)

    def choose(number: Any, progress: Any, *now: Any) -> Outputs:
        """Show the step that is chosen; nothing where Gradio's list speaks up only because the keyboard has left it."""
        here = progress.get("step") if isinstance(progress, dict) else None
        return {} if _number(number) == here else show(_number(number), _done(progress), now)

    def go_back(number: Any, progress: Any, *now: Any) -> Outputs:
        return show(max(1, _number(number) - 1), _done(progress), now)

    def go_on(number: Any, progress: Any, *now: Any) -> Outputs:
        here = _number(number)
        return show(min(here + 1, len(lesson())), _done(progress) | {here}, now)

    def update(number: Any, *now: Any) -> Outputs:
        return {panel.begin_html: begin_of(lesson()[_number(number) - 1], values(*now))}

    def try_out(event: gr.EventData) -> Outputs:
        query = getattr(event, "query", "")
        return fill_in(read_setup(query.removeprefix("?") if isinstance(query, str) else "", NAMES), settings)

    step_parts = [panel.step_dropdown, panel.begin_html, panel.end_html, panel.back_button, panel.progress]
    opened = blocks.load(open_page, [panel.progress, *inputs], step_parts, **QUIET)
    to_beginning = script("lesson/to_beginning.js")
    opened.then(None, panel.step_dropdown, None, js=to_beginning, **JS_ONLY)
    for event, handler in (
        (panel.step_dropdown.input, choose),
        (panel.back_button.click, go_back),
        (panel.next_button.click, go_on),
    ):
        moved = event(handler, [panel.step_dropdown, panel.progress, *inputs], step_parts, **QUIET)
        moved.then(None, panel.step_dropdown, None, js=to_beginning, **JS_ONLY)
    gr.on([panel.sidebar.expand, *refresh], update, [panel.step_dropdown, *inputs], [panel.begin_html], **QUIET)
    panel.end_html.pick(try_out, None, list(settings.values()), **QUIET)


def begin_of(step: Step, values: dict[str, str]) -> Markup:
    """Return what happens in this step and why, and where the values come from that are on the screen now."""
    return render("lesson/begin.html.j2", step=step, steps=len(lesson()), values=values, as_html=as_html)


def end_of(step: Step) -> Markup:
    """Return the tutorial's code, things to try, and a question with its answer."""
    tries = [(one, parse_qs(one.query.removeprefix("?")).get("tab", [""])[0]) for one in step.tries]
    return render("lesson/end.html.j2", step=step, tries=tries, labels=TABS, as_html=as_html)


def _number(number: Any) -> int:
    """Return the number of a step, whatever was sent."""
    try:
        return min(max(1, int(number)), len(lesson()))
    except (TypeError, ValueError, OverflowError):
        return 1


def _done(progress: Any) -> set[int]:
    steps = progress.get("done") if isinstance(progress, dict) else None
    return {_number(step) for step in steps} if isinstance(steps, list) else set()


def _choices(done: set[int]) -> list[tuple[str, int]]:
    return [(f"{'✓ ' if step.number in done else ''}{step.number}. {step.title}", step.number) for step in lesson()]
