"""How many submissions a team may make: so many in any 24 hours."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.board import Settings
from leaderboard.store.queue import now
from leaderboard.store.tables import Submitted, Team
from sim_envs.errors import UserError

DAY = timedelta(hours=24)


class QuotaSpent(UserError):
    """A team that has to wait.

    Args:
        team: its name.
        quota: submissions in 24 hours.
        again: when the next one is taken.
    """

    def __init__(self, team: str, quota: int, again: datetime) -> None:
        super().__init__(
            f"{team} has made {quota} submission{'s' * (quota != 1)} in the last 24 hours, which is all a team may. "
            f"The next one is taken from {again:%Y-%m-%d %H:%M:%S} UTC on."
        )
        self.again = again


def check_quota(session: Session, team: Team, settings: Settings) -> None:
    """Ask whether a team may make one more submission.

    Rejected ones count, since they were worked on; those that failed do not, since the board was at fault. Where the
    submission is added in the same transaction, two at once cannot both be the last one.

    Raises:
        QuotaSpent: not now.
    """
    session.execute(select(Team.id).where(Team.id == team.id).with_for_update())  # the second of two waits here
    quota = settings.submissions_per_day
    counted = (Submitted.team_id == team.id, Submitted.status != "failed", Submitted.received > now() - DAY)
    latest = select(Submitted.received).where(*counted).order_by(Submitted.received.desc())
    oldest = session.scalar(latest.offset(quota - 1).limit(1))
    if oldest is not None:
        raise QuotaSpent(team.name, quota, oldest + DAY)
