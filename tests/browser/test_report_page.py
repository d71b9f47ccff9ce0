"""The report in a real browser: nothing that axe-core finds, in light and dark, wide and narrow, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from benchmark.report import build_report
from tests.benchmark.test_report import SKILL, make_result, open_recording
from tests.benchmark.test_report_matrix import runs
from tests.browser.accessibility import violations


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with every kind of section."""
    folder = tmp_path_factory.mktemp("report")
    results = [make_result(folder, model, seed=seed) for model in list(SKILL)[:3] for seed in range(2)]
    out = folder / "out"
    formats = ("html",)
    build_report([*results, *runs(0.8, 1.0)], out, open_recording=open_recording, frames_per_space=1, formats=formats)
    return (out / "report.html").as_uri()


@pytest.fixture(params=[("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)], ids=lambda p: f"{p[0]}-{p[1]}")
def page(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    scheme, width = request.param
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce"
    )
    opened = context.new_page()
    opened.goto(address)
    yield opened
    context.close()


def test_axe_finds_nothing(page: Any) -> None:
    assert violations(page) == []


def test_the_page_itself_never_scrolls_sideways(page: Any) -> None:
    assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("page", [("light", 1280)], indirect=True)
def test_a_table_is_sorted_by_keyboard_and_says_so(page: Any) -> None:
    button = page.locator("table.sortable thead th button").nth(3)
    button.focus()
    heading = page.locator("table.sortable thead th").nth(3)
    first = page.locator("table.sortable").first.locator("tbody tr td:nth-child(4)")
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    ascending = [float(value) for value in first.evaluate_all("cells => cells.map(cell => cell.dataset.value)")]
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    descending = [float(value) for value in first.evaluate_all("cells => cells.map(cell => cell.dataset.value)")]
    assert ascending == sorted(descending)
    assert descending == ascending[::-1]


@pytest.mark.parametrize("page", [("light", 1280)], indirect=True)
def test_every_link_and_region_is_reached_by_tabbing(page: Any) -> None:
    stops = "'a[href], button, summary, .scroll[tabindex]'"
    page.evaluate(f"window.wanted = [...document.querySelectorAll({stops})].filter(stop => stop.checkVisibility())")
    wanted = set(range(page.evaluate("window.wanted.length")))
    reached: set[int] = set()
    for _ in range(2 * len(wanted)):  # a browser may stop at more
        page.keyboard.press("Tab")
        reached.add(page.evaluate("window.wanted.indexOf(document.activeElement)"))
        if reached >= wanted:
            break
    assert reached >= wanted


@pytest.mark.parametrize("page", [("light", 1280)], indirect=True)
def test_the_page_works_offline_and_without_complaint(page: Any, address: str) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


def test_every_figure_is_drawn_in_ink_that_shows_on_the_paper(page: Any) -> None:
    ink = page.evaluate("getComputedStyle(document.querySelector('svg.figure')).color")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ink != paper
