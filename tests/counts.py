"""Counts what tells whether the house is in order: python -m tests.counts

`test_counts.py` holds the bounds.
"""

import ast
import gc
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TAG = re.compile(
    r"</?(a|article|b|button|canvas|code|details|div|figure|h[1-6]|i|img|input|label|li|mark|ol|p|path|pre|rect|"
    r"section|small|span|strong|summary|svg|table|t[bdhr]\w*|ul)\b[^>]*>"
)


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below these folders of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).glob("**/*.py"))


def docstrings_of(tree: ast.AST) -> set[int]:
    """Return the ids of the string constants that are documentation."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def tags_in_strings(path: Path) -> list[str]:
    """Return the places of a file where a string (not a docstring) holds an HTML tag."""
    tree = ast.parse(path.read_text())
    documentation = docstrings_of(tree)
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
        if TAG.search(node.value)
    ]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function of a file with its number of lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


def page_config() -> dict[str, Any]:
    """Return what a browser is told of the page: its components and its events."""
    with warnings.catch_warnings():  # Gradio, and a page that is built and never launched, leave event loops behind
        warnings.simplefilter("ignore", ResourceWarning)
        config = _page_config()
        gc.collect()
    return config


def _page_config() -> dict[str, Any]:
    from cifar_core.data.source import DataSource
    from cifar_core.runs.registry import NetRegistry
    from cifar_core.runs.service import Service
    from demo.app import build_app
    from demo.open_pages import OpenPages
    from tests.helpers.tiny_data import tiny_splits

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service, source = Service(folder / "runs", workers=1), DataSource(tiny_splits(folder, train=40, test=20))
        return dict(build_app(service, source, NetRegistry(service, source), OpenPages()).config)


def hidden_components(config: dict[str, Any]) -> list[str]:
    """Return the labels of the components that hold something nobody sees."""
    return [
        f"{part['type']}: {part['props'].get('label')}"
        for part in config["components"]
        if part["props"].get("visible") == "hidden"
    ]


def server_events(config: dict[str, Any], target: int, *events: str) -> list[str]:
    """Return the server's handlers that one action sets off: its own listeners, those chained behind them, and those
    that listen to a change of what these write."""
    found: dict[int, str] = {}
    dependencies = config["dependencies"]

    def follow(listener: dict[str, Any]) -> None:
        if listener["id"] in found:
            return
        found[listener["id"]] = listener["api_name"] if listener["backend_fn"] else ""
        for other in dependencies:
            behind = other.get("trigger_after") == listener["id"]
            changed = any(part in listener["outputs"] and event == "change" for part, event in other["targets"])
            if behind or changed:
                follow(other)

    for listener in dependencies:
        if any(part == target and event in events for part, event in listener["targets"]):
            follow(listener)
    return [name for name in found.values() if name]


def component(config: dict[str, Any], **props: Any) -> int:
    """Return the id of the one component with these properties."""
    (found,) = [
        part["id"]
        for part in config["components"]
        if all(part["props"].get(key) == value for key, value in props.items())
    ]
    return int(found)


def folder_circles() -> list[tuple[str, str]]:
    """Return the pairs of folders that import each other."""
    arrows = set()
    for path in python_files("cifar_core", "demo"):
        own = ".".join(path.relative_to(ROOT).parent.parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("cifar_core", "demo"):
                for alias in node.names:
                    name = f"{node.module}.{alias.name}".replace(".", "/")
                    module = name if (ROOT / name).with_suffix(".py").exists() else node.module.replace(".", "/")
                    other = ".".join(Path(module).parts if (ROOT / module).is_dir() else Path(module).parent.parts)
                    if other not in (own, "cifar_core", "demo", "cifar_core.data") and own not in (
                        "cifar_core",
                        "demo",
                    ):
                        arrows.add((own, other))
    return sorted((one, other) for one, other in arrows if one < other and (other, one) in arrows)


def main() -> None:
    """Print all counts."""
    config = page_config()
    hidden = hidden_components(config)
    print(f"hidden components: {len(hidden)}", *hidden, sep="\n    ")
    for words, events in (
        ("Classify an upload", server_events(config, component(config, elem_id="upload"), "input", "upload", "change")),
        ("Open Inside", server_events(config, component(config, id="inside"), "select")),
    ):
        print(f"server events for '{words}': {len(events)}", *events, sep="\n    ")
    tags = [
        place for path in python_files("demo") if path.name != "gradio_compat.py" for place in tags_in_strings(path)
    ]
    print(f"HTML tags in Python strings: {len(tags)}", *tags[:40], sep="\n    ")
    escapes = [str(path) for path in python_files("demo") if "html.escape" in path.read_text()]
    print(f"files that call html.escape: {len(escapes)}", *escapes, sep="\n    ")
    print(f"folders that import each other: {folder_circles()}")
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files("cifar_core", "demo")
    }
    longest = sorted(lengths, key=lambda name: -lengths[name])[:12]
    print("longest files:", *(f"{lengths[name]} {name}" for name in longest), sep="\n    ")
    sizes = sorted((size, name) for path in python_files("cifar_core", "demo") for name, size in functions(path))
    print("longest functions:", *(f"{size} {name}" for size, name in sizes[::-1][:12]), sep="\n    ")
    print(f"components: {len(config['components'])}, events: {len(config['dependencies'])}")


if __name__ == "__main__":
    main()
