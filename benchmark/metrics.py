"""Metrics as arithmetic on sums that add up over frames: arrays in, arrays out, float64, any leading axes."""

from __future__ import annotations

import numpy as np

DEPTH_SUMS = ("pixels", "squared_error", "absolute_relative_error", "delta1_hits")


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


def category_iou(confusion: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each category.

    Pixels whose true category is not scored are left out, as unlabelled ones are; a scored pixel that is
    taken for a category that is not scored is a miss.

    Args:
        confusion: (..., K, K) counts (or weighted counts), truth × prediction.
        scored: (K,) bool.

    Returns:
        (..., K) float64; NaN where a category is not scored or has no true pixel.
    """
    counted = np.where(scored[:, None], confusion, 0).astype(np.float64)
    hits = np.diagonal(counted, axis1=-2, axis2=-1)
    truth = counted.sum(axis=-1)
    union = truth + counted.sum(axis=-2) - hits
    return np.where(truth > 0, hits / np.where(union > 0, union, 1.0), np.nan)


def mean_iou(confusion: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return the mean of :func:`category_iou` over the scored categories with any true pixel, (...,)."""
    return _mean_of_defined(category_iou(confusion, scored))


def pixel_accuracy(confusion: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return the share of scored pixels whose category is right, (...,); NaN without any."""
    counted = np.where(scored[:, None], confusion, 0).astype(np.float64)
    return _ratio(np.trace(counted, axis1=-2, axis2=-1), counted.sum(axis=(-2, -1)))


def depth_sums(prediction: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Sum depth errors over measured pixels, per group of frames.

    Args:
        prediction: (N, H, W) metres, above 0.
        target: (N, H, W) metres; 0 = no measurement, not counted.
        group: (N,) index 0…groups − 1 of each frame.

    Returns:
        (groups, 4) float64 in the order of ``DEPTH_SUMS``.
    """
    sums = np.zeros((groups, len(DEPTH_SUMS)))
    for index in range(groups):
        frames = group == index
        measured = target[frames] > 0
        truth = target[frames][measured].astype(np.float64)
        guess = prediction[frames][measured].astype(np.float64)
        error = guess - truth
        ratio = np.maximum(guess / truth, truth / guess)
        sums[index] = truth.size, (error**2).sum(), (np.abs(error) / truth).sum(), (ratio < 1.25).sum()
    return sums


def depth_metrics(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return ``delta1`` (share within a factor 1.25), ``rmse`` (metres) and ``abs_rel`` from (..., 4) sums.

    All are pooled over pixels (Eigen et al. 2014); NaN where nothing was measured.
    """
    pixels, squared, relative, hits = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    return {
        "delta1": _ratio(hits, pixels),
        "rmse": np.sqrt(_ratio(squared, pixels)),
        "abs_rel": _ratio(relative, pixels),
    }


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    defined = np.isfinite(values)
    return _ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1))
