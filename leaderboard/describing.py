"""From rows of the database to what is said of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.answers import CostView, LogView, ScoreView, StandingView, SubmissionView, SuiteView
from leaderboard.store.tables import BoardSuite, LogLine, Standing, Submitted


class PageLinks:
    """Makes the addresses of pages, under the name by which the board is reached."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")

    def submission(self, submission: str) -> str:
        """Return the address of a submission's page."""
        return f"{self.base}/s/{submission}"

    def public_pack(self, suite: BoardSuite) -> str:
        """Return the address of the frames of a suite."""
        return f"{self.base}/packs/{suite.name}/v{suite.version}/frames.zip"


def suite_view(suite: BoardSuite, links: PageLinks) -> SuiteView:
    """Describe a suite."""
    named = ("summary", "test_spaces", "held_out", "tasks", "protocols", "seeds")
    return SuiteView(
        name=suite.name,
        version=suite.version,
        digest=suite.digest,
        custody=suite.custody,
        added=suite.added,
        closed=suite.closed,
        frames=links.public_pack(suite) if suite.public_pack else None,
        **{name: suite.rules[name] for name in named},
    )


def standing_view(standing: Standing) -> StandingView:
    """Describe a standing."""

    def score(role: str) -> ScoreView:
        parts = {"value": role, "low": f"{role}_low", "high": f"{role}_high"}
        if role != "gap":
            parts |= {"best": f"{role}_best", "worst": f"{role}_worst"}
        return ScoreView(**{part: getattr(standing, column) for part, column in parts.items()})

    return StandingView(
        task=standing.task,
        protocol=standing.protocol,
        space=standing.space,
        test=score("test"),
        held_out=score("held_out"),
        gap=score("gap"),
        measures=standing.measures,
    )


def submission_view(
    submitted: Submitted, links: PageLinks, standings: Sequence[Standing] = (), log: Sequence[LogLine] | None = None
) -> SubmissionView:
    """Describe a submission."""
    own = (
        *("id", "status", "received", "finished", "reason", "message", "hidden", "suite", "suite_version", "model"),
        *("track", "name", "description", "paper", "code", "seeds", "as_claimed"),
    )
    cost = {name: getattr(submitted, name) for name in CostView.model_fields}
    return SubmissionView(
        **{name: getattr(submitted, name) for name in own},
        url=links.submission(submitted.id),
        team=submitted.team.name,
        cost=CostView(**cost),
        standings=[standing_view(standing) for standing in standings],
        log=None if log is None else [LogView(at=line.at, text=line.text) for line in log],
    )


def whole_view(session: Session, submitted: Submitted, links: PageLinks, with_log: bool) -> SubmissionView:
    """Describe a submission with its standings, and with its log where that is for the reader."""
    mine = select(Standing).where(Standing.submission_id == submitted.id)
    standings = session.scalars(mine.order_by(Standing.task, Standing.protocol, Standing.space)).all()
    lines = select(LogLine).where(LogLine.submission_id == submitted.id).order_by(LogLine.id)
    return submission_view(submitted, links, standings, session.scalars(lines).all() if with_log else None)
