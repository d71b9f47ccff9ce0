"""The guide says what the code does: its numbers, names and rules are those of the objects that the code goes by."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from baselines.ledger import Track
from benchmark.cli import app
from leaderboard.board import Settings
from leaderboard.custody import CONTAMINATION, CUSTODY
from leaderboard.entries import Entry
from leaderboard.pages.guide import guide_page, size_text
from leaderboard.pages.urls import LiveUrls, StaticUrls
from leaderboard.refusal import REFUSALS
from leaderboard.store.database import Store
from leaderboard.store.suites import suite_named
from tests.leaderboard.pages.details_kit import add_board_suite, put

SETTINGS = Settings(
    title="The Board of Rooms",
    contact="board@example.org",
    url="https://board.example",
    submissions_per_day=7,
    requests_per_minute=123,
    writes_per_minute=45,
    archive_bytes=3 << 20,
    upload_hours=36,
    scoring_seconds=1200,
    scoring_memory_bytes=5 << 29,
    scoring_disk_bytes=3 << 30,
)


def words(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page)))


def of_board(store: Store) -> str:
    return guide_page(Store(replace(store.board, settings=SETTINGS), store.engine), LiveUrls(SETTINGS.url))


def test_quotas_limits_and_contact_are_those_of_the_settings(shown_board: Store) -> None:
    said = words(of_board(shown_board))
    for expected in (
        "7 submissions of a team in 24 hours",
        "at most 3 MiB",
        "may go on for 36.0 h",
        "at most 20 min, 2.5 GiB of memory and 3 GiB of disk",
        "123 requests a minute from an address, 45 requests a minute with a token",
        "a wish to be removed: board@example.org",
    ):
        assert expected in said


def test_every_refusal_track_and_rule_is_there(shown_board: Store) -> None:
    page = of_board(shown_board)
    said = words(page)
    for reason, advice in REFUSALS.items():
        assert f"<code>{reason}</code>" in page
        assert advice in said
    for track in Track:
        assert track.value in said
    for rule in (*CUSTODY, CONTAMINATION):
        for paragraph in rule.paragraphs:
            assert paragraph in said


def test_suites_say_whose_labels_they_have_whether_they_are_taken_and_which_code(store: Store) -> None:
    add_board_suite(store, "hidden")
    with store.transaction() as session:
        suite = suite_named(session, "mini", 3)
        suite.code = ["ab" * 32]
        suite.public_pack = "cd" * 32
    page = of_board(store)
    assert "hidden labels" in page
    assert '<code title="' + "ab" * 32 in page
    assert 'href="/packs/mini/v3/frames.zip"' in page
    assert "tst-bench predict" in page
    with store.transaction() as session:
        suite_named(session, "mini", 3).closed = suite.added
    assert "closed 2026-11-01" in words(of_board(store))


def test_an_empty_board_has_a_guide_too(store: Store) -> None:
    assert "None yet." in guide_page(store, LiveUrls())
    assert "Nothing is waiting" not in guide_page(store, StaticUrls("guide.html"))


def test_how_long_scoring_takes_is_measured(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[0])
    put(store, entries[1], status="queued")
    said = words(of_board(store))
    assert "1 submission is on the way" in said
    assert "half took less than 2 min" in said


def test_every_command_of_the_guide_exists_with_its_options(store: Store) -> None:
    add_board_suite(store, "hidden")
    page = html.unescape(of_board(store)).replace("\\\n", " ")
    blocks = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("tst-bench ")]
    assert len(lines) == 4
    for line in lines:
        command = line.split()[1]
        told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert told.exit_code == 0, line
        for option in re.findall(r" (--[a-z-]+)", line):
            assert option in told.output, line


@pytest.mark.parametrize(
    ("count", "text"), [(512, "512 bytes"), (1536, "1.5 KiB"), (8 << 20, "8 MiB"), (2 << 30, "2 GiB")]
)
def test_sizes_are_readable(count: int, text: str) -> None:
    assert size_text(count) == text
