"""Files that are saved: their names, and the one button that holds them."""

import pytest

from demo.widgets.download import slug


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("run ab12", "run-ab12"),
        ("My best: lr=0.01!", "run-my-best-lr-0-01"),
        ("../../etc/passwd", "run-etc-passwd"),
        ("学习率", "run-unnamed"),
        ("run", "run-run"),
    ],
)
def test_any_name_becomes_a_plain_file_name(name: str, file: str) -> None:
    assert slug(name) == file
