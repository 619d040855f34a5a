"""Code to read and to copy: coloured, scrolled by keyboard too, never wider than the page."""

import html

import gradio as gr
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import BashLexer, PythonLexer

LEXERS = {"python": PythonLexer, "shell": BashLexer}
_COLOURS = HtmlFormatter(nowrap=True)

# the clipboard is there for pages from this computer or over https only; elsewhere what is selected can be copied
_COPY = """
element.addEventListener('click', async (event) => {
    const button = event.target.closest('.copy');
    if (!button) return;
    const code = element.querySelector('pre'), selection = window.getSelection();
    if (navigator.clipboard) await navigator.clipboard.writeText(code.textContent);
    else {
        selection.selectAllChildren(code);
        document.execCommand('copy');
        selection.removeAllRanges();
    }
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
});
"""


def code_block(*, elem_id: str) -> gr.HTML:
    """Shows what `code_html` gives."""
    return gr.HTML("", js_on_load=_COPY, elem_id=elem_id)


def code_html(code: str, language: str, label: str) -> str:
    """A block of code under its name, with a button that copies it; nothing for no code. `language`: python or shell"""
    if not code:
        return ""
    name = html.escape(label)
    return (
        f"<figure class='code-block'><figcaption>{name} <button type='button' class='copy' aria-live='polite'>Copy"
        f"</button></figcaption><pre class='printed' tabindex='0' role='region' aria-label='{name}'>"
        f"{highlight(code, LEXERS[language](), _COLOURS)}</pre></figure>"
    )
