"""The feed is Atom as RFC 4287 has it, whatever people call their submissions."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from fastapi.testclient import TestClient

from leaderboard.board import Settings
from leaderboard.entries import Entry
from leaderboard.manifest import About
from leaderboard.pages.feed import NEWEST, feed
from leaderboard.pages.urls import LiveUrls, StaticUrls
from leaderboard.store.database import Store
from leaderboard.store.tables import Submitted
from tests.leaderboard.pages.conftest import client_of
from tests.leaderboard.pages.details_kit import add_board_suite, put

ATOM = {"a": "http://www.w3.org/2005/Atom"}


def texts(element: ET.Element, path: str) -> list[str]:
    return [found.text or "" for found in element.findall(path, ATOM)]


def test_feed_and_entries_have_all_that_is_required(client: TestClient) -> None:
    answer = client.get("/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = ET.fromstring(answer.content)
    assert root.tag == "{http://www.w3.org/2005/Atom}feed"
    entries = root.findall("a:entry", ATOM)
    assert len(entries) == 4
    for element in (root, *entries):
        for required in ("a:id", "a:title", "a:updated"):
            assert len(texts(element, required)) == 1
            assert texts(element, required)[0]
        assert datetime.fromisoformat(texts(element, "a:updated")[0].replace("Z", "+00:00")).tzinfo is not None
        assert urlsplit(texts(element, "a:id")[0]).scheme == "urn"
        (alternate,) = element.findall("a:link[@rel='alternate']", ATOM)
        assert urlsplit(alternate.get("href")).netloc == "board.example"
    assert all(len(texts(entry, "a:author/a:name")) == 1 for entry in entries)
    ids = [text for element in (root, *entries) for text in texts(element, "a:id")]
    assert len(set(ids)) == 5
    (self_link,) = root.findall("a:link[@rel='self']", ATOM)
    assert self_link.get("href") == "http://board.example/feed.atom"


def test_the_newest_comes_first_and_the_feed_is_as_new_as_that(client: TestClient) -> None:
    root = ET.fromstring(client.get("/feed.atom").content)
    stamps = texts(root, "a:entry/a:updated")
    assert stamps == sorted(stamps, reverse=True)
    assert texts(root, "a:updated") == stamps[:1]
    assert texts(root, "a:entry/a:title")[1] == "Our specialist by Kitchen Vision Group in mini v3"


def test_an_entry_says_scores_and_ranks(client: TestClient) -> None:
    summary = texts(ET.fromstring(client.get("/feed.atom").content), "a:entry/a:summary")[1]
    assert re.search(r"semseg, finetune: mIoU \d+\.\d % in the test space \(rank 1–2\), \d+\.\d % in held-out", summary)
    assert summary.endswith("Cross-modal masked modelling in one flat.")


def test_whatever_a_submission_is_called_comes_out_as_it_is(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    name = "]]></title><script>alert('&amp;')</script> <!-- ‮ ＜"
    about = About(name=name, description="<b>&nbsp;</b>" + "w" * 900)
    put(store, entries[0].model_copy(update={"about": about, "team": '"Team" <&>'}))
    root = ET.fromstring(feed(store, LiveUrls("http://board.example")))
    assert texts(root, "a:entry/a:title") == [f'{name} by "Team" <&> in mini v3']
    assert texts(root, "a:entry/a:author/a:name") == ['"Team" <&>']
    assert texts(root, "a:entry/a:summary")[0].endswith(about.description)
    assert not [element for element in root.iter() if not element.tag.startswith("{http://www.w3.org/2005/Atom}")]


def test_an_empty_board_has_a_feed(store: Store) -> None:
    root = ET.fromstring(feed(store, StaticUrls("feed.atom")))
    assert texts(root, "a:entry/a:title") == []
    assert len(texts(root, "a:updated")) == 1


def test_hidden_and_waiting_submissions_are_not_in_it_and_only_so_many(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[0])
    put(store, entries[1], hidden="for a reason")
    with store.transaction() as session:
        first = session.get_one(Submitted, "entry0000")
        columns = {column.name: getattr(first, column.name) for column in Submitted.__table__.columns}
        for number in range(NEWEST + 5):
            finished = first.finished + timedelta(minutes=number)  # type: ignore[operator]
            new = {"id": f"more{number:03d}", "sha256": f"{number:064x}", "finished": finished}
            session.add(Submitted(**(columns | new | ({"status": "queued"} if number == 54 else {}))))
    root = ET.fromstring(feed(store, LiveUrls("")))
    links = [link.get("href") for link in root.findall("a:entry/a:link", ATOM)]
    assert links == [f"/s/more{number:03d}" for number in range(53, 3, -1)]


def test_links_begin_with_the_address_of_the_settings_wherever_it_was_asked(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[0])
    board = replace(store.board, settings=Settings(url="https://tst.example.org"))
    root = ET.fromstring(client_of(Store(board, store.engine)).get("/feed.atom").content)
    assert {urlsplit(link.get("href")).netloc for link in root.iter(f"{{{ATOM['a']}}}link")} == {"tst.example.org"}
