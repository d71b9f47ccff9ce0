"""Submissions whose predictions are those of another, whatever is said about them."""

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


def first_twins(session: Session, ids: Sequence[str]) -> dict[str, Twin]:
    """Return, for those of some submissions that are not the first with their predictions, the first that is shown."""
    later = aliased(Submitted)
    earlier = or_(
        Submitted.received < later.received, and_(Submitted.received == later.received, Submitted.id < later.id)
    )
    title = func.coalesce(func.nullif(Submitted.name, ""), Submitted.model)
    pairs = (
        select(later.id, Submitted.id, title)
        .join(Submitted, and_(Submitted.content == later.content, earlier))
        .where(later.id.in_(ids), *visible())
        .order_by(later.id, Submitted.received.desc(), Submitted.id.desc())
    )
    return {id: Twin(first, name) for id, first, name in session.execute(pairs)}
