"""Entries of the miniature run, as its board would have scored them."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from leaderboard.entries import Entry, results_of
from leaderboard.manifest import About
from leaderboard.scoring import score_submission
from leaderboard.truth import Truth

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def entry_of(submission: Path, truth: Truth, number: int = 0, name: str = "", **changes: Any) -> Entry:
    """Score a submission; ``number`` tells entries of the same one apart: their ids, days and teams."""
    with tempfile.TemporaryDirectory() as scratch:
        said, rows = score_submission(submission, truth, Path(scratch))
    entry = Entry(
        id=f"entry{number:07d}",
        team=f"Team {number}",
        submitted=NOON + timedelta(days=number),
        scored=NOON + timedelta(days=number, minutes=1),
        suite=said.suite,
        custody="open",
        model=said.model,
        track=said.track,
        about=About(name=name),
        cost=said.cost,
        content="ab" * 32,
        as_claimed=all(row.as_claimed for row in rows),
        results=results_of(said, truth.suite, rows, NOON.isoformat()),
    )
    return entry.model_copy(update=changes)
