"""Code to read and to copy: coloured, scrolled by keyboard too, never wider than the page."""

import gradio as gr
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import BashLexer, PythonLexer

from demo.widgets.templates import render, script

LEXERS = {"python": PythonLexer, "shell": BashLexer}
_COLOURS = HtmlFormatter(nowrap=True)


def code_block(*, elem_id: str) -> gr.HTML:
    """Return a component for what `code_html` gives."""
    return gr.HTML("", js_on_load=script("widgets/code_block.js"), elem_id=elem_id)


def code_html(code: str, language: str, label: str) -> Markup:
    """Return code under its name, with a button that copies it; nothing for no code. `language`: python or shell."""
    if not code:
        return Markup()
    coloured = Markup(highlight(code, LEXERS[language](), _COLOURS))  # pygments escapes it
    return render("widgets/code_block.html.j2", code=coloured, label=label)
