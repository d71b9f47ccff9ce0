"""What a board's first page needs of all tables at once: who leads each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmark.results import Score
from benchmark.tasks import TASKS
from leaderboard.store.listing import visible
from leaderboard.store.tables import Standing, Submitted, Team


@dataclass(frozen=True)
class Leader:
    """A submission that may be the best of a table in its test space, as far as its rank interval says."""

    id: str
    name: str
    team: str
    track: str
    score: Score
    ranks: tuple[int, int]


@dataclass(frozen=True)
class Lead:
    """The head of a table.

    Attributes:
        first: the highest scores among those that share the lead, best first; some of them where they are many.
        shared_by: number of all that share it.
    """

    first: tuple[Leader, ...]
    shared_by: int


TableName = tuple[str, int, str, str]
"""Suite, version, task, protocol."""


def leads(session: Session, most: int = 3, only: TableName | None = None) -> dict[TableName, Lead]:
    """Return the head of every table about the mean over test spaces, or of one such table.

    Args:
        most: leaders of a table that are named.
    """
    table = (Standing.suite, Standing.suite_version, Standing.task, Standing.protocol)
    columns = select(
        *table,
        Standing.submission_id,
        func.coalesce(func.nullif(Submitted.name, ""), Submitted.model),
        Team.name,
        Standing.track,
        Standing.test,
        Standing.test_low,
        Standing.test_high,
        Standing.test_best,
        Standing.test_worst,
    )
    joined = columns.join(Submitted, Submitted.id == Standing.submission_id).join(Team, Team.id == Submitted.team_id)
    leading = joined.where(Standing.space == "", Standing.test_best == 1, *visible())
    if only is not None:
        leading = leading.where(*(column == value for column, value in zip(table, only, strict=True)))
    found: dict[TableName, list[Leader]] = {}
    for suite, version, task, protocol, id, name, team, track, value, low, high, best, worst in session.execute(
        leading
    ):
        leader = Leader(id, name, team, track, Score(value=value, low=low, high=high), (best, worst))
        found.setdefault((suite, version, task, protocol), []).append(leader)
    return {name: Lead(_best_first(name[2], leaders)[:most], len(leaders)) for name, leaders in found.items()}


def _best_first(task: str, leaders: Sequence[Leader]) -> tuple[Leader, ...]:
    sign = -1 if TASKS[task].measures[0].higher_is_better else 1
    return tuple(sorted(leaders, key=lambda leader: (sign * (leader.score.value or 0.0), leader.id)))
