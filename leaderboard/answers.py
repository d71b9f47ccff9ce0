"""What the API of a board answers, as the server says it and the client reads it."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from benchmark.results import Score
from leaderboard.standings.rows import TableKey, TableRow


class UploadView(BaseModel):
    """Where an upload stands.

    Attributes:
        offset: bytes that are there and will not be lost; the next ones go here.
        refusal: why nothing more of it is taken.
        submission: what became of it when it was finished.
    """

    id: str
    size: int
    sha256: str
    offset: int
    most: int = Field(description="Bytes that one request may carry.")
    expires: AwareDatetime
    refusal: str | None
    submission: str | None


class Accepted(BaseModel):
    """A submission that waits to be scored; ``url`` is its page."""

    submission: str
    status: str
    url: str


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


class Submissions(BaseModel):
    """Those of a team, the newest first."""

    submissions: list[SubmissionView]


class DifferenceView(BaseModel):
    """The first submission less the second, with its 95 % interval; p-values are Holm-corrected over all of them."""

    role: str
    difference: Score
    p_value: float
    told_apart: bool


class ComparisonView(BaseModel):
    """Two submissions in one table, paired on the same trajectories. ``words`` says what it amounts to."""

    task: str
    protocol: str
    space: str
    measure: str
    words: str
    differences: list[DifferenceView]


class Comparisons(BaseModel):
    """Two submissions in every table that they share."""

    tables: list[ComparisonView]


class Suites(BaseModel):
    """All suites of a board, the taken ones and the closed."""

    suites: list[SuiteView]


class Tables(BaseModel):
    """All tables that have rows."""

    tables: list[TableKey]


class TableView(BaseModel):
    """A page of a table.

    Attributes:
        custody: of the labels, ``open`` or ``hidden``.
        total: rows that match, on all pages.
        tracks: track → rows that match, whichever tracks were asked for.
    """

    suite: str
    version: int
    task: str
    protocol: str
    space: str
    custody: str
    measures: list[str]
    protocols: list[str]
    spaces: list[str]
    tracks: dict[str, int]
    total: int
    page: int
    pages: int
    descending: bool
    rows: list[TableRow]
