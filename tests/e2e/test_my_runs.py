"""My runs as a person uses it, on a page of its own: compare, rename, take home, delete. No run is trained for it."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cifar_core.data import Splits
from cifar_core.net import load_net, new_net, save_weights
from cifar_core.runs.records import Run
from cifar_core.runs.service import Service
from demo.tabs.my_runs.tab import build_runs_tab
from demo.widgets.download import download_button
from demo.widgets.moving import MovingKeys
from tests.helpers.one_tab import one_tab
from tests.helpers.run_steps import ANN, CONFIG, end, go_to

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (tests/requirements.txt)")
expect = playwright.expect

Open = Callable[..., Any]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service without workers: the tests write what workers write."""
    return Service(tmp_path / "runs")


@pytest.fixture
def my_runs(browser: Any, service: Service) -> Iterator[Open]:
    """Open the tab on a new page of the visitor Ann's."""
    contexts, errors = [], []

    def build(owner: Any, look_at: Any, tab: Any) -> None:
        build_runs_tab(service, owner, download_button(), tab, MovingKeys(service))

    with one_tab(build, "My runs", ANN) as url:

        def open_page(width: int = 1280, height: int = 800) -> Any:
            contexts.append(browser.new_context(viewport={"width": width, "height": height}))
            page = contexts[-1].new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(url)
            page.get_by_role("tab", name="My runs").click()
            expect(page.locator("#runs-list")).to_contain_text(re.compile("Unlike the tutorial|no runs yet"))
            return page

        yield open_page
        for context in contexts:
            context.close()
    assert errors == []


def ended_run(service: Service, splits: Splits, **settings: Any) -> Run:
    """Return a run of Ann's that has trained 200 mini-batches, with the weights of an untrained Net."""
    run = service.start(ANN, replace(CONFIG, **settings), splits)
    go_to(service, run, 200)
    service.store.folder_of(run.id).mkdir(exist_ok=True)
    save_weights(new_net(0).state_dict(), service.store.weights_of(service.find(run.id)))
    end(service, run, splits)
    return service.find(run.id)


def test_two_runs_are_compared_renamed_taken_home_and_deleted(
    my_runs: Open, service: Service, tiny: Splits, tmp_path: Path
) -> None:
    page = my_runs()
    expect(page.locator("#runs-list")).to_contain_text("You have no runs yet")
    expect(page.locator("#compare")).to_have_count(0)
    ended_run(service, tiny)
    second = ended_run(service, tiny, lr=0.02)
    page.locator("#runs-refresh").click()
    listed = page.locator("#runs-list tbody tr")
    expect(listed).to_have_count(2)
    expect(listed.first).to_contain_text("learning rate 0.02")
    expect(listed.first).to_contain_text("Finished")
    expect(listed.first).to_contain_text("25.8 %")

    expect(page.locator("#run-name input")).to_have_value(f"run {second.id[:4]}")
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
    names = chart.locator(".curve-names li")
    expect(names).to_have_text(["<b>Fast</b> steps", re.compile("^run ")])
    for canvas in chart.locator("canvas").all():
        for name in names.all_inner_texts():
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
    settings = json.loads(files["settings.json"])
    assert (settings["name"], settings["state"], settings["settings"]["lr"]) == ("<b>Fast</b> steps", "done", 0.02)
    assert settings["test"]["total"] == 120
    assert list(csv.reader(io.StringIO(files["curve.csv"].decode())))[-1][1] == "800"
    assert Image.open(io.BytesIO(files["curve.png"])).format == "PNG"

    page.locator("#delete-run").click()
    expect(page.locator("#delete-run")).to_have_text("Really delete <b>Fast</b> steps?")
    expect(listed).to_have_count(2)
    page.locator("#delete-run").click()
    expect(page.locator("#runs-message")).to_contain_text("<b>Fast</b> steps is deleted.")
    expect(listed).to_have_count(1)
    expect(page.locator("#delete-run")).to_have_text("Delete")
    expect(page.locator("#compare input")).to_have_count(1)
    expect(names).to_have_count(1)


def test_choosing_another_run_takes_the_question_back(my_runs: Open, service: Service, tiny: Splits) -> None:
    first, _ = ended_run(service, tiny), ended_run(service, tiny)
    page = my_runs()
    page.locator("#delete-run").click()
    expect(page.locator("#delete-run")).to_contain_text("Really delete")
    page.locator("#one-run input").click()
    page.get_by_role("option", name=first.name).click()
    expect(page.locator("#run-name input")).to_have_value(first.name)
    expect(page.locator("#delete-run")).to_have_text("Delete")
    page.locator("#delete-run").click()
    expect(page.locator("#delete-run")).to_have_text(f"Really delete {first.name}?")
    assert len(service.runs_of(ANN)) == 2


def test_a_run_that_was_deleted_in_another_tab_gets_a_sentence(my_runs: Open, service: Service, tiny: Splits) -> None:
    ended_run(service, tiny)
    page, other = my_runs(), my_runs()
    other.locator("#delete-run").click()
    expect(other.locator("#delete-run")).to_contain_text("Really delete")
    other.locator("#delete-run").click()
    expect(other.locator("#runs-list")).to_contain_text("You have no runs yet")
    expect(other.locator("#runs-message")).to_contain_text("is deleted")

    downloads: list[Any] = []
    page.on("download", lambda download: downloads.append(download))
    page.get_by_role("button", name="Download zip").click()
    expect(page.locator("#runs-message [role=alert]")).to_contain_text("There is no such run")
    page.locator("#compare input").check()
    expect(page.locator("#comparison [role=alert]")).to_contain_text("There is no such run")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#runs-list")).to_contain_text("You have no runs yet")
    assert downloads == []


def test_a_refused_download_saves_nothing_of_the_one_before(my_runs: Open, service: Service, tiny: Splits) -> None:
    run = ended_run(service, tiny)
    page, downloads = my_runs(), []
    page.on("download", lambda download: downloads.append(download))
    with page.expect_download():
        page.get_by_role("button", name="Download zip").click()
    service.delete(ANN, run.id)
    page.get_by_role("button", name="Download zip").click()
    expect(page.locator("#runs-message [role=alert]")).to_contain_text("There is no such run")
    page.get_by_role("button", name="Refresh").click()  # by then the browser would have saved it
    expect(page.locator("#runs-list")).to_contain_text("You have no runs yet")
    assert len(downloads) == 1


def test_nothing_of_a_comparison_is_cut_off_on_a_phone(my_runs: Open, service: Service, tiny: Splits) -> None:
    for lr in (0.001, 0.01, 0.02):
        ended_run(service, tiny, lr=lr)
    page = my_runs(390, 844)
    expect(page.locator("#compare input")).to_have_count(3)
    for tick in page.locator("#compare input").all():
        tick.check()
    expect(page.locator("#runs-chart .curve-names li")).to_have_count(3)
    expect(page.locator("#comparison .differences")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
