"""The static site in a real browser, opened from a disk: it sorts and filters there, and complains about nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leaderboard.entries import read_entries
from leaderboard.site import build
from leaderboard.store.from_entries import board_of_entries
from tests.browser.accessibility import violations

RESULTS = Path(__file__).parents[2] / "leaderboard" / "results"
VALUE = """row => JSON.parse(row.dataset.values)[
    [...document.querySelectorAll('table.board thead th')].findIndex(head => head.dataset.column === 'held_out')]"""
TABLE = "t/demo/v2/semseg/finetune/all.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of our own runs."""
    folder = tmp_path_factory.mktemp("site")
    store = board_of_entries(read_entries(RESULTS), folder / "board")
    build(store, folder / "out")
    store.engine.dispose()
    return folder / "out"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def names(page: Any) -> list[str]:
    return page.locator("table.board tbody th.name > a").all_inner_texts()


def test_every_kind_of_page_opens_from_a_disk_without_complaint(page: Any, site: Path) -> None:
    one, two, *_ = sorted(path.stem for path in (site / "s").glob("*.html"))
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for name in ("index.html", TABLE, f"s/{one}.html", f"s/{one}/vs/{two}.html", "guide.html"):
        page.goto((site / name).as_uri())
        page.wait_for_load_state("networkidle")
        assert page.locator("h1").count() == 1, name
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_rows_are_sorted_by_their_headings_and_the_state_can_be_linked_to(page: Any, site: Path) -> None:
    page.goto((site / TABLE).as_uri())
    best_first = names(page)
    heading = page.locator('th[data-column="held_out"]')
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    values = page.evaluate(f"[...document.querySelectorAll('table.board tbody tr')].map({VALUE})")
    assert values == sorted(values, reverse=True)
    sorted_names, address = names(page), page.url
    assert sorted(sorted_names) == sorted(best_first) != sorted_names
    page.goto("about:blank")
    page.goto(address)
    assert names(page) == sorted_names


def test_rows_are_found_by_words_and_tracks(page: Any, site: Path) -> None:
    page.goto((site / TABLE).as_uri())
    page.get_by_label("Search names, models and teams").fill("external")
    page.wait_for_function("document.querySelectorAll('table.board tbody th.name').length === 2")
    assert sorted(names(page)) == ["mae-external", "tst-external"]
    page.get_by_label("Search names, models and teams").fill("")
    page.get_by_role("checkbox", name="distilled").check()
    page.wait_for_function("document.querySelectorAll('table.board tbody th.name').length === 1")
    assert names(page) == ["tst+efficientnet-lite0"]


def test_without_javascript_every_row_is_there_by_rank_and_links_lead_on(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / TABLE).as_uri())
    assert len(names(page)) == 8
    page.locator("table.board tbody th.name > a").first.click()
    page.locator("#compare ~ ul a, section[aria-labelledby=compare] ul a").first.click()
    assert "/vs/" in page.url
    assert page.locator("h1").count() == 1
    context.close()


@pytest.mark.parametrize("name", ["index.html", TABLE])
def test_axe_finds_nothing(page: Any, site: Path, name: str) -> None:
    page.goto((site / name).as_uri())
    assert violations(page) == []
