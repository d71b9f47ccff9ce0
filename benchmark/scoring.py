"""Score the stored predictions of one space against its truth: what a run and a later ``rescore`` both do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark.forms import Answers
from benchmark.predictions import load_manifest, score_prediction
from benchmark.results import SpaceResult, StoredStatistics
from benchmark.tasks import Task
from sim_envs.recordings.reader import Recording


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth about frames ``rows`` of a recording, read when frames are picked from it."""

    task: Task
    recording: Recording
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: np.ndarray) -> Answers:
        """Return the truth about some of the frames."""
        return self.task.targets(self.recording, self.rows[index])


def score_space(
    predictions: Path,
    recording: Recording,
    rows: np.ndarray,
    *,
    task: Task,
    role: Literal["test", "held_out"],
    seen: tuple[int, ...],
) -> SpaceResult:
    """Return what every score of a space follows from.

    Args:
        predictions: folder of the prediction files.
        recording: the truth.
        rows: (N,) int64 frames of it that are scored, ascending: sums of floats depend on their order.
        seen: evaluation ids that transfer training could teach.

    Raises:
        UserError: a prediction file is missing, damaged, or not of exactly these frames.
    """
    space = recording.meta.space.id
    statistics = score_prediction(
        predictions,
        space,
        task=task,
        target=Truth(task, recording, rows),
        frames=rows,
        trajectory=recording.trajectory_ids[rows],
        recording=recording.meta.digest,
        shape=(recording.rig.height, recording.rig.width),
    )
    scope = task.scope(statistics.total, seen)
    file = next(row for row in load_manifest(predictions).spaces if row.space == space)
    return SpaceResult(
        space=space,
        role=role,
        recording=recording.meta.digest,
        predictions=file.sha256,
        scored=scope.scored,
        left_out=dict(scope.left_out),
        lacking=task.lacking(recording.meta.categories),
        statistics=StoredStatistics.pack(statistics),
    )
