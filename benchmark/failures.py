"""What failed in a run, kept beside its results until it succeeds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.jobs import Failure, Job
from sim_envs.storage import write_json

FILE = "failures.json"


class _Noted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    message: str
    log: str = ""


class _Notes(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    failures: dict[str, _Noted] = {}


def note_failures(folder: Path, jobs: Sequence[Job], failures: Sequence[Failure]) -> None:
    """Note in a run's folder what failed of the jobs that have ended, and forget older failures of the same jobs."""
    notes = _read(folder)
    kept = {name: noted for name, noted in notes.failures.items() if name not in {job.name for job in jobs}}
    kept |= {f.job: _Noted(message=f.message, log=os.path.relpath(f.log, folder) if f.log else "") for f in failures}
    if kept or notes.failures:
        write_json(folder / FILE, _Notes(failures=kept).model_dump(mode="json"))


def noted_failures(folder: Path) -> dict[str, Failure]:
    """Return job → failure, as last noted; nothing where the file is absent or unreadable."""
    noted = _read(folder).failures
    return {name: Failure(name, n.message, folder / n.log if n.log else None) for name, n in noted.items()}


def _read(folder: Path) -> _Notes:
    try:
        return _Notes.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return _Notes()
