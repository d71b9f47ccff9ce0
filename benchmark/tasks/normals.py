"""Surface normals: which way each pixel's surface faces, in the camera's frame, from RGB alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.forms.pixel_map import PixelMap
from benchmark.metrics.angles import ANGLE_SUMS, BIN_DEG, angle_metrics, angle_sums, angles_deg, is_direction
from benchmark.tasks import HeadSpec, Measure, Scope, Statistics
from benchmark.tasks.pixel_maps import PerPixel
from benchmark.tasks.uncategorised import Uncategorised

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording


@dataclass(frozen=True)
class Normals(PerPixel, Uncategorised):
    """Scored by angle, pooled over pixels with a normal. The share within 11.25° leads: higher is better."""

    name: str = "normals"
    version: int = 1
    truth_version: int = 1
    needs: tuple[str, ...] = ("normals", "depth")
    measures: tuple[Measure, ...] = (
        Measure("within_11", "share within 11.25°", True, 100, 1, "%", "share of pixels whose error is below 11.25°"),
        Measure("within_22", "share within 22.5°", True, 100, 1, "%", "share of pixels whose error is below 22.5°"),
        Measure("within_30", "share within 30°", True, 100, 1, "%", "share of pixels whose error is below 30°"),
        Measure("mean_deg", "mean error", False, 1, 1, "°", "mean angle between prediction and truth"),
        Measure("median_deg", "median error", False, 1, 1, "°", f"median angle, exact to {BIN_DEG}°"),
    )

    @property
    def form(self) -> PixelMap:
        """Return a map of x, y and z in the recording's encoding."""
        meaning = "x, y, z of a unit vector, round((n + 1) · 127.5)"
        return PixelMap(np.dtype(np.uint8), meaning, _no_directions, (3,), {"minimum": 0, "maximum": 255})

    @property
    def sum_shape(self) -> tuple[int, ...]:
        """See :data:`benchmark.metrics.angles.ANGLE_SUMS`."""
        return (ANGLE_SUMS,)

    def head(self) -> HeadSpec:
        """Ask for x, y and z, of any length."""
        return HeadSpec("dense", 3, "cosine")

    def targets(self, recording: Recording, rows: np.ndarray) -> np.ndarray:
        """Return encoded normals, (N, H, W, 3) uint8; 0, 0, 0 where depth was not measured or no normal is stored."""
        normals = np.array(recording.array("normals")[rows])
        normals[(np.asarray(recording.array("depth")[rows]) == 0) | ~is_direction(normals)] = 0
        return normals

    def encode_prediction(self, output: np.ndarray) -> np.ndarray:
        """Turn (N, 3, H, W) vectors into (N, H, W, 3) uint8 unit vectors.

        A vector of length 0 becomes the one that faces the camera, and one that is not finite 0, 0, 0, which is no
        direction.
        """
        vectors = np.moveaxis(output, 1, -1).astype(np.float64)
        finite = np.isfinite(vectors).all(axis=-1)
        vectors[~finite] = 0
        length = np.linalg.norm(vectors, axis=-1, keepdims=True)
        unit = np.where(length == 0, [0.0, 0.0, 1.0], vectors) / np.where(length == 0, 1, length)
        unit[~finite] = -1
        return np.rint((unit + 1) * 127.5).astype(np.uint8)

    def statistics(self, prediction: np.ndarray, target: np.ndarray, trajectory: np.ndarray) -> Statistics:
        """Reduce directions to sums of angles per trajectory."""
        ids, group = np.unique(trajectory, return_inverse=True)
        return Statistics(
            trajectory=ids.astype(np.int64),
            frames=np.bincount(group[self.has_truth(target)], minlength=len(ids)).astype(np.int64),
            sums=angle_sums(prediction, target, group, len(ids)),
        )

    def reduced_metrics(self, reduced: np.ndarray) -> dict[str, np.ndarray]:
        """Return every measure, (..., ANGLE_SUMS) → (...,)."""
        return angle_metrics(reduced)

    def metrics(self, sums: np.ndarray, scope: Scope) -> dict[str, np.ndarray]:
        """Return every measure, (..., ANGLE_SUMS) → (...,)."""
        return angle_metrics(sums)

    def display(self, values: np.ndarray, target: np.ndarray, rgb: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show the encoding as a colour."""
        return self.masked(values[0], target)

    def sketch(self, values: np.ndarray, row: int, views: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show the encoding as a colour."""
        return np.asarray(values[0])

    def in_words(self, prediction: np.ndarray, target: np.ndarray) -> str:
        """Name the median error."""
        known = self.known(target)
        return f"median error {np.median(angles_deg(prediction[known], target[known])):.0f}°"


def _no_directions(prediction: np.ndarray) -> str:
    """Name values that are not of length 1."""
    strange = int((~is_direction(prediction)).sum())
    return f"{strange} values are no unit vectors, round((n + 1) · 127.5)" if strange else ""


NORMALS = Normals()
