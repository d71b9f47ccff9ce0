"""Recompute every digest of a recording and name what is not as it was written."""

from __future__ import annotations

from pathlib import Path

from sim_envs.errors import UserError
from sim_envs.recordings.arrays import array_file, array_problem
from sim_envs.recordings.format import FRAMES_FILE, LOG_FILE, META_FILE, Meta, modality_file
from sim_envs.recordings.frames import read_frames
from sim_envs.recordings.reader import read_meta
from sim_envs.storage import digest_file


def verify(folder: Path) -> list[str]:
    """Read a recording from end to end.

    Returns:
        One line a problem, each naming its file; empty when all is as it was written.
    """
    folder = Path(folder)
    try:
        meta = read_meta(folder)
    except UserError as error:
        return [str(error)]
    problems: list[str] = []
    try:
        read_frames(folder, meta.frames)
    except UserError as error:
        problems.append(str(error))
    else:
        problems += _changed(folder, FRAMES_FILE, meta)
    for name in meta.modalities:
        problems += _array_problems(folder, name, meta)
    known = {META_FILE, FRAMES_FILE, LOG_FILE, *map(modality_file, meta.modalities)}
    extra = sorted(path.name for path in folder.iterdir() if path.name not in known)
    return problems + [f"{folder / name} does not belong to the recording." for name in extra]


def _changed(folder: Path, name: str, meta: Meta) -> list[str]:
    if digest_file(folder / name) == meta.files.get(name):
        return []
    return [f"{folder / name} is corrupt: its SHA-256 is not the one in {META_FILE}."]


def _array_problems(folder: Path, name: str, meta: Meta) -> list[str]:
    """Check one modality; where its bytes differ, say in which trajectories."""
    path, stored = folder / modality_file(name), meta.modalities[name]
    if problem := array_problem(path, stored):
        return [problem]
    if not _changed(folder, path.name, meta):
        return []
    file, start, bad = array_file(path, stored), 0, []
    for trajectory, record in meta.trajectories.items():
        if file.slice_digest(start, record.frames) != record.digests.get(name):
            bad.append(trajectory)
        start += record.frames
    where = f" in trajectories {', '.join(bad)}" if bad else ""
    return [f"{path} is corrupt{where}: its SHA-256 is not the one in {META_FILE}."]
