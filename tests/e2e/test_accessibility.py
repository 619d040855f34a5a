"""An accessibility checker finds no serious problem on any tab, in light and in dark."""

from collections.abc import Callable
from typing import Any

import pytest

from demo.setup.link import TABS

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

SERIOUS = ("serious", "critical")
SETTLED = """() => new Promise((done) => {
    let timer = setTimeout(done, 500, true);
    const changed = () => { clearTimeout(timer); timer = setTimeout(done, 500, true); };
    new MutationObserver(changed).observe(document.querySelector('#tabs'), {childList: true, subtree: true});
})"""
"""JavaScript that waits until half a second has passed without a change of the tabs"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_tab_has_a_serious_problem(visit: Callable[..., Any], dark: bool) -> None:
    page = visit(dark=dark)
    page.locator("#open-lesson").click()
    page.locator("#lesson-begin h3").wait_for()
    found = []
    options = {"runOnly": ["color-contrast"]} if dark else None  # the dark page differs from the light one in colours
    for label in TABS.values():
        page.get_by_role("tab", name=label, exact=True).click()
        page.wait_for_function(SETTLED)  # what the tab shows comes after it has been opened
        for problem in axe.Axe().run(page, options=options).response["violations"]:
            if problem["impact"] in SERIOUS:
                places = [f"{node['target']}: {node['html'][:150]}" for node in problem["nodes"][:5]]
                found.append(f"{label}: {problem['id']} ({problem['help']}) at " + "; ".join(places))
    assert not found, "\n".join(found)
