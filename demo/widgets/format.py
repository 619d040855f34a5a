"""Numbers and states as the page writes them."""

STATES = {
    "waiting": "Starting",
    "running": "Training",
    "paused": "Paused",
    "testing": "Testing",
    "done": "Finished",
    "stopped": "Stopped",
    "diverged": "Diverged",
    "failed": "Failed",
}


def duration(seconds: float) -> str:
    """Return a time span as a person says it: 8 s, 2 min 05 s, 1 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a fraction from 0 to 1 in percent; a dash for None."""
    return "–" if share is None else f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def count(number: float) -> str:
    """Return a whole number with commas: 62,006."""
    return f"{number:,.0f}"


def minus(number: str) -> str:
    """Return a number with a real minus sign, which is as wide as a digit; what is rounded to zero has none."""
    return number.replace("-", "−") if any(digit in "123456789" for digit in number) else number.replace("-", "")
