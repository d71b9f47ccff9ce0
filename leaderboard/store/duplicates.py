"""Submissions whose predictions are the same, whatever else is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

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
    asked = session.execute(
        select(Submitted.id, Submitted.content, Submitted.received).where(
            Submitted.id.in_(ids), Submitted.content.is_not(None)
        )
    ).all()
    title = func.coalesce(func.nullif(Submitted.name, ""), Submitted.model)
    shown = and_(Submitted.status == "scored", Submitted.hidden.is_(None))
    same = (
        select(Submitted.content, Submitted.received, Submitted.id, title, shown)  # a condition would mislead SQLite
        .where(Submitted.content.in_({row.content for row in asked}))
        .order_by(Submitted.received.desc(), Submitted.id.desc())
    )
    first = {content: (received, id, name) for content, received, id, name, seen in session.execute(same) if seen}
    return {
        id: Twin(*first[content][1:])
        for id, content, received in asked
        if content in first and first[content][:2] < (received, id)
    }
