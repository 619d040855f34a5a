"""The page as an address asks for it: values filled in, controls locked or hidden, a tab opened, a line on top."""

import html
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from cifar_core.config import FIELDS
from demo.settings import NAMES, Settings
from demo.setup_link import PARTS, TABS, Setup, read_setup
from demo.words import note


@dataclass(frozen=True, eq=False)
class PageParts:
    """What an address may touch."""

    title: gr.HTML
    message: gr.HTML
    tabs: gr.Tabs
    tab: dict[str, gr.Tab]
    """by the words of TABS"""
    parts: dict[str, list[Any]]
    """by the words of PARTS"""
    settings: Settings


def wire_setup(page: PageParts, asked: gr.Textbox, blocks: gr.Blocks) -> None:
    """Set the page up as its address asks when it is opened, and as `asked` says whenever that changes."""
    assert list(page.tab) == list(TABS) and list(page.parts) == list(PARTS), "the words in an address are the page's"

    pieces = [(name, piece) for name, pieces in page.parts.items() for piece in pieces]

    def from_address(request: gr.Request) -> list[Any]:
        setup = read_setup(urlencode(dict(request.query_params)), NAMES)
        return [
            title_html(setup.title),
            note(" ".join(setup.problems), "error"),
            gr.Tabs(selected=setup.tab) if setup.tab else gr.skip(),
            *(gr.update(visible=False) if name in setup.hidden else gr.skip() for name in TABS),
            *(gr.update(visible=False) if is_hidden(setup, part) else gr.skip() for part, _ in pieces),
            *(field_update(setup, name) for name in NAMES),
        ]

    def from_lesson(query: Any) -> list[Any]:
        setup = read_setup(str(query).removeprefix("?"), NAMES)
        values = (setup.settings.get(name) for name in NAMES)
        return [
            gr.Tabs(selected=setup.tab) if setup.tab else gr.skip(),
            *(gr.skip() if value is None else value for value in values),
        ]

    fields = [page.settings[name] for name in NAMES]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    touched = [page.title, page.message, page.tabs, *page.tab.values(), *(piece for _, piece in pieces), *fields]
    blocks.load(from_address, None, touched, **quiet)
    asked.change(from_lesson, asked, [page.tabs, *fields], **quiet)


def title_html(title: str) -> str:
    """The line on top; nothing where there is none."""
    return f"<p class='setup-title'>{html.escape(title)}</p>" if title else ""


def is_hidden(setup: Setup, part: str) -> bool:
    """Whether a part of the page is not to be shown. Recipes would fill in what is locked, so they go with a lock."""
    return part in setup.hidden or (part == "recipes" and bool(setup.locked))


def field_update(setup: Setup, name: str) -> Any:
    """How the field of a setting changes; not at all where the address does not name it."""
    changes: dict[str, Any] = {}
    if name in setup.settings:
        changes["value"] = setup.settings[name]
    if name in setup.locked:
        changes |= {"interactive": False, "label": f"{FIELDS[name].label} (locked by the link)"}
    if name in setup.hidden:
        changes["visible"] = False
    return gr.update(**changes) if changes else gr.skip()
