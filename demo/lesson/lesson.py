"""The lesson: its steps, one Markdown file each in the folder `steps`."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

FOLDER = Path(__file__).parent / "steps"
PARTS = ("What", "Why", "On your screen", "Code", "Try", "Question", "Answer")
"""the headings of every step, in their order"""
_MARKDOWN = MarkdownIt("zero").enable(["emphasis", "backticks"])
"""`code` and **bold** alone; everything else is text"""


@dataclass(frozen=True)
class Try:
    """Something to try that moves the page's own controls."""

    label: str
    query: str
    """as in an address: ?tab=train&lr=0.01"""


@dataclass(frozen=True)
class Step:
    """One step of the lesson. Texts may hold `code` and **bold**; the first three also names of values, in braces."""

    number: int
    """from 1"""
    title: str
    tab: str
    """where it happens"""
    what: str
    why: str
    screen: str
    code: str
    tries: tuple[Try, ...]
    question: str
    answer: str


@cache
def lesson() -> tuple[Step, ...]:
    """Return all steps, in the order of their files' names."""
    return tuple(_read(path, number) for number, path in enumerate(sorted(FOLDER.glob("*.md")), 1))


def lesson_names() -> list[tuple[str, int]]:
    """Return the name and the number of each step, for a dropdown."""
    return [(f"{step.number}: {step.title}", step.number) for step in lesson()]


def as_html(text: str, values: dict[str, str] | None = None) -> Markup:
    """Return a text of a step as HTML, with these values in place of their names in braces."""
    html = Markup(_MARKDOWN.renderInline(text))
    return html if values is None else html.format_map({name: _inline(value) for name, value in values.items()})


def _inline(value: str) -> Markup:
    return Markup(_MARKDOWN.renderInline(value))


def _read(path: Path, number: int) -> Step:
    head, *rest = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    title, tab = re.fullmatch(r"# (.+)\ntab: (\w+)\n+", head).groups()  # type: ignore[union-attr]
    parts = {name: text.strip() for name, text in (part.split("\n", 1) for part in rest)}
    if tuple(parts) != PARTS:
        raise ValueError(f"{path.name} must have the headings {', '.join(PARTS)}, in this order.")
    code = parts["Code"].removeprefix("```python\n").removesuffix("```").rstrip()
    tries = tuple(Try(*found) for found in re.findall(r"^- \[(.+)\]\((\?\S+)\)$", parts["Try"], flags=re.MULTILINE))
    what, why, screen = (parts[name] for name in PARTS[:3])
    return Step(number, title, tab, what, why, screen, code, tries, parts["Question"], parts["Answer"])
