"""Worst and best frames: where the leading row of a table is most wrong and most right, by the frame's own score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.forms import Answers
from benchmark.predictions import read_prediction
from benchmark.report.evidence import Evidence, Row
from benchmark.report.panels import OpenRecording, Panel
from benchmark.tasks import Scope, Task

FRAMES_AT_ONCE = 128


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
    stored = {}
    for row in evidence.rows:
        folder = row.results[0].file(row.results[0].prediction_folder)
        if folder is not None:
            stored[row.model] = read_prediction(folder, part.space, recording=part.recording)
    if recording is None or leader is None or leader.model not in stored:
        return None
    said = stored[leader.model]
    order = np.argsort(said.frames)
    frames, values = said.frames[order], said.values[order]
    truth = evidence.task.targets(recording, frames)
    scores = frame_scores(evidence.task, values, truth, part.scope)
    sign = 1 if evidence.measure.higher_is_better else -1
    known = np.flatnonzero(np.isfinite(scores))
    ranked = known[np.argsort(sign * scores[known], kind="stable")]
    count = min(count, len(ranked) // 2)
    chosen = [(row, True) for row in ranked[:count]] + [(row, False) for row in ranked[len(ranked) - count :]]
    found = []
    for row, worst in chosen:
        frame = int(frames[row])
        others = {model: p.values[np.flatnonzero(p.frames == frame)] for model, p in stored.items()}
        rgb = np.asarray(recording.array("rgb")[frame])
        panel = Panel(part.space, part.role, frame, rgb, truth[np.array([row])], others)
        found.append(Extreme(panel, worst, float(scores[row])))
    return Extremes(leader.model, tuple(found)) if found else None


def frame_scores(task: Task, prediction: Answers, target: Answers, scope: Scope) -> np.ndarray:
    """Return the main measure of each frame by itself, (N,); NaN where a frame has nothing to be scored against."""
    scores = np.full(len(target), np.nan)
    known = np.flatnonzero(task.has_truth(target))
    for start in range(0, len(known), FRAMES_AT_ONCE):
        rows = known[start : start + FRAMES_AT_ONCE]
        sums = task.statistics(prediction[rows], target[rows], np.arange(len(rows))).sums
        scores[rows] = task.metrics(sums, scope)[task.measures[0].key]
    return scores


def _leader(evidence: Evidence) -> Row | None:
    sign = 1 if evidence.measure.higher_is_better else -1
    value = lambda row: sign * row.estimates["test"][evidence.measure.key].value  # noqa: E731
    rows = [row for row in evidence.rows if np.isfinite(value(row))]
    return max([row for row in rows if row.ranked] or rows, key=value, default=None)
