"""Depth: how far each pixel is, in metres (planar z), from RGB alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.forms.pixel_map import PixelMap
from benchmark.metrics.depth import DEPTH_SUMS, depth_metrics, depth_sums
from benchmark.tasks import HeadSpec, Measure, Scope, Statistics
from benchmark.tasks.pixel_maps import PerPixel
from benchmark.tasks.uncategorised import Uncategorised
from sim_envs.modalities import modality

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording

NEAREST_M, FARTHEST_M = 0.05, 60.0  # what a head may say is clipped to what a device could measure indoors
_SCALED = "after each frame's prediction is multiplied by median(truth) / median(prediction)"


@dataclass(frozen=True)
class Depth(PerPixel, Uncategorised):
    """Scored on measured pixels only, pooled over pixels but for SILog. δ<1.25 leads: higher is better everywhere."""

    name: str = "depth"
    version: int = 2
    truth_version: int = 1
    needs: tuple[str, ...] = ("depth",)
    measures: tuple[Measure, ...] = (
        Measure("delta1", "δ<1.25", True, 100, 1, "%", "share of pixels within a factor 1.25 of the truth"),
        Measure("rmse", "RMSE", False, 1, 3, "m", "root of the mean squared error"),
        Measure("abs_rel", "AbsRel", False, 1, 3, "", "mean of |error| / truth"),
        Measure("delta2", "δ<1.25²", True, 100, 1, "%", "share of pixels within a factor 1.25² of the truth"),
        Measure("delta3", "δ<1.25³", True, 100, 1, "%", "share of pixels within a factor 1.25³ of the truth"),
        Measure("silog", "SILog", False, 100, 1, "", "spread of the log error within a frame, times 100"),
        Measure("scaled_delta1", "scaled δ<1.25", True, 100, 1, "%", f"δ<1.25 {_SCALED}"),
        Measure("scaled_abs_rel", "scaled AbsRel", False, 1, 3, "", f"AbsRel {_SCALED}"),
    )

    @property
    def form(self) -> PixelMap:
        """Return a map of metres in half precision: 4 mm at 5 m."""
        return PixelMap(np.dtype(np.float16), "planar z in metres", _no_distances, limits={"exclusiveMinimum": 0})

    @property
    def sum_shape(self) -> tuple[int, ...]:
        """One sum for each name in ``DEPTH_SUMS``."""
        return (len(DEPTH_SUMS),)

    def head(self) -> HeadSpec:
        """Ask for ln(metres)."""
        return HeadSpec("dense", 1, "log_l1")

    def targets(self, recording: Recording, rows: np.ndarray) -> np.ndarray:
        """Return metres, (N, H, W) float32; 0 = no measurement."""
        return np.asarray(recording.array("depth")[rows]).astype(np.float32) / 1000

    def encode_prediction(self, output: np.ndarray) -> np.ndarray:
        """Turn (N, 1, H, W) ln(metres) into (N, H, W) float16 metres within the range of a device."""
        log_metres = np.clip(output[:, 0].astype(np.float32), np.log(NEAREST_M), np.log(FARTHEST_M))
        return np.exp(log_metres).astype(np.float16)

    def statistics(self, prediction: np.ndarray, target: np.ndarray, trajectory: np.ndarray) -> Statistics:
        """Reduce metres to error sums per trajectory."""
        ids, group = np.unique(trajectory, return_inverse=True)
        return Statistics(
            trajectory=ids.astype(np.int64),
            frames=np.bincount(group[self.has_truth(target)], minlength=len(ids)).astype(np.int64),
            sums=depth_sums(prediction, target, group, len(ids)),
        )

    def reduced_metrics(self, reduced: np.ndarray) -> dict[str, np.ndarray]:
        """Return every measure, (..., 10) → (...,)."""
        return depth_metrics(reduced)

    def metrics(self, sums: np.ndarray, scope: Scope) -> dict[str, np.ndarray]:
        """Return every measure, (..., 10) → (...,)."""
        return depth_metrics(sums)

    def display(self, values: np.ndarray, target: np.ndarray, rgb: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show metres as the recording's depth is shown."""
        return self.masked(_metres_shown(values), target)

    def sketch(self, values: np.ndarray, row: int, views: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show metres as the recording's depth is shown."""
        return _metres_shown(values)

    def in_words(self, prediction: np.ndarray, target: np.ndarray) -> str:
        """Name the median error."""
        known = target > 0
        error = np.abs(prediction[known].astype(np.float64) - target[known])
        return f"median error {100 * np.median(error):.0f} cm"


def _metres_shown(values: np.ndarray) -> np.ndarray:
    millimetres = np.clip(values[0].astype(np.float32) * 1000, 0, 65535).astype(np.uint16)
    return np.asarray(modality("depth").display(millimetres))


def _no_distances(prediction: np.ndarray) -> str:
    """Name values that are not a distance."""
    if not np.isfinite(prediction).all():
        return f"{int((~np.isfinite(prediction)).sum())} values are NaN or infinite"
    if (prediction <= 0).any():
        return f"{int((prediction <= 0).sum())} values are not above 0 m"
    return ""


DEPTH = Depth()
