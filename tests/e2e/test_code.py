"""The code of a run and its receipt, as a visitor uses them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.serving import Server

expect = pytest.importorskip("playwright.sync_api").expect


def downloaded(page: Any, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.locator(button).click()
    path = folder / str(download.value.suggested_filename)
    download.value.save_as(path)
    return path


@pytest.fixture
def trained(visit: Callable[..., Any]) -> Any:
    """A page whose visitor has a run that has ended, in the Code tab with that run chosen."""
    page = visit("?tab=train&epochs=1&batch_size=20&lr=0.02")
    expect(page.locator("#start")).to_be_enabled()
    page.locator("#start").click()
    expect(page.locator("#result")).to_contain_text("Accuracy on 400 test images", timeout=60_000)
    page.get_by_role("tab", name="Code").click()
    page.locator("#code-of input").click()
    page.get_by_role("option").nth(1).click()
    expect(page.locator("#code-receipt")).to_be_enabled()
    return page


def test_the_settings_on_the_train_tab_are_a_script_before_anything_is_started(
    visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = visit("?tab=train&lr=0.02&batch_size=20")
    page.get_by_role("tab", name="Code").click()
    expect(page.locator("#code-script")).to_contain_text("import torch")
    assert "lr=0.02" in downloaded(page, "#code-py", tmp_path).read_text()
    expect(page.locator("#code-command")).to_contain_text("--lr 0.02")
    expect(page.locator("#code-receipt")).to_be_disabled()


def test_the_script_of_a_run_prints_its_lines_at_home(trained: Any, server: Server, tmp_path: Path) -> None:
    trained.get_by_role("tab", name="Train").click()
    log = trained.locator("#log textarea").input_value().splitlines()
    trained.get_by_role("tab", name="Code").click()
    script = downloaded(trained, "#code-py", tmp_path)
    data = next(folder for folder in server.splits.folder.parents if (folder / "cifar-10-batches-py").is_dir())
    (tmp_path / "data").symlink_to(data)
    done = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    for line in log:
        if line.startswith(("[", "Accuracy of the network")):
            assert line in printed
    notebook = json.loads(downloaded(trained, "#code-ipynb", tmp_path).read_text())
    assert notebook["nbformat"] == 4


def test_a_receipt_comes_out_the_same_and_a_changed_one_does_not(trained: Any, tmp_path: Path) -> None:
    receipt = downloaded(trained, "#code-receipt", tmp_path).read_text()
    field = trained.locator("#receipt-text textarea")
    field.fill("{]")
    trained.locator("#receipt-read").click()
    expect(trained.locator("#receipt-about [role=alert]")).to_be_visible()
    expect(trained.locator("#receipt-again")).to_be_disabled()
    field.fill(receipt)
    trained.locator("#receipt-read").click()
    expect(trained.locator("#receipt-about")).to_contain_text("learning rate 0.02")
    trained.locator("#receipt-again").click()
    expect(trained.locator("#receipt-verdict")).to_contain_text("✓ Everything agrees", timeout=60_000)
    content = json.loads(receipt)
    content["lines"][1][2] += 0.5
    field.fill(json.dumps(content))
    trained.locator("#receipt-read").click()
    expect(trained.locator("#receipt-about")).to_contain_text("learning rate 0.02")
    trained.locator("#receipt-again").click()
    expect(trained.locator("#receipt-verdict")).to_contain_text("✗ It does not come out the same", timeout=60_000)
