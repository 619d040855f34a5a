"""A notebook holds the script's code, a cell per section under its heading."""

import ast
import json
from typing import Any

import pytest

from cifar_core.config import TrainConfig
from cifar_core.teach.notebook import notebook_of
from cifar_core.teach.script import script_of

MIXED = TrainConfig(epochs=3, batch_size=6, augment="flip_shift", schedule="one_cycle", stop_rule="accuracy")


def code_of(notebook: dict[str, Any], kind: str = "code") -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_the_notebook_has_a_cell_for_each_section_under_its_heading() -> None:
    notebook = json.loads(notebook_of(script_of(TrainConfig())))
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert kinds == ["markdown", *["markdown", "code"] * 5]
    text = code_of(notebook, "markdown")
    assert text[0].startswith("Training a classifier: ") and '"""' not in text[0]
    assert [words.split(" ")[:2] for words in text[1:]] == [["##", f"{number}."] for number in range(1, 6)]
    code = code_of(notebook)
    assert code[0].startswith("import torch\n") and code[1].startswith("class Net(") and "range(2)" in code[3]


@pytest.mark.parametrize("script", [script_of(MIXED), script_of(TrainConfig(), data="images")], ids=["mixed", "images"])
def test_the_code_of_the_notebook_is_the_scripts(script: str) -> None:
    cells = code_of(json.loads(notebook_of(script)))
    without_words = ast.dump(ast.Module(ast.parse(script).body[1:], []))
    assert ast.dump(ast.parse("\n".join(cells))) == without_words


def test_the_notebook_is_of_the_format_4_5() -> None:
    """What its schema asks for: https://github.com/jupyter/nbformat, nbformat.v4.5.schema.json."""
    content = notebook_of(script_of(MIXED))
    notebook = json.loads(content)
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]["kernelspec"]) >= {"name", "display_name"}
    assert notebook["metadata"]["language_info"]["name"] == "python"
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids) and all(1 <= len(one) <= 64 and one.replace("-", "").isalnum() for one in ids)
    for cell in notebook["cells"]:
        needed = {"id", "cell_type", "metadata", "source"}
        assert set(cell) == needed | ({"outputs", "execution_count"} if cell["cell_type"] == "code" else set())
        assert isinstance(cell["source"], list) and all(isinstance(line, str) for line in cell["source"])
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
    assert content == notebook_of(script_of(MIXED)) and content.endswith("}\n")
