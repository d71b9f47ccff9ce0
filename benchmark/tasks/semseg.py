"""Semantic segmentation: which evaluation category every pixel belongs to, from RGB alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.forms.pixel_map import PixelMap
from benchmark.metrics.overlap import (
    boundary_overlap_sums,
    category_iou,
    confusion_matrices,
    mean_iou,
    overlap_sums,
    pixel_accuracy,
)
from benchmark.tasks import HeadSpec, Measure, Scope, Statistics
from benchmark.tasks.pixel_maps import PerPixel
from sim_envs.taxonomy import NYU40, Taxonomy

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording

SMALLEST_SHARE = 0.0002
"""A category counts in a space when at least this share of the labelled pixels there belongs to it: the IoU
of a few hundred pixels is noise that would weigh as much in the mean as the IoU of the walls."""


@dataclass(frozen=True)
class SemSeg(PerPixel):
    """Scored by mIoU over the categories that the space shows and transfer training could have taught."""

    taxonomy: Taxonomy = NYU40
    name: str = "semseg"
    version: int = 2
    truth_version: int = 1
    needs: tuple[str, ...] = ("semantic",)
    category_unit: str = "pixels"
    measures: tuple[Measure, ...] = (
        Measure("miou", "mIoU", True, 100, 1, "%", "mean intersection over union of the scored categories"),
        Measure(
            "pixel_accuracy",
            "pixel accuracy",
            True,
            100,
            1,
            "%",
            "share of scored pixels with the right category",
        ),
        Measure(
            "boundary_iou",
            "boundary IoU",
            True,
            100,
            1,
            "%",
            "mean intersection over union of boundaries, 2 % of the diagonal wide, of the scored categories",
        ),
    )

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the evaluation ids 1…K."""
        return self.taxonomy.categories

    @property
    def form(self) -> PixelMap:
        """Return a map of evaluation ids."""
        last = len(self.categories)
        limits = {"minimum": 1, "maximum": last}
        return PixelMap(np.dtype(np.uint8), f"category id, 1 to {last}", self._no_ids, limits=limits)

    @property
    def sum_shape(self) -> tuple[int, ...]:
        """Confusion matrices, truth × prediction, without the ignored id 0, of pixels on and off boundaries."""
        return (2, 2, len(self.categories), len(self.categories))

    def head(self) -> HeadSpec:
        """Ask for one score a category; channel c is evaluation id c + 1."""
        return HeadSpec("dense", len(self.categories), "cross_entropy")

    def targets(self, recording: Recording, rows: np.ndarray) -> np.ndarray:
        """Return evaluation ids, (N, H, W) uint8; 0 = ignored."""
        lookup = self.taxonomy.lookup(recording.meta.categories)
        return lookup.take(np.asarray(recording.array("semantic")[rows]))  # twice as fast as indexing

    def encode_prediction(self, output: np.ndarray) -> np.ndarray:
        """Turn (N, K, H, W) scores into (N, H, W) uint8 ids of the best one."""
        return (output.argmax(axis=1) + 1).astype(np.uint8)

    def statistics(self, prediction: np.ndarray, target: np.ndarray, trajectory: np.ndarray) -> Statistics:
        """Reduce ids to confusion matrices per trajectory."""
        ids, group = np.unique(trajectory, return_inverse=True)
        return Statistics(
            trajectory=ids.astype(np.int64),
            frames=np.bincount(group[self.has_truth(target)], minlength=len(ids)).astype(np.int64),
            sums=confusion_matrices(prediction, target, group, len(ids), len(self.categories)),
        )

    def seen(self, targets: Iterable[np.ndarray]) -> tuple[int, ...]:
        """Return the evaluation ids that occur, ascending."""
        counts = sum((self.count_categories(target) for target in targets), np.zeros(len(self.categories), np.int64))
        return tuple(int(i) + 1 for i in np.flatnonzero(counts))

    def count_categories(self, target: np.ndarray) -> np.ndarray:
        """Return the labelled pixels of each category, (K,)."""
        return np.bincount(target.ravel(), minlength=len(self.categories) + 1)[1:].astype(np.int64)

    def scope(self, total: np.ndarray, seen: tuple[int, ...]) -> Scope:
        """Score what the space shows (``SMALLEST_SHARE``) and what transfer training has seen."""
        pixels = self.category_truth(total)
        enough = pixels / max(int(pixels.sum()), 1) >= SMALLEST_SHARE
        too_few = f"fewer than {100 * SMALLEST_SHARE:g} % of the labelled pixels"
        return Scope.of_categories(self.categories, pixels, seen, enough, too_few)

    def lacking(self, categories: Sequence[str]) -> tuple[str, ...]:
        """Return the evaluation categories that no source category of a space means."""
        return tuple(self.taxonomy.lacking(categories))

    def reduced(self, sums: np.ndarray, scope: Scope) -> np.ndarray:
        """Return right, true and predicted pixels of each category, of masks and of boundaries, (..., 2, 3, K)."""
        mask = self._mask(scope)
        whole = overlap_sums(sums.sum(axis=(-4, -3)), mask)
        return np.stack([whole, boundary_overlap_sums(sums, mask)], axis=-3)

    def reduced_metrics(self, reduced: np.ndarray) -> dict[str, np.ndarray]:
        """Return every measure, (..., 2, 3, K) → (...,)."""
        whole, boundary = reduced[..., 0, :, :], reduced[..., 1, :, :]
        return {
            "miou": mean_iou(whole),
            "pixel_accuracy": pixel_accuracy(whole),
            "boundary_iou": mean_iou(boundary),
        }

    def metrics(self, sums: np.ndarray, scope: Scope) -> dict[str, np.ndarray]:
        """Return every measure, (..., 2, 2, K, K) → (...,)."""
        return self.reduced_metrics(self.reduced(sums, scope))

    def per_category(self, sums: np.ndarray, scope: Scope) -> np.ndarray:
        """Return the IoU of each category, (..., K)."""
        return category_iou(self.reduced(sums, scope)[..., 0, :, :])

    def category_truth(self, total: np.ndarray) -> np.ndarray:
        """Return the labelled pixels of each category, (K,)."""
        return np.asarray(total.sum(axis=(0, 1, 3)))

    def display(self, values: np.ndarray, target: np.ndarray, rgb: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show each id in its colour."""
        return self.masked(colours[values[0]], target)

    def sketch(self, values: np.ndarray, row: int, views: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show each id in its colour."""
        return np.asarray(colours[values[0]])

    def in_words(self, prediction: np.ndarray, target: np.ndarray) -> str:
        """Name the share of labelled pixels with the right category."""
        return f"{100 * (prediction == target)[target > 0].mean():.0f} % of pixels right"

    def _no_ids(self, prediction: np.ndarray) -> str:
        """Name ids that no category has."""
        if prediction.min() >= 1 and prediction.max() <= len(self.categories):
            return ""
        known = (prediction >= 1) & (prediction <= len(self.categories))
        strange = ", ".join(str(i) for i in np.unique(prediction[~known])[:5])
        count, last = int((~known).sum()), len(self.categories)
        return f"{count} values are no category id (ids run from 1 to {last}): {strange}"

    def _mask(self, scope: Scope) -> np.ndarray:
        mask = np.zeros(len(self.categories), bool)
        mask[np.asarray(scope.scored, int) - 1] = True
        return mask


SEMSEG = SemSeg()
