"""Read tables: pages of rows, what tables there are, pictures' dots, the newest submissions.

Only submissions that were scored and are not hidden are ever seen here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, select
from sqlalchemy.orm import Session
from typing_extensions import TypeVarTuple, Unpack

from benchmark.report.evidence import TRACK_ORDER
from benchmark.results import Score
from benchmark.tasks import TASKS
from leaderboard.standings.placing import SpaceScore
from leaderboard.standings.rows import Dot, Latest, Ranked, TableKey, TablePage, TableQuery, TableRow, folded
from leaderboard.store.orders import Order, order_named
from leaderboard.store.tables import BoardSuite, Ranking, Standing, Submitted, Team
from sim_envs.errors import UserError

_LARGEST_INTEGER = 2**31 - 1
_LONGEST_SEARCH = 200  # what is longer is not looked at
_AT_ONCE = 1000  # rows of a statement
_Columns = TypeVarTuple("_Columns")


class NoSuchTable(UserError):
    """Nothing was ever scored in that suite, task, protocol and space."""


def tables(session: Session) -> list[TableKey]:
    """Return every table that has rows: those of each suite together, newest version first, then by name.

    Tables of single spaces are named with that of their mean. Counts are those of the last ranking.
    """
    rankings = session.scalars(select(Ranking).where(Ranking.rows > 0)).all()
    spaces: dict[tuple[str, int, str, str], list[str]] = {}
    for ranking in rankings:
        if ranking.space:
            spaces.setdefault(_key(ranking), []).append(ranking.space)
    means = [ranking for ranking in rankings if not ranking.space]
    protocols: dict[tuple[str, int, str], list[str]] = {}
    for ranking in means:
        protocols.setdefault(_key(ranking)[:3], []).append(ranking.protocol)
    found = [
        TableKey(*_key(mean), tuple(sorted(protocols[_key(mean)[:3]])), tuple(sorted(spaces[_key(mean)])), mean.rows)
        for mean in means
    ]
    return sorted(found, key=lambda table: (table.suite, -table.version, table.task, table.protocol))


def table(session: Session, query: TableQuery) -> TablePage:
    """Return one page of a table; a page beyond the last is empty.

    Raises:
        NoSuchTable: there is none.
        UserError: a column that nothing can be sorted by, or a page below 1.
    """
    if query.page < 1 or query.size < 1:
        raise UserError(f"There is no page {query.page} of {query.size} rows; pages begin at 1.")
    order = order_named(query.sort)
    ranking = _ranking(session, query)
    counts = _counts(session, query)
    total = sum(count for track, count in counts.items() if not query.tracks or track in query.tracks)
    descending = order.descending(query.descending, TASKS[query.task].measures[0])
    before = (query.page - 1) * query.size
    ids: Sequence[str] = ()
    if before < total:
        matching = _matching(_joined(select(Standing.submission_id), order), query, query.tracks)
        ordered = matching.order_by(*order.terms(session, descending))
        ids = session.scalars(ordered.limit(query.size).offset(before)).all()
    return TablePage(
        query=query,
        rows=tuple(_rows(session, query, ids, ranking.scored_on)),
        total=total,
        tracks=counts,
        protocols=_others(session, query, Ranking.protocol, Ranking.space == query.space),
        spaces=_others(session, query, Ranking.space, Ranking.protocol == query.protocol),
        custody=_custody(session, query),
        descending=descending,
    )


def whole_table(session: Session, query: TableQuery) -> TablePage:
    """Return all rows that match as one page; see :func:`table`."""
    counted = table(session, replace(query, page=1, size=1))
    return table(session, replace(query, page=1, size=max(1, counted.total)))


def scatter(session: Session, query: TableQuery, most: int = 500) -> list[Dot]:
    """Return the first ``most`` rows of a table that have both scores, in its order; see :func:`table`."""
    order = order_named(query.sort)
    _ranking(session, query)
    descending = order.descending(query.descending, TASKS[query.task].measures[0])
    both = (Standing.test.is_not(None), Standing.held_out.is_not(None))
    matching = _matching(_joined(select(Standing.submission_id), order), query, query.tracks).where(*both)
    ids = session.scalars(matching.order_by(*order.terms(session, descending)).limit(most)).all()
    columns = (
        select(
            Standing.submission_id,
            func.coalesce(func.nullif(Submitted.name, ""), Submitted.model),
            Team.name,
            Standing.track,
            *(getattr(Standing, f"{role}{part}") for role in ("test", "held_out") for part in ("", "_low", "_high")),
        )
        .join(Submitted, Submitted.id == Standing.submission_id)
        .join(Team, Team.id == Submitted.team_id)
    )
    by_id = {}
    for row in _in_parts(session, columns, query, ids):
        id, name, team, track, a, b, c, d, e, f = row
        by_id[id] = Dot(id, name, team, track, Score(value=a, low=b, high=c), Score(value=d, low=e, high=f))
    return [by_id[id] for id in ids if id in by_id]


def latest(session: Session, most: int) -> list[Latest]:
    """Return the newest submissions, newest first."""
    newest = select(Submitted).where(*visible()).order_by(Submitted.received.desc(), Submitted.id).limit(most)
    return [
        Latest(
            id=submitted.id,
            name=submitted.name or submitted.model or "",
            model=submitted.model or "",
            team=submitted.team.name,
            track=submitted.track or "",
            suite=submitted.suite or "",
            version=submitted.suite_version or 0,
            description=submitted.description or "",
            submitted=submitted.received,
            scored=submitted.finished or submitted.received,
        )
        for submitted in session.scalars(newest)
    ]


def visible() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a submission is shown and ranked."""
    return (Submitted.status == "scored", Submitted.hidden.is_(None))


def in_table(query: TableQuery) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for standings of one table."""
    return (
        Standing.suite == query.suite,
        Standing.suite_version == query.version,
        Standing.task == query.task,
        Standing.protocol == query.protocol,
        Standing.space == query.space,
    )


def _key(ranking: Ranking) -> tuple[str, int, str, str]:
    return ranking.suite, ranking.suite_version, ranking.task, ranking.protocol


def _ranking(session: Session, query: TableQuery) -> Ranking:
    texts = (query.suite, query.task, query.protocol, query.space)
    known = all(text.isprintable() for text in texts) and 1 <= query.version <= _LARGEST_INTEGER
    key = (query.suite, query.version, query.task, query.protocol, query.space)
    ranking = session.get(Ranking, key) if known else None
    if ranking is None:
        where = f" in {query.space}" if query.space else ""
        raise NoSuchTable(
            f"There is no table of {query.task}, {query.protocol}{where} in {query.suite} v{query.version}: nothing "
            "was scored there."
        )
    return ranking


def _joined(columns: Select[Unpack[_Columns]], order: Order) -> Select[Unpack[_Columns]]:
    """Join what an order needs."""
    if not order.joined:
        return columns
    return columns.join(Submitted, Submitted.id == Standing.submission_id).join(Team, Team.id == Submitted.team_id)


def _matching(columns: Select[Unpack[_Columns]], query: TableQuery, tracks: Sequence[str]) -> Select[Unpack[_Columns]]:
    """Add what a query asks of rows. Few submissions are not shown, so that it is quicker to leave out than to look."""
    suite = (Submitted.suite == query.suite, Submitted.suite_version == query.version)
    unseen = select(Submitted.id).where(*suite, not_(and_(*visible())))
    conditions = [*in_table(query), Standing.submission_id.not_in(unseen)]
    if tracks:
        conditions.append(Standing.track.in_([track for track in TRACK_ORDER if track in tracks]))
    wanted: list[ColumnElement[bool]] = []
    for word in folded(query.search[:_LONGEST_SEARCH]).split():
        wanted.append(Submitted.words.contains(word, autoescape=True) if word.isprintable() else false())
    if query.team:
        of_team = select(Team.id).where(Team.name == query.team)
        wanted.append(Submitted.team_id.in_(of_team) if query.team.isprintable() else false())
    if wanted:
        conditions.append(Standing.submission_id.in_(select(Submitted.id).where(*suite, *wanted)))
    return columns.where(*conditions)


def _counts(session: Session, query: TableQuery) -> dict[str, int]:
    counted = _matching(select(Standing.track, func.count()), query, ()).group_by(Standing.track)
    return dict(sorted((track, count) for track, count in session.execute(counted)))


def _others(session: Session, query: TableQuery, column: Any, condition: ColumnElement[bool]) -> tuple[str, ...]:
    same = (Ranking.suite == query.suite, Ranking.suite_version == query.version, Ranking.task == query.task)
    found = session.scalars(select(column).where(*same, condition, Ranking.rows > 0))
    return tuple(sorted(value for value in found if value))


def _custody(session: Session, query: TableQuery) -> str:
    suite = (BoardSuite.name == query.suite, BoardSuite.version == query.version)
    return session.scalar(select(BoardSuite.custody).where(*suite)) or "open"


def _rows(session: Session, query: TableQuery, ids: Sequence[str], scored_on: str) -> list[TableRow]:
    main = TASKS[query.task].measures[0].key
    by_id = {one.submission_id: _row(one, main, scored_on) for one in _standings(session, query, ids)}
    return [by_id[id] for id in ids if id in by_id]


def _standings(session: Session, query: TableQuery, ids: Sequence[str]) -> Iterator[Standing]:
    """Yield the standings of submissions in a table, in any order."""
    return (standing for (standing,) in _in_parts(session, select(Standing), query, ids))


def _in_parts(session: Session, columns: Select[Any], query: TableQuery, ids: Sequence[str]) -> Iterator[Any]:
    """Yield columns of the standings of submissions in a table, in any order."""
    table = (Standing.task == query.task, Standing.protocol == query.protocol, Standing.space == query.space)
    for start in range(0, len(ids), _AT_ONCE):
        some = columns.where(Standing.submission_id.in_(ids[start : start + _AT_ONCE]), *table)
        yield from session.execute(some)


def _row(standing: Standing, main: str, scored_on: str) -> TableRow:
    submitted = standing.submission
    scores = {
        measure: {role: Score(value=value, low=low, high=high) for role, (value, low, high) in roles.items()}
        for measure, roles in standing.measures.items()
    }
    return TableRow(
        id=submitted.id,
        name=submitted.name or submitted.model or "",
        model=submitted.model or "",
        team=submitted.team.name,
        track=standing.track,
        submitted=submitted.received,
        seeds=submitted.seeds or 0,
        as_claimed=submitted.as_claimed,
        test=_ranked(scores[main].get("test"), standing.test_best, standing.test_worst),
        held_out=_ranked(scores[main].get("held_out"), standing.held_out_best, standing.held_out_worst),
        gap=scores[main].get("gap"),
        measures=scores,
        spaces=tuple(
            SpaceScore(space, role, Score(value=value, low=low, high=high))
            for space, role, value, low, high in standing.spaces
        ),
        outdated=standing.scored_on != scored_on,
        parameters=submitted.parameters or 0,
        frames=submitted.frames or 0,
        steps=submitted.steps or 0,
        gpu_seconds=submitted.gpu_seconds or 0.0,
        cpu_seconds=submitted.cpu_seconds or 0.0,
    )


def _ranked(score: Score | None, best: int | None, worst: int | None) -> Ranked | None:
    return None if score is None else Ranked(score, None if best is None or worst is None else (best, worst))
