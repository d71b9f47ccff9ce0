"""The pages about submissions in a real browser: seen, by keyboard, on a phone, without JavaScript.

The form has a real server and a real worker behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leaderboard.board import Settings, open_board
from leaderboard.server.serving import server
from leaderboard.store.database import Store, open_store
from leaderboard.store.suites import add_suite
from leaderboard.store.teams import issue_token, team_named
from leaderboard.worker.loop import work
from tests.browser.accessibility import violations
from tests.leaderboard.conftest import private_pack, run, submitted  # noqa: F401, fixtures
from tests.leaderboard.pages.details_kit import add_board_suite, four_entries, put

PAGES = ("/s/entry0001", "/s/entry0002/vs/entry0001", "/guide", "/submit", "/s/entry0009")
VIEWS = [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)]


@contextmanager
def served(store: Store) -> Iterator[str]:
    """Serve a board in a thread, and yield its address."""
    listens = threading.Event()
    ports: list[int] = []

    def listening(port: int) -> None:
        ports.append(port)
        listens.set()

    serving = server(store, "127.0.0.1", 0, listening)
    thread = threading.Thread(target=serving.run)
    thread.start()
    assert listens.wait(30)
    yield f"http://127.0.0.1:{ports[0]}"
    serving.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A board with four submissions, and one that was hidden."""
    store = open_store(open_board(tmp_path_factory.mktemp("board")))
    add_board_suite(store)
    *entries, last = four_entries(tmp_path_factory.mktemp("results"))
    for entry in entries:
        put(store, entry, pictures=True)
    put(store, last.model_copy(update={"id": "entry0009"}), hidden="It learned from labels of a test space.")
    with served(store) as url:
        yield url
    store.engine.dispose()


@contextmanager
def opened(browser: Any, scheme: str = "light", width: int = 1280, **options: Any) -> Iterator[Any]:
    """Open a page that notes what it complains of and asks for."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce", **options
    )
    page = context.new_page()
    page.complaints, page.asked = [], []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    context.close()


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Any, address: str, path: str, scheme: str, width: int
) -> None:
    with opened(browser, scheme, width) as page:
        page.goto(address + path)
        assert violations(page) == []
        assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_nothing_from_elsewhere_and_without_complaint(browser: Any, address: str, path: str) -> None:
    with opened(browser) as page:
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        assert [url for url in page.asked if not url.startswith(address)] == []
        assert [text for text in page.complaints if "410" not in text] == []


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
def test_another_submission_is_chosen_and_compared_by_keyboard(browser: Any, address: str, javascript: bool) -> None:
    with opened(browser, java_script_enabled=javascript) as page:
        page.goto(f"{address}/s/entry0002")
        page.locator("#other").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/vs/*")
        assert page.url == f"{address}/s/entry0002/vs/entry0000"
        assert page.locator("h1").inner_text() == "Our specialist against scratch"
        assert page.locator("svg.forest circle").count() == 4


@pytest.mark.parametrize("path", PAGES[:4])
def test_every_link_field_and_region_is_reached_by_tabbing(browser: Any, address: str, path: str) -> None:
    stops = "'a[href], button, summary, select, input, .scroll[tabindex], pre[tabindex]'"
    with opened(browser) as page:
        page.goto(address + path)
        page.evaluate(f"window.wanted = [...document.querySelectorAll({stops})].filter(stop => stop.checkVisibility())")
        wanted = set(range(page.evaluate("window.wanted.length")))
        reached: set[int] = set()
        for _ in range(2 * len(wanted) + 5):  # a browser may stop at more
            page.keyboard.press("Tab")
            reached.add(page.evaluate("window.wanted.indexOf(document.activeElement)"))
            if reached >= wanted:
                break
        assert reached >= wanted


def test_pictures_are_loaded_and_the_plot_is_drawn_in_ink_that_shows(browser: Any, address: str) -> None:
    with opened(browser, "dark") as page:
        page.goto(f"{address}/s/entry0002")
        for image in page.locator(".samples img").all():
            image.scroll_into_view_if_needed()
        page.wait_for_load_state("networkidle")
        assert set(page.locator(".samples img").evaluate_all("images => images.map(image => image.naturalWidth)")) == {
            48
        }
        page.goto(f"{address}/s/entry0002/vs/entry0001")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        for part in ("text", ".apart circle"):
            ink = page.locator(f"svg.forest {part}").first.evaluate("element => getComputedStyle(element).fill")
            assert ink != paper


@pytest.fixture(scope="module")
def taking(private_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str, str]]:  # noqa: F811
    """A board that takes the mini suite in small pieces, its address, and a token."""
    board = open_board(tmp_path_factory.mktemp("taking"))
    store = open_store(replace(board, settings=Settings(chunk_bytes=4096)))
    add_suite(store, private_pack, None, "open")
    with store.transaction() as session:
        secret = issue_token(session, team_named(session, "Lab of Rooms"), "laptop", "submit", 1)[1]
    with served(store) as url:
        yield store, url, secret
    store.engine.dispose()


def test_a_file_is_sent_in_pieces_followed_to_its_score_and_found_again(
    browser: Any,
    taking: tuple[Store, str, str],
    submitted: Path,  # noqa: F811
) -> None:
    store, url, secret = taking
    pieces = -(-submitted.stat().st_size // 4096)
    with opened(browser) as page:
        broken: list[str] = []

        def break_once(route: Any) -> None:
            if route.request.method == "PATCH" and len(broken) < 1:
                broken.append(route.request.url)
                route.abort()
            else:
                route.continue_()

        page.route("**/api/v1/uploads/*", break_once)
        page.goto(f"{url}/submit")
        page.fill("#token", secret)
        page.set_input_files("#file", submitted)
        page.locator("form.sending button").click()
        page.wait_for_selector(".transfer .message:has-text('queued')")
        patches = [asked for asked in page.asked if "/api/v1/uploads/" in asked and not asked.endswith("/finish")]
        assert len(patches) == pieces + 1
        assert len(broken) == 1
        work(store, "tester", once=True)
        page.locator(".transfer a.button", has_text="Its page").click()
        page.wait_for_url("**/s/*")
        assert page.locator("h1").inner_text() == "scratch"
        assert "scores as claimed" in page.locator(".byline").inner_text()
        id = page.url.rsplit("/", 1)[1]
        assert all(secret not in asked for asked in page.asked)
        assert [text for text in page.complaints if "ERR_FAILED" not in text] == []
    with opened(browser, "dark", 320, java_script_enabled=False) as page:
        page.goto(f"{url}/submit")
        page.fill("#token", secret)
        page.set_input_files("#file", submitted)
        page.locator("form.sending button").click()
        page.wait_for_selector(".state")
        assert page.locator(".state").inner_text() == "scored"
        assert page.url == f"{url}/submit"
        assert page.locator(".log li").count() >= 4
        page.goto(f"{url}/submit")
        page.fill("#submission", id)
        page.fill("#status-token", secret)
        page.locator("form.looking button").click()
        page.wait_for_selector(".state")
        page.locator("a.button", has_text="Its page").click()
        assert page.url == f"{url}/s/{id}"


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
def test_what_is_no_submission_is_refused_in_words(
    browser: Any, taking: tuple[Store, str, str], tmp_path: Path, javascript: bool
) -> None:
    _, url, secret = taking
    wrong = tmp_path / "wrong.zip"
    wrong.write_bytes(b"This is an archive of no kind. " * 99)
    with opened(browser, java_script_enabled=javascript) as page:
        page.goto(f"{url}/submit")
        page.fill("#token", secret)
        page.set_input_files("#file", wrong)
        page.locator("form.sending button").click()
        page.wait_for_selector("[role=alert]")
        assert "Refused (archive)" in page.locator("[role=alert]").inner_text()
        assert page.locator("form.sending button").is_enabled()


def test_a_wrong_token_is_said(browser: Any, taking: tuple[Store, str, str], tmp_path: Path) -> None:
    file = tmp_path / "file.zip"
    file.write_bytes(b"x")
    for javascript in (True, False):
        with opened(browser, java_script_enabled=javascript) as page:
            page.goto(f"{taking[1]}/submit")
            page.fill("#token", "tstb_wrong")
            page.set_input_files("#file", file)
            page.locator("form.sending button").click()
            page.wait_for_selector("[role=alert]")
            assert "token is unknown" in page.locator("[role=alert]").inner_text()
