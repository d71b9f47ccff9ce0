"""Predictions on disk: one folder a (model, task, protocol, seed), one ``.npz`` a space, one manifest.

Scores come from these files and from nothing else, so that whoever holds the truth can recompute them. What
is read back is checked first; whatever does not fit is refused by name, never mended. What an answer looks like, and
what makes it unfit, is the task's form (:mod:`benchmark.forms`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.forms import Answers, Frames
from benchmark.tasks import TASKS, Statistics, Task
from sim_envs.errors import UserError
from sim_envs.storage import digest_file, write_json, write_whole

SCHEMA = 1
MANIFEST = "predictions.json"


@dataclass(frozen=True, eq=False)
class SpacePrediction:
    """What a model said about some frames of one recording.

    Attributes:
        space: ``source/name``.
        recording: digest of the recording that the frames belong to.
        frames: (N,) int64 row numbers in that recording, unique.
        values: the answers about them, in the form of the task.
        size: (height, width) of the frames in pixels.
    """

    space: str
    recording: str
    frames: np.ndarray
    values: Answers
    size: tuple[int, int]


class PredictionFile(BaseModel):
    """One row of the manifest: a file and what it must contain."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    space: str
    file: str = Field(pattern=r"^[^/\\]+\.npz$")
    recording: str
    frames: int = Field(ge=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """``predictions.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    task: str
    model: str
    protocol: str
    seed: int
    spaces: tuple[PredictionFile, ...]


def save_predictions(
    folder: Path, parts: Iterable[SpacePrediction], *, task: Task, model: str, protocol: str, seed: int
) -> Manifest:
    """Write each space's file as it comes, then the manifest; without a manifest the folder counts as empty.

    Args:
        parts: may be a generator, so that one space at a time is in memory.

    Raises:
        UserError: a part could not be scored (see :func:`load_prediction`), or the disk refused.
    """
    rows = []
    for part in parts:
        path = folder / file_name(part.space)
        _check(part, task, path)
        arrays = {"frames": np.asarray(part.frames, np.int64), **task.form.pack(part.values)}
        write_whole(path, lambda beside, arrays=arrays: _write_npz(beside, arrays))  # type: ignore[misc]
        height, width = part.size
        rows.append(
            PredictionFile(
                space=part.space,
                file=path.name,
                recording=part.recording,
                frames=len(part.frames),
                height=height,
                width=width,
                sha256=digest_file(path),
            )
        )
    manifest = Manifest(task=task.name, model=model, protocol=protocol, seed=seed, spaces=tuple(rows))
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    return manifest


def load_manifest(folder: Path) -> Manifest:
    """Read ``predictions.json``.

    Raises:
        UserError: it is missing, or is not what this version writes.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"No predictions in {folder}: {MANIFEST} is missing. Run the model again.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(f"{path} is not a prediction manifest: {where}: {first['msg']}.") from None
    spaces = [row.space for row in manifest.spaces]
    if len(set(spaces)) != len(spaces):
        raise UserError(f"{path} names a space twice: {', '.join(sorted(spaces))}.")
    return manifest


def read_prediction(folder: Path, space: str, *, recording: str) -> SpacePrediction:
    """Read one space's predictions back, whatever frames they are of.

    Raises:
        UserError: the file is missing, damaged or changed, made on another recording, with duplicate frames, or with
            answers that the task's form refuses.
    """
    manifest = load_manifest(folder)
    row = next((row for row in manifest.spaces if row.space == space), None)
    if row is None:
        known = ", ".join(r.space for r in manifest.spaces) or "none"
        raise UserError(f"No predictions for {space} in {folder} (there: {known}). Run the model again.")
    path = folder / row.file
    if row.recording != recording:
        raise UserError(
            f"{path} was made on another recording of {space} "
            f"({row.recording[:12]}…, not {recording[:12]}…). Predict again on this one."
        )
    task = TASKS[manifest.task]
    part = _read_npz(path, row, task)
    _check(part, task, path)
    return part


def load_prediction(folder: Path, space: str, *, recording: str, frames: np.ndarray, shape: tuple[int, int]) -> Answers:
    """Read one space's predictions back, in the order of ``frames``.

    Args:
        recording: digest of the recording that holds the truth.
        frames: (N,) rows that are to be scored; exactly these must be there.
        shape: (height, width) of the recording's frames.

    Raises:
        UserError: as :func:`read_prediction`, or of a wrong size, or with missing or extra frames.
    """
    part = read_prediction(folder, space, recording=recording)
    path = folder / file_name(space)
    if part.size != tuple(shape):
        raise UserError(f"{path}: predictions are of {_by(part.size)} pixels, the truth {_by(shape)}.")
    return part.values[_positions(part.frames, np.asarray(frames), path)]


def score_prediction(
    folder: Path,
    space: str,
    *,
    task: Task,
    target: Answers,
    frames: np.ndarray,
    trajectory: np.ndarray,
    recording: str,
    shape: tuple[int, int],
) -> Statistics:
    """Reduce one space's predictions on disk to sufficient statistics.

    Args:
        target: truth of ``frames``, from ``task.targets``.
        frames: (N,) rows of the recording.
        trajectory: (N,) trajectory id of each.
        recording: digest of the recording.
        shape: (height, width) of its frames.

    Raises:
        UserError: as :func:`load_prediction`, or the folder holds another task.
    """
    named = load_manifest(folder).task
    if named != task.name:
        raise UserError(f"{folder} holds predictions for {named}, not for {task.name}.")
    values = load_prediction(folder, space, recording=recording, frames=frames, shape=shape)
    return task.statistics(values, target, trajectory)


def file_name(space: str) -> str:
    """Return the file of a space: ``builtin/flat-01`` → ``builtin__flat-01.npz``."""
    return space.replace("/", "__") + ".npz"


def _write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:  # a file object, because numpy appends .npz to a name
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _read_npz(path: Path, row: PredictionFile, task: Task) -> SpacePrediction:
    if not path.is_file():
        raise UserError(f"{path} is missing, though {MANIFEST} names it. Run the model again.")
    if digest_file(path) != row.sha256:
        raise UserError(f"{path} is not the file that {MANIFEST} describes (SHA-256). Run the model again.")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            frames = arrays["frames"]
            values = task.form.unpack(arrays, len(frames))
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as predictions: {error}. Run the model again.") from None
    return SpacePrediction(row.space, row.recording, frames, values, (row.height, row.width))


def _check(part: SpacePrediction, task: Task, path: Path) -> None:
    """Refuse what could not be scored, before it is written and after it is read."""
    frames = part.frames
    if frames.ndim != 1 or not np.issubdtype(frames.dtype, np.integer):
        raise UserError(f"{path}: expected frames (N,) of integers, got {frames.dtype}{frames.shape}.")
    if len(frames) != len(part.values) or not len(frames):
        raise UserError(f"{path}: {len(frames)} frame numbers for {len(part.values)} predictions.")
    unique, counts = np.unique(frames, return_counts=True)
    if (counts > 1).any():
        raise UserError(f"{path}: frames predicted more than once: {_some(unique[counts > 1])}.")
    problem = task.form.check(part.values, Frames(frames, *part.size))
    if problem:
        raise UserError(f"{path}: {task.name} predictions: {problem}.")


def _positions(have: np.ndarray, want: np.ndarray, path: Path) -> np.ndarray:
    missing, extra = np.setdiff1d(want, have), np.setdiff1d(have, want)
    if len(missing):
        raise UserError(f"{path}: {len(missing)} of {len(want)} frames have no prediction: {_some(missing)}.")
    if len(extra):
        raise UserError(f"{path}: {len(extra)} predictions for frames that are not scored: {_some(extra)}.")
    order = np.argsort(have)
    return order[np.searchsorted(have[order], want)]


def _some(numbers: np.ndarray) -> str:
    return ", ".join(str(n) for n in numbers[:5]) + (", …" if len(numbers) > 5 else "")


def _by(shape: Iterable[int]) -> str:
    return " × ".join(str(n) for n in shape)
