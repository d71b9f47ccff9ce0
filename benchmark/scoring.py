"""Score the stored predictions of one space against its truth: what a run and a later ``rescore`` both do."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmark.predictions import load_manifest, score_prediction
from benchmark.results import Role, SpaceResult, StoredStatistics
from benchmark.tasks import Task
from sim_envs.recordings.reader import Recording


def score_space(
    predictions: Path,
    recording: Recording,
    rows: np.ndarray,
    *,
    task: Task,
    role: Role,
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
        target=task.targets(recording, rows),
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
