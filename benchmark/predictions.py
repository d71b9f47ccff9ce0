"""Predictions on disk: one folder a (model, task, protocol, seed), one ``.npz`` a space, one manifest.

Scores come from these files and from nothing else, so that whoever holds the truth can recompute them. What
is read back is checked first; whatever does not fit is refused by name, never mended. What an answer looks like, and
what makes it unfit, is the task's form (:mod:`benchmark.forms`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmark.array_files import WHAT_CAN_BE_WRONG, ArrayFile, open_arrays
from benchmark.forms import Answers, Frames, StackedForm, concatenate
from benchmark.manifest import MANIFEST, SCHEMA, Manifest, PredictionFile, file_name, load_manifest
from benchmark.tasks import TASKS, Statistics, Task
from sim_envs.errors import UserError
from sim_envs.storage import digest_file, write_json, write_whole

__all__ = [
    "MANIFEST",
    "SCHEMA",
    "Manifest",
    "SpacePrediction",
    "file_name",
    "is_intact",
    "load_manifest",
    "load_prediction",
    "predicted_frames",
    "read_prediction",
    "save_predictions",
    "score_prediction",
]

PIXELS_AT_ONCE = 1 << 22
"""Of predictions and truth that are in memory while a space is scored."""


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


def is_intact(folder: Path) -> bool:
    """Tell whether the manifest can be read and each file is the one that it describes."""
    try:
        rows = load_manifest(folder).spaces
    except UserError:
        return False
    return all((folder / row.file).is_file() and digest_file(folder / row.file) == row.sha256 for row in rows)


def predicted_frames(folder: Path, space: str, *, recording: str) -> np.ndarray:
    """Return the frames that one space's predictions are of, (N,) int64, as they lie in the file.

    Raises:
        UserError: as :func:`read_prediction`, but for the answers themselves, which are not looked at.
    """
    path, _ = _described(folder, space, recording)
    with _opened(path) as arrays:
        return _frames(arrays, path)


def read_prediction(folder: Path, space: str, *, recording: str, only: np.ndarray | None = None) -> SpacePrediction:
    """Read one space's predictions back, whatever frames they are of.

    Args:
        only: frames to keep, in the order of the file; None keeps all. All are checked.

    Raises:
        UserError: the file is missing, damaged or changed, made on another recording, with duplicate frames, or with
            answers that the task's form refuses.
    """
    path, row = _described(folder, space, recording)
    task = TASKS[load_manifest(folder).task]
    kept = []
    with _opened(path) as arrays:
        frames = _frames(arrays, path)
        wanted = np.isin(frames, frames if only is None else only)
        lengths = _lengths(np.zeros(len(frames)), row.height * row.width)
        for start, values in _parts(arrays, task, frames, lengths, row, path):
            kept.append(values[np.flatnonzero(wanted[start : start + len(values)])])
    return SpacePrediction(space, recording, frames[wanted], concatenate(kept), (row.height, row.width))


def load_prediction(folder: Path, space: str, *, recording: str, frames: np.ndarray, shape: tuple[int, int]) -> Answers:
    """Read one space's predictions back, in the order of ``frames``.

    Args:
        recording: digest of the recording that holds the truth.
        frames: (N,) rows that are to be scored; exactly these must be there.
        shape: (height, width) of the recording's frames.

    Raises:
        UserError: as :func:`read_prediction`, or of a wrong size, or with missing or extra frames.
    """
    path, row = _described(folder, space, recording)
    _refuse_other_size(row, shape, path)
    part = read_prediction(folder, space, recording=recording)
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

    Where the form allows it (:class:`~benchmark.forms.StackedForm`) predictions and truth are read in parts: memory
    does not grow with the number of frames. A part ends between two trajectories wherever it can, because sums of
    floats depend on how they are put together.

    Args:
        target: truth of ``frames``; only picked from, so that it may read what is asked for.
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
    path, row = _described(folder, space, recording)
    _refuse_other_size(row, shape, path)
    ids = np.unique(trajectory).astype(np.int64)
    found = np.zeros(len(ids), np.int64)
    sums: np.ndarray | None = None
    with _opened(path) as arrays:
        stored = _frames(arrays, path)
        place = np.argsort(_positions(stored, np.asarray(frames), path))  # of each stored frame among ``frames``
        lengths = _lengths(trajectory[place], row.height * row.width)
        for start, values in _parts(arrays, task, stored, lengths, row, path):
            part = place[start : start + len(values)]
            statistics = task.statistics(values, target[part], trajectory[part])
            at = np.searchsorted(ids, statistics.trajectory)
            if sums is None:
                sums = np.zeros((len(ids), *task.sum_shape), statistics.sums.dtype)
            sums[at] += statistics.sums
            found[at] += statistics.frames
    assert sums is not None
    return Statistics(ids, found, sums)


def _write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:  # a file object, because numpy appends .npz to a name
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _described(folder: Path, space: str, recording: str) -> tuple[Path, PredictionFile]:
    """Return a space's file and its row of the manifest, once the file is the one that the manifest describes."""
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
    if not path.is_file():
        raise UserError(f"{path} is missing, though {MANIFEST} names it. Run the model again.")
    if digest_file(path) != row.sha256:
        raise UserError(f"{path} is not the file that {MANIFEST} describes (SHA-256). Run the model again.")
    return path, row


@contextmanager
def _opened(path: Path) -> Iterator[ArrayFile]:
    try:
        with open_arrays(path) as arrays:
            yield arrays
    except WHAT_CAN_BE_WRONG as error:
        raise UserError(f"{path} cannot be read as predictions: {error}. Run the model again.") from None


def _frames(arrays: ArrayFile, path: Path) -> np.ndarray:
    frames = arrays.whole("frames")
    _check_frames(frames, path)
    return frames


def _parts(
    arrays: ArrayFile, task: Task, frames: np.ndarray, lengths: Sequence[int], row: PredictionFile, path: Path
) -> Iterator[tuple[int, Answers]]:
    """Yield (position of the first, checked answers) of consecutive frames, all at once where a form needs that."""
    if isinstance(task.form, StackedForm):
        names = task.form.stacked()
        streams = zip(*(arrays.parts(name, lengths) for name in names), strict=True)
        pieces: Iterable[dict[str, np.ndarray]] = (dict(zip(names, piece, strict=True)) for piece in streams)
    else:
        lengths = [len(frames)]
        pieces = [{name: arrays.whole(name) for name in arrays.names if name != "frames"}]
    start = 0
    for piece, length in zip(pieces, lengths, strict=True):
        values = task.form.unpack(piece, length)
        _check_answers(values, task, Frames(frames[start : start + length], row.height, row.width), path)
        yield start, values
        start += length


def _lengths(trajectory: np.ndarray, pixels: int) -> list[int]:
    """Return the sizes of parts of about ``PIXELS_AT_ONCE``: whole trajectories where they are not longer."""
    most = max(1, PIXELS_AT_ONCE // pixels)
    edges = [0, *(np.flatnonzero(np.diff(trajectory)) + 1).tolist(), len(trajectory)]
    lengths = [0]
    for start, end in pairwise(edges):
        if lengths[-1] and lengths[-1] + end - start > most:
            lengths.append(0)
        while end - start > most:
            lengths[-1], start = most, start + most
            lengths.append(0)
        lengths[-1] += end - start
    return [length for length in lengths if length]


def _check(part: SpacePrediction, task: Task, path: Path) -> None:
    """Refuse what could not be scored, before it is written."""
    _check_frames(part.frames, path)
    _check_answers(part.values, task, Frames(part.frames, *part.size), path)


def _check_frames(frames: np.ndarray, path: Path) -> None:
    if frames.ndim != 1 or not np.issubdtype(frames.dtype, np.integer):
        raise UserError(f"{path}: expected frames (N,) of integers, got {frames.dtype}{frames.shape}.")
    if not len(frames):
        raise UserError(f"{path} has no frames.")
    unique, counts = np.unique(frames, return_counts=True)
    if (counts > 1).any():
        raise UserError(f"{path}: frames predicted more than once: {_some(unique[counts > 1])}.")


def _check_answers(values: Answers, task: Task, frames: Frames, path: Path) -> None:
    if len(frames.rows) != len(values):
        raise UserError(f"{path}: {len(frames.rows)} frame numbers for {len(values)} predictions.")
    problem = task.form.check(values, frames)
    if problem:
        raise UserError(f"{path}: {task.name} predictions: {problem}.")


def _refuse_other_size(row: PredictionFile, shape: tuple[int, int], path: Path) -> None:
    size = (row.height, row.width)
    if size != tuple(shape):
        raise UserError(f"{path}: predictions are of {_by(size)} pixels, the truth {_by(shape)}.")


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
