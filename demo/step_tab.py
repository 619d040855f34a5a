"""The tab that shows one mini-batch slowly, number by number."""

from collections.abc import Mapping

import gradio as gr

from cifar_core.data.source import DataSource


def build_step_tab(source: DataSource, settings: Mapping[str, gr.Number | gr.Dropdown], tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `settings` are the fields of the Train tab, by name."""
