"""Numbers as the page writes them."""

import pytest

from demo.widgets.format import duration, percent


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (7.6, "8 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (4200, "1 h 10 min"),
        (90_000, "25 h 00 min"),
    ],
)
def test_a_duration_is_said_as_a_person_says_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_share_is_said_in_percent() -> None:
    assert [percent(share) for share in (0, 0.5494, 1, None)] == [
        "0.0\N{NO-BREAK SPACE}%",
        "54.9\N{NO-BREAK SPACE}%",
        "100.0\N{NO-BREAK SPACE}%",
        "–",
    ]
