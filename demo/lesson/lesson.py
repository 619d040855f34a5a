"""The lesson: its steps, one file each in the folder `steps`, and the values on the screen that they name."""

import html
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cifar_core.data import image_set
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from cifar_core.pretrained import recipe
from cifar_core.runs.records import Snapshot
from cifar_core.runs.service import Service
from demo.widgets.format import percent

FOLDER = Path(__file__).parent / "steps"
PARTS = ("What", "Why", "On your screen", "Code", "Try", "Question", "Answer")
"""the headings of every step, in their order"""


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
    """All steps, in the order of their files' names."""
    return tuple(_read(path, number) for number, path in enumerate(sorted(FOLDER.glob("*.md")), 1))


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


def begin_html(step: Step, values: dict[str, str]) -> str:
    """What happens in this step and why, and where the values come from that stand on the screen now."""

    def text(words: str) -> str:
        return _marked(words.format_map(values))

    return (
        f"<article class='lesson-step'><p class='quiet'>Step {step.number} of {len(lesson())}</p>"
        f"<h3>{html.escape(step.title)}</h3><p>{text(step.what)}</p><h4>Why</h4><p>{text(step.why)}</p>"
        f"<h4>On your screen</h4><p class='screen'>{text(step.screen)}</p></article>"
    )


def end_html(step: Step) -> str:
    """The tutorial's code, things to try (what they do stands in data-query), a question with its answer."""
    tries = "".join(
        f"<button type='button' class='try' data-query='{html.escape(one.query, quote=True)}'>"
        f"{html.escape(one.label)}</button>"
        for one in step.tries
    )
    return (
        f"<article class='lesson-step'><h4>In the tutorial's code</h4>"
        f"<pre class='printed' tabindex='0'>{html.escape(step.code)}</pre>"
        f"<h4>Try</h4><div class='tries'>{tries}</div>"
        f"<h4>Question</h4><p>{_marked(step.question)}</p>"
        f"<details><summary>Answer</summary><p>{_marked(step.answer)}</p></details></article>"
    )


def _marked(words: str) -> str:
    escaped = html.escape(words, quote=False)
    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escaped)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", bold)


def values_of(service: Service, source: DataSource, run_id: str, batch_size: object = 4) -> dict[str, str]:
    """What stands on the screen now, by the names in the texts; `run_id` is the run that the page follows, or empty."""
    splits = source.splits
    workers = service.workers()
    size = int(batch_size) if isinstance(batch_size, int | float) and batch_size >= 1 else 4
    count, classes = len(splits.train), len(splits.test.classes)
    try:
        snapshot = service.snapshot(run_id) if run_id else None
    except CifarError:
        snapshot = None
    steps = snapshot.run.steps if snapshot else 2 * math.ceil(count / size)
    return {
        "device": f"{workers[0].name} ({workers[0].device.upper()})" if workers else "starting …",
        "device_reason": workers[0].reason if workers else "",
        "data_name": splits.info.name,
        "data_note": splits.info.note,
        "train_count": f"{count:,}",
        "test_count": f"{len(splits.test):,}",
        "class_count": str(classes),
        "batch_size": str(size),
        "steps_an_epoch": f"{math.ceil(count / size):,}",
        "steps_in_all": f"{steps:,}",
        "chance_loss": f"{math.log(classes):.2f}",
        "chance_percent": f"{100 / classes:.0f}",
        "pretrained_accuracy": f"{100 * recipe().accuracy:.0f}",
        **_of_run(snapshot),
    }


def _of_run(snapshot: Snapshot | None) -> dict[str, str]:
    """What the run on the Train tab adds."""
    first_loss = "Press Start on the Train tab, and your own first loss stands here."
    last_line = "Once your run has printed a line, it is explained here."
    four_lines = "When your run on the Train tab has ended, its first four answers stand here."
    accuracy = "When your run on the Train tab has ended, its accuracy stands here."
    if snapshot and snapshot.points:
        first = snapshot.points[0]
        first_loss = f"Your run began with {first.loss:.2f} and is at {snapshot.points[-1].loss:.2f} now."
    if snapshot and snapshot.reports:
        last = snapshot.reports[-1]
        last_line = (
            f"Your run's last line is `{last.line}`: epoch {last.epoch}, mini-batch {last.batch:,} of it, and the mean "
            "loss of the mini-batches since the line before."
        )
    result = snapshot.result if snapshot else None
    if snapshot and result:
        accuracy = (
            f"Your run has {result.correct:,} of {result.total:,} right: {result.correct:,} / {result.total:,} = "
            f"**{percent(result.accuracy)}**."
        )
        try:
            test = image_set.load(Path(snapshot.run.data)).test
            truth = " ".join(test.classes[label] for label in test.labels[: len(result.first_predictions)])
            said = " ".join(test.classes[label] for label in result.first_predictions)
            four_lines = f"Of the first four test pictures the truth is **{truth}**; your run says **{said}**."
        except CifarError:
            four_lines = "The pictures that your run was tested with are no longer here."
    return {"first_loss": first_loss, "last_line": last_line, "four_lines": four_lines, "accuracy": accuracy}
