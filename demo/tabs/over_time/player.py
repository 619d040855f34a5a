"""The player: moves through the frames of a run in the browser."""

import gradio as gr

from demo.widgets.templates import render, script


def time_player(*, elem_id: str) -> gr.HTML:
    """Return a component for what `timeline_json` gives; an empty value shows nothing.

    Its event `look` asks, while the run goes on and the player is seen, whether there is news: it carries `run` and
    `version`. Its event `open` carries `run`, `step` and the `index` of a test image to be looked at.
    """
    return gr.HTML(
        "",
        html_template=render("tabs/over_time/player.html.j2"),
        js_on_load=script("tabs/over_time/player.js"),
        label="Frames of a run",
        elem_id=elem_id,
    )
