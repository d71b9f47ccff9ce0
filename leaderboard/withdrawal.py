"""A team takes a submission of its own back."""

from __future__ import annotations

from leaderboard.store.database import Store
from leaderboard.store.queue import now, say
from leaderboard.store.ranking import rank_tables
from leaderboard.store.tables import WAITING, Submitted
from sim_envs.errors import UserError

WHY = "withdrawn by its team"


def withdraw(store: Store, submission: str, team_id: int) -> Submitted:
    """Show a submission to nobody any more; one that waits is not scored. Once more does nothing further.

    Raises:
        UserError: the team has no such submission.
    """
    with store.transaction() as session:
        submitted = session.get(Submitted, submission, with_for_update={"of": Submitted})
        if submitted is None or submitted.team_id != team_id:
            raise UserError(f"Your team has no submission {submission[:40]!r}.")
        if submitted.status in WAITING:
            submitted.status, submitted.reason, submitted.finished = "rejected", "withdrawn", now()
            submitted.message = f"It was {WHY}."
            submitted.worker = submitted.lease = None  # whoever works on it finds the lease lost
        if submitted.hidden is None:
            submitted.hidden = WHY
            say(session, submitted.id, WHY)
    rank_tables(store)
    return submitted
