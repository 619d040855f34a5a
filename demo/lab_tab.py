"""The tab in which classic mistakes are made on purpose."""

import gradio as gr

from cifar_core.data.source import DataSource
from cifar_core.runs.service import Service


def build_lab_tab(service: Service, source: DataSource, owner: gr.BrowserState, tab: gr.Tab) -> None:
    """Lay out the tab and wire it."""
