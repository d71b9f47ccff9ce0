"""What the API says of things, as pydantic models; all of it is what pages show too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, Field

from leaderboard.store.database import Store
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


class Page:
    """A dependency that knows the address of the board: the one in its settings, or that of the request."""

    def __init__(self, store: Store) -> None:
        self.url = store.board.settings.url

    def __call__(self, request: Request) -> PageLinks:
        """Return the maker of addresses."""
        return PageLinks(self.url or str(request.base_url))


class SuiteView(BaseModel):
    """A suite that is or was taken.

    Attributes:
        custody: ``open``: anybody can have the labels; ``hidden``: they are on the board alone.
        closed: since when nothing is added to its tables.
        frames: where the public pack is, the test frames without labels.
    """

    name: str
    version: int
    digest: str
    summary: str
    custody: str
    test_spaces: list[str]
    held_out: list[str]
    tasks: list[str]
    protocols: list[str]
    seeds: int
    added: AwareDatetime
    closed: AwareDatetime | None
    frames: str | None


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


class ScoreView(BaseModel):
    """A value with its 95 % interval, and the ranks that it leaves open; ranks of a gap there are none."""

    value: float | None
    low: float | None
    high: float | None
    best: int | None = None
    worst: int | None = None


class StandingView(BaseModel):
    """A submission in one table.

    Attributes:
        space: the test space; "" for the mean over all of them.
        measures: measure → role → [value, low, high].
    """

    task: str
    protocol: str
    space: str
    test: ScoreView
    held_out: ScoreView
    gap: ScoreView
    measures: dict[str, Any]


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


class CostView(BaseModel):
    """What a model cost; pre-training frames and steps, seconds of pre-training and transfer."""

    parameters: int | None
    frames: int | None
    steps: int | None
    gpu_seconds: float | None
    cpu_seconds: float | None


class LogView(BaseModel):
    """What happened to a submission, and when."""

    at: AwareDatetime
    text: str


class SubmissionView(BaseModel):
    """A submission.

    Attributes:
        status: queued, validating, scoring, scored, rejected or failed.
        reason, message: why it was rejected or failed.
        hidden: why it is not shown to others.
        as_claimed: whether the run that was submitted found the very same scores.
        standings: its scores, once it is scored.
        log: what happened to it; for its team and admins.
    """

    id: str
    url: str
    team: str
    status: str
    received: AwareDatetime
    finished: AwareDatetime | None
    reason: str | None
    message: str | None
    hidden: str | None
    suite: str | None
    suite_version: int | None
    model: str | None
    track: str | None
    name: str | None
    description: str | None
    paper: str | None
    code: str | None
    seeds: int | None
    as_claimed: bool | None
    cost: CostView
    standings: list[StandingView]
    log: list[LogView] | None = Field(None)


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
