"""The tab that gives a run as code, and its receipt."""

from collections.abc import Mapping

import gradio as gr

from cifar_core.data.source import DataSource
from cifar_core.runs.service import Service


def build_code_tab(
    service: Service,
    source: DataSource,
    owner: gr.BrowserState,
    settings: Mapping[str, gr.Number | gr.Dropdown],
    tab: gr.Tab,
) -> None:
    """Lay out the tab and wire it. `settings` are the fields of the Train tab, by name."""
