"""The arithmetic of one step, printed so that it adds up as it stands there.

Numbers are rounded to be read. Where the rounded numbers would not give the rounded result, they get more digits, and
where even that does not help (the computer rounds too, to about seven digits) the line says ≈ and not =.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

MOST_DECIMALS = 12

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Sum:
    """A line of arithmetic: what is computed, printed, and what comes out."""

    terms: tuple[str, ...]
    sign: str
    """= where the printed terms give the printed result, else ≈"""
    result: str
    decimals: int
    """behind the point, in the result"""


def adds_up(
    terms: Sequence[float], result: float, compute: Callable[..., float], decimals: int, longer: int = 4
) -> Sum:
    """Print `result` and the `terms` that `compute` makes it of, with `decimals` or, up to `longer` more, enough."""
    alike = [(digits, digits) for digits in range(decimals, decimals + longer + 1)]
    for digits, behind in (*alike, (decimals + 1, decimals), (decimals + 2, decimals)):
        printed = [f"{term:.{digits}f}" for term in terms]
        wanted = f"{result:.{behind}f}"
        if same(compute(*map(float, printed)), wanted, behind):
            return Sum(tuple(map(signed, printed)), "=", signed(wanted), behind)
    return Sum(tuple(fixed(term, decimals) for term in terms), "≈", fixed(result, decimals), decimals)


def same(value: float, printed: str, decimals: int) -> bool:
    """Whether `value` is `printed`, when it is rounded."""
    return float(f"{value:.{decimals}f}") == float(printed)


def signed(printed: str) -> str:
    """With a real minus sign, and none before a zero."""
    if printed.startswith("-"):
        return MINUS + printed[1:] if float(printed) else printed[1:]
    return {"nan": "NaN", "inf": "∞"}.get(printed, printed)


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals."""
    return signed(f"{value:.{decimals}f}") if math.isfinite(value) or math.isnan(value) else signed(f"{value}")


def plain(value: float, significant: int = 6) -> str:
    """A number with its first digits, without an exponent and without zeros at the end: 0.00004."""
    if value == 0 or not math.isfinite(value):
        return fixed(value, 0)
    text = f"{value:.{decimals_for(value, significant=significant, least=1, most=30)}f}"
    return signed(text.rstrip("0").rstrip("."))


def decimals_for(*values: float, significant: int = 3, least: int = 4, most: int = MOST_DECIMALS - 2) -> int:
    """How many decimals show so many digits of each of the values that is not 0."""
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    return max([least, *(min(most, significant - 1 - math.floor(math.log10(size))) for size in sizes)])


def bracketed(printed: str) -> str:
    """In brackets where it is negative, as behind another sign."""
    return f"({printed})" if printed.startswith(MINUS) else printed


def mean_of(losses: Sequence[float]) -> Sum:
    """The mean of the losses, as it is printed from them."""
    mean = sum(losses) / len(losses)
    return adds_up(losses, mean, lambda *terms: sum(terms) / len(terms), 3)


def minus_log(probability: float, loss: float, decimals: int) -> str:
    """−log(0.0987) = 2.316, with as many digits of the probability as the loss wants."""
    wanted = f"{loss:.{decimals}f}"
    for form in (*(f".{digits}f" for digits in range(4, 10)), *(f".{digits}e" for digits in range(3, 8))):
        printed = f"{probability:{form}}"
        if float(printed) > 0 and same(-math.log(float(printed)), wanted, decimals):
            return f"{MINUS}log({power(printed)}) = {signed(wanted)}"
    return f"{MINUS}log({power(f'{probability:.4g}')}) ≈ {signed(wanted)}"


def power(printed: str) -> str:
    """1.5e-07 as 1.5 × 10⁻⁷."""
    if "e" not in printed:
        return printed
    digits, exponent = printed.split("e")
    return f"{digits} × 10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """log of the softmax of each row: float (N, 10) -> float64 (N, 10)."""
    wide = logits.astype(np.float64)
    wide = wide - wide.max(1, keepdims=True)
    logs: np.ndarray = wide - np.log(np.exp(wide).sum(1, keepdims=True))
    return logs
