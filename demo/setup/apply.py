"""The page as an address asks for it: values filled in, controls locked or hidden, a tab opened, a line on top."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from markupsafe import Markup

from cifar_core.config import FIELDS
from demo.gradio_compat import with_tabs
from demo.setup.link import PARTS, TABS, Setup, read_setup
from demo.setup.settings import NAMES, Settings
from demo.widgets.events import QUIET, Outputs
from demo.widgets.templates import message_box, render, script

HIDDEN_BY = {name: f'#tabs [data-tab-id="{name}"]' for name in TABS} | {name: f".part-{name}" for name in PARTS}
"""what a style sheet calls the tabs and parts that may be hidden"""


@dataclass(frozen=True, eq=False)
class SetupParts:
    """Where the page shows what its address asked for."""

    title_html: gr.HTML
    """the line on top; it also lets the browser open and hide tabs"""
    message_html: gr.HTML


def build_setup() -> SetupParts:
    """Lay out the line on top."""
    return SetupParts(
        # On every chart update Gradio renders every component again that an event has written to, with its children;
        # so tabs are opened and parts are hidden by the browser itself.
        title_html=gr.HTML("", js_on_load=with_tabs(script("setup/apply.js")), elem_id="setup-title"),
        message_html=gr.HTML(message_box(""), elem_id="setup-message"),
    )


def wire_setup(parts: SetupParts, settings: Settings, blocks: gr.Blocks) -> None:
    """Set the page up as its address asks when it is opened."""

    def from_address(request: gr.Request) -> Outputs:
        setup = read_setup(urlencode(dict(request.query_params)), NAMES)
        outputs: Outputs = {settings[name]: field_update(setup, name) for name in touched(setup)}
        outputs[parts.title_html] = title_html(setup)
        outputs[parts.message_html] = message_box(" ".join(setup.problems), "error")
        return outputs

    touched_by_it = [parts.title_html, parts.message_html, *(settings[name] for name in NAMES)]
    blocks.load(from_address, None, touched_by_it, **QUIET)


def fill_in(setup: Setup, settings: Settings) -> Outputs:
    """Return the new values of the fields that a set-up names."""
    return {settings[name]: value for name, value in setup.settings.items() if name in settings}


def touched(setup: Setup) -> list[str]:
    """Return the settings that a set-up fills in, locks or hides."""
    return [name for name in NAMES if name in setup.settings or name in setup.locked | setup.hidden]


def title_html(setup: Setup) -> Markup:
    """Return the line on top (empty without a title), and in its attribute what the browser is to open and hide."""
    hidden = hidden_parts(setup)
    orders: dict[str, Any] = {
        "tab": setup.tab,
        "label": TABS.get(setup.tab or ""),
        "hide": [HIDDEN_BY[part] for part in hidden],
        "hideLabels": [TABS.get(part, "") for part in hidden],
    }
    wanted = {name: value for name, value in orders.items() if value}
    return render("setup/title.html.j2", title=setup.title, orders=json.dumps(wanted) if wanted else "")


def hidden_parts(setup: Setup) -> list[str]:
    """Return the tabs and parts that are not shown. Presets would fill in what is locked, so they go with a lock."""
    return [part for part in HIDDEN_BY if part in setup.hidden or (part == "presets" and setup.locked)]


def field_update(setup: Setup, name: str) -> Any:
    """Return how the field of a setting changes."""
    changes: dict[str, Any] = {}
    if name in setup.settings:
        changes["value"] = setup.settings[name]
    if name in setup.locked:
        changes |= {"interactive": False, "label": f"{FIELDS[name].label} (locked by the link)"}
    if name in setup.hidden:
        changes["visible"] = False
    return gr.update(**changes)
