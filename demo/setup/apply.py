"""The page as an address asks for it: values filled in, controls locked or hidden, a tab opened, a line on top.

Tabs are opened and parts hidden by the browser itself, and fields are touched only where the address names some: at
every news of a growing curve Gradio goes again over all that an event has ever changed, with all that is inside it.
"""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from cifar_core.config import FIELDS
from demo.setup.link import PARTS, TABS, Setup, read_setup
from demo.setup.settings import NAMES, Settings
from demo.widgets.templates import message_box

HIDDEN_BY = {name: f'#tabs [data-tab-id="{name}"]' for name in TABS} | {name: f".part-{name}" for name in PARTS}
"""what a style sheet calls the tabs and parts that may be hidden"""

OPEN_TAB = """(words) => {
    const asked = JSON.parse(words || '{}'), tabs = document.querySelector('#tabs > .tab-wrapper');
    // on a narrow page the tabs that have no room are in a menu, where they have nothing but their names
    const inMenu = () => [...tabs.querySelectorAll('.overflow-dropdown button')];
    if (asked.hide) {
        const style = document.createElement('style');
        style.textContent = asked.hide.join(', ') + ' { display: none !important; }';
        document.head.append(style);
        const hide = () => inMenu().forEach((tab) => {
            tab.style.display = asked.hideNames.includes(tab.textContent.trim()) ? 'none' : '';
        });
        hide();
        new MutationObserver(hide).observe(tabs, {childList: true, characterData: true, subtree: true});
    }
    if (!asked.tab) return;
    const tab = tabs.querySelector(`[data-tab-id="${asked.tab}"]`);
    (tab || inMenu().find((other) => other.textContent.trim() === asked.name))?.click();
}"""
"""JavaScript that does what `orders` wrote"""


@dataclass(frozen=True, eq=False)
class SetupParts:
    """Where the page shows what its address asked for, and what it tells the browser."""

    title: gr.HTML
    message: gr.HTML
    to_browser: gr.Textbox
    """what is to be opened and hidden"""
    named: gr.Textbox
    """whether the address names settings"""


def build_setup() -> SetupParts:
    """Lay out the line on top."""
    return SetupParts(
        title=gr.HTML("", elem_id="setup-title"),
        message=gr.HTML(message_box(""), elem_id="setup-message"),
        to_browser=gr.Textbox("", visible="hidden", label="what the browser is to open and hide"),
        named=gr.Textbox("", visible="hidden", label="whether the address names settings"),
    )


def wire_setup(page: SetupParts, settings: Settings, asked: gr.Textbox, look_at: gr.Textbox, blocks: gr.Blocks) -> None:
    """Set the page up as its address asks when it is opened, and as `asked` says whenever that changes.

    A picture in `look_at` opens the tab Inside.
    """

    def from_address(request: gr.Request) -> list[Any]:
        setup = read_setup(urlencode(dict(request.query_params)), NAMES)
        named = bool(setup.settings or setup.locked or setup.hidden)
        return [
            title_html(setup.title),
            message_box(" ".join(setup.problems), "error"),
            orders(setup),
            "fields" * named,
        ]

    def to_fields(request: gr.Request) -> list[Any]:
        setup = read_setup(urlencode(dict(request.query_params)), NAMES)
        return [field_update(setup, name) for name in NAMES]

    def from_lesson(query: Any) -> list[Any]:
        setup = read_setup(str(query).removeprefix("?"), NAMES)
        values = (setup.settings.get(name) for name in NAMES)
        return [orders(setup, again=str(query)), *(gr.skip() if value is None else value for value in values)]

    fields = [settings[name] for name in NAMES]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    page.to_browser.change(None, page.to_browser, None, js=OPEN_TAB, api_visibility="private")
    look_at.change(
        None,
        None,
        None,
        js=f"() => ({OPEN_TAB})('{json.dumps({'tab': 'inside', 'name': TABS['inside']})}')",
        api_visibility="private",
    )
    blocks.load(from_address, None, [page.title, page.message, page.to_browser, page.named], **quiet)
    page.named.change(to_fields, None, fields, **quiet)
    asked.change(from_lesson, asked, [page.to_browser, *fields], **quiet)


def orders(setup: Setup, again: str = "") -> str:
    """What the browser is to do; `again` makes the same orders another text, so that they are followed once more."""
    told: Mapping[str, Any] = {
        "tab": setup.tab,
        "name": TABS.get(setup.tab or ""),
        "hide": [HIDDEN_BY[part] for part in hidden_parts(setup)],
        "hideNames": [TABS.get(part, "") for part in hidden_parts(setup)],
        "again": again,
    }
    return json.dumps({name: value for name, value in told.items() if value})


def title_html(title: str) -> str:
    """The line on top; nothing where there is none."""
    return f"<p class='setup-title'>{html.escape(title)}</p>" if title else ""


def hidden_parts(setup: Setup) -> list[str]:
    """The tabs and parts that are not to be shown. Recipes would fill in what is locked, so they go with a lock."""
    return [part for part in HIDDEN_BY if part in setup.hidden or (part == "recipes" and setup.locked)]


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
