"""Who leads: of all tables at once, for a board's first page, and of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import and_, func, literal_column, select
from sqlalchemy.orm import Session

from benchmark.results import Score
from benchmark.tasks import TASKS
from leaderboard.store.listing import visible
from leaderboard.store.tables import Standing, Submitted, Team


@dataclass(frozen=True)
class Leader:
    """A submission that may be the best of a table, as far as its ranks say."""

    id: str
    name: str
    team: str
    track: str
    score: Score


@dataclass(frozen=True)
class Lead:
    """The head of a table.

    Attributes:
        first: the highest scores among those that share the lead, best first; some of them where they are many.
        shared_by: number of all that share it.
    """

    first: tuple[Leader, ...]
    shared_by: int


AT_ONCE = 500
"""Values of one query; databases have limits."""

TableName = tuple[str, int, str, str]
"""Suite, version, task, protocol."""


def leads(
    session: Session, role: Literal["test", "held_out"], most: int = 3, only: TableName | None = None
) -> dict[TableName, Lead]:
    """Return who shares the first rank in every table about the mean over test spaces, or in one such table.

    Args:
        role: whether ranks are those in the test space or in held-out spaces.
        most: leaders of a table that are named.
    """
    value, low, high, best = (getattr(Standing, f"{role}{part}") for part in ("", "_low", "_high", "_best"))
    table = (Standing.suite, Standing.suite_version, Standing.task, Standing.protocol)
    first = best == literal_column("1")  # as written in the index of leaders, or no database would use it
    leading = select(*table, Standing.submission_id, Standing.track, value, low, high).where(
        first, Standing.space == ""
    )
    if only is not None:
        leading = leading.where(*(column == name for column, name in zip(table, only, strict=True)))
    standings = session.execute(leading).all()
    names = _names(session, {row.submission_id for row in standings})
    found: dict[TableName, list[Leader]] = {}
    for suite, version, task, protocol, id, track, middle, least, highest in standings:
        if id in names:
            leader = Leader(id, *names[id], track, Score(value=middle, low=least, high=highest))
            found.setdefault((suite, version, task, protocol), []).append(leader)
    return {name: Lead(_best_first(name[2], leaders)[:most], len(leaders)) for name, leaders in found.items()}


def _names(session: Session, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return name and team of those submissions that are shown."""
    title = func.coalesce(func.nullif(Submitted.name, ""), Submitted.model)
    columns = select(Submitted.id, title, Team.name, and_(*visible()))  # as a condition that would mislead SQLite
    joined, ordered = columns.join(Team, Team.id == Submitted.team_id), sorted(ids)
    parts = (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
    found = (row for part in parts for row in session.execute(joined.where(Submitted.id.in_(part))))
    return {id: (name, team) for id, name, team, shown in found if shown}


def _best_first(task: str, leaders: Sequence[Leader]) -> tuple[Leader, ...]:
    sign = -1 if TASKS[task].measures[0].higher_is_better else 1
    return tuple(sorted(leaders, key=lambda leader: (sign * (leader.score.value or 0.0), leader.id)))
