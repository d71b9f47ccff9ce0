"""What of a board everybody may see: submissions that are scored and not hidden, with where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from leaderboard.standings import MEAN
from leaderboard.store.listing import visible
from leaderboard.store.tables import Standing, Submitted


def shown(session: Session, submission: str) -> Submitted | None:
    """Return a submission that everybody may see; None where there is none of that id."""
    return session.scalar(select(Submitted).where(Submitted.id == submission, *visible()))


def standings(session: Session, submission: str) -> Sequence[Standing]:
    """Return where a submission stands: task by task, the mean over all test spaces before each of them."""
    of_it = select(Standing).where(Standing.submission_id == submission)
    ordered = of_it.order_by(Standing.task, Standing.protocol, Standing.space)
    return session.scalars(ordered.options(lazyload(Standing.submission))).all()


def table_standings(session: Session, submissions: Sequence[str]) -> dict[str, list[Standing]]:
    """Return where some submissions stand in the tables of all test spaces together, by their ids."""
    of_them = select(Standing).where(Standing.submission_id.in_(submissions), Standing.space == MEAN)
    ordered = of_them.order_by(Standing.task, Standing.protocol).options(lazyload(Standing.submission))
    found: dict[str, list[Standing]] = {submission: [] for submission in submissions}
    for standing in session.scalars(ordered):
        found[standing.submission_id].append(standing)
    return found


def title_of(submitted: Submitted) -> str:
    """Return what tables call a submission: its name, or its model where it has none."""
    return submitted.name or submitted.model or submitted.id
