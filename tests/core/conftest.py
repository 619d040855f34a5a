"""What the tests of the core share."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def no_warning(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """Whatever a test reads, nothing may reach the server's log."""
    yield
    assert [str(warning.message) for warning in recwarn] == []
