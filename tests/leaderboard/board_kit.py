"""A miniature run to submit, and ways to change what is submitted as a stranger could."""

from __future__ import annotations

import hashlib
import io
import secrets
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmark.commands.finding import recording_opener
from benchmark.plan import plan_run
from benchmark.rescoring import OpenRecording
from benchmark.runner import jobs_of, open_recordings
from benchmark.suites import Suite, load_suite
from leaderboard.archive import write_archive
from leaderboard.entries import Entry, results_of
from leaderboard.manifest import MANIFEST, Submission
from leaderboard.scoring import score_submission
from leaderboard.standings import place
from leaderboard.store.database import Store
from leaderboard.store.queue import enqueue, now
from leaderboard.store.standings import rank_tables, record
from leaderboard.store.teams import team_named
from leaderboard.truth import Truth
from sim_envs.storage import canonical_json

SUITE: dict[str, Any] = {
    "name": "mini",
    "version": 3,
    "summary": "a board in seconds",
    "test_spaces": ["builtin/flat-01", "builtin/flat-02"],
    "transfer": ["builtin/flat-11"],
    "held_out": ["builtin/flat-21"],
    "rig": {"width": 32, "height": 32},
    "recordings": {
        "test": {"train": [2, 5], "test": [2, 4]},
        "transfer": {"train": [2, 8], "val": [1, 4]},
        "held_out": {"test": [2, 4]},
    },
    "models": ["scratch"],
    "tasks": ["semseg", "detection", "captioning", "retrieval"],
    "protocols": ["frozen"],
    "pretrain": {"frames": 10, "steps": 2, "batch": 4},
    "transfer_budget": {"frames": 12, "steps": 2, "batch": 4, "evaluations": 1, "encoder_lrs": [1e-3]},
}


@dataclass(frozen=True)
class MiniRun:
    """A finished run in both test spaces.

    Attributes:
        folder: ``runs/mini``, with the results of both.
    """

    home: Path
    folder: Path
    suite_file: Path

    @property
    def suites(self) -> dict[str, Suite]:
        suite = load_suite(str(self.suite_file))
        return {suite.name: suite}

    @property
    def open_recording(self) -> OpenRecording:
        return recording_opener(self.home)


def make_run(home: Path) -> MiniRun:
    """Do what ``tst-bench run --model scratch`` does, in this process and without a report."""
    path = home / "mini.yaml"
    path.write_text(yaml.safe_dump(SUITE), encoding="utf-8")
    suite = load_suite(str(path))
    for space in suite.test_spaces:
        plan = plan_run(suite, space)
        for job in jobs_of(plan, open_recordings(plan, home), suite.tasks, home, "cpu"):
            job.function(**job.arguments, report=lambda *_: None)
    return MiniRun(home, home / "runs" / "mini", path)


def contents(archive: Path) -> dict[str, bytes]:
    """Read an archive with another program than ours."""
    with zipfile.ZipFile(archive) as file:
        return {info.filename: file.read(info) for info in file.infolist()}


def manifest_of(archive: Path) -> Submission:
    return Submission.model_validate_json(contents(archive)[MANIFEST])


def repacked(archive: Path, out: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Pack a submission whose manifest says something else, in every other way as it should be."""
    files = contents(archive)
    fields = Submission.model_validate_json(files[MANIFEST]).model_dump(mode="json")
    change(fields)
    files[MANIFEST] = (canonical_json(fields) + "\n").encode()
    write_archive(out, list(files.items()))
    return out


def with_file(archive: Path, out: Path, task: str, content: bytes) -> Path:
    """Pack a submission whose first prediction file of a task is another, with the digest and size that it has."""

    files = contents(archive)
    submission = Submission.model_validate_json(files[MANIFEST])
    name = next(name for name, row, _ in submission.files() if row.task == task)
    fields = submission.model_dump(mode="json")
    file = next(row for row in fields["rows"] if row["task"] == task)["spaces"][0]
    file |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    files |= {name: content, MANIFEST: (canonical_json(fields) + "\n").encode()}
    write_archive(out, list(files.items()))
    return out


def first_arrays(archive: Path, task: str) -> dict[str, np.ndarray]:
    """Return the arrays of the first prediction file of a task."""
    name = next(name for name, row, _ in manifest_of(archive).files() if row.task == task)
    with np.load(io.BytesIO(contents(archive)[name])) as arrays:
        return dict(arrays)


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def npz_of_files(files: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of any content, to pass for an ``.npz``."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


def entry_of(archive: Path, truth: Truth, folder: Path) -> Entry:
    """Score a submission as a worker does, and return its entry, of a team that is in no database."""
    submission, rows = score_submission(archive, truth, folder)
    return Entry(
        id="0000",
        team="nobody",
        submitted=datetime(2026, 1, 1, tzinfo=timezone.utc),
        scored=datetime(2026, 1, 1, tzinfo=timezone.utc),
        suite=submission.suite,
        custody="open",
        model=submission.model,
        track=submission.track,
        about=submission.about,
        cost=submission.cost,
        content="0" * 64,
        as_claimed=True,
        results=results_of(submission, truth.suite, rows, "2026-01-01T00:00:00+00:00"),
    )


def add_scored(store: Store, entry: Entry, team: str) -> str:
    """Put a submission on a board as if a team had sent it and a worker had scored it; return its id."""
    with store.transaction() as session:
        sent = store.files.put(f"submission of {team}, {secrets.token_hex()}".encode())
        submitted = enqueue(session, team_named(session, team).id, sent, 7)
        theirs = entry.model_copy(update={"id": submitted.id, "team": team, "submitted": submitted.received})
        submitted.status, submitted.finished = "scored", now()
        submitted.suite, submitted.suite_version = entry.suite.name, entry.suite.version
        submitted.model, submitted.track, submitted.name = entry.model, entry.track, entry.about.name
        submitted.entry = store.files.put(theirs.as_bytes())
        record(session, store.files, theirs, place(theirs))
    rank_tables(store)
    return submitted.id
