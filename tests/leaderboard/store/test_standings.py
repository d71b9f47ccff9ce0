"""Standings in the database, on each kind: what is written comes back, is ranked, and what is hidden is nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import select

from benchmark.results import Score
from benchmark.statistics import holm, rank_intervals
from leaderboard.entries import Entry
from leaderboard.standings import place
from leaderboard.store import ranking
from leaderboard.store.database import Store
from leaderboard.store.standings import (
    NoSuchTable,
    TableQuery,
    comparison,
    latest,
    rank_tables,
    rerank,
    scatter,
    table,
    tables,
)
from leaderboard.store.tables import Standing, Submitted
from sim_envs.errors import UserError
from tests.leaderboard.standings_kit import SUITE, TEST_SPACES, VERSION, an_entry, query, stand


def ranked(store: Store) -> int:
    with store.transaction() as session:
        return rerank(session, store.files, SUITE, VERSION)


def set_hidden(store: Store, entry: Entry, why: str | None) -> None:
    with store.transaction() as session:
        session.get_one(Submitted, entry.id).hidden = why


def ranks_in(store: Store, asked: TableQuery) -> dict[str, tuple[int, int] | None]:
    with store.reading() as session:
        return {row.id: row.test.ranks for row in table(session, asked).rows if row.test}


def test_a_row_says_what_the_entry_says(store: Store) -> None:
    entry = an_entry(seeds=2, name="Wide", team="Lab", parameters=7)
    stand(store, entry)
    with store.reading() as session:
        page = table(session, query(space=TEST_SPACES[0]))
    (row,) = page.rows
    own = place(entry)[1]
    assert (row.id, row.name, row.model, row.team, row.track) == (entry.id, "Wide", "tst", "Lab", "sensors-only")
    assert (row.submitted, row.seeds, row.as_claimed, row.outdated) == (entry.submitted, 2, True, False)
    assert (row.parameters, row.frames, row.steps, row.cpu_seconds) == (7, 10, 20, 5.0)
    assert row.measures == {
        measure.key: {role: Score.of(found[measure.key]) for role, found in own.estimates.items()}
        for measure in own.task.measures
    }
    assert row.test is not None
    assert row.held_out is not None
    assert (row.test.score, row.held_out.score, row.gap) == tuple(
        Score.of(own.estimates[role]["delta1"]) for role in ("test", "held_out", "gap")
    )
    assert row.spaces == own.spaces
    assert (page.total, page.pages, page.tracks) == (1, 1, {"sensors-only": 1})
    assert page.spaces == TEST_SPACES
    assert page.protocols == ("frozen",)


def test_every_table_is_listed_once_with_its_spaces_and_number_of_rows(store: Store) -> None:
    stand(store, an_entry(1, tasks=("depth", "semseg")))
    stand(store, an_entry(2))
    ranked(store)
    with store.reading() as session:
        found = [(key.task, key.protocol, key.protocols, key.spaces, key.rows) for key in tables(session)]
    assert found == [
        ("depth", "frozen", ("frozen",), TEST_SPACES, 2),
        ("semseg", "frozen", ("frozen",), TEST_SPACES, 1),
    ]


def test_what_is_scored_again_takes_the_place_of_what_was_there(store: Store) -> None:
    stand(store, an_entry(1, 0.5, tasks=("depth", "semseg")))
    better = an_entry(1, 0.8, tasks=("depth",))
    stand(store, better)
    with store.reading() as session:
        assert len(session.scalars(select(Standing)).all()) == 3
        (row,) = table(session, query()).rows
    assert row.test is not None
    assert row.test.score == Score.of(place(better)[0].estimates["test"]["delta1"])


def test_ranks_are_those_of_a_report_on_the_same_results(store: Store) -> None:
    entries = [an_entry(number, skill) for number, skill in enumerate((0.3, 0.9, 0.6, 0.61, 0.62), start=1)]
    for entry in entries:
        stand(store, entry)
    assert ranked(store) == 3
    for position, space in enumerate(("", *TEST_SPACES)):
        for role in ("test", "held_out"):
            expected = rank_intervals([place(entry)[position].estimates[role]["delta1"] for entry in entries])
            with store.reading() as session:
                rows = {row.id: getattr(row, role).ranks for row in table(session, query(space=space)).rows}
            assert [rows[entry.id] for entry in entries] == expected
    assert ranks_in(store, query())[entries[1].id] == (1, 1)


def test_nothing_is_done_where_nothing_changed(store: Store) -> None:
    stand(store, an_entry(1, tasks=("depth", "semseg")))
    assert ranked(store) == 6
    assert ranked(store) == 0
    assert rank_tables(store) == 0
    stand(store, an_entry(2, tasks=("semseg",)))
    assert rank_tables(store) == 3
    assert ranked(store) == 0


def test_ranking_stops_where_something_else_waits_and_goes_on_the_next_time(store: Store) -> None:
    stand(store, an_entry(1))
    assert rank_tables(store, enough=lambda: True) == 1
    assert ranks_in(store, query()) == {"made0001": (1, 1)}  # the mean comes first
    assert ranks_in(store, query(space=TEST_SPACES[0])) == {"made0001": None}
    assert rank_tables(store) == 2


def test_hidden_submissions_and_those_that_are_scored_again_are_nowhere(store: Store) -> None:
    seen, hidden, again = an_entry(1, 0.3), an_entry(2, 0.6), an_entry(3, 0.9)
    for entry in (seen, hidden, again):
        stand(store, entry)
    ranked(store)
    set_hidden(store, hidden, "broke the rules")
    with store.transaction() as session:
        session.get_one(Submitted, again.id).status = "queued"
    ranked(store)
    assert ranks_in(store, query()) == {seen.id: (1, 1)}
    with store.reading() as session:
        assert [row.id for row in scatter(session, query())] == [seen.id]
        assert [row.id for row in latest(session, 9)] == [seen.id]
        assert [key.rows for key in tables(session)] == [1]
        assert table(session, query()).total == 1
        for entry in (hidden, again):
            with pytest.raises(UserError, match="no submission"):
                comparison(session, store.files, seen.id, entry.id)


def test_a_submission_that_is_shown_again_is_ranked_again(store: Store) -> None:
    one, other = an_entry(1, 0.3), an_entry(2, 0.9)
    stand(store, one)
    stand(store, other, hidden="for now")
    ranked(store)
    assert ranks_in(store, query()) == {one.id: (1, 1)}
    set_hidden(store, other, None)
    assert ranked(store) == 3
    assert ranks_in(store, query()) == {other.id: (1, 1), one.id: (2, 2)}


def test_a_table_without_rows_is_not_listed_and_can_still_be_opened(store: Store) -> None:
    entry = an_entry()
    stand(store, entry)
    set_hidden(store, entry, "gone")
    ranked(store)
    with store.reading() as session:
        assert tables(session) == []
        page = table(session, query())
    assert (page.rows, page.total, page.pages) == ((), 0, 1)


def test_rows_scored_on_an_older_truth_have_no_ranks_until_they_are_scored_again(store: Store) -> None:
    old, new = an_entry(1, 0.9), an_entry(2, 0.4, recording="12" * 32)
    stand(store, old)
    stand(store, new)
    ranked(store)
    with store.reading() as session:
        rows = {row.id: row for row in table(session, query()).rows}
        assert comparison(session, store.files, old.id, new.id) == []
    assert (rows[old.id].outdated, rows[new.id].outdated) == (True, False)
    assert ranks_in(store, query()) == {old.id: None, new.id: (1, 1)}
    stand(store, an_entry(1, 0.9, recording="12" * 32), at=new.scored)
    ranked(store)
    assert ranks_in(store, query()) == {old.id: (1, 1), new.id: (2, 2)}


def test_ranks_of_rows_that_changed_meanwhile_are_not_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = an_entry(1, 0.3), an_entry(2, 0.9)
    stand(store, one)
    really, came = ranking.ranks, iter([lambda: stand(store, other)])

    def ranks_while_another_comes(*arguments: object) -> object:
        next(came, lambda: None)()
        return really(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ranking, "ranks", ranks_while_another_comes)
    assert rank_tables(store) == 0
    assert ranks_in(store, query()) == {other.id: None, one.id: None}
    assert rank_tables(store) == 3
    assert ranks_in(store, query()) == {other.id: (1, 1), one.id: (2, 2)}


def test_two_submissions_are_compared_from_their_files_as_from_their_entries(store: Store) -> None:
    first, second = an_entry(1, 0.8, seeds=2, tasks=("depth", "semseg")), an_entry(2, 0.5, tasks=("depth", "semseg"))
    stand(store, first)
    stand(store, second)
    with store.reading() as session:
        found = comparison(session, store.files, first.id, second.id)
    raw = []
    for one, other, compared in zip(place(first), place(second), found, strict=True):
        assert (compared.task.name, compared.protocol, compared.space) == (one.task.name, "frozen", one.space)
        main = one.task.measures[0].key
        for part in compared.parts:
            difference = one.estimates[part.role][main] - other.estimates[part.role][main]
            assert part.difference.interval == difference.interval
            np.testing.assert_array_equal(part.difference.draws, difference.draws)
            raw.append(difference.p_value)
    assert [part.p_value for compared in found for part in compared.parts] == holm(raw)
    assert len(raw) == 2 * 3 * 3  # tasks × tables × roles


def test_a_comparison_says_who_is_better_by_name_and_team_where_names_are_equal(store: Store) -> None:
    first, second = an_entry(1, 0.9, name="Same", team="A"), an_entry(2, 0.2, name="Same", team="B")
    stand(store, first)
    stand(store, second)
    with store.reading() as session:
        words = comparison(session, store.files, first.id, second.id)[0].words
    assert words.startswith("δ<1.25: Same (A) is better than Same (B) in the test space (+")


def test_submissions_that_share_no_table_have_nothing_to_compare(store: Store) -> None:
    stand(store, an_entry(1, tasks=("depth",)))
    stand(store, an_entry(2, tasks=("semseg",)))
    with store.reading() as session:
        assert comparison(session, store.files, "made0001", "made0002") == []


def test_what_cannot_be_compared_is_said(store: Store) -> None:
    stand(store, an_entry(1))
    with store.reading() as session:
        for other in ("nobody", "made\x00", "made0001", "x' OR 1=1 --"):
            with pytest.raises(UserError, match=r"no submission|with itself"):
                comparison(session, store.files, "made0001", other)


def test_a_table_that_is_not_there_is_said_to_be_missing(store: Store) -> None:
    stand(store, an_entry(1))
    fields: dict[str, object] = {"suite": SUITE, "version": VERSION, "task": "depth", "protocol": "frozen"}
    others: list[dict[str, object]] = [
        {"suite": "other"},
        {"suite": "mi\x00ni"},
        {"version": 4},
        {"version": 10**30},
        {"version": -1},
        {"task": "depth' --"},
        {"protocol": "finetune"},
        {"space": "builtin/flat-99"},
        {"space": "\ud800"},
    ]
    with store.reading() as session:
        assert table(session, TableQuery(**fields)).total == 1  # type: ignore[arg-type]
        for changes in others:
            with pytest.raises(NoSuchTable, match="There is no table"):
                table(session, TableQuery(**(fields | changes)))  # type: ignore[arg-type]
