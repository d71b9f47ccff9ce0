"""Worst and best frames: where the leading row of a table is most wrong and most right, by the frame's own score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.forms import Answers
from benchmark.predictions import predicted_frames, read_prediction
from benchmark.report.evidence import Evidence, Row
from benchmark.report.panels import OpenRecording, Panel
from benchmark.results import SpaceResult
from benchmark.tasks import Scope, Task

FRAMES_AT_ONCE = 1024
"""Read and scored together: a file is gone through as a whole for each part, and sums take memory for each frame."""


@dataclass(frozen=True, eq=False)
class Extreme:
    """A frame of the test space with all that was said of it.

    Attributes:
        worst: whether it is one of the worst, else of the best.
        score: of the row that frames were chosen by, in the main measure.
    """

    panel: Panel
    worst: bool
    score: float


@dataclass(frozen=True, eq=False)
class Extremes:
    """The frames, worst first, and the model whose scores they were chosen by (its lowest seed)."""

    model: str
    frames: tuple[Extreme, ...]


def collect_extremes(evidence: Evidence, open_recording: OpenRecording, count: int = 2) -> Extremes | None:
    """Return the ``count`` worst and best frames of the test space, or None where there is nothing to show.

    They are chosen by the ranked row with the highest score in the test space. Of equal scores the earlier frame.
    """
    part, leader = evidence.spaces[0], _leader(evidence)
    recording = open_recording(part.space, part.recording)
    files = {row.model: row.results[0].file(row.results[0].prediction_folder) for row in evidence.rows}
    folders = {model: folder for model, folder in files.items() if folder is not None}
    if recording is None or leader is None or leader.model not in folders:
        return None
    frames = np.sort(predicted_frames(folders[leader.model], part.space, recording=part.recording))
    parts = []
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        rows = frames[start : start + FRAMES_AT_ONCE]
        said = _said(folders[leader.model], part, rows)
        parts.append(frame_scores(evidence.task, said, evidence.task.targets(recording, rows), part.scope))
    scores = np.concatenate(parts)
    sign = 1 if evidence.measure.higher_is_better else -1
    known = np.flatnonzero(np.isfinite(scores))
    ranked = known[np.argsort(sign * scores[known], kind="stable")]
    count = min(count, len(ranked) // 2)
    found: list[Extreme] = []
    for place in (*ranked[:count], *ranked[len(ranked) - count :]):
        frame = frames[[place]]
        rgb = np.asarray(recording.array("rgb")[frame])[0]
        everyone = {model: _said(folder, part, frame) for model, folder in folders.items()}
        panel = Panel(part.space, part.role, int(frame[0]), rgb, evidence.task.targets(recording, frame), everyone)
        found.append(Extreme(panel, len(found) < count, float(scores[place])))
    return Extremes(leader.model, tuple(found)) if found else None


def _said(folder: Path, part: SpaceResult, frames: np.ndarray) -> Answers:
    """Return what was predicted of some frames, in their order."""
    prediction = read_prediction(folder, part.space, recording=part.recording, only=frames)
    order = np.argsort(prediction.frames)
    return prediction.values[order[np.searchsorted(prediction.frames, frames, sorter=order)]]


def frame_scores(task: Task, prediction: Answers, target: Answers, scope: Scope) -> np.ndarray:
    """Return the main measure of each frame by itself, (N,); NaN where a frame has nothing to be scored against."""
    scores = np.full(len(target), np.nan)
    known = np.flatnonzero(task.has_truth(target))
    if len(known):
        sums = task.statistics(prediction[known], target[known], np.arange(len(known))).sums
        scores[known] = task.metrics(sums, scope)[task.measures[0].key]
    return scores


def _leader(evidence: Evidence) -> Row | None:
    sign = 1 if evidence.measure.higher_is_better else -1
    value = lambda row: sign * row.estimates["test"][evidence.measure.key].value  # noqa: E731
    rows = [row for row in evidence.rows if np.isfinite(value(row))]
    return max([row for row in rows if row.ranked] or rows, key=value, default=None)
