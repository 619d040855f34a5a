"""A run's script as a Jupyter notebook: the same code, a cell per section under its heading."""

import ast
import json
from typing import Any

SECTION = "# %% "
"""begins a section of a script, as in several editors; the rest of the line is its heading"""


def notebook_of(script: str) -> str:
    """Return the content of an .ipynb file (nbformat 4.5), without outputs; the same script gives the same bytes.

    The docstring of the script becomes text; the code cells together are all of its code.
    """
    first, *sections = ("\n" + script).split("\n" + SECTION)
    cells = [_text(ast.get_docstring(ast.parse(first)) or "")] if first.strip() else []
    for section in sections:
        heading, _, code = section.partition("\n")
        cells += [_text(f"## {heading}"), _code(code.strip("\n"))]
    content = {
        "cells": [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells, 1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _text(words: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": words.splitlines(keepends=True)}


def _code(code: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": code.splitlines(keepends=True),
    }
