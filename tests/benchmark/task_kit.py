"""A package of somebody else that brings a task, with a form of its own, as one module and one entry point."""

from __future__ import annotations

from pathlib import Path

THIRD_PARTY = '''
"""Distance: how far away, in the mean, is what a frame shows?"""

from dataclasses import dataclass

import numpy as np

from benchmark.tasks import HeadSpec, Measure, Statistics
from benchmark.tasks.uncategorised import Uncategorised


class OneNumber:
    """A number for every frame."""

    def pack(self, answers):
        return {"metres": answers}

    def unpack(self, arrays, count):
        return arrays["metres"]

    def check(self, answers, frames):
        return "" if np.isfinite(answers).all() else "metres are NaN or infinite"

    def schema(self):
        number = {"type": "number", "description": "metres"}
        return {"metres": {"type": "array", "items": number, "dtype": "float32", "shape": ["frames"]}}

    def bytes_per_frame(self, height, width):
        return 4


@dataclass(frozen=True)
class Distance(Uncategorised):
    """Scored by the mean absolute error over frames."""

    name: str = "distance"
    version: int = 1
    truth_version: int = 1
    needs: tuple = ("depth",)
    measures: tuple = (Measure("error", "mean error", False, 1, 3, "m", "mean of |said - true| over frames"),)
    form: object = OneNumber()
    sum_shape: tuple = (2,)
    display_note: str = "The brighter the farther."

    def head(self):
        return HeadSpec("dense", 1, "log_l1")

    def targets(self, recording, rows):
        return np.asarray(recording.array("depth")[rows]).astype(np.float32) / 1000

    def has_truth(self, target):
        return (target > 0).any(axis=(1, 2))

    def encode_prediction(self, output):
        return np.exp(output).mean(axis=(1, 2, 3)).astype(np.float32)

    def conclude(self, encoded, recording, rows):
        return encoded

    def statistics(self, prediction, target, trajectory):
        ids, group = np.unique(trajectory, return_inverse=True)
        known = self.has_truth(target)
        error = np.abs(prediction - target.sum(axis=(1, 2)) / np.maximum((target > 0).sum(axis=(1, 2)), 1))
        frames = np.bincount(group[known], minlength=len(ids))
        sums = np.stack([np.bincount(group[known], error[known], len(ids)), frames], axis=1)
        return Statistics(ids.astype(np.int64), frames.astype(np.int64), sums.astype(np.float64))

    def reduced_metrics(self, reduced):
        return {"error": reduced[..., 0] / reduced[..., 1]}

    def metrics(self, sums, scope):
        return self.reduced_metrics(sums)

    def display(self, values, target, rgb, colours):
        metres = values.mean()
        return np.full((8, 8, 3), min(255, 50 * metres), np.uint8)

    def sketch(self, values, row, views, colours):
        return np.full((8, 8, 3), min(255, 50 * values.mean()), np.uint8)

    def in_words(self, prediction, target):
        return f"{prediction[0]:.1f} m"


DISTANCE = Distance()
'''


def install_task(site: Path) -> Path:
    """Install a package with a task named ``distance``, and return the folder for ``PYTHONPATH``."""
    (site / "third_task-1.dist-info").mkdir(parents=True)
    (site / "third_task-1.dist-info" / "METADATA").write_text("Name: third-task\nVersion: 1\n", encoding="utf-8")
    entry = "[tst_bench.tasks]\ndistance = third_party_distance:DISTANCE\n"
    (site / "third_task-1.dist-info" / "entry_points.txt").write_text(entry, encoding="utf-8")
    (site / "third_party_distance.py").write_text(THIRD_PARTY, encoding="utf-8")
    return site
