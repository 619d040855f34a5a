"""Numbers and states in the words of the page."""

import html

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
    """A time span as a person says it: 8 s, 2 min 05 s, 1 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(share: float | None) -> str:
    """A share from 0 to 1 in percent, with one decimal."""
    return "–" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def message_box(text: str, kind: str = "info") -> str:
    """A sentence in a quiet box; `kind` is info, error or empty (which keeps the place of one line)."""
    if not text:
        return '<div class="note empty" role="status"></div>'
    role = "alert" if kind == "error" else "status"
    return f'<div class="note {kind}" role="{role}">{html.escape(text)}</div>'
