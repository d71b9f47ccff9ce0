"""Who leads: of all tables at once, for a board's first page, and of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
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
    columns = select(
        *table,
        Standing.submission_id,
        func.coalesce(func.nullif(Submitted.name, ""), Submitted.model),
        Team.name,
        Standing.track,
        value,
        low,
        high,
    )
    joined = columns.join(Submitted, Submitted.id == Standing.submission_id).join(Team, Team.id == Submitted.team_id)
    leading = joined.where(Standing.space == "", best == 1, *visible())
    if only is not None:
        leading = leading.where(*(column == value for column, value in zip(table, only, strict=True)))
    found: dict[TableName, list[Leader]] = {}
    for *name, id, title, team, track, middle, least, highest in session.execute(leading):
        leader = Leader(id, title, team, track, Score(value=middle, low=least, high=highest))
        found.setdefault((name[0], name[1], name[2], name[3]), []).append(leader)
    return {name: Lead(_best_first(name[2], leaders)[:most], len(leaders)) for name, leaders in found.items()}


def _best_first(task: str, leaders: Sequence[Leader]) -> tuple[Leader, ...]:
    sign = -1 if TASKS[task].measures[0].higher_is_better else 1
    return tuple(sorted(leaders, key=lambda leader: (sign * (leader.score.value or 0.0), leader.id)))
