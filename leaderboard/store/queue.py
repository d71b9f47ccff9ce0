"""The way of a submission: queued, validating, scoring, then scored, rejected or failed; each step is one transaction.

Whoever works on one holds a lease and renews it. When the worker dies the lease runs out and the submission is taken
up again; every step asks whether the lease is still held, so that of two who believe they hold it only one gets
further, and each submission is scored exactly once. No two workers have the same name.

A submission that is scored again stays scored, with the scores that it has, until the new ones take their place in the
transaction that ends the work.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from leaderboard.store.tables import WAITING, LogLine, Submitted

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing that looks like something else


class LeaseLost(Exception):
    """Somebody else took the submission over; whatever was found out about it is not to be written."""


def new_id() -> str:
    """Return an id that nobody can guess: 12 characters, 60 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


def now() -> datetime:
    """Return the time."""
    return datetime.now(timezone.utc)


def enqueue(session: Session, team_id: int, sha256: str, size: int) -> Submitted:
    """Add a submission whose file is complete and kept."""
    submitted = Submitted(
        id=new_id(), team_id=team_id, sha256=sha256, size=size, received=now(), status="queued", attempts=0
    )
    session.add(submitted)
    session.flush()
    say(session, submitted.id, f"received, {size:,} bytes, SHA-256 {sha256}; waits to be scored")
    return submitted


def say(session: Session, submission: str, text: str) -> None:
    """Write a line into a submission's log."""
    session.add(LogLine(submission_id=submission, at=now(), text=text))


def claim(session: Session, worker: str, lease_seconds: float, attempts: int) -> Submitted | None:
    """Take the submission that has waited longest and is in nobody's hands, or None.

    One that was tried as often as it may be is failed instead.
    """
    first = select(Submitted).where(_free()).order_by(Submitted.again.is_not(None), Submitted.received, Submitted.id)
    while (submitted := session.scalar(first.limit(1).with_for_update(skip_locked=True, of=Submitted))) is not None:
        if submitted.attempts >= attempts:
            _give_up(session, submitted, attempts)
            continue
        if submitted.again is None:
            submitted.status = "validating"
        submitted.worker, submitted.started = worker, now()
        submitted.lease = now() + timedelta(seconds=lease_seconds)
        submitted.attempts += 1
        attempt = f", attempt {submitted.attempts}" if submitted.attempts > 1 else ""
        say(session, submitted.id, f"validating{attempt}")
        session.flush()
        return submitted
    return None


def is_waiting(session: Session) -> bool:
    """Tell whether :func:`claim` would find something; only reads."""
    return session.scalar(select(Submitted.id).where(_free()).limit(1)) is not None


def renew(session: Session, submission: str, worker: str, lease_seconds: float) -> None:
    """Hold on to a submission.

    Raises:
        LeaseLost: it is somebody else's by now.
    """
    _held(session, submission, worker, {"lease": now() + timedelta(seconds=lease_seconds)})


def advance(session: Session, submission: str, worker: str) -> None:
    """Go from validating to scoring; see :func:`renew`."""
    _held(session, submission, worker, {"status": case((Submitted.again.is_(None), "scoring"), else_=Submitted.status)})
    say(session, submission, "valid; scoring")


def finish(session: Session, submission: str, worker: str, status: str, reason: str = "", message: str = "") -> None:
    """End the work on a submission, in the transaction that also writes what came of it; see :func:`renew`."""
    told = {"status": status, "reason": reason or None, "message": message or None, "finished": now()}
    _held(session, submission, worker, told | {"worker": None, "lease": None, "again": None})
    say(session, submission, message or status)


def give_back(session: Session, submission: str, worker: str, text: str, tried: bool = True) -> None:
    """Let go of a submission whose work came to nothing, so that somebody takes it up at once; see :func:`renew`.

    Args:
        text: why, for its log.
        tried: whether it counts as an attempt.
    """
    back = case((Submitted.again.is_(None), "queued"), else_=Submitted.status)
    attempts = Submitted.attempts if tried else Submitted.attempts - 1
    _held(session, submission, worker, {"status": back, "attempts": attempts, "worker": None, "lease": None})
    say(session, submission, text)


def again(session: Session, submission: Submitted) -> None:
    """Have a submission scored once more; one that has scores keeps them until there are new ones."""
    submission.attempts, submission.worker, submission.lease = 0, None, None
    if submission.status == "scored":
        submission.again = now()
    else:
        submission.status, submission.reason, submission.message = "queued", None, None
    say(session, submission.id, "to be scored again")


def _free() -> ColumnElement[bool]:
    """Say which submissions wait and are in nobody's hands."""
    return and_(_waits(), or_(Submitted.lease.is_(None), Submitted.lease < now()))


def _waits() -> ColumnElement[bool]:
    return or_(Submitted.status.in_(WAITING), Submitted.again.is_not(None))


def _give_up(session: Session, submitted: Submitted, attempts: int) -> None:
    text = f"The board gave up after {attempts} attempts; those who run it were told."
    if submitted.again is None:
        submitted.status, submitted.reason, submitted.message = "failed", "worker", text
        submitted.finished = now()
    submitted.again = submitted.worker = submitted.lease = None
    say(session, submitted.id, text)
    session.flush()


def _held(session: Session, submission: str, worker: str, values: Mapping[str, object]) -> None:
    mine = (Submitted.id == submission, Submitted.worker == worker, _waits())
    done = session.execute(update(Submitted).where(*mine).values(values))
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        raise LeaseLost(submission)
