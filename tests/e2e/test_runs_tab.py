"""The tab with a visitor's own runs as a person uses it: compare, rename, take home, delete."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cifar_core.net import load_net
from tests.e2e.test_page import open_tab

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Visit = Callable[..., Any]


def open_runs(page: Any) -> None:
    open_tab(page, "My runs")
    expect(page.locator("#runs-list")).to_contain_text(re.compile("Unlike the tutorial|no runs yet"))


def train(page: Any, *, state: str = "done", **settings: object) -> str:
    """Train with these settings until the run is in `state`; its id."""
    open_tab(page, "Train")
    expect(page.locator("#start")).to_be_enabled()
    before = run_in_address(page)
    for name, value in settings.items():
        field = page.locator(f"#{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#start").click()
    page.wait_for_function("before => (location.search.match(/run=(\\w+)/) || [])[1] != before", arg=before)
    expect(page.locator(f".run-status[data-state={state}]")).to_be_visible(timeout=60_000)
    return str(run_in_address(page))


def run_in_address(page: Any) -> str | None:
    found = re.search(r"run=(\w+)", page.url)
    return found[1] if found else None


def test_two_runs_are_compared_renamed_taken_home_and_deleted(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    open_runs(page)
    expect(page.locator("#runs-list")).to_contain_text("You have no runs yet")
    expect(page.locator("#compare")).to_have_count(0)
    train(page, epochs=1, batch_size=20, lr=0.001)
    second = train(page, lr=0.02)

    open_runs(page)
    listed = page.locator("#runs-list tbody tr")
    expect(listed).to_have_count(2)
    expect(listed.first).to_contain_text("epochs 1 · batch size 20 · learning rate 0.02")
    expect(listed.first).to_contain_text("Finished")
    expect(listed.first).to_contain_text("%")

    expect(page.locator("#run-name input")).to_have_value(f"run {second[:4]}")
    page.locator("#run-name input").fill("  <b>Fast</b> steps ")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator("#runs-message")).to_contain_text("The run is now called <b>Fast</b> steps.")
    expect(listed.first).to_contain_text("<b>Fast</b> steps")
    page.locator("#run-name input").fill("   ")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator("#runs-message [role=alert]")).to_contain_text("A name must have 1 to 60 characters")

    for tick in page.locator("#compare input").all():
        tick.check()
    comparison, chart = page.locator("#comparison"), page.locator("#runs-chart")
    expect(chart.locator(".curve-names li")).to_have_count(2)
    names = chart.locator(".curve-names li").all_inner_texts()
    assert names[0] == "<b>Fast</b> steps" and names[1].startswith("run ")
    expect(chart.locator("canvas")).to_have_count(2)
    for canvas in chart.locator("canvas").all():
        for name in names:
            expect(canvas).to_have_attribute("aria-label", re.compile(re.escape(name)))
    differs = comparison.locator(".differences tbody tr", has_text="Learning rate")
    assert differs.locator("td").all_inner_texts() == ["0.02", "0.001"]
    expect(comparison.locator(".differences")).not_to_contain_text("Batch size")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download zip").click()
    assert download.value.suggested_filename == "run-b-fast-b-steps.zip"
    path = tmp_path / "run.zip"
    download.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    (tmp_path / "net.pth").write_bytes(files["net.pth"])
    load_net(tmp_path / "net.pth")
    told = json.loads(files["settings.json"])
    assert (told["name"], told["state"], told["settings"]["lr"]) == ("<b>Fast</b> steps", "done", 0.02)
    assert told["test"]["total"] == 400
    assert Image.open(io.BytesIO(files["curve.png"])).format == "PNG"
    assert list(csv.reader(io.StringIO(files["curve.csv"].decode())))[-1][1] == "2000"

    page.locator("#delete-run").click()
    expect(page.locator("#delete-run")).to_have_text("Really delete <b>Fast</b> steps?")
    expect(listed).to_have_count(2)
    page.locator("#delete-run").click()
    expect(page.locator("#runs-message")).to_contain_text("<b>Fast</b> steps is deleted.")
    expect(listed).to_have_count(1)
    expect(page.locator("#delete-run")).to_have_text("Delete")
    expect(page.locator("#compare input")).to_have_count(1)
    expect(chart.locator(".curve-names li")).to_have_count(1)


def test_another_visitor_sees_none_of_it(visit: Visit) -> None:
    mine = visit()
    run = train(mine, epochs=1, batch_size=50)
    stranger = visit(f"/?run={run}")
    open_runs(stranger)
    expect(stranger.locator("#runs-list")).to_contain_text("You have no runs yet")
    expect(stranger.locator("#delete-run")).to_have_count(0)


def test_choosing_another_run_takes_the_question_back(visit: Visit) -> None:
    page = visit()
    first, _ = train(page, epochs=1, batch_size=50), train(page, lr=0.01)
    open_runs(page)
    page.locator("#delete-run").click()
    expect(page.locator("#delete-run")).to_contain_text("Really delete")
    page.locator("#one-run input").click()
    page.get_by_role("option", name=f"run {first[:4]}").click()
    expect(page.locator("#run-name input")).to_have_value(f"run {first[:4]}")
    expect(page.locator("#delete-run")).to_have_text("Delete")
    page.locator("#delete-run").click()
    expect(page.locator("#delete-run")).to_have_text(f"Really delete run {first[:4]}?")


def test_a_run_that_was_deleted_in_another_tab_gets_a_sentence(visit: Visit) -> None:
    page = visit()
    train(page, epochs=1, batch_size=50)
    open_runs(page)
    other = page.context.new_page()
    other.goto(page.url.split("?")[0])
    open_runs(other)
    other.locator("#delete-run").click()
    expect(other.locator("#delete-run")).to_contain_text("Really delete")
    other.locator("#delete-run").click()
    expect(other.locator("#runs-list")).to_contain_text("You have no runs yet")
    expect(other.locator("#runs-message")).to_contain_text("is deleted")

    gone = page.locator("#runs-message [role=alert]")
    page.get_by_role("button", name="Download zip").click()
    expect(gone).to_contain_text("There is no such run")
    page.locator("#compare input").check()
    expect(page.locator("#comparison [role=alert]")).to_contain_text("There is no such run")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#runs-list")).to_contain_text("You have no runs yet")


def test_a_run_that_is_going_is_shown_in_train_and_not_deleted(visit: Visit) -> None:
    page = visit()
    train(page, epochs=1, batch_size=50)
    going = train(page, state="running", epochs=100, batch_size=4)
    open_runs(page)
    expect(page.locator("#runs-list tbody tr").first).to_contain_text("Training")
    page.locator("#delete-run").click()
    expect(page.locator("#runs-message [role=alert]")).to_contain_text("still going; stop it first")
    page.get_by_role("link", name="Show in Train").click()
    expect(page).to_have_url(re.compile(f"run={going}"))
    expect(page.locator(".run-status[data-state=running]")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run-status[data-state=stopped]")).to_be_visible(timeout=60_000)


def test_nothing_of_a_comparison_is_cut_off_on_a_phone(visit: Visit) -> None:
    page = visit(width=390, height=844)
    for lr in (0.001, 0.01, 0.02):
        train(page, epochs=1, batch_size=50, lr=lr)
    open_runs(page)
    for tick in page.locator("#compare input").all():
        tick.check()
    expect(page.locator("#runs-chart .curve-names li")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
