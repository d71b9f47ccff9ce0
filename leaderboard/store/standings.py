"""Standings in the database: write where a submission stands, rank, read tables, compare two submissions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from benchmark.report.evidence import ROLES
from benchmark.results import Score
from benchmark.statistics import Estimate
from benchmark.tasks import TASKS
from leaderboard.entries import Entry
from leaderboard.standings.comparison import Pair, TableComparison, compare
from leaderboard.standings.estimates_file import estimates_bytes, read_estimates
from leaderboard.standings.placing import Placed
from leaderboard.standings.rows import TableQuery, folded
from leaderboard.store.files import Files
from leaderboard.store.listing import NoSuchTable, latest, scatter, table, tables, visible, whole_table
from leaderboard.store.ranking import rank_tables, rerank
from leaderboard.store.tables import Ranking, Standing, Submitted
from sim_envs.errors import UserError

__all__ = [
    "NoSuchTable",
    "TableQuery",
    "comparison",
    "latest",
    "rank_tables",
    "record",
    "rerank",
    "scatter",
    "table",
    "tables",
    "whole_table",
]

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def record(session: Session, files: Files, entry: Entry, placed: Sequence[Placed]) -> None:
    """Write where a submission stands, in place of what was written before. Its rows have no ranks yet.

    The submission must be in the database; what it is found by is written there. Files that are kept here stay when the
    transaction fails; they are found by their content the next time.
    """
    submitted = session.get_one(Submitted, entry.id)
    submitted.suite, submitted.suite_version = entry.suite.name, entry.suite.version
    submitted.words = folded(f"{entry.about.name} {entry.model} {entry.team}")
    session.execute(delete(Standing).where(Standing.submission_id == entry.id))
    for one in placed:
        row = _standing(entry, one, files.put(estimates_bytes(one)))
        session.add(row)
        key = {name: getattr(row, name) for name in ("suite", "suite_version", "task", "protocol", "space")}
        insert = _INSERTS[session.get_bind().dialect.name]
        new = insert(Ranking).values(**key, rows=1, scored_on=one.scored_on, ranked="")
        session.execute(new.on_conflict_do_nothing())
    session.flush()


def comparison(session: Session, files: Files, first: str, second: str) -> list[TableComparison]:
    """Compare two submissions, by their ids, in every table in which both were scored on the same frames.

    Differences are the first less the second, in the main measure; p-values are Holm-corrected over all of them. Empty
    where the two share no table.

    Raises:
        UserError: a submission that is not there or not shown, or the same twice.
    """
    if first == second:
        raise UserError(f"{first} is compared with itself; name two submissions.")
    names = _names(session, first, second)
    one, two = _standings(session, first), _standings(session, second)
    pairs = [
        Pair(TASKS[key[0]], key[1], key[2], _read(files, one[key]), _read(files, two[key]))
        for key in sorted(one)
        if key in two and _same_table(one[key], two[key])
    ]
    return compare(pairs, *names)


def _standing(entry: Entry, placed: Placed, estimates: str) -> Standing:
    main = placed.task.measures[0].key
    scores = {
        measure.key: {role: Score.of(found[measure.key]) for role, found in placed.estimates.items()}
        for measure in placed.task.measures
    }
    columns: dict[str, float | None] = {}
    for role in ROLES:
        score = scores[main].get(role, Score(value=None, low=None, high=None))
        columns |= {role: score.value, f"{role}_low": score.low, f"{role}_high": score.high}
    return Standing(
        submission_id=entry.id,
        task=placed.task.name,
        protocol=placed.protocol,
        space=placed.space,
        suite=entry.suite.name,
        suite_version=entry.suite.version,
        track=entry.track,
        scored_on=placed.scored_on,
        submitted=entry.submitted,
        title=folded(entry.title),
        measures={key: {role: _triple(score) for role, score in roles.items()} for key, roles in scores.items()},
        spaces=[[part.space, part.role, *_triple(part.score)] for part in placed.spaces],
        estimates=estimates,
        **columns,
    )


def _triple(score: Score) -> list[float | None]:
    return [score.value, score.low, score.high]


def _names(session: Session, first: str, second: str) -> tuple[str, str]:
    """Return what to call two submissions: what they are called, with team or id where that is the same."""
    called = []
    for id in (first, second):
        submitted = (
            session.scalar(select(Submitted).where(Submitted.id == id, *visible())) if id.isprintable() else None
        )
        if submitted is None:
            raise UserError(f"There is no submission {id[:40]} that is scored and shown.")
        name = submitted.name or submitted.model or submitted.id
        called.append((name, f"{name} ({submitted.team.name})", f"{name} ({submitted.id})"))
    return next((one, two) for one, two in zip(*called, strict=True) if one != two)


def _standings(session: Session, id: str) -> dict[tuple[str, str, str], Standing]:
    found = session.scalars(select(Standing).where(Standing.submission_id == id))
    return {(row.task, row.protocol, row.space): row for row in found}


def _same_table(one: Standing, two: Standing) -> bool:
    return all(getattr(one, name) == getattr(two, name) for name in ("suite", "suite_version", "scored_on"))


def _read(files: Files, standing: Standing) -> dict[str, Estimate]:
    return read_estimates(files.read(standing.estimates))
