"""Submissions whose predictions are the same, whatever else is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from leaderboard.store.listing import visible
from leaderboard.store.tables import Submitted


@dataclass(frozen=True)
class Twin:
    """An earlier submission with the same predictions."""

    id: str
    name: str


def shown_with_same_predictions(session: Session, submitted: Submitted) -> Submitted | None:
    """Return the first submission on the board that came earlier with the very same prediction files, if any."""
    if submitted.content is None:
        return None
    others = select(Submitted).where(
        Submitted.content == submitted.content,
        *visible(),
        Submitted.id != submitted.id,
        Submitted.received <= submitted.received,
    )
    return session.scalar(others.order_by(Submitted.received, Submitted.id).limit(1))


def first_twins(session: Session, ids: Sequence[str]) -> dict[str, Twin]:
    """Return, for those of some submissions that repeat the predictions of an earlier one, the first that is shown."""
    later = aliased(Submitted)
    before = or_(
        Submitted.received < later.received, and_(Submitted.received == later.received, Submitted.id < later.id)
    )
    pairs = (
        select(later.id, Submitted.id, func.coalesce(func.nullif(Submitted.name, ""), Submitted.model))
        .join(Submitted, and_(Submitted.content == later.content, before))
        .where(later.id.in_(ids), Submitted.status == "scored", Submitted.hidden.is_(None))
        .order_by(later.id, Submitted.received.desc(), Submitted.id.desc())
    )
    return {id: Twin(first, name) for id, first, name in session.execute(pairs)}  # the last of each is the earliest
