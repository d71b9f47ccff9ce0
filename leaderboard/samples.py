"""Sample predictions of a submission as pictures: what was seen and what was said of it, never what is true.

They are drawn for frames that nobody picked, and only where everybody can have the frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmark.predictions import read_prediction
from benchmark.results import Role
from benchmark.tasks import TASKS
from leaderboard.manifest import Row, SpaceFile, Submission
from leaderboard.truth import Truth
from sim_envs.modalities import id_colours

FRAMES = 6
"""Of a task and protocol: half of them, or all where nothing else was scored, from the test space."""

LONGEST_SIDE_PX = 480


@dataclass(frozen=True, eq=False)
class Sample:
    """One frame and one prediction of it; see :attr:`leaderboard.store.tables.Submitted.pictures`.

    Attributes:
        frame: row in the recording.
        rgb, prediction: (h, w, 3) uint8.
    """

    row: Row
    space: str
    role: Role
    frame: int
    rgb: np.ndarray
    prediction: np.ndarray


def samples(submission: Submission, truth: Truth, folder: Path) -> Iterator[Sample]:
    """Draw samples of every task and protocol: of the first test space and its first held-out space, lowest seed.

    Of the truth nothing but the RGB of the frames is read.

    Args:
        folder: what the submission was received into.
    """
    first = min(submission.rows, key=lambda row: (truth.suite.test_spaces.index(row.test_space), row.seed))
    alike = [row for row in submission.rows if (row.test_space, row.seed) == (first.test_space, first.seed)]
    for _, rows in groupby(alike, key=lambda row: (row.task, row.protocol)):
        row = next(rows)
        files = {file.space: file for file in row.spaces}
        held_out = [files[space] for space in truth.suite.held_out if space in files][:1]
        chosen = [files[row.test_space], *held_out]
        for file in chosen:
            yield from _of_space(row, file, truth, folder, FRAMES // len(chosen))


def _of_space(row: Row, file: SpaceFile, truth: Truth, folder: Path, most: int) -> Iterator[Sample]:
    recording = truth.recordings[file.space]
    frames = recording.indices("test")
    count = min(most, len(frames))
    chosen = frames[((np.arange(count) + 0.5) / count * len(frames)).astype(int)]
    said = read_prediction(folder / row.folder, file.space, recording=file.recording, only=chosen)
    task, views = TASKS[row.task], recording.array("rgb")
    colours = id_colours(len(task.categories) + 1)
    for frame in chosen.tolist():
        values = said.values[np.flatnonzero(said.frames == frame)]
        picture = task.sketch(values, frame, views, colours)
        yield Sample(row, file.space, file.role, frame, _shown(np.asarray(views[frame])), _shown(picture))


def _shown(picture: np.ndarray) -> np.ndarray:
    """Leave out pixels until both sides are fit for a page; text goes on below the edge."""
    step = -(-min(picture.shape[:2]) // LONGEST_SIDE_PX)
    return picture[::step, ::step][:LONGEST_SIDE_PX, : 2 * LONGEST_SIDE_PX]


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write an (h, w, 3) uint8 picture; equal pictures give equal files."""
    from PIL import Image

    Image.fromarray(np.ascontiguousarray(picture)).save(path, format="PNG", optimize=True)
