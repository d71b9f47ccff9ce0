"""The static site: the pages of a board as files, whole, the same for the same entries, no link in them dangling."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from leaderboard.entries import Entry
from leaderboard.site import ABOUT, build
from leaderboard.store.database import Store
from leaderboard.store.from_entries import board_of_entries
from leaderboard.truth import Truth
from sim_envs.errors import UserError
from tests.leaderboard.entries_kit import entry_of

LINKS = {"href", "src", "action", "poster", "data", "xlink:href"}
PAPER = "https://example.org/paper"


@pytest.fixture(scope="module")
def entries(submitted: Path, truth: Truth) -> list[Entry]:
    """Three submissions that score the same, the last of them with links."""
    first = entry_of(submitted, truth)
    linked = first.about.model_copy(update={"name": "<b>bold</b> & co", "paper": PAPER, "description": "words"})
    again = [first.model_copy(update={"id": f"entry{n}", "team": f"Team {n}"}) for n in (1, 2)]
    return [first, again[0], again[1].model_copy(update={"about": linked})]


@pytest.fixture(scope="module")
def store(entries: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = board_of_entries(entries, tmp_path_factory.mktemp("board"))
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def site(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "out"
    build(store, out)
    return out


class Links(HTMLParser):
    """Collects (tag, target) of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.ids: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, value or "") for name, value in attrs if name in LINKS]
        self.ids.update(value or "" for name, value in attrs if name == "id")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_link_of_every_page_leads_to_a_file_of_the_site(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        for tag, target in Links(page).found:
            link = urlsplit(target)
            if link.scheme or link.netloc:
                assert (tag, target) == ("a", PAPER), page
                continue
            aim = (page.parent / unquote(link.path)).resolve() if link.path else page
            assert aim.is_file(), f"{page.relative_to(site)}: {target}"
            assert aim.is_relative_to(site)
            if link.fragment:
                assert link.fragment in Links(aim).ids, f"{page.relative_to(site)}: {target}"


def test_nothing_in_style_sheets_and_scripts_comes_from_elsewhere(site: Path) -> None:
    for path in (site / "static").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert not re.search(r"https?://|url\(\s*['\"]?//", text), path


def test_there_is_a_page_for_every_table_submission_and_pair(site: Path, entries: list[Entry]) -> None:
    found = files(site)
    ids = [entry.id for entry in entries]
    for task in ("semseg", "detection", "captioning", "retrieval"):
        for space in ("all", "in/builtin/flat-01", "in/builtin/flat-02"):
            for kind in ("html", "csv", "json", "parquet"):
                assert f"t/mini/v3/{task}/frozen/{space}.{kind}" in found
    assert {f"s/{one}.html" for one in ids} <= set(found)
    assert {f"s/{one}/vs/{two}.html" for one in ids for two in ids if one != two} <= set(found)
    assert {"index.html", "guide.html", "feed.atom", ABOUT} <= set(found)


def test_a_table_names_every_submission_and_what_is_written_by_users_is_escaped(
    site: Path, entries: list[Entry]
) -> None:
    text = (site / "t/mini/v3/semseg/frozen/all.html").read_text(encoding="utf-8")
    assert all(f'href="../../../../../s/{entry.id}.html"' in text for entry in entries)
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; co" in text
    assert not any("<b>bold" in page.read_text(encoding="utf-8") for page in site.rglob("*.html"))


def test_downloads_hold_scores_and_no_sums(site: Path) -> None:
    rows = json.loads((site / "t/mini/v3/semseg/frozen/all.json").read_text(encoding="utf-8"))
    assert {row["measure"] for row in rows} >= {"miou"}
    assert not any("statistics" in name for name in files(site))
    assert not any(b'"sums"' in content or b'"trajectories"' in content for content in files(site).values())


def test_the_same_entries_in_any_order_give_the_same_bytes(site: Path, entries: list[Entry], tmp_path: Path) -> None:
    again = board_of_entries(entries[::-1], tmp_path / "board")
    build(again, tmp_path / "site")
    again.engine.dispose()
    assert files(tmp_path / "site") == files(site)


def test_a_site_is_replaced_as_a_whole(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "site"
    build(store, out)
    stray = out / "s" / "of-an-older-board.html"
    stray.write_text("old", encoding="utf-8")
    build(store, out)
    assert not stray.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(store: Store, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(UserError, match="something else"):
        build(store, tmp_path)
    assert files(tmp_path) == {"thesis.tex": b"years of work"}


def test_what_fails_on_the_way_leaves_the_site_that_was_there(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    build(store, out)
    before = files(out)

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leaderboard.site.guide_page", full)
    with pytest.raises(UserError, match="disk is full"):
        build(store, out)
    assert files(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_an_address_makes_the_links_of_the_feed_absolute(store: Store, tmp_path: Path) -> None:
    build(store, tmp_path / "site", url="https://board.example/tst/")
    text = (tmp_path / "site" / "feed.atom").read_text(encoding="utf-8")
    assert 'href="https://board.example/tst/s/entry1.html"' in text


def test_entries_that_disagree_about_a_suite_are_refused(entries: list[Entry], tmp_path: Path) -> None:
    other = entries[1].model_copy(update={"custody": "hidden"})
    with pytest.raises(UserError, match="mini v3"):
        board_of_entries([entries[0], other], tmp_path)
