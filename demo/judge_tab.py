"""The tab in which a Net is tested on all test images, and its mistakes are looked at."""

import gradio as gr

from demo.nets import Nets


def build_judge_tab(nets: Nets, owner: gr.BrowserState, look_at: gr.Textbox, tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of Nets is fresh."""
