"""What the API is asked for: ids that can be ones, queries of tables, and what a caller may see."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated

from fastapi import Depends, Query
from sqlalchemy.orm import Session

from leaderboard.server.auth import Caller
from leaderboard.server.problems import Refused
from leaderboard.standings.rows import TableQuery
from leaderboard.store.orders import ORDERS
from leaderboard.store.tables import Submitted

_ID = re.compile(r"[0-9a-z]{1,32}")

Sort = Enum("Sort", {name: name for name in ORDERS}, type=str)  # type: ignore[misc]


class Direction(str, Enum):
    """Of an order; without one the best come first."""

    ascending = "ascending"
    descending = "descending"


def submission_of(session: Session, submission: str, caller: Caller | None) -> Submitted:
    """Return a submission that a caller may see: everybody those that are scored and shown, a team and admins others.

    Raises:
        Refused: 404 when there is none, which is also what strangers hear of one that they may not see; 403 for
            another team.
    """
    found = session.get(Submitted, submission) if _ID.fullmatch(submission) else None
    shown = found is not None and found.status == "scored" and found.hidden is None
    if found is None or (not shown and caller is None):
        raise Refused(404, "not-found", f"There is no submission {submission[:40]!r} that is scored and shown.")
    if not shown and caller is not None and not owns(caller, found):
        raise Refused(403, "other-team", f"The submission {found.id} is another team's, and is not shown.")
    return found


def owns(caller: Caller | None, submitted: Submitted) -> bool:
    """Tell whether a submission's log is for this caller."""
    return caller is not None and (caller.scope == "admin" or caller.team.id == submitted.team_id)


def _query(
    suite: Annotated[str, Query(max_length=64, examples=["demo"])],
    version: Annotated[int, Query(ge=1, le=2**31 - 1, examples=[2])],
    task: Annotated[str, Query(max_length=64, examples=["semseg"])],
    protocol: Annotated[str, Query(max_length=64, examples=["frozen"])],
    space: Annotated[str, Query(max_length=141, description="A test space; all of them in the mean without one.")] = "",
    sort: Annotated[Sort, Query(description="The column that decides.")] = Sort("test"),
    order: Annotated[Direction | None, Query()] = None,
    track: Annotated[list[str] | None, Query(max_length=20, description="Only these; repeat it for several.")] = None,
    q: Annotated[str, Query(max_length=200, description="Words in name, model or team.")] = "",
    team: Annotated[str, Query(max_length=60, description="Only this team's.")] = "",
    page: Annotated[int, Query(ge=1, le=10**6)] = 1,
    size: Annotated[int, Query(ge=1, le=500, description="Rows of a page.")] = 100,
) -> TableQuery:
    return TableQuery(
        suite=suite,
        version=version,
        task=task,
        protocol=protocol,
        space=space,
        sort=sort.value,
        descending=None if order is None else order is Direction.descending,
        tracks=tuple(dict.fromkeys(track or ())),
        search=q,
        team=team,
        page=page,
        size=size,
    )


Asked = Annotated[TableQuery, Depends(_query)]
