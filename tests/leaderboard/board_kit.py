"""A miniature run to submit, and ways to change what is submitted as a stranger could."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
from leaderboard.manifest import MANIFEST, Submission
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
