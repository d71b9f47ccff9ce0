"""Boards with something to score, and ways to see what a worker made of it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from leaderboard.entries import Entry, read_entry
from leaderboard.store.database import Store
from leaderboard.store.queue import enqueue
from leaderboard.store.tables import LogLine, Submitted
from leaderboard.store.teams import team_named


def deliver(store: Store, archive: Path, team: str = "Team A") -> str:
    """Do what an upload ends with, and return the submission's id."""
    sha256 = store.files.copy(archive)
    with store.transaction() as session:
        return enqueue(session, team_named(session, team).id, sha256, archive.stat().st_size).id


def submission(store: Store, id: str) -> Submitted:
    with store.reading() as session:
        return session.get_one(Submitted, id)


def log_of(store: Store, id: str) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(select(LogLine.text).where(LogLine.submission_id == id).order_by(LogLine.id)))


def entry_of(store: Store, id: str) -> Entry:
    sha256 = submission(store, id).entry
    assert sha256 is not None
    return read_entry(store.files.read(sha256), id)
