"""The guide for who submits. Numbers, rules and names come from the objects that the code goes by."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmark.report.tables import RANKS_SAY
from benchmark.statistics import LEVEL, RESAMPLES
from leaderboard.custody import CONTAMINATION, CUSTODY
from leaderboard.pages.render import page
from leaderboard.pages.tracks import LOOKS
from leaderboard.pages.urls import Urls
from leaderboard.refusal import REFUSALS
from leaderboard.store.database import Store
from leaderboard.store.listing import visible
from leaderboard.store.tables import WAITING, BoardSuite, Submitted

TIMED = 50


@dataclass(frozen=True)
class Waiting:
    """How long scoring takes.

    Attributes:
        queued: submissions that are not done.
        typical_seconds: median over the last ones, from when a worker takes one up to its score; None without any.
    """

    queued: int
    typical_seconds: float | None


def guide_page(store: Store, urls: Urls) -> str:
    """Return the guide of a board."""
    with store.reading() as session:
        newest = (BoardSuite.name, BoardSuite.version.desc())
        suites = session.scalars(select(BoardSuite).order_by(*newest)).all()
        waiting = _waiting(session)
    open_suites = [suite for suite in suites if suite.closed is None]
    return page(
        "guide.html",
        urls,
        settings=store.board.settings,
        current="guide",
        suites=suites,
        example=open_suites[0].name if open_suites else "demo",
        custodies={suite.custody: None for suite in open_suites},
        waiting=waiting,
        board=urls.absolute(urls.home()).rstrip("/") if urls.live else store.board.settings.url or "URL",
        tracks={track.value: look for track, look in LOOKS.items()},
        refusals=REFUSALS,
        custody=CUSTODY,
        contamination=CONTAMINATION,
        level=f"{100 * LEVEL:.0f} %",
        resamples=RESAMPLES,
        ranks_say=RANKS_SAY,
        **_sizes(store),
    )


def _sizes(store: Store) -> dict[str, Any]:
    settings = store.board.settings
    return {
        "archive_size": size_text(settings.archive_bytes),
        "memory_size": size_text(settings.scoring_memory_bytes),
        "disk_size": size_text(settings.scoring_disk_bytes),
    }


def size_text(count: int) -> str:
    """Return ``2 GiB``, ``1.5 MiB``, ``512 bytes``."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _waiting(session: Session) -> Waiting:
    queued = session.scalar(select(func.count()).select_from(Submitted).where(Submitted.status.in_(WAITING))) or 0
    timed = (*visible(), Submitted.started.is_not(None), Submitted.finished >= Submitted.started)
    last = select(Submitted.started, Submitted.finished).where(*timed).order_by(Submitted.finished.desc()).limit(TIMED)
    taken = [(done - began).total_seconds() for began, done in session.execute(last) if done and began]
    return Waiting(queued, statistics.median(taken) if taken else None)
