"""The tab that moves through the history of a run."""

import gradio as gr

from demo.nets import Nets


def build_time_tab(nets: Nets, owner: gr.BrowserState, look_at: gr.Textbox, tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of Nets is fresh."""
