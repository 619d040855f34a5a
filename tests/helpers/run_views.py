"""What pages that follow a run show, for tests that compare them."""

from dataclasses import replace

from cifar_core.runs.service import Service
from demo.tabs.train.run_watch import RunWatch, View
from tests.helpers.run_steps import ANN


def shown(service: Service, owner: str = ANN, asked: str = "") -> View:
    """Return what a page that has just been opened shows."""
    return RunWatch(service, owner, asked).look()


def drawn(chart: str) -> tuple[str, list[str], list[str], list[str]]:
    """Return what a browser draws of a chart's text, in whatever order it came: head, points, validations and marks."""
    assert chart.endswith(";")
    head, *rows = chart.split(";")[:-1]
    validations, marks = ([row for row in rows if row.startswith(kind)] for kind in ("a,", "c,"))
    return head, [row for row in rows if row not in (*validations, *marks)], validations, marks


def same(view: View, other: View) -> bool:
    """Return whether two pages show the same, whichever was opened first."""
    alike = replace(view, chart="", new=True) == replace(other, chart="", new=True)
    return alike and drawn(view.chart) == drawn(other.chart)
