"""Answers on disk: each teacher is asked once about a recording, whatever models and seeds learn from it.

::

    <home>/teachers/<recording digest>/<teacher>-<digest>/
      answers.json   teacher, weights, recording, conventions, digests; written last
      values.npy     (N, h, w[, C]), opened memory-mapped
      frames.npy     (N,) numbers of the frames in the recording, ascending
      fitted.npz     what was fitted on the space, for teachers that fit anything

While a teacher is asked, parts of some hundred frames lie beside; one that was written is never asked for again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.teachers.teacher import Answers, Teacher
from baselines.weights import WeightsFile
from sim_envs.errors import UserError
from sim_envs.modalities import modality
from sim_envs.recordings.lock import alone
from sim_envs.recordings.sensed import SensedFrames
from sim_envs.storage import digest_file, digest_json, write_json, write_whole

VERSION = 1
"""Raised when a teacher would answer otherwise from the same inputs."""

PART_FRAMES = 256
FACTS_FILE, VALUES_FILE, FRAMES_FILE, FITTED_FILE = "answers.json", "values.npy", "frames.npy", "fitted.npz"

REMEDY = "Delete the folder; the next run asks the teacher anew."

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Question:
    """Which teacher is asked about which frames.

    Attributes:
        weights: what the teacher's weights are read from, None for a random network.
        recording: digest of the recording.
        fitted_on: numbers in the recording of the frames that the teacher may fit on: training frames.
    """

    teacher: Teacher
    weights: WeightsFile | None
    recording: str
    frames: SensedFrames
    fitted_on: np.ndarray

    @property
    def identity(self) -> dict[str, Any]:
        """All that decides the answers, JSON-like."""
        return {
            "version": VERSION,
            "teacher": self.teacher.name,
            "modality": self.teacher.modality,
            "network": dict(self.teacher.network),
            "weights": self.weights.sha256 if self.weights else "random",
            "recording": self.recording,
            "frames": digest_json(self.frames.indices.tolist()),
            "fitted_on": digest_json(self.fitted_on.tolist()),
        }

    def folder(self, home: Path) -> Path:
        """Return where the answers lie, or will lie."""
        name = self.teacher.name.replace("/", "-").replace(":", "-")
        return home / "teachers" / self.recording[:16] / f"{name}-{digest_json(self.identity)[:16]}"


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers of one teacher on frames of one recording.

    Attributes:
        values: (N, h, w[, C]), mapped read-only.
        frames: (N,) int64 numbers of the frames in the recording, ascending.
        facts: the JSON beside.
    """

    values: np.ndarray
    frames: np.ndarray
    facts: dict[str, Any]

    def get(self, frames: np.ndarray) -> np.ndarray:
        """Return a copy of the answers on some frames, by their numbers in the recording.

        Raises:
            IndexError: a frame that the teacher was not asked about.
        """
        rows = np.searchsorted(self.frames, frames).clip(max=len(self.frames) - 1)
        if (self.frames[rows] != frames).any():
            raise IndexError("the teacher was not asked about all of these frames")
        return np.asarray(self.values[rows])


def answers(question: Question, home: Path, device: torch.device, progress: Progress | None = None) -> Answered:
    """Return what a teacher says of a recording, computing what is not on disk; killed anywhere, it goes on.

    Args:
        progress: called with (frames done, frames in all).

    Raises:
        UserError: weights or files that are damaged, or a disk that is full.
    """
    folder = question.folder(home)
    if not (folder / FACTS_FILE).is_file():
        with alone(folder, f"set of answers of {question.teacher.name}"):
            if not (folder / FACTS_FILE).is_file():
                _ask_all(question, folder, device, progress or (lambda done, total: None))
    return _read(folder, question)


def _ask_all(question: Question, folder: Path, device: torch.device, progress: Progress) -> None:
    frames, teacher = question.frames, question.teacher
    height, width = frames.get("rgb", 0).shape[:2]
    opened = teacher.open(question.weights, height, width, device)
    told = opened.use(_fitted(question, opened, folder / FITTED_FILE))
    row, count = modality(teacher.modality), len(frames)
    parts = [folder / f"part-{first:08d}.npy" for first in range(0, count, PART_FRAMES)]
    for number, path in enumerate(parts):
        if not path.is_file():
            rows = np.arange(number * PART_FRAMES, min(count, (number + 1) * PART_FRAMES))
            batches = np.split(rows, range(opened.batch, len(rows), opened.batch))
            part = np.concatenate([opened.ask(frames.get("rgb", batch)) for batch in batches])
            if part.dtype != row.dtype or part.ndim != (3 if row.channels == 1 else 4):
                raise ValueError(f"{teacher.name} answered {part.dtype} {part.shape}, which is no {row.name}")
            write_whole(path, lambda beside, values=part: _save(beside, values))  # type: ignore[misc]
        progress(min(count, (number + 1) * PART_FRAMES), count)
    _join(parts, folder / VALUES_FILE, count)
    write_whole(folder / FRAMES_FILE, lambda beside: _save(beside, frames.indices))
    values = np.load(folder / VALUES_FILE, mmap_mode="r")
    write_json(
        folder / FACTS_FILE,
        question.identity
        | {
            "conventions": teacher.conventions,
            "data": [entry.model_dump(mode="json") for entry in teacher.data],
            "licence": teacher.licence,
            "frame": [int(height), int(width)],
            "dtype": str(values.dtype),
            "shape": list(values.shape),
            "sha256": digest_file(folder / VALUES_FILE),
            **told,
        },
    )
    for path in parts:
        path.unlink(missing_ok=True)


def _fitted(question: Question, opened: Answers, path: Path) -> dict[str, np.ndarray]:
    """Return what the teacher fits on the space, from disk where a killed run left it."""
    if not opened.sample_frames:
        return {}
    if not path.is_file():
        rows = np.flatnonzero(np.isin(question.frames.indices, question.fitted_on))
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, opened.sample_frames).round().astype(np.int64))]
        fitted = opened.fit(_batches(question.frames, rows, opened.batch))

        def write(beside: Path) -> None:
            with beside.open("wb") as file:
                np.savez(file, **fitted)  # type: ignore[arg-type]

        write_whole(path, write)
    with np.load(path) as stored:
        return dict(stored)


def _batches(frames: SensedFrames, rows: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    for first in range(0, len(rows), batch):
        yield frames.get("rgb", rows[first : first + batch])


def _save(path: Path, values: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, values)


def _join(parts: list[Path], path: Path, count: int) -> None:
    """Put the parts into one file, one after the other, without holding more than one in memory."""
    first = np.load(parts[0], mmap_mode="r")

    def write(beside: Path) -> None:
        whole = np.lib.format.open_memmap(beside, "w+", first.dtype, (count, *first.shape[1:]))
        for number, part in enumerate(parts):
            values = np.load(part)
            whole[number * PART_FRAMES : number * PART_FRAMES + len(values)] = values
        whole.flush()

    write_whole(path, write)


def _read(folder: Path, question: Question) -> Answered:
    try:
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        values = np.load(folder / VALUES_FILE, mmap_mode="r")
        frames = np.load(folder / FRAMES_FILE)
        sound = list(values.shape) == facts["shape"] and np.array_equal(frames, question.frames.indices)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder} is corrupt ({error}). {REMEDY}") from error
    if not sound:
        raise UserError(f"{folder} is corrupt (wrong shapes). {REMEDY}")
    return Answered(values, frames, facts)
