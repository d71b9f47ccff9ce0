"""Agreement of categories: confusion matrices, intersection over union, accuracy."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.ratios import ratio


def confusion_matrices(
    prediction: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int, classes: int
) -> np.ndarray:
    """Count (truth, prediction) pairs per group of frames.

    Args:
        prediction: (N, H, W) ids 1…classes.
        target: (N, H, W) ids 0…classes; 0 is not counted.
        group: (N,) index 0…groups − 1 of each frame.

    Returns:
        (groups, classes, classes) int64; entry [g, t − 1, p − 1].
    """
    counts = np.zeros((groups, classes, classes), np.int64)
    for index in range(groups):
        frames = group == index
        truth = target[frames].ravel()
        labelled = truth > 0
        pairs = (truth[labelled].astype(np.int64) - 1) * classes + prediction[frames].ravel()[labelled] - 1
        counts[index] = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    return counts


def overlap_sums(confusion: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Reduce confusion matrices to what IoU and accuracy depend on; linear, so it commutes with summing.

    Pixels whose true category is not scored are left out, as unlabelled ones are; a scored pixel that is
    taken for a category that is not scored is a miss.

    Args:
        confusion: (..., K, K) counts, truth × prediction.
        scored: (K,) bool.

    Returns:
        (..., 3, K) float64: pixels that are right, that are true, and that are predicted, of each category.
    """
    counted = np.asarray(confusion)[..., scored, :]
    sums = np.zeros((*confusion.shape[:-2], 3, len(scored)))
    rows = np.flatnonzero(scored)
    sums[..., 0, rows] = counted[..., np.arange(len(rows)), rows]
    sums[..., 1, rows] = counted.sum(axis=-1)
    sums[..., 2, :] = counted.sum(axis=-2)
    return sums


def category_iou(overlaps: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each category.

    Args:
        overlaps: (..., 3, K) from :func:`overlap_sums`.

    Returns:
        (..., K) float64; NaN where a category is not scored or has no true pixel.
    """
    hits, truth, predicted = np.moveaxis(overlaps, -2, 0)
    return np.where(truth > 0, ratio(hits, truth + predicted - hits), np.nan)


def mean_iou(overlaps: np.ndarray) -> np.ndarray:
    """Return the mean of :func:`category_iou` over the scored categories with any true pixel, (...,)."""
    return _mean_of_defined(category_iou(overlaps))


def pixel_accuracy(overlaps: np.ndarray) -> np.ndarray:
    """Return the share of scored pixels whose category is right, (...,); NaN without any."""
    return ratio(overlaps[..., 0, :].sum(axis=-1), overlaps[..., 1, :].sum(axis=-1))


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1))
