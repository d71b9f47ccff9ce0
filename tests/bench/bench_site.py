"""Seconds to build the static site of 200 submissions, the files that it has and their size. Run by ``make bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import update

from leaderboard.board import open_board
from leaderboard.entries import read_entries
from leaderboard.site import Built, build
from leaderboard.store.database import open_store
from leaderboard.store.tables import Submitted
from tests.bench.crowded_board import crowd

SUBMISSIONS = 200
RESULTS = Path(__file__).parents[2] / "leaderboard" / "results"


def test_build_a_site(benchmark: Any, tmp_path: Path) -> None:
    """Build it once; what is behind each submission's page is an entry of ours."""
    store = open_store(open_board(tmp_path / "board"))
    crowd(store, SUBMISSIONS)
    entry = store.files.put(read_entries(RESULTS)[0].as_bytes())
    with store.transaction() as session:
        session.execute(update(Submitted).where(Submitted.status == "scored").values(entry=entry))
    built: list[Built] = []
    benchmark.pedantic(lambda: built.append(build(store, tmp_path / "site")), rounds=1)
    store.engine.dispose()
    benchmark.extra_info |= {
        "submissions": built[0].submissions,
        "comparisons": built[0].comparisons,
        "files": built[0].files,
        "megabytes": round(built[0].size / 1e6, 1),
    }
    assert built[0].submissions > 0.95 * SUBMISSIONS
