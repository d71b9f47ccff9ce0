"""Seconds to the first byte of a board's pages, with 10,000 submissions, over HTTP from a server process of its own.

One reader at a time. Run by ``make bench``; ``extra_info`` holds the milliseconds to the first byte (median and worst),
the processor time the server took for a page, and its size. On PostgreSQL where that is installed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from leaderboard.board import open_board
from leaderboard.entries import read_entries
from leaderboard.store.database import open_store
from leaderboard.store.tables import Submitted
from tests.bench.crowded_board import crowd
from tests.bench.served_board import Answer, Served, get, served
from tests.leaderboard.database_kit import DATABASES, running_cluster

SUBMISSIONS, ROUNDS = 10_000, 8
KEPT_SECONDS = 1.2  # a server answers with the same page for a second
ONE, OTHER = "crowd0000001", "crowd0000002"
TABLE = "/t/builtin-v1/v1/semseg/frozen"
PAGES = {
    "home": "/",
    "table": TABLE,
    "table by gap": f"{TABLE}?sort=gap",
    "table searched": f"{TABLE}?q=spatial+lab",
    "table of one space": f"{TABLE}?space=builtin/flat-01",
    "last page of a table": f"{TABLE}?page=98",
    "submission": f"/s/{ONE}",
    "comparison": f"/s/{ONE}/vs/{OTHER}",
    "feed": "/feed.atom",
}
RESULTS = Path(__file__).parents[2] / "leaderboard" / "results"


def fill(folder: Path, database: str | None) -> None:
    """Make a board of nobody's submissions, one of which has an entry of ours behind its page."""
    store = open_store(open_board(folder, database))
    crowd(store, SUBMISSIONS)
    entry = store.files.put(read_entries(RESULTS)[0].as_bytes())
    with store.transaction() as session:
        assert session.scalar(select(Submitted.status).where(Submitted.id == ONE)) == "scored"
        session.execute(update(Submitted).where(Submitted.id == ONE).values(entry=entry))
    store.engine.dispose()


@pytest.fixture(scope="module", params=DATABASES)
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve 10,000 submissions."""
    folder = tmp_path_factory.mktemp("board")
    if request.param == "sqlite":
        fill(folder, None)
        with served(folder) as server:
            yield server
        return
    with running_cluster() as cluster:
        database = cluster.new_database()
        fill(folder, database)
        with served(folder, database) as server:
            yield server


@pytest.mark.parametrize("page", PAGES)
def test_first_byte(benchmark: Any, board: Served, page: str) -> None:
    """Read a page over one connection, after two visits that warm it up, when the one before is not kept any more."""
    connection = HTTPConnection(board.host)
    answers: list[Answer] = []
    for _ in range(2):
        get(connection, PAGES[page])
    before = board.processor_seconds()
    benchmark.pedantic(
        lambda: answers.append(get(connection, PAGES[page])), setup=lambda: time.sleep(KEPT_SECONDS), rounds=ROUNDS
    )
    took = board.processor_seconds() - before
    first = 1000 * np.array([answer.first_byte for answer in answers])
    benchmark.extra_info |= {
        "first_byte_ms": round(float(np.median(first)), 1),
        "worst_first_byte_ms": round(float(first.max()), 1),
        "processor_ms": round(1000 * took / len(answers), 1),
        "page_kb": round(answers[0].size / 1000),
    }
    assert {answer.status for answer in answers} == {200}
