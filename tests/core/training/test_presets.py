"""The presets to begin with: each is allowed, explained, and reaches what its sentence promises."""

import re
from pathlib import Path

import pytest

from cifar_core.__main__ import main
from cifar_core.config import TrainConfig
from cifar_core.training import presets as module
from cifar_core.training.presets import PRESETS


def test_the_first_preset_is_the_tutorial_to_the_digit() -> None:
    assert list(PRESETS) == ["tutorial", "quick", "best"]
    assert PRESETS["tutorial"].config == TrainConfig()


def test_each_is_explained_in_one_sentence_with_what_it_reaches() -> None:
    for preset in PRESETS.values():
        assert preset.help.endswith(".") and re.search(r"about \d\d %", preset.help), preset.label


def test_an_unknown_preset_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--out", "net.pth", "--preset", "fast"])
    assert "tutorial" in capsys.readouterr().err


def test_the_module_needs_no_torch() -> None:
    assert "torch" not in Path(str(module.__file__)).read_text().replace("PyTorch", "")
