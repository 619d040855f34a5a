"""What may import what: the core knows no page, imports run one way, and importing starts nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted(ROOT.glob("cifar_core/**/*.py"))
DEMO = sorted(ROOT.glob("demo/**/*.py"))
TABS = sorted(path for path in ROOT.glob("demo/tabs/*") if path.is_dir() and path.name != "__pycache__")

LAYERS = (
    {"errors", "field", "config", "durable"},
    {"data", "images", "image_files", "image_edit", "pixels", "device", "net", "prediction"},
    {"mistakes", "training", "evaluate", "predict", "pretrained"},
    {"inspect"},
    {"runs"},
    {"teach"},
    {"commands", "__main__"},
)
"""the parts of cifar_core; each may import those of its own row and of the rows above it"""

DEMO_LAYERS = (
    {"client_address", "open_pages", "bounds", "gate", "upload_folder"},
    {"gradio_compat", "gradio_compat_page", "gradio_compat_server"},
    {"widgets"},
    {"setup", "lesson"},
    {"tabs"},
    {"endpoints", "app"},
    {"__main__"},
)
"""the parts of demo, likewise"""


def name_of(path: Path) -> str:
    """cifar_core/data/folder.py -> cifar_core.data.folder"""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, *, at_the_top: bool = False) -> set[str]:
    """The full names of all modules that a file imports, or of those it imports when it is itself imported."""
    found = set()
    for node in _nodes(ast.parse(path.read_text()), at_the_top):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            assert node.module
            for alias in node.names:
                both = f"{node.module}.{alias.name}"
                found.add(both if _is_module(both) else node.module)
    return found


def _nodes(node: ast.AST, at_the_top: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        later |= isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not (at_the_top and later):
            yield from _nodes(child, at_the_top)


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def package(module: str) -> str:
    return module.split(".")[0]


def layer(module: str) -> int:
    part = (module.split(".") + ["cifar_core"])[1]
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def in_a_fresh_interpreter(code: str) -> str:
    """What `code` prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_core_imports_no_page() -> None:
    for path in CORE:
        for module in imports_of(path):
            assert package(module) not in {"gradio", "matplotlib", "demo", "tests"}, f"{path} imports {module}"


def test_every_part_of_the_core_has_its_place() -> None:
    parts = {name_of(path).split(".")[1] for path in CORE if name_of(path) != "cifar_core"}
    assert parts == set.union(*LAYERS)


def test_imports_within_the_core_run_one_way() -> None:
    for path in CORE:
        if name_of(path) == "cifar_core":
            assert imports_of(path) == set()  # importing the package loads nothing else
            continue
        for module in imports_of(path):
            if package(module) == "cifar_core" and module != "cifar_core":
                assert layer(module) <= layer(name_of(path)), f"{path} imports {module}"


def test_no_two_modules_import_each_other_whatever_the_way_round() -> None:
    graph = {name_of(path): imports_of(path, at_the_top=True) for path in (*CORE, *DEMO)}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in done:
            for other in sorted(graph.get(module, ())):
                visit(other, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_every_part_of_the_page_has_its_place() -> None:
    parts = {name_of(path).split(".")[1] for path in DEMO if name_of(path) != "demo"}
    assert parts <= set.union(*DEMO_LAYERS)


def test_imports_within_the_page_run_one_way() -> None:
    def row(module: str) -> int:
        part = module.split(".")[1]
        return next(number for number, parts in enumerate(DEMO_LAYERS) if part in parts)

    for path in DEMO:
        for module in imports_of(path):
            if package(module) == "demo" and module != "demo" and name_of(path) != "demo":
                assert row(module) <= row(name_of(path)), f"{path} imports {module}"


@pytest.mark.parametrize("folder", TABS, ids=lambda path: path.name)
def test_no_tab_imports_another_tab(folder: Path) -> None:
    own = f"demo.tabs.{folder.name}"
    for path in folder.glob("**/*.py"):
        others = {module for module in imports_of(path) if module.startswith("demo.tabs.")}
        assert {module for module in others if module != own and not module.startswith(f"{own}.")} == set(), path


def test_only_what_composes_the_page_knows_several_tabs() -> None:
    assert len(TABS) == 10
    for path in DEMO:
        tabs = {module.split(".")[2] for module in imports_of(path) if module.startswith("demo.tabs.")}
        assert len(tabs) <= 1 or path.name == "app.py", path


def test_no_torch_in_the_page() -> None:
    for path in DEMO:
        assert not {package(module) for module in imports_of(path)} & {"torch", "torchvision"}, path


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import cifar_core; print(*sorted(set(sys.modules) - before))"
    assert in_a_fresh_interpreter(code) == "cifar_core"


def test_importing_every_module_of_the_core_brings_no_page_and_starts_nothing() -> None:
    modules = [name_of(path) for path in CORE]
    assert "cifar_core.__main__" in modules and "cifar_core.runs.worker" in modules
    code = f"""
import importlib, random, signal, sys, threading, warnings
import numpy, torch
def state():
    return (
        threading.enumerate(),
        torch.initial_seed(), torch.get_rng_state().tolist(), torch.get_num_threads(), torch.get_default_dtype(),
        random.getstate(), [str(part) for part in numpy.random.get_state()],
        [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
    )
before = state()
for module in {modules}:
    importlib.import_module(module)
assert state() == before
assert len(threading.enumerate()) == 1
assert not torch.cuda.is_initialized()
print(*sorted({{name.split(".")[0] for name in sys.modules}} & {{"gradio", "matplotlib", "demo"}}))
"""
    assert in_a_fresh_interpreter(code) == ""


def test_what_the_page_needs_before_the_first_question_loads_without_torch() -> None:
    modules = ["config", "training.events", "prediction", "data", "data.source", "data.browse", "images"]
    modules += ["pretrained", "runs.service", "runs.registry"]
    code = f"""
import importlib, sys
for module in {modules}:
    importlib.import_module("cifar_core." + module)
print("torch" in sys.modules)
"""
    assert in_a_fresh_interpreter(code) == "False"
