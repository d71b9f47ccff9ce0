"""Have one submission validated and scored in a process under limits, and tell its owners how it goes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from benchmark.results import Result
from leaderboard.manifest import MANIFEST_BYTES, Submission, read_manifest
from leaderboard.refusal import Refusal
from leaderboard.store.database import Store
from leaderboard.store.queue import LeaseLost, advance, now, say
from leaderboard.store.suites import rules_of, suite_named, taken_suites
from leaderboard.store.tables import BoardSuite, Submitted
from leaderboard.truth import unpack_truth
from leaderboard.worker.limits import STDERR, Allowance, run_limited
from leaderboard.worker.messages import (
    MANIFEST,
    REQUEST,
    Refused,
    Request,
    Sample,
    TakenSuite,
    read_line,
    read_outcome,
    read_within,
)
from sim_envs.errors import UserError

_log = logging.getLogger(__name__)

MOST_LINES = 500
_STDERR_SHOWN = 4000


class Crashed(Exception):
    """The process that scores ended without an outcome: a bug of ours, or the machine."""


@dataclass(frozen=True)
class Attempt:
    """One attempt at one submission.

    Attributes:
        worker: who holds the lease.
        sha256: of its file.
        scratch: a folder for this attempt alone.
    """

    submission: str
    worker: str
    sha256: str
    scratch: Path


@dataclass(frozen=True)
class Scored:
    """What came of a submission that is taken.

    Attributes:
        suite: against whose truth it was scored.
        results: one a row.
        when: it was scored.
    """

    submission: Submission
    suite: BoardSuite
    results: tuple[Result, ...]
    samples: tuple[Sample, ...]
    when: datetime


def supervise(store: Store, attempt: Attempt, is_lost: Callable[[], bool]) -> Refused | Scored:
    """Validate and score a submission; lines of its log and what it says of itself are written on the way.

    Args:
        is_lost: whether somebody else has taken the submission over.

    Raises:
        LeaseLost: somebody has.
        Crashed: there is no outcome; what the process said last is in the message.
        UserError: the truth is not there, or is damaged.
    """
    settings, when = store.board.settings, now()
    with store.reading() as session:
        suites = _suites_for(session, attempt.submission)
    request = Request(
        archive=store.files.path(attempt.sha256),
        archive_bytes=settings.archive_bytes,
        scratch=attempt.scratch,
        suites=tuple(_taken(store, suite) for suite in suites),
        scored=when,
    )
    attempt.scratch.mkdir(parents=True)
    (attempt.scratch / REQUEST).write_text(request.model_dump_json(), encoding="utf-8")
    allowance = Allowance(
        seconds=settings.scoring_seconds,
        memory_bytes=settings.scoring_memory_bytes,
        disk_bytes=settings.scoring_disk_bytes,
        mapped_bytes=sum(_size(suite.truth) for suite in request.suites),
    )
    program = [sys.executable, "-m", "leaderboard.worker.child", str(attempt.scratch / REQUEST)]
    ended = run_limited(program, allowance, attempt.scratch, _Listener(store, attempt).hear, is_lost)
    if ended.stopped:
        raise LeaseLost(attempt.submission)
    outcome = read_outcome(attempt.scratch) if ended.status == 0 else None
    exceeded = ended.exceeded or (outcome.exceeded if outcome else None)
    if exceeded:
        refusal = Refusal("limits", f"to validate and score it takes more than {allowance.in_words[exceeded]}.")
        return Refused(reason=refusal.reason, message=str(refusal))
    if outcome is None:
        raise Crashed(f"{ended.in_words}, and said: {_last_words(attempt.scratch)}")
    if outcome.refused is not None:
        return outcome.refused
    submission = read_manifest(read_within(attempt.scratch / MANIFEST, MANIFEST_BYTES))
    if len(outcome.results) != len(submission.rows):
        raise Crashed(f"{len(outcome.results)} results for {len(submission.rows)} rows")
    suite = next(suite for suite in suites if suite.name == submission.suite.name)
    return Scored(submission, suite, outcome.results, outcome.samples, when)


class _Listener:
    """Hears what the process says: lines of a log, and once that the submission is valid."""

    def __init__(self, store: Store, attempt: Attempt) -> None:
        self.store = store
        self.attempt = attempt
        self.heard = 0

    def hear(self, line: bytes) -> None:
        self.heard += 1
        said = read_line(line) if self.heard <= MOST_LINES else None
        if said is None:
            _log.warning("%s: not understood: %r", self.attempt.submission, line[:200])
            return
        with self.store.transaction() as session:
            if said.stage == "valid":
                advance(session, self.attempt.submission, self.attempt.worker)
                content = read_within(self.attempt.scratch / MANIFEST, MANIFEST_BYTES)
                describe(session.get_one(Submitted, self.attempt.submission), read_manifest(content))
            else:
                say(session, self.attempt.submission, f"scoring {said.text}")


def describe(submitted: Submitted, submission: Submission) -> None:
    """Write down what a submission says of itself."""
    about, cost = submission.about, submission.cost
    submitted.suite, submitted.suite_version = submission.suite.name, submission.suite.version
    submitted.model, submitted.track, submitted.seeds = submission.model, submission.track, len(submission.seeds)
    submitted.name, submitted.description = about.name, about.description
    submitted.paper, submitted.code = about.paper, about.code
    submitted.content = submission.content
    submitted.parameters, submitted.frames, submitted.steps = cost.parameters, cost.frames, cost.steps
    submitted.gpu_seconds, submitted.cpu_seconds = cost.gpu_seconds, cost.cpu_seconds


def _suites_for(session: Session, submission: str) -> Sequence[BoardSuite]:
    """Return every suite that is taken, or the very one, closed or not, in which a submission is scored again."""
    submitted = session.get_one(Submitted, submission)
    if submitted.again is not None and submitted.suite is not None and submitted.suite_version is not None:
        return [suite_named(session, submitted.suite, submitted.suite_version)]
    return taken_suites(session)


def _taken(store: Store, suite: BoardSuite) -> TakenSuite:
    """Describe a suite; where its truth cannot be had, only what is submitted to this one waits."""
    try:
        truth = unpack_truth(store.files.path(suite.private_pack), suite.private_pack, store.board.truth)
    except UserError as error:
        _log.error("%s v%d cannot be scored: %s", suite.name, suite.version, error)
        truth = store.board.truth / suite.private_pack  # is not there either
    is_public = suite.public_pack is not None or suite.custody == "open"
    return TakenSuite(rules=rules_of(suite), truth=truth, code=tuple(suite.code), is_public=is_public)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _last_words(scratch: Path) -> str:
    try:
        with (scratch / STDERR).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _STDERR_SHOWN))
            return file.read(_STDERR_SHOWN).decode("utf-8", "backslashreplace").strip() or "nothing"
    except OSError:
        return "nothing"
