"""A board's first page and tables in a real browser: by mouse and keyboard, in the dark, on a phone, scripts or not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn

from leaderboard.board import open_board
from leaderboard.pages.assets import assets
from leaderboard.pages.table import table_page
from leaderboard.pages.urls import StaticUrls
from leaderboard.server.app import create_app
from leaderboard.store.database import Store, open_store
from tests.bench.crowded_board import crowd
from tests.browser.accessibility import violations
from tests.leaderboard.pages_kit import TABLE, crowd_query

ROWS = "table.board tbody tr[data-id]"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    opened = open_store(open_board(tmp_path_factory.mktemp("board")))
    crowd(opened, 130)
    return opened


@pytest.fixture(scope="module")
def address(store: Store) -> Iterator[str]:
    """A server of the board, with the headers that forbid what is not its own."""
    server = uvicorn.Server(uvicorn.Config(create_app(store), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def site(store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same table as a file, with all its assets beside it."""
    folder = tmp_path_factory.mktemp("site")
    file = StaticUrls().table(crowd_query())
    for asset in assets().values():
        _write(folder / "static" / asset.name, asset.content)
    _write(folder / file, table_page(store, crowd_query(), StaticUrls(file)).encode())
    return (folder / file).as_uri()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a new window; what its console says is an error of the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(address: str, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def ids(page: Any) -> list[str]:
    return page.eval_on_selector_all(ROWS, "rows => rows.map(row => row.dataset.id)")  # type: ignore[no-any-return]


def settled(page: Any, condition: str) -> None:
    """Wait until something holds; the page's policy forbids Playwright's own way of waiting, which evaluates text."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never came true: {condition}")


def asked(page: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", TABLE, "/t/none/v1/semseg/frozen"])
def test_axe_finds_nothing(address: str, path: str, scheme: str, browser: Any) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(address + path)
    said = violations(page)
    page.close()
    assert said == []


@pytest.mark.parametrize("path", ["/", TABLE])
@pytest.mark.parametrize("width", [320, 768, 1920])
def test_the_page_itself_never_scrolls_sideways(visit: Callable[..., Any], address: str, path: str, width: int) -> None:
    page = visit(address + path, width)
    assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")


def test_a_phone_keeps_the_names_in_view_while_a_table_is_moved(visit: Callable[..., Any], address: str) -> None:
    page = visit(address + TABLE, 320)
    page.evaluate("document.querySelector('#table .scroll').scrollLeft = 400")
    box = page.locator(f"{ROWS} th").first.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < 40


def test_from_the_first_page_to_a_table_and_on_to_a_test_space(visit: Callable[..., Any], address: str) -> None:
    page = visit(address)
    page.get_by_role("link", name="Semantic segmentation").click()
    page.get_by_role("navigation", name="Test space").get_by_role("link", name="builtin/flat-02").click()
    assert asked(page) == {"space": ["builtin/flat-02"]}
    assert page.get_by_role("navigation", name="Test space").locator("[aria-current]").inner_text() == "builtin/flat-02"
    page.get_by_role("navigation", name="Task").get_by_role("link", name="Depth").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Depth")


def test_a_heading_sorts_without_loading_the_page_and_back_undoes_it(visit: Callable[..., Any], address: str) -> None:
    page = visit(address + TABLE)
    before = ids(page)
    page.evaluate("window.sameWindow = true")
    page.locator("th[data-column=parameters] a").click()
    settled(page, "document.querySelector('th[data-column=parameters]').ariaSort === 'ascending'")
    assert ids(page) != before
    assert asked(page) == {"sort": ["parameters"]}
    assert page.evaluate("document.activeElement.closest('th')?.dataset.column") == "parameters"
    page.go_back()
    settled(page, "document.querySelector('th[data-column=test]').ariaSort === 'descending'")
    assert ids(page) == before
    assert page.evaluate("window.sameWindow")


def test_searching_shows_rows_while_one_types(visit: Callable[..., Any], address: str) -> None:
    page = visit(address + TABLE)
    page.get_by_role("searchbox").press_sequentially("room 3")
    settled(page, "document.getElementById('found').textContent.includes('show all')")
    settled(page, "location.search.includes('room+3')")
    names = page.locator(f"{ROWS} th").all_inner_texts()
    assert names
    assert all("room" in name for name in names)
    assert page.get_by_role("searchbox").evaluate("box => box === document.activeElement")
    assert set(page.eval_on_selector_all("a.dot", "dots => dots.map(dot => dot.dataset.id)")) == set(ids(page))


def test_tracks_are_chosen_and_the_address_holds_the_choice(visit: Callable[..., Any], address: str) -> None:
    page = visit(address + TABLE)
    page.get_by_role("checkbox", name="scratch").check()
    settled(page, "location.search === '?track=scratch'")
    settled(page, f"[...document.querySelectorAll('{ROWS} .track')].every(t => t.textContent === 'scratch')")
    again = visit(page.url)
    assert ids(again) == ids(page)
    assert again.get_by_role("checkbox", name="scratch").is_checked()
    page.locator("#found a").click()
    settled(page, "location.search === ''")
    assert not page.get_by_role("checkbox", name="scratch").is_checked()


def test_pages_are_turned(visit: Callable[..., Any], address: str) -> None:
    page = visit(address + TABLE)
    first = ids(page)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="2").click()
    settled(page, "document.getElementById('found').textContent.includes('page 2 of 2')")
    assert not set(first) & set(ids(page))


def test_without_scripts_links_and_the_form_do_the_same(visit: Callable[..., Any], address: str) -> None:
    page = visit(address + TABLE, scripts=False)
    page.locator("th[data-column=gap] a").click()
    assert asked(page) == {"sort": ["gap"]}
    page.get_by_role("searchbox").fill("room")
    page.get_by_role("checkbox", name="scratch").check()
    page.get_by_role("button", name="Search").click()
    assert asked(page) == {"sort": ["gap"], "q": ["room"], "track": ["scratch"]}
    names = page.locator(f"{ROWS} th").all_inner_texts()
    assert names
    assert all("room" in name for name in names)


def test_pointing_at_the_picture_tells_who_it_is_and_lights_the_row(visit: Callable[..., Any], address: str) -> None:
    page = visit(address + TABLE)
    row = ids(page)[0]
    page.locator(f"a.dot[data-id={row}]").hover(force=True)
    card = page.locator(".scatter .card")
    name = page.locator(f"{ROWS} th a").first.inner_text()
    assert name in card.inner_text()
    assert "in the test space" in card.inner_text()
    assert page.locator("tr.lit").get_attribute("data-id") == row


def test_the_picture_is_one_stop_of_the_tab_key_and_arrows_walk_through_it(
    visit: Callable[..., Any], address: str
) -> None:
    page = visit(address + TABLE)
    assert page.locator("a.dot[tabindex='0']").count() == 1
    page.locator("a.dot[tabindex='0']").focus()
    places = []
    for _ in range(5):
        places.append(page.evaluate("document.activeElement.querySelector('use').x.baseVal.value"))
        page.keyboard.press("ArrowRight")
    assert places == sorted(places)
    assert len(set(places)) > 1
    assert page.locator(".scatter .card").is_visible()
    href = page.evaluate("document.activeElement.getAttribute('href')")
    assert href.startswith("/s/")


def test_the_scheme_is_chosen_and_remembered(visit: Callable[..., Any], address: str) -> None:
    page = visit(address, scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    button = page.get_by_role("button", name="Colours")
    button.click()
    button.click()
    assert button.get_attribute("aria-label") == "Colours: dark"
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    assert page.evaluate(paper) == dark


def test_the_first_stop_leads_past_the_head_of_the_page(visit: Callable[..., Any], address: str) -> None:
    page = visit(address + TABLE)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_static_table_is_sorted_and_filtered_in_the_page(visit: Callable[..., Any], site: str) -> None:
    page = visit(site)
    assert len(ids(page)) == 128
    page.get_by_role("button", name="Gap").click()
    gaps = page.locator(f"{ROWS} td:nth-child(7) .value").all_inner_texts()
    numbers = [float(text.replace("−", "-")) for text in gaps]
    assert numbers == sorted(numbers, reverse=True)
    page.get_by_role("searchbox").fill("GRÖSSE")
    page.get_by_role("checkbox", name="scratch").check()
    names = page.locator(f"{ROWS} th").all_inner_texts()
    assert names
    assert all("Größe" in name for name in names)
    again = visit(page.url)
    assert ids(again) == ids(page)
    assert again.locator("a.dot:visible").count() == len(names)
    page.get_by_role("button", name="Clear").click()
    assert len(ids(page)) == 128


def test_a_static_table_without_scripts_is_sorted_by_score(visit: Callable[..., Any], site: str) -> None:
    page = visit(site, scripts=False)
    assert len(ids(page)) == 128
    assert not page.get_by_role("searchbox").is_visible()
