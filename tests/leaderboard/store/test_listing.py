"""Search, filters, order and pages of a table: the same on each database as in plain Python."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from benchmark.report.evidence import TRACK_ORDER
from leaderboard.standings import records
from leaderboard.standings.rows import TableRow, folded
from leaderboard.store.database import Store
from leaderboard.store.orders import ORDERS
from leaderboard.store.standings import TableQuery, scatter, table, whole_table
from leaderboard.store.tables import Standing, Submitted
from sim_envs.errors import UserError
from tests.bench.crowded_board import SUITE, VERSION, crowd
from tests.leaderboard.standings_kit import an_entry, query, stand

CROWD = TableQuery(SUITE, VERSION, "semseg", "frozen")
KEYS: dict[str, Any] = {
    "test": lambda s: s.test,
    "held_out": lambda s: s.held_out,
    "gap": lambda s: s.gap,
    "rank": lambda s: (s.test_best + s.test_worst, s.test_best),
    "held_out_rank": lambda s: (s.held_out_best + s.held_out_worst, s.held_out_best),
    "name": lambda s: folded(s.submission.name or s.submission.model),
    "model": lambda s: s.submission.model,
    "team": lambda s: s.submission.team.key,
    "track": lambda s: TRACK_ORDER.index(s.track),
    "submitted": lambda s: s.submission.received,
    "seeds": lambda s: s.submission.seeds,
    "parameters": lambda s: s.submission.parameters,
    "frames": lambda s: s.submission.frames,
    "steps": lambda s: s.submission.steps,
    "gpu_seconds": lambda s: s.submission.gpu_seconds,
    "cpu_seconds": lambda s: s.submission.cpu_seconds,
}


@pytest.fixture
def crowded(store: Store) -> Store:
    """A small crowd, some of it equal in one column or without a score."""
    crowd(store, 40)
    with store.transaction() as session:
        numbers = [f"crowd{number:07d}" for number in range(40)]
        session.execute(update(Standing).where(Standing.submission_id.in_(numbers[:4])).values(test=None, gap=None))
        session.execute(update(Standing).where(Standing.submission_id.in_(numbers[4:8])).values(held_out=0.25))
        session.execute(update(Submitted).where(Submitted.id == numbers[9]).values(hidden="a test"))
        session.execute(update(Submitted).where(Submitted.id == numbers[10]).values(status="queued"))
    return store


def in_python(shown: list[Standing], asked: TableQuery) -> list[str]:
    """Do what a query asks for with nothing but lists."""
    found = [s for s in shown if s.submission.hidden is None and s.submission.status == "scored"]
    found = [s for s in found if not asked.tracks or s.track in asked.tracks]
    found = [s for s in found if not asked.team or s.submission.team.name == asked.team]
    for word in folded(asked.search).split():
        said = [f"{s.submission.name} {s.submission.model} {s.submission.team.name}" for s in found]
        found = [s for s, text in zip(found, said, strict=True) if word in folded(text)]
    key = KEYS[asked.sort]
    known = {s.submission_id: _value(key, s) for s in found}
    found.sort(key=lambda s: s.submission_id)
    found.sort(key=lambda s: s.submission.received, reverse=True)
    having = sorted(
        (s for s in found if known[s.submission_id] is not None),
        key=lambda s: known[s.submission_id],
        reverse=bool(asked.descending),
    )
    ids = [s.submission_id for s in [*having, *(s for s in found if known[s.submission_id] is None)]]
    return ids[(asked.page - 1) * asked.size : asked.page * asked.size]


def _value(key: Any, standing: Standing) -> Any:
    try:
        return key(standing)
    except TypeError:  # of a rank that is None
        return None


QUERIES = st.builds(
    replace,
    st.just(CROWD),
    sort=st.sampled_from(sorted(ORDERS)),
    descending=st.booleans(),
    tracks=st.lists(st.sampled_from([*TRACK_ORDER, "none' --"]), max_size=4).map(tuple),
    search=st.sampled_from(["", "", "größe", "GRÖSSE", "e", "tst- lab", "o'hara", "%", "_", "\\", "lab 1", "ﬁ", "Ｔst"])
    | st.text(max_size=3),
    team=st.sampled_from(["", "", "Lab 0", "Lab 1", "lab 1", "\x00"]),
    page=st.integers(1, 4),
    size=st.integers(1, 50),
)


def test_every_column_has_a_reference_here() -> None:
    assert set(KEYS) == set(ORDERS)


def test_a_page_is_what_plain_python_finds(crowded: Store) -> None:
    with crowded.reading() as session:
        all_of_it = select(Standing).where(Standing.task == "semseg", Standing.space == "")
        shown = list(session.scalars(all_of_it).unique())

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(asked=QUERIES)
        def check(asked: TableQuery) -> None:
            page = table(session, asked)
            assert [row.id for row in page.rows] == in_python(shown, asked)
            everyone = replace(asked, page=1, size=1000)
            assert page.total == len(in_python(shown, everyone))
            assert sum(page.tracks.values()) == len(in_python(shown, replace(everyone, tracks=())))
            assert page.pages == max(1, -(-page.total // asked.size))

        check()


@pytest.mark.parametrize(("sort", "best"), [("test", True), ("gap", True), ("rank", False), ("parameters", False)])
def test_the_best_come_first_unless_asked_otherwise(crowded: Store, sort: str, best: bool) -> None:
    with crowded.reading() as session:
        page = table(session, replace(CROWD, sort=sort))
        assert page.descending is best
        assert page.rows == table(session, replace(CROWD, sort=sort, descending=best)).rows


def test_what_is_better_low_comes_first_from_below(crowded: Store) -> None:
    with crowded.reading() as session:
        measure = table(session, CROWD).measures[0]
    assert not ORDERS["test"].descending(None, replace(measure, higher_is_better=False))
    assert ORDERS["test"].descending(None, replace(measure, higher_is_better=True))


def test_letters_are_found_however_they_are_written(store: Store) -> None:
    stand(store, an_entry(1, name="Größe Ａ", team="Équipe"))
    with store.reading() as session:
        for search in ("GRÖSSE", "gro\u0308sse a", "équipe", "e\u0301quipe größe", "TST"):
            assert table(session, query(search=search)).total == 1, search
        for search in ("grosse", "tst mae", "größe.a"):
            assert table(session, query(search=search)).total == 0, search


def test_what_is_found_is_no_pattern(crowded: Store) -> None:
    with crowded.reading() as session:
        for search in ("%", "_", "t%t", "' OR 1=1 --", "a\x00", "\ud800", "x " * 5000):
            assert table(session, replace(CROWD, search=search)).total == 0, search


@pytest.mark.parametrize("changes", [{"sort": "id; DROP"}, {"page": 0}, {"page": -(10**30)}, {"size": 0}])
def test_a_query_that_makes_no_sense_is_refused(crowded: Store, changes: dict[str, Any]) -> None:
    with crowded.reading() as session, pytest.raises(UserError):
        table(session, replace(CROWD, **changes))


def test_a_page_beyond_the_last_is_empty(crowded: Store) -> None:
    with crowded.reading() as session:
        page = table(session, replace(CROWD, page=10**30))
    assert page.rows == ()
    assert page.total == 38


def test_a_picture_has_the_first_rows_that_have_both_scores(crowded: Store) -> None:
    with crowded.reading() as session:
        dots = scatter(session, CROWD, 10)
        rows = [row for row in whole_table(session, CROWD).rows if _both(row)][:10]
    assert [dot.id for dot in dots] == [row.id for row in rows]
    assert [dot.test for dot in dots] == [row.test.score for row in rows if row.test]


def test_a_dot_says_what_its_row_says(store: Store) -> None:
    stand(store, an_entry(1, name="Wide"))
    with store.reading() as session:
        (dot,), (row,) = scatter(session, query()), table(session, query()).rows
    assert (dot.id, dot.name, dot.team, dot.track) == (row.id, "Wide", row.team, row.track)
    assert (dot.test, dot.held_out) == (row.test and row.test.score, row.held_out and row.held_out.score)


def _both(row: TableRow) -> bool:
    return None not in (row.test and row.test.score.value, row.held_out and row.held_out.score.value)


def test_downloads_hold_the_same_records_in_every_format(crowded: Store) -> None:
    with crowded.reading() as session:
        page = whole_table(session, CROWD)
    rows = records.json_rows(page)
    assert len(rows) == 38 * 3 * 3  # submissions × measures × roles
    assert json.loads(json.dumps(rows)) == rows
    parquet = pd.read_parquet(io.BytesIO(records.parquet_bytes(page)))
    csv = pd.read_csv(io.StringIO(records.csv_text(page)), keep_default_na=False, dtype=str)
    assert list(parquet.columns) == list(csv.columns) == list(records.COLUMNS) == list(rows[0])
    for name, kind in records.COLUMNS.items():
        expected = [row[name] for row in rows]
        assert [None if pd.isna(value) else value for value in parquet[name]] == expected
        if kind is not bool:
            assert [kind(value) if value != "" else None for value in csv[name]] == expected


def test_a_download_tells_nothing_about_single_trajectories(store: Store) -> None:
    stand(store, an_entry(1))
    with store.reading() as session:
        page = whole_table(session, query())
    assert not {"statistics", "sums", "trajectories", "estimates"} & set(records.json_rows(page)[0])


def test_a_name_is_no_formula_in_a_spreadsheet(store: Store) -> None:
    names = ("=1+1", "+A1", "-2", "@SUM(A1)")
    for number, name in enumerate(names):
        stand(store, an_entry(number, name=name, spaces=("builtin/flat-01",)))
    with store.reading() as session:
        page = whole_table(session, query())
    csv = pd.read_csv(io.StringIO(records.csv_text(page)), dtype=str)
    assert set(csv["name"]) == {f"'{name}" for name in names}
    assert {row["name"] for row in records.json_rows(page)} == set(names)
