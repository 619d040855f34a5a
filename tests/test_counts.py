"""The house stays in order: what `python -m tests.counts` counts is within its bounds."""

from typing import Any

import pytest

from tests.counts import (
    ROOT,
    component,
    folder_circles,
    functions,
    hidden_components,
    page_config,
    python_files,
    server_events,
    tags_in_strings,
)

CORE, DEMO = python_files("cifar_core"), python_files("demo")
MAX_LINES = {"cifar_core": 220, "demo": 300}
MAX_FUNCTION = 60


@pytest.fixture(scope="module")
def config() -> Any:
    """What a browser is told of the page."""
    return page_config()


def test_a_page_has_few_components_that_nobody_sees(config: dict[str, Any]) -> None:
    hidden = hidden_components(config)
    assert 0 < len(hidden) <= 12, hidden


def test_a_users_action_is_one_event(config: dict[str, Any]) -> None:
    assert len(server_events(config, component(config, elem_id="upload"), "input", "upload", "change")) == 1
    assert len(server_events(config, component(config, id="inside"), "select")) == 1
    chained = [
        listener["api_name"].rstrip("_0123456789")
        for listener in config["dependencies"]
        if listener["backend_fn"] and listener.get("trigger_after") is not None
    ]
    assert set(chained) <= CHAINED_FOR_A_REASON, chained


CHAINED_FOR_A_REASON = {"show"}
"""One step: the browser counts fast clicks by itself, then the server shows the step that was reached"""


def test_html_stands_in_templates() -> None:
    places = [place for path in DEMO if path.name != "gradio_compat.py" for place in tags_in_strings(path)]
    assert places == []
    assert [str(path) for path in DEMO if "html.escape" in path.read_text()] == []
    assert tags_in_strings(ROOT / "tests/helpers/markup.py"), "tags are found where there are some"


def test_no_two_folders_import_each_other() -> None:
    assert folder_circles() == []


def test_no_file_and_no_function_is_longer_than_one_subject_needs() -> None:
    for path in (*CORE, *DEMO):
        lines = len(path.read_text().splitlines())
        limit = MAX_LINES[path.relative_to(ROOT).parts[0]]
        assert lines <= limit, f"{path.relative_to(ROOT)} has {lines} lines; is there a second subject inside?"
        for name, length in functions(path):
            assert length <= MAX_FUNCTION, f"{name} has {length} lines"
