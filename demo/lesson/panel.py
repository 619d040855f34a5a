"""The lesson beside the page: one step at a time, with buttons that move the page's own controls."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.lesson.lesson import begin_html, end_html, lesson

STORAGE_KEY = "cifar-demo-lesson"
OPEN_LESSON = "() => document.querySelector('#lesson .toggle-button').click()"
"""JavaScript that opens the panel, and closes it where it is open"""
STORAGE_SECRET = "fixed-so-that-a-restart-keeps-the-place"

_TO_ITS_BEGINNING = """() => {
    const begin = document.querySelector('#lesson-begin'), reader = document.activeElement;
    if (!reader || !reader.closest('#lesson')) return;
    begin.tabIndex = -1;
    begin.focus({preventScroll: true});
    document.querySelector('#lesson-step').scrollIntoView();
}"""
"""JavaScript that takes whoever reads the lesson, by eye or with a screen reader, to where the new step begins"""

_TRY = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-query]');
    if (!button) return;
    trigger('pick', {query: button.dataset.query + '&again=' + Date.now()});
    // on a phone the panel covers the page
    if (window.innerWidth < 768) element.closest('.sidebar')?.querySelector('.toggle-button')?.click();
});
"""


@dataclass(frozen=True, eq=False)
class LessonPanel:
    """The parts of the panel."""

    sidebar: gr.Sidebar
    chosen: gr.Dropdown
    begin: gr.HTML
    end: gr.HTML
    back: gr.Button
    onward: gr.Button
    asked: gr.Textbox
    """a set-up to try, as it stands in an address; its value changes with every click"""
    place: gr.BrowserState
    """where this visitor is, and which steps he has done"""


def build_lesson_panel() -> LessonPanel:
    """Lay out the panel, closed."""
    with gr.Sidebar(label="Lesson", open=False, width=360, elem_id="lesson", elem_classes="part-lesson") as sidebar:
        chosen = gr.Dropdown(_choices(set()), value=1, label="The lesson", elem_id="lesson-step")
        begin = gr.HTML("", elem_id="lesson-begin")
        end = gr.HTML(end_html(lesson()[0]), js_on_load=_TRY, elem_id="lesson-end")
        with gr.Row(elem_classes="pager"):
            back = gr.Button("Back", size="sm", elem_id="lesson-back")
            onward = gr.Button("Done, next step", size="sm", variant="primary", elem_id="lesson-next")
    asked = gr.Textbox("", visible="hidden", label="set-up to try")
    place = gr.BrowserState({}, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
    return LessonPanel(sidebar, chosen, begin, end, back, onward, asked, place)


def wire_lesson(panel: LessonPanel, values: Any, inputs: list[Any], refresh: list[Any], blocks: gr.Blocks) -> None:
    """Let the panel work. `values(*inputs)` gives what stands on the screen; it is asked again at each of `refresh`."""

    def show(number: Any, *now: Any) -> list[Any]:
        step = lesson()[_place(number) - 1]
        return [begin_html(step, values(*now)), end_html(step), gr.Button(interactive=step.number > 1)]

    def again(number: Any, *now: Any) -> str:
        return begin_html(lesson()[_place(number) - 1], values(*now))

    def came(kept: Any, asked: Any, request: gr.Request) -> Any:
        """Where he was; the step that the address names goes first."""
        done = _done(kept)
        step = request.query_params.get("step") or (kept.get("step") if isinstance(kept, dict) else 1)
        return gr.Dropdown(choices=_choices(done), value=_place(step))

    def go_on(number: Any, kept: Any) -> list[Any]:
        at = _place(number)
        done = _done(kept) | {at}
        return [
            gr.Dropdown(choices=_choices(done), value=min(at + 1, len(lesson()))),
            {"step": at, "done": sorted(done)},
        ]

    def remember(number: Any, kept: Any) -> dict[str, Any]:
        return {"step": _place(number), "done": sorted(_done(kept))}

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    shown = [panel.begin, panel.end, panel.back]
    panel.chosen.change(show, [panel.chosen, *inputs], shown, **quiet).then(
        remember, [panel.chosen, panel.place], panel.place, **quiet
    ).then(None, None, None, js=_TO_ITS_BEGINNING, api_visibility="private")
    panel.back.click(lambda number: max(1, _place(number) - 1), panel.chosen, panel.chosen, **quiet)
    panel.onward.click(go_on, [panel.chosen, panel.place], [panel.chosen, panel.place], **quiet)
    panel.end.pick(_query_of, None, panel.asked, **quiet)
    gr.on([panel.sidebar.expand, *refresh], again, [panel.chosen, *inputs], panel.begin, **quiet)
    blocks.load(came, [panel.place, panel.asked], panel.chosen, **quiet).then(
        show, [panel.chosen, *inputs], shown, **quiet
    )


def _query_of(event: gr.EventData) -> str:
    """What was clicked, never twice the same, so that a second click counts too."""
    query = getattr(event, "query", "")
    return query if isinstance(query, str) else ""


def _place(number: Any) -> int:
    """The number of a step, whatever was sent."""
    try:
        return min(max(1, int(number)), len(lesson()))
    except (TypeError, ValueError, OverflowError):
        return 1


def _done(kept: Any) -> set[int]:
    steps = kept.get("done") if isinstance(kept, dict) else None
    return {_place(step) for step in steps} if isinstance(steps, list) else set()


def _choices(done: set[int]) -> list[tuple[str, int]]:
    return [(f"{'✓ ' if step.number in done else ''}{step.number}. {step.title}", step.number) for step in lesson()]
