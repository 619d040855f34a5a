"""A setting described once, on its dataclass field: its label, bounds, unit, and the reason to touch it.

    @dataclass(frozen=True)
    class Oven:
        heat: int = setting(180, "Heat", low=50, high=250, unit="degrees", help="How hot the oven is.")

        def __post_init__(self) -> None:
            check_settings(self)

`settings_of(Oven)` then has all that a page, a command line or a table needs to know.
"""

import dataclasses
import math
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from cifar_core.errors import CifarError, ConfigError

T = TypeVar("T", int, float, str)


@dataclass(frozen=True)
class Field:
    """What a person needs to know of one setting, and the bounds that are checked."""

    label: str
    help: str
    low: float = -math.inf
    """smallest allowed value"""
    high: float = math.inf
    """largest allowed value"""
    choices: tuple[str, ...] = ()
    """the allowed words, if the setting is a word"""
    unit: str = ""
    """what the number counts or measures; empty if it has no unit"""
    whole: bool = False
    """whether only whole numbers are allowed"""
    default: int | float | str | None = None

    @property
    def type(self) -> type[int] | type[float] | type[str]:
        """The Python type of a checked value."""
        return str if self.choices else int if self.whole else float

    @property
    def allowed(self) -> str:
        """The bounds in short: `1..200` or `none|flip_shift`."""
        return "|".join(self.choices) or f"{self.low:g}..{self.high:g}"

    def checked(self, value: Any) -> int | float | str:
        """Return `value` with the type of this setting; raise ConfigError, naming the bounds, if it is not allowed."""
        if self.choices:
            if value not in self.choices:
                raise ConfigError(
                    f"{self.label} must be one of {', '.join(self.choices)}; {value!r:.40} is none of them."
                )
            return str(value)
        if self.whole:
            return whole_number(self.label, value, self.low, self.high)
        if not _is_number(value):
            raise ConfigError(f"{self.label} must be a number {_range(self.low, self.high)}; {_not_a_number(value)}")
        if not self.low <= value <= self.high:  # NaN is not either: every comparison with it is false
            raise ConfigError(f"{self.label} must be a number {_range(self.low, self.high)}; {value!r:.40} is not.")
        return float(value)


def setting(
    default: T,
    label: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: tuple[str, ...] = (),
    unit: str = "",
    help: str,
) -> T:
    """Return a dataclass field that carries its own description; a whole default allows only whole numbers."""
    described = Field(label, help, low, high, choices, unit, isinstance(default, int), default)
    return dataclasses.field(default=default, metadata={"setting": described})


def settings_of(group: Any) -> dict[str, Field]:
    """Return the descriptions in a dataclass (or an instance of one) whose fields were made with `setting`."""
    return {field.name: field.metadata["setting"] for field in fields(group)}


def check_settings(group: Any) -> None:
    """Check each setting of a dataclass and give it its type; call it in `__post_init__`. Raise ConfigError."""
    for name, field in settings_of(group).items():
        object.__setattr__(group, name, field.checked(getattr(group, name)))


def whole_number(
    name: str, value: Any, low: float, high: float = math.inf, error: type[CifarError] = ConfigError
) -> int:
    """Return `value`, a whole number from `low` to `high`, as int (a slider gives 2.0 for 2).

    Raise `error` for anything else, True and NaN among them; its sentence begins with `name` and names the bounds.
    """
    allowed = f"{name} must be a whole number {_range(low, high)}"
    if not _is_number(value):
        raise error(f"{allowed}; {_not_a_number(value)}")
    if not low <= value <= high:
        raise error(f"{allowed}; {value!r:.40} is not.")
    if value % 1 != 0:  # true for an infinite one, too
        raise error(f"{allowed}; {value:g} is not a whole number.")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _not_a_number(value: Any) -> str:
    return f"{value!r:.40} is not a number."


def _range(low: float, high: float) -> str:
    words = [f"{bound:,}" if isinstance(bound, int) else f"{bound:,g}" for bound in (low, high)]
    return f"from {words[0]} to {words[1]}" if high < math.inf else f"from {words[0]}"
