"""What the README says is so."""

import re
from pathlib import Path

import pytest

from cifar_core.config import FIELDS
from cifar_core.field import settings_of
from cifar_core.pretrained import origin
from cifar_core.runs.limits import Limits
from cifar_core.training.progress import VALIDATION_IMAGES
from demo.__main__ import _parser

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_tree_names_every_module_and_nothing_that_is_not_there() -> None:
    tree = README[README.index("## The tree") :].split("\n## ")[0]
    folder, named = ROOT, set()
    for line in tree.splitlines()[2:]:
        name = line.split()[0] if line.strip() else ""
        if line.startswith("    ") and not line.startswith("     ") and name.endswith("/"):
            folder = ROOT / name
            named.add(folder)
        elif name:
            place = ROOT if line[4] != " " else folder
            assert (place / name).exists(), f"{name} stands in the README's tree and is not there"
            named.add(place / name)
    there = {path for top in ("cifar_core", "demo") for path in (ROOT / top).glob("*.py") if path.name != "__init__.py"}
    assert there <= named, f"not in the README's tree: {sorted(path.name for path in there - named)}"


def test_the_two_commands_name_the_files_that_exist() -> None:
    for command in re.findall(r"^    python3 -m venv .*$", README, re.MULTILINE):
        assert (ROOT / re.findall(r"-r (\S+)", command)[0]).exists()
    assert README.count("    python3 -m venv .venv && .venv/bin/pip install -r") == 2


def test_every_option_of_the_page_is_in_the_readme() -> None:
    options = {option for action in _parser()._actions for option in action.option_strings} - {"-h", "--help"}
    table = README[README.index("## Hosting it") : README.index("### Endpoints")]
    assert {option for option in re.findall(r"`(--[a-z-]+)`", table)} == options


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_stands_in_the_readme_as_its_field_describes_it(name: str) -> None:
    field = FIELDS[name]
    allowed = field.allowed.replace("|", ", ")
    assert f"| `--{name.replace('_', '-')}` | {field.help} | {allowed} | {field.default} |" in README


@pytest.mark.parametrize("name", settings_of(Limits))
def test_the_limits_in_the_readme_are_those_in_force(name: str) -> None:
    option, limit = f"--max-{name.replace('_', '-')}", settings_of(Limits)[name]
    assert f"| `{option}` | {limit.help} | {limit.default:,} |" in README
    (there,) = [action for action in _parser()._actions if option in action.option_strings]
    assert (there.default, str(there.help).split(";")[0]) == (limit.default, limit.help)


def test_the_number_of_images_behind_the_accuracy_curve_is_the_one_in_force() -> None:
    assert f"the accuracy on {VALIDATION_IMAGES:,} test images" in README


def test_the_accuracy_of_the_pretrained_net_is_the_recorded_one() -> None:
    assert f"**{100 * origin().accuracy:.1f} %**" in README


@pytest.mark.parametrize("link", re.findall(r"!\[[^]]*\]\(([^)]+)\)", README))
def test_every_picture_in_the_readme_is_there_and_small(link: str) -> None:
    assert 0 < (ROOT / link).stat().st_size < 600_000
