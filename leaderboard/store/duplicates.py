"""Submissions whose predictions are the same, whatever else is said of them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.store.tables import Submitted


def shown_with_same_predictions(session: Session, submitted: Submitted) -> Submitted | None:
    """Return the first submission on the board that came earlier with the very same prediction files, if any."""
    if submitted.content is None:
        return None
    others = select(Submitted).where(
        Submitted.content == submitted.content,
        Submitted.status == "scored",
        Submitted.hidden.is_(None),
        Submitted.id != submitted.id,
        Submitted.received <= submitted.received,
    )
    return session.scalar(others.order_by(Submitted.received, Submitted.id).limit(1))
