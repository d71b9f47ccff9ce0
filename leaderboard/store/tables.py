"""The tables of the database, the same on SQLite and PostgreSQL. A change here needs a migration beside it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

STATUSES = ("queued", "validating", "scoring", "scored", "rejected", "failed")
"""Of a submission, in order. ``rejected``: the submission is at fault; ``failed``: the board is, and may try again."""

WAITING = ("queued", "validating", "scoring")

_NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_unique",
    "fk": "%(table_name)s_%(column_0_N_name)s_of_%(referred_table_name)s",
    "pk": "%(table_name)s_pk",
}
"""Of whatever is not named, so that a migration can name it on every database."""


class Moment(TypeDecorator[datetime]):
    """A time with its zone: UTC everywhere, also in SQLite, which has no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC."""
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


_JSON = JSON(none_as_null=True)


class Base(DeclarativeBase):
    """Declares columns by their Python types."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {datetime: Moment, dict[str, Any]: _JSON, list[Any]: _JSON}  # noqa: RUF012, SQLAlchemy's


class Team(Base):
    """Who submits. ``key`` is the name as it is compared: no two teams may look alike."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(120), unique=True)
    created: Mapped[datetime]


class Token(Base):
    """A right to write; of the token itself only a SHA-256 is kept, and its first characters to tell it by."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    label: Mapped[str] = mapped_column(String(100))
    start: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(16))
    created: Mapped[datetime]
    expires: Mapped[datetime]
    revoked: Mapped[datetime | None]
    used: Mapped[datetime | None]
    team: Mapped[Team] = relationship(lazy="joined")


class BoardSuite(Base):
    """A suite that is or was taken: what it is, and the packs that serve it.

    Attributes:
        rules: the whole suite, as JSON.
        custody: ``open`` or ``hidden``, see :data:`leaderboard.entries.Custody`.
        private_pack, public_pack: SHA-256 of the files.
        code: digests of the code that runs may have been made with; empty takes any.
        closed: when it was, so that its table stays and nothing is added; None while it is taken.
    """

    __tablename__ = "suites"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    rules: Mapped[dict[str, Any]]
    custody: Mapped[str] = mapped_column(String(16))
    private_pack: Mapped[str] = mapped_column(String(64))
    public_pack: Mapped[str | None] = mapped_column(String(64))
    code: Mapped[list[Any]]
    added: Mapped[datetime]
    closed: Mapped[datetime | None]


class Upload(Base):
    """A file that is coming in; how much of it is there is what its part on disk says.

    Attributes:
        refusal: why no more of it is taken; None while it may go on.
        submission_id: set when it is complete.
    """

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime]
    expires: Mapped[datetime] = mapped_column(index=True)
    refusal: Mapped[str | None] = mapped_column(Text)
    submission_id: Mapped[str | None] = mapped_column(ForeignKey("submissions.id"))


class Submitted(Base):
    """A submission and where it stands.

    What it says of itself (suite to cost) is there once its manifest is read.

    Attributes:
        sha256: of the file; the same file is one submission.
        content: digest over its prediction files.
        reason, message: why it was rejected or failed.
        worker, lease: who works on it and until when nobody else may.
        again: since when it waits to be scored again, None while it does not. Meanwhile its status and scores stay.
        entry: SHA-256 of its :class:`leaderboard.entries.Entry`.
        pictures: sample predictions: [{space, role, frame, task, protocol, test_space, rgb, prediction}, …], the last
            two the SHA-256 of PNG files.
        words: name, model and team for searching, folded by :func:`leaderboard.standings.rows.folded`; None until it
            stands anywhere.
        hidden: why it is not shown; None while it is.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        Index("submissions_waiting", "status", "received"),
        Index("submissions_suite", "suite", "suite_version", "status", "hidden"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    message: Mapped[str | None] = mapped_column(Text)
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(64))
    lease: Mapped[datetime | None]
    again: Mapped[datetime | None]

    suite: Mapped[str | None] = mapped_column(String(64))
    suite_version: Mapped[int | None]
    model: Mapped[str | None] = mapped_column(String(128))
    track: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str | None] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(Text)
    paper: Mapped[str | None] = mapped_column(String(300))
    code: Mapped[str | None] = mapped_column(String(300))
    seeds: Mapped[int | None]
    content: Mapped[str | None] = mapped_column(String(64), index=True)
    as_claimed: Mapped[bool | None]
    parameters: Mapped[int | None] = mapped_column(BigInteger)
    frames: Mapped[int | None] = mapped_column(BigInteger)
    steps: Mapped[int | None] = mapped_column(BigInteger)
    gpu_seconds: Mapped[float | None]
    cpu_seconds: Mapped[float | None]
    entry: Mapped[str | None] = mapped_column(String(64))
    pictures: Mapped[list[Any] | None]
    words: Mapped[str | None] = mapped_column(Text)
    hidden: Mapped[str | None] = mapped_column(Text)

    team: Mapped[Team] = relationship(lazy="joined")


class LogLine(Base):
    """What happened to a submission, for its owners."""

    __tablename__ = "log"

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)


_TABLE = ("suite", "suite_version", "task", "protocol", "space")
_SORTED = ("test", "held_out", "gap", "test_best", "test_worst", "held_out_best", "held_out_worst")


class Standing(Base):
    """One submission in one table: its scores in the task's main measure, and the ranks that they leave open.

    Attributes:
        space: the test space, "" for the mean over all test spaces of the suite.
        scored_on: digest of the recordings, trajectories and categories behind the scores. Only rows that agree in it
            are ranked among each other.
        submitted: when its upload was complete.
        title: what the row is called, as :func:`leaderboard.standings.rows.folded` folds it; for sorting.
        test, held_out, gap: value; ``_low`` and ``_high``: 95 % interval; ``_best`` and ``_worst``: ranks among the
            rows of the table that are shown. None where there is none.
        measures: measure → role → [value, low, high], of all measures.
        spaces: [space, role, value, low, high] of each space that was scored, in the main measure; none for the mean.
        estimates: SHA-256 of the file that holds the resamples, see :mod:`leaderboard.standings`.
    """

    __tablename__ = "standings"
    __table_args__ = (
        # Which rows a page shows, and how many there are, is read from this alone: whole rows are ten times as long.
        Index("standings_rows", *_TABLE, "submission_id", "track", "submitted", "title", *_SORTED),
        # Who leads is asked of all tables at once, and few do.
        Index("standings_lead", *_TABLE, sqlite_where=text("test_best = 1"), postgresql_where=text("test_best = 1")),
        Index(
            "standings_lead_held_out",
            *_TABLE,
            sqlite_where=text("held_out_best = 1"),
            postgresql_where=text("held_out_best = 1"),
        ),
    )

    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    task: Mapped[str] = mapped_column(String(64), primary_key=True)
    protocol: Mapped[str] = mapped_column(String(64), primary_key=True)
    space: Mapped[str] = mapped_column(String(141), primary_key=True)
    suite: Mapped[str] = mapped_column(String(64))
    suite_version: Mapped[int]
    track: Mapped[str] = mapped_column(String(64))
    scored_on: Mapped[str] = mapped_column(String(64))
    submitted: Mapped[datetime]
    title: Mapped[str] = mapped_column(Text)
    test: Mapped[float | None]
    test_low: Mapped[float | None]
    test_high: Mapped[float | None]
    test_best: Mapped[int | None]
    test_worst: Mapped[int | None]
    held_out: Mapped[float | None]
    held_out_low: Mapped[float | None]
    held_out_high: Mapped[float | None]
    held_out_best: Mapped[int | None]
    held_out_worst: Mapped[int | None]
    gap: Mapped[float | None]
    gap_low: Mapped[float | None]
    gap_high: Mapped[float | None]
    measures: Mapped[dict[str, Any]]
    spaces: Mapped[list[Any]]
    estimates: Mapped[str] = mapped_column(String(64))
    submission: Mapped[Submitted] = relationship(lazy="joined")


class Ranking(Base):
    """One table whose rows were ranked.

    Attributes:
        space: as in :class:`Standing`.
        rows: number of rows that were shown when it was ranked.
        scored_on: what the ranked rows were scored on; rows with another digest are older and have no ranks.
        ranked: digest of the rows that the ranks rest on, so that nothing is done twice.
    """

    __tablename__ = "rankings"

    suite: Mapped[str] = mapped_column(String(64), primary_key=True)
    suite_version: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(64), primary_key=True)
    protocol: Mapped[str] = mapped_column(String(64), primary_key=True)
    space: Mapped[str] = mapped_column(String(141), primary_key=True)
    rows: Mapped[int]
    scored_on: Mapped[str] = mapped_column(String(64))
    ranked: Mapped[str] = mapped_column(String(64))
