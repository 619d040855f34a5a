"""A whole set-up in an address: settings, what is locked or hidden, the tab, the lesson's step, a line on top.

`?lr=0.01&batch_size=64&lock=lr,momentum&hide=seed,lab&tab=train&step=6&title=Group+A` sets all of it. A value that
is not allowed is left out, with a sentence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.errors import ConfigError

TABS = {
    "browse": "Browse",
    "train": "Train",
    "classify": "Classify",
    "inside": "Inside",
    "judge": "Judge",
    "time": "Over time",
    "step": "One step",
    "lab": "Lab",
    "code": "Code",
    "runs": "My runs",
}
"""the tabs, by the word that stands in an address"""
PARTS = {"presets": "the presets", "prediction": "the prediction", "lesson": "the lesson"}
"""other parts of the page that can be hidden"""
LONGEST_TITLE = 120
"""characters"""
LAST_STEP = 99
OLD_NAMES = {"recipes": "presets"}
"""parts that links of an earlier version call otherwise"""

_DEFAULTS = TrainConfig()


@dataclass(frozen=True)
class Setup:
    """What an address asks for. Everything in it is known and within its bounds."""

    settings: Mapping[str, int | float | str]
    """the settings in it, by their names in TrainConfig"""
    locked: frozenset[str] = frozenset()
    """settings that may be seen and not changed"""
    hidden: frozenset[str] = frozenset()
    """settings, tabs and parts that are not shown"""
    tab: str | None = None
    step: int | None = None
    """of the lesson, from 1"""
    title: str = ""
    problems: tuple[str, ...] = ()
    """a sentence about each thing in the address that is not allowed"""


def read_setup(query: str, names: Sequence[str]) -> Setup:
    """Read the part of an address behind the question mark; `names` are the settings that the page has."""
    settings: dict[str, int | float | str] = {}
    words: dict[str, str] = {}
    problems = []
    for name, text in parse_qsl(query[:4000], keep_blank_values=True):
        if name in names:
            try:
                settings[name] = FIELDS[name].checked(_as_value(name, text))
            except ConfigError as error:
                instead = f"{getattr(_DEFAULTS, name):g}" if name in _NUMBERS else getattr(_DEFAULTS, name)
                problems.append(f"A setting in the address is not allowed. {error} It stays at {instead}.")
        elif name in ("lock", "hide", "tab", "step", "title"):
            words[name] = text
    locked, unknown_locks = _known(words.get("lock", ""), set(names))
    hidden, unknown_hidden = _known(words.get("hide", ""), {*names, *TABS, *PARTS})
    for unknown in (*unknown_locks, *unknown_hidden):
        problems.append(f"The address locks or hides {unknown!r:.40}, which this page does not have.")
    tab = words.get("tab")
    if tab is not None and tab not in TABS:
        problems.append(f"The address names the tab {tab!r:.40}; there are {', '.join(TABS)}.")
        tab = None
    step = words.get("step", "")
    if step and not (step.isascii() and step.isdigit() and 1 <= int(step[:4]) <= LAST_STEP):
        problems.append(f"The address names step {step!r:.20} of the lesson, which it does not have.")
        step = ""
    title = " ".join(words.get("title", "").split())[:LONGEST_TITLE]
    return Setup(settings, locked, hidden, tab, int(step) if step else None, title, tuple(problems))


def write_setup(setup: Setup) -> str:
    """Return the part of an address, with its question mark, that `read_setup` turns into this set-up again."""
    parts = [(name, _as_text(value)) for name, value in setup.settings.items()]
    for name, words in (("lock", setup.locked), ("hide", setup.hidden)):
        if words:
            parts.append((name, ",".join(sorted(words))))
    parts += [(name, value) for name, value in (("tab", setup.tab), ("title", setup.title)) if value]
    if setup.step:
        parts.append(("step", str(setup.step)))
    return "?" + urlencode(parts, safe=",")


def non_default_settings(values: Mapping[str, object]) -> dict[str, int | float | str]:
    """Return the settings that an address must name. Raise ConfigError where one is out of bounds."""
    checked = {name: FIELDS[name].checked(value) for name, value in values.items()}
    return {name: value for name, value in checked.items() if value != getattr(_DEFAULTS, name)}


_NUMBERS = {name for name, field in FIELDS.items() if not field.choices}


def _as_value(name: str, text: str) -> object:
    """Return the number in `text`; the text itself where it is none, so that the check refuses it."""
    if name not in _NUMBERS:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _as_text(value: int | float | str) -> str:
    return value if isinstance(value, str) else f"{value:.12g}"


def _known(words: str, known: set[str]) -> tuple[frozenset[str], list[str]]:
    """Split the words between commas into the known ones and the others."""
    asked = [OLD_NAMES.get(word, word) for word in (part.strip() for part in words.split(",")) if word]
    return frozenset(asked) & known, [word for word in dict.fromkeys(asked) if word not in known][:3]
