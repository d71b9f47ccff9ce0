"""How long a board takes to find a page of a table of ten thousand submissions, and to rank tables of some sizes.

Run by ``make bench``. The board is that of ``crowded_board``, in SQLite; times are those of the queries and of making
rows of them, without a page around.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmark.statistics import Estimate, Sample, bootstrap
from leaderboard.board import open_board
from leaderboard.standings import TableQuery, ranks
from leaderboard.store.database import Store, open_store
from leaderboard.store.standings import rank_tables, scatter, table, tables
from tests.bench.crowded_board import SUITE, VERSION, crowd

QUERY = TableQuery(SUITE, VERSION, "semseg", "frozen")
QUERIES = {
    "first page": QUERY,
    "last page": replace(QUERY, page=97),
    "by cost": replace(QUERY, sort="gpu_seconds"),
    "by name": replace(QUERY, sort="name"),
    "search": replace(QUERY, search="größe deep"),
    "two tracks": replace(QUERY, tracks=("scratch", "adapted")),
    "one team": replace(QUERY, team="Lab 7"),
}


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_store(open_board(tmp_path_factory.mktemp("crowd")))
    crowd(store)
    return store


@pytest.mark.parametrize("name", QUERIES)
def test_page(benchmark: Any, crowded: Store, name: str) -> None:
    def read() -> int:
        with crowded.reading() as session:
            return table(session, QUERIES[name]).total

    assert benchmark(read) > 0


def test_list_of_tables(benchmark: Any, crowded: Store) -> None:
    def read() -> int:
        with crowded.reading() as session:
            return len(tables(session))

    assert benchmark(read) == 2


def test_picture_of_five_hundred(benchmark: Any, crowded: Store) -> None:
    def read() -> int:
        with crowded.reading() as session:
            return len(scatter(session, QUERY))

    assert benchmark(read) == 500


def test_finding_that_no_table_has_to_be_ranked(benchmark: Any, crowded: Store) -> None:
    assert benchmark.pedantic(lambda: rank_tables(crowded), rounds=3) == 0


@pytest.mark.parametrize("count", [30, 100, 1000])
def test_ranks(benchmark: Any, count: int) -> None:
    rng = np.random.default_rng(0)
    found = [_model(rng, 0.3 + 0.3 * number / count) for number in range(count)]
    assert len(benchmark.pedantic(lambda: ranks(found, True), rounds=1 if count > 100 else 3)) == count


def _model(rng: np.random.Generator, level: float) -> Estimate:
    values = level + rng.normal(0, 0.03, (3, 8))
    sums = np.stack([np.full(values.shape, 100.0), 100 * values], axis=-1)
    return bootstrap([Sample("s/a", (0, 1, 2), sums, lambda s: {"m": s[..., 1] / s[..., 0]})])["m"]
