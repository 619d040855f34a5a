"""Files that are made when they are asked for, and saved by the browser. One hidden button serves the whole page."""

import re
from typing import Any

import gradio as gr

from demo.gradio_compat import cached_file
from demo.widgets.events import JS_ONLY
from demo.widgets.templates import script


def download_button() -> gr.DownloadButton:
    """Return the component that holds the path of the file to be saved (see `file_to_save`)."""
    return gr.DownloadButton(visible="hidden", label="file to save", elem_id="file-to-save")


def file_to_save(content: bytes | str, name: str) -> str:
    """Return the path of a file with this content: the value for the hidden button."""
    return cached_file(content, name)


def save(event: Any, button: gr.DownloadButton) -> None:
    """Let the browser save the file that `event` has put into `button`, and empty the button again."""
    event.then(None, button, button, js=script("widgets/download.js"), **JS_ONLY)


def slug(name: str) -> str:
    """Return a run's name as the name of a file: run- and then small letters, digits and hyphens."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").removeprefix("run-")
    return f"run-{plain or 'unnamed'}"
