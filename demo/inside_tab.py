"""The tab that shows what goes on inside a Net for one picture."""

import gradio as gr

from demo.nets import Nets


def build_inside_tab(
    nets: Nets, owner: gr.BrowserState, data_changed: gr.Textbox, look_at: gr.Textbox, tab: gr.Tab
) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of Nets is fresh."""
