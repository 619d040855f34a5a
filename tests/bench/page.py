"""How quick the page is: python tests/bench/page.py --data DIR [--rounds 5]

Starts the server on that data set and drives it with Chromium as a person would. Prints one table; a figure is the
median of the rounds, with the smallest and the largest.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from playwright.sync_api import sync_playwright  # noqa: E402

from cifar_core.runs.store import Store  # noqa: E402
from tests.helpers.serving import CHROMIUM, CHROMIUM_OPTIONS, start_server  # noqa: E402

POINTS = "+document.querySelector('#chart canvas').dataset.points"
CHANGES = 11
"""images looked into in one round"""
DRAWN = """() => {
    window.drawn = {};
    document.addEventListener('click', () => { window.clicked = performance.now(); window.drawn = {}; }, true);
    for (const id of ['inside-about', 'inside-stages', 'inside-unit', 'why-saliency'])
        new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
            window.drawn[id] = performance.now() - window.clicked;
        }))).observe(document.getElementById(id), {childList: true, subtree: true, characterData: true});
}"""
"""JavaScript that notes, for each part of Inside, how many milliseconds after a click it was last drawn"""
PAGES = 20
"""pages of 64 pictures turned in one round"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inside", action="store_true", help="measure the change of image in Inside alone")
    options = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in _LIMITS}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as folder:
                measure = _inside_round if options.inside else _round
                measure(browser, Path(folder), options.data.resolve(), found)
        browser.close()
    _print(found)


_LIMITS = {
    "start of the server to usable page, s": 10.0,
    "click on Start to first point, s": 1.5,
    "click on Stop to halt, s": 0.3,
    "click on Stop until the page says so, s": float("nan"),
    "change of image in Inside, ms from click to drawn": 150.0,
    "page of 64 pictures, ms of server CPU": 50.0,
    "page of 64 pictures, ms until shown": float("nan"),
}


def _round(browser: Any, folder: Path, data: Path, found: dict[str, list[float]]) -> None:
    started, usable, first, halt, said, changed, cpu, shown = 0.0, *found.values()
    started = time.perf_counter()
    url, process, _ = start_server(folder, "--data", str(data), "--unverified")
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.locator("#images .cell").first.wait_for()
        usable.append(time.perf_counter() - started)
        _turn_pages(page, process.pid, cpu, shown)
        _change_images(page, changed)
        page.get_by_role("tab", name="Train").click()
        page.wait_for_function("!document.querySelector('#start').disabled")
        page.wait_for_function("!document.querySelector('#header').innerText.includes('starting')", timeout=60_000)
        first.append(_seconds(lambda: page.locator("#start").click(), lambda: page.wait_for_function(f"{POINTS} > 0")))
        time.sleep(3)
        store, began = Store(folder / "runs"), time.perf_counter()
        page.locator("#stop").click()
        while store.active()[0].state == "running":
            time.sleep(0.002)
        halt.append(time.perf_counter() - began)
        page.locator(".run-status:not([data-state=running])").wait_for()
        said.append(time.perf_counter() - began)
        page.close()
    finally:
        process.terminate()
        process.wait()


def _inside_round(browser: Any, folder: Path, data: Path, found: dict[str, list[float]]) -> None:
    url, process, _ = start_server(folder, "--data", str(data), "--unverified")
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.locator("#images .cell").first.wait_for()
        _change_images(page, found["change of image in Inside, ms from click to drawn"])
        page.close()
    finally:
        process.terminate()
        process.wait()


def _change_images(page: Any, changed: list[float]) -> None:
    page.get_by_role("tab", name="Inside").click()
    page.locator("#why-saliency img").nth(2).wait_for(timeout=60_000)
    time.sleep(3)  # what the start left to do
    page.evaluate(DRAWN)
    for place in range(CHANGES + 1):
        page.locator("#inside-images .cell").nth((place + 1) % 12).click()
        page.wait_for_function("Object.keys(window.drawn).length === 4")
        time.sleep(0.5)  # so that nothing of it comes later
        if place:  # the first is warming up
            changed.append(max(page.evaluate("Object.values(window.drawn)")))


def _turn_pages(page: Any, pid: int, cpu: list[float], shown: list[float]) -> None:
    page.get_by_label("Images per page").click()
    page.get_by_role("option", name="64").click()
    page.wait_for_function("document.querySelectorAll('#images .cell').length === 64")
    time.sleep(3)  # what the start left to do, torch for the first answer above all
    idle_from, at = _cpu(pid), time.perf_counter()
    time.sleep(3)
    idle = (_cpu(pid) - idle_from) / (time.perf_counter() - at)
    used, began = _cpu(pid), time.perf_counter()
    for _ in range(PAGES):
        before = page.locator("#images .cell").first.get_attribute("data-index")
        changed: str = f"document.querySelector('#images .cell').dataset.index !== '{before}'"
        shown.append(1000 * _seconds(page.locator("#next").click, partial(page.wait_for_function, changed)))
    spent = _cpu(pid) - used - idle * (time.perf_counter() - began)
    cpu.append(1000 * spent / PAGES)


def _seconds(do: Callable[[], Any], wait: Callable[[], Any]) -> float:
    began = time.perf_counter()
    do()
    wait()
    return time.perf_counter() - began


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, its children left out."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print(found: dict[str, list[float]]) -> None:
    import gradio
    import torch

    print(
        f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, torch {torch.__version__}, ",
        end="",
    )
    print(f"gradio {gradio.__version__}\n")
    print("| what | median | smallest | largest | wanted |\n| --- | --- | --- | --- | --- |")
    for name, values in found.items():
        if not values:
            continue
        wanted = f"≤ {_LIMITS[name]:g}" if _LIMITS[name] == _LIMITS[name] else ""
        row = (statistics.median(values), min(values), max(values))
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in row)} | {wanted} |")


def _processor() -> str:
    from cifar_core.device import choose_device

    return choose_device("cpu").name


if __name__ == "__main__":
    main()
